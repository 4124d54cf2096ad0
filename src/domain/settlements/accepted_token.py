"""A token that an organization takes for money: which one, worth what, and where it goes."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, frozen

from domain.settlements.demand import Demand, Offer
from domain.shared.currencies import EXPONENTS
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, DuplicateError, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.evm_types import MAX_CHAIN_ID, MAX_UNITS, Address, BaseUnits
from domain.shared.ids import AcceptedTokenId, OrganizationId, WalletId
from domain.shared.money import InvalidCurrency, Money
from domain.shared.text import TextRule

SYMBOL = TextRule(max_length=20)
NAME = TextRule(max_length=100)
EIP712_VERSION = TextRule(max_length=20)
MAX_DECIMALS = 36
MOST_OFFERS = 20
"""In so many tokens at most an amount may be paid: those that were accepted first."""
SHORTEST, USUAL, LONGEST = 60, 600, 3600
"""For how many seconds an authorization may be asked to be valid; until then a failed one keeps its order waiting."""


class TokenAlreadyAccepted(DuplicateError):
    """The organization takes this token already."""

    code = "token_already_accepted"
    summary = "This token is accepted already."


class InvalidAcceptedToken(ValidationError):
    """What is said of the token cannot be; ``path`` in the details names the field."""

    code = "accepted_token_invalid"
    summary = "The token cannot be accepted like this."


class TokenWalletUnfit(BusinessRuleViolation):
    """A wallet is on another chain, or has no signer although it is to pay the gas."""

    code = "token_wallet_unfit"
    summary = "The wallet is on another chain than the token, or cannot sign what it has to."


@frozen(kw_only=True)
class AcceptedTokenCreatedEvent(DomainEvent):
    """Orders may be paid in this token from now on."""

    verb: ClassVar[str] = "created"
    chain_id: int
    token: Address
    currency: str
    pay_to: Address


@define(kw_only=True, eq=False)
class AcceptedToken(SoftDeletable):
    """A token that stands for a currency one to one.

    ``name`` and ``eip712_version`` are the contract's own, which authorizations are signed for. ``pay_to`` is the
    address of the wallet that is paid; the facilitator's wallet pays the gas. ``timeout_seconds`` is for how long an
    authorization is asked to be valid.
    """

    kind: ClassVar[str] = "accepted_token"

    id: AcceptedTokenId
    chain_id: int
    token: Address
    symbol: str
    decimals: int
    currency: str
    name: str
    eip712_version: str
    pay_to_wallet_id: WalletId
    pay_to: Address
    facilitator_wallet_id: WalletId
    timeout_seconds: int = USUAL

    @classmethod
    def accept(
        cls, *, id: AcceptedTokenId, organization_id: OrganizationId, chain_id: int, token: Address, symbol: str,
        decimals: int, currency: str, name: str, eip712_version: str, pay_to_wallet_id: WalletId, pay_to: Address,
        facilitator_wallet_id: WalletId, timeout_seconds: int = USUAL, now: datetime,
    ) -> Self:  # fmt: skip
        """Begin to take a token for money.

        Raises:
            InvalidAcceptedToken: chain, decimals or time are out of range.
            InvalidCurrency: the currency is none.
            InvalidText: symbol, name or version are not acceptable.
        """
        if not 1 <= chain_id <= MAX_CHAIN_ID:
            raise InvalidAcceptedToken(path="chain_id")
        if not 0 <= decimals <= MAX_DECIMALS:
            raise InvalidAcceptedToken(path="decimals")
        if currency not in EXPONENTS:
            raise InvalidCurrency(path="currency")
        accepted = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, chain_id=chain_id, token=token,
            symbol=SYMBOL.check(symbol), decimals=decimals, currency=currency,
            name=NAME.check(name), eip712_version=EIP712_VERSION.check(eip712_version),
            pay_to_wallet_id=pay_to_wallet_id, pay_to=pay_to, facilitator_wallet_id=facilitator_wallet_id,
            timeout_seconds=_check_seconds(timeout_seconds),
        )  # fmt: skip
        created = AcceptedTokenCreatedEvent(chain_id=chain_id, token=token, currency=currency, pay_to=pay_to)
        accepted.record(created, now)
        return accepted

    def edit(
        self, now: datetime, *, pay_to_wallet_id: WalletId, pay_to: Address, facilitator_wallet_id: WalletId,
        timeout_seconds: int,
    ) -> None:  # fmt: skip
        """Have it paid elsewhere, by another facilitator or in another time; what was begun goes on as it was.

        Raises:
            InvalidAcceptedToken: the time is out of range.
        """
        self.amend(
            now, pay_to_wallet_id=pay_to_wallet_id, pay_to=pay_to, facilitator_wallet_id=facilitator_wallet_id,
            timeout_seconds=_check_seconds(timeout_seconds),
        )  # fmt: skip

    def units_of(self, amount: Money) -> BaseUnits | None:
        """Return how much of the token an amount is; None when the token is too coarse or the number too large."""
        finer = self.decimals - EXPONENTS[amount.currency]
        units, rest = (amount.minor * 10**finer, 0) if finer >= 0 else divmod(amount.minor, 10**-finer)
        return None if rest or units > MAX_UNITS else BaseUnits(units)

    def offer_for(self, amount: Money) -> Offer | None:
        """Return how an amount is paid in this token, None when it cannot be."""
        units = self.units_of(amount) if amount.currency == self.currency and not self.is_deleted else None
        if units is None:
            return None
        return Offer(
            accepted_token_id=self.id, chain_id=self.chain_id, token=self.token, symbol=self.symbol, amount=units,
            pay_to=self.pay_to, name=self.name, eip712_version=self.eip712_version, seconds=self.timeout_seconds,
        )  # fmt: skip


def demand_of(amount: Money, description: str, tokens: Iterable[AcceptedToken]) -> Demand | None:
    """Return every way to pay an amount in tokens, None when there is none."""
    offers = [offer for token in tokens if (offer := token.offer_for(amount)) is not None]
    return Demand(description=description, offers=tuple(offers)) if offers else None


def _check_seconds(seconds: int) -> int:
    if not SHORTEST <= seconds <= LONGEST:
        raise InvalidAcceptedToken(path="timeout_seconds")
    return seconds
