"""The books: every movement of money as a balanced entry that is never changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError, Invalid
from domain.shared.events import DomainEvent
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import JournalEntryId, OrganizationId, PaymentOrderId
from domain.shared.money import InvalidAmount, Money


class UnbalancedEntry(Invalid):
    """The debits and the credits of an entry differ in some currency."""

    code = "journal_entry_unbalanced"
    summary = "The debits and credits of a journal entry must be equal in every currency."


class EntryAlreadyPosted(DuplicateError):
    """The same movement of money was posted before."""

    code = "journal_entry_already_posted"
    summary = "This movement of money is in the books already."


class Account(StrEnum):
    """The chart of accounts."""

    PROVIDER_CLEARING = "provider_clearing"
    CHAIN_CLEARING = "chain_clearing"
    SALES = "sales"
    PROVIDER_FEES = "provider_fees"
    REFUNDS = "refunds"
    SURPLUS_PAYMENTS = "surplus_payments"


class AccountType(StrEnum):
    """What an account tells of; assets and expenses grow by debits, the others by credits."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    CONTRA_INCOME = "contra_income"
    EXPENSE = "expense"


ACCOUNT_TYPES: Mapping[Account, AccountType] = {
    Account.PROVIDER_CLEARING: AccountType.ASSET,
    Account.CHAIN_CLEARING: AccountType.ASSET,
    Account.SALES: AccountType.INCOME,
    Account.PROVIDER_FEES: AccountType.EXPENSE,
    Account.REFUNDS: AccountType.CONTRA_INCOME,
    Account.SURPLUS_PAYMENTS: AccountType.LIABILITY,
}


class Direction(StrEnum):
    """The side of an account."""

    DEBIT = "debit"
    CREDIT = "credit"


class EntryType(StrEnum):
    """Why money moved."""

    CHARGE = "charge"
    FEE = "fee"
    REFUND = "refund"
    SURPLUS = "surplus"
    SURPLUS_REFUND = "surplus_refund"
    CHAIN_CHARGE = "chain_charge"
    CHAIN_SURPLUS = "chain_surplus"


RULES: Mapping[EntryType, tuple[Account, Account]] = {
    EntryType.CHARGE: (Account.PROVIDER_CLEARING, Account.SALES),
    EntryType.FEE: (Account.PROVIDER_FEES, Account.PROVIDER_CLEARING),
    EntryType.REFUND: (Account.REFUNDS, Account.PROVIDER_CLEARING),
    EntryType.SURPLUS: (Account.PROVIDER_CLEARING, Account.SURPLUS_PAYMENTS),
    EntryType.SURPLUS_REFUND: (Account.SURPLUS_PAYMENTS, Account.PROVIDER_CLEARING),
    EntryType.CHAIN_CHARGE: (Account.CHAIN_CLEARING, Account.SALES),
    EntryType.CHAIN_SURPLUS: (Account.CHAIN_CLEARING, Account.SURPLUS_PAYMENTS),
}
"""For every reason the account that is debited and the one that is credited."""


def types_touching(account: Account) -> tuple[EntryType, ...]:
    """Return the types of entries that move an account."""
    return tuple(sorted(kind for kind, accounts in RULES.items() if account in accounts))


@frozen(kw_only=True)
class Units:
    """How much of which token moved, to the last unit."""

    chain_id: int
    token: Address
    amount: BaseUnits


@frozen(kw_only=True)
class Posting:
    """One line of an entry; ``number`` counts from 1, the amount is above zero."""

    id: UUID
    number: int
    account: Account
    direction: Direction
    amount: Money

    @property
    def signed(self) -> int:
        """The amount in minor units, negative for a credit."""
        return self.amount.minor if self.direction is Direction.DEBIT else -self.amount.minor


@frozen(kw_only=True)
class JournalEntryPostedEvent(DomainEvent):
    """Money moved, and the books know it."""

    verb: ClassVar[str] = "posted"
    type: EntryType
    payment_order_id: PaymentOrderId
    amount: Money


@define(kw_only=True, eq=False)
class JournalEntry(Entity):
    """One movement of money. ``source_id`` is the attempt or the refund behind it: each posts a type once.

    ``lines`` is the number of postings; with the last of them the database sees whether the entry balances. What moved
    on a chain says there how much of which token.
    """

    kind: ClassVar[str] = "journal_entry"

    id: JournalEntryId
    type: EntryType
    payment_order_id: PaymentOrderId
    source_id: UUID
    lines: int
    chain_id: int | None = None
    token: Address | None = None
    token_amount: BaseUnits | None = None
    postings: list[Posting] = field(factory=list)

    @classmethod
    def post(
        cls, type: EntryType, amount: Money, *, organization_id: OrganizationId, payment_order_id: PaymentOrderId,
        source_id: UUID, new_id: Callable[[], UUID], now: datetime, units: Units | None = None,
    ) -> Self:  # fmt: skip
        """Write down a movement of money by the rule of its type; of one on a chain, the token's ``units`` as well.

        Raises:
            InvalidAmount: the amount is not above zero.
        """
        debit, credit = RULES[type]
        lines = ((debit, Direction.DEBIT, amount), (credit, Direction.CREDIT, amount))
        entry = cls.compose(
            type, lines, organization_id=organization_id, payment_order_id=payment_order_id, source_id=source_id,
            new_id=new_id, now=now,
        )  # fmt: skip
        if units is not None:
            entry.chain_id, entry.token, entry.token_amount = units.chain_id, units.token, units.amount
        posted = JournalEntryPostedEvent(type=type, payment_order_id=payment_order_id, amount=amount)
        entry.record(posted, now)
        return entry

    @classmethod
    def compose(
        cls, type: EntryType, lines: Sequence[tuple[Account, Direction, Money]], *, organization_id: OrganizationId,
        payment_order_id: PaymentOrderId, source_id: UUID, new_id: Callable[[], UUID], now: datetime,
    ) -> Self:  # fmt: skip
        """Make an entry of any number of lines, without recording it.

        Raises:
            InvalidAmount: an amount is not above zero.
            UnbalancedEntry: debits and credits differ, or there are none.
        """
        postings = [
            Posting(id=new_id(), number=number, account=account, direction=direction, amount=amount)
            for number, (account, direction, amount) in enumerate(lines, start=1)
        ]
        if not all(posting.amount.is_positive for posting in postings):
            raise InvalidAmount("A posting's amount must be above zero.", path="amount")
        if not postings or any(imbalances(postings)):
            raise UnbalancedEntry
        return cls(
            id=JournalEntryId(new_id()), organization_id=organization_id, created_at=now, updated_at=now, type=type,
            payment_order_id=payment_order_id, source_id=source_id, lines=len(postings), postings=postings,
        )  # fmt: skip


def imbalances(postings: Sequence[Posting]) -> Iterator[str]:
    """Yield the currencies in which debits and credits differ."""
    for currency in sorted({posting.amount.currency for posting in postings}):
        if sum(posting.signed for posting in postings if posting.amount.currency == currency):
            yield currency
