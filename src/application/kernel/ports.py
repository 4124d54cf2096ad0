"""What use-cases need from the outside world, besides repositories."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.shared.events import EventEnvelope
from domain.shared.ids import OrganizationId, PaymentLinkId, PaymentOrderId
from domain.shared.money import Money


class IClock(Protocol):
    """The time, aware and in UTC."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class IIds(Protocol):
    """Fresh identities."""

    def new(self) -> UUID:
        """Return a UUIDv7, greater than every one this process made before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A fresh API key: ``secret`` is shown once and never stored, ``hash`` is what is kept."""

    secret: str
    hash: str
    prefix: str
    last_four: str


class IAPIKeys(Protocol):
    """Makes API keys and recognises them."""

    def issue(self) -> IssuedKey:
        """Return a fresh key of 192 random bits."""
        ...

    def digest(self, secret: str) -> str | None:
        """Return what would be stored for this key, or None when its checksum is wrong."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message to one address, in plain text and the same as HTML. It may carry a secret and is never logged."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class IMailer(Protocol):
    """Hands messages over to whoever delivers them. Never called inside a transaction."""

    async def send(self, mail: Mail) -> None:
        """Hand over one message; returns when the other side has it, or will never take it.

        Raises:
            MailerUnavailable: it was not taken, and may be later.
        """
        ...


class IPasswordHasher(Protocol):
    """Slow hashing for human passwords."""

    async def hash(self, password: str) -> str:
        """Return an encoded hash."""
        ...

    def ensure_room(self) -> None:
        """Raise ``Unavailable`` if :meth:`verify` would, because too many are waiting."""
        ...

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Compare; for an unknown user (None) it takes as long and returns False."""
        ...

    def needs_rehash(self, encoded: str) -> bool:
        """Say whether the parameters changed since."""
        ...


class ISlugs(Protocol):
    """Unguessable public names."""

    def new(self) -> str:
        """Return a lower-case slug with at least 80 random bits."""
        ...


class ILinkViews(Protocol):
    """Counts who looks at payment links, outside of any transaction."""

    def opened(self, organization_id: OrganizationId, link_id: PaymentLinkId) -> None:
        """Count one look; it shows in the statistics within a second or two, and is lost with a crash until then."""
        ...


class ChargeStatus(StrEnum):
    """What a provider says of one charge."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt to collect money. ``idempotency_key`` is stable over every repetition of the attempt.

    Whose it is and what for is passed on to the provider, whose later notices name it.
    """

    idempotency_key: str
    amount: Money
    token: str
    organization_id: OrganizationId | None = None
    order_id: PaymentOrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """The provider's answer. ``decline_code`` and ``permanent`` tell why, and whether trying again can help.

    ``fee`` is what the provider keeps of a successful charge, in the charge's currency; None when it does not say.
    """

    status: ChargeStatus
    reference: str | None = None
    decline_code: str | None = None
    permanent: bool = False
    fee: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """One refund to be carried out. ``idempotency_key`` is stable over every repetition of it.

    ``charge_reference`` is the provider's name of the successful charge that the money goes back on.
    """

    idempotency_key: str
    charge_reference: str
    amount: Money
    organization_id: OrganizationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepaymentResult:
    """The provider's answer to a refund."""

    status: ChargeStatus
    reference: str | None = None
    decline_code: str | None = None


class IPaymentProvider(Protocol):
    """Moves money outside of Stoa. Never called inside a transaction."""

    @property
    def name(self) -> str:
        """Return what attempts and refunds remember the provider by: lower case, at most 40 characters."""
        ...

    async def charge(self, charge: Charge) -> ChargeResult:
        """Collect, at most once per idempotency key. UNKNOWN when the answer did not arrive.

        Raises:
            PaymentProviderError: the provider certainly did nothing; try again later.
        """
        ...

    async def lookup(self, idempotency_key: str) -> ChargeResult | None:
        """Return what became of a charge, or None when the provider never saw it.

        Raises:
            PaymentProviderError: the provider is not answering.
        """
        ...

    async def refund(self, repayment: Repayment) -> RepaymentResult:
        """Give money back, at most once per idempotency key. UNKNOWN when the answer did not arrive.

        Raises:
            PaymentProviderError: the provider certainly did nothing; try again later.
        """
        ...

    async def lookup_refund(self, repayment: Repayment) -> RepaymentResult | None:
        """Return what became of a refund, or None when the provider never saw it.

        Raises:
            PaymentProviderError: the provider is not answering.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """What a buyer types into a card form. It is never stored, and its representation shows no number."""

    number: str = field(repr=False)
    expiry_month: int
    expiry_year: int
    security_code: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardToken:
    """What stands for a card everywhere else, and what may be shown of it."""

    token: str
    brand: str
    last_four: str
    expiry_month: int
    expiry_year: int
    funding: str


class ITokenizer(Protocol):
    """Turns card details into a provider's token, outside of Stoa's API."""

    def tokenize(self, card: CardDetails) -> CardToken:
        """Return the token of a card; it holds no digit of the number.

        Raises:
            InvalidCardNumber: no card number.
            CardExpired: the card's last month is over, or no month.
            InvalidSecurityCode: not three digits, or four on an American Express card.
        """
        ...


class KycVerdict(StrEnum):
    """How a KYC provider sees a customer."""

    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class KycCheck:
    """One question about a customer. ``idempotency_key`` is stable over every repetition of it."""

    idempotency_key: str
    name: str
    email: str
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KycResult:
    """The provider's answer: ``risk_score`` is 0 (none) to 100, ``reason`` a word for a verdict that is no approval."""

    verdict: KycVerdict
    risk_score: int
    reason: str | None = None


class IKycProvider(Protocol):
    """Knows who customers are. Never called inside a transaction."""

    async def check(self, check: KycCheck) -> KycResult:
        """Judge a customer, with the same answer for the same idempotency key.

        Raises:
            KYCProviderError: the provider is not answering; ask again later.
        """
        ...


class IEventPublisher(Protocol):
    """Delivers events at least once, in the order given."""

    async def publish(self, event: EventEnvelope) -> None:
        """Deliver one event; returns when the other side has it."""
        ...

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        """Deliver many in order; returns when the other side has all of them.

        Raises:
            Unavailable: some were not confirmed; publishing the whole batch again is safe.
        """
        ...
