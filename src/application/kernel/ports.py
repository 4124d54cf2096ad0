"""What use-cases need from the outside world, besides repositories."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.shared.events import EventEnvelope
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


class IPasswordHasher(Protocol):
    """Slow hashing for human passwords."""

    async def hash(self, password: str) -> str:
        """Return an encoded hash."""
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


class ChargeStatus(StrEnum):
    """What a provider says of one charge."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One attempt to collect money. ``idempotency_key`` is stable over every repetition of the attempt."""

    idempotency_key: str
    amount: Money
    token: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RepaymentResult:
    """The provider's answer to a refund."""

    status: ChargeStatus
    reference: str | None = None
    decline_code: str | None = None


class IPaymentProvider(Protocol):
    """Moves money outside of Stoa. Never called inside a transaction."""

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
