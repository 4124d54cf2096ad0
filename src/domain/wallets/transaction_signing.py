"""A signing: one form of a transaction, with fees of its own. All forms share a nonce, so that one can be mined."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from attrs import evolve, field, frozen

from domain.shared.evm_types import BaseUnits, TransactionHash

MOST_SIGNINGS = 20
"""So often a transaction is signed at most; fees grow by an eighth every time."""


class SigningKind(StrEnum):
    """What a form is for: the transaction itself, the same for more, or nothing but using up the nonce."""

    ORIGINAL = "original"
    BUMP = "bump"
    CANCEL = "cancel"


@frozen(kw_only=True)
class Price:
    """What a form may use: units of gas, and what each may cost and give to the block's maker, in wei."""

    gas: int
    max_fee: BaseUnits
    priority_fee: BaseUnits

    @property
    def most(self) -> BaseUnits:
        """Return what the fee can come to."""
        return BaseUnits(self.gas * self.max_fee)

    def above(self, others: Sequence["TransactionSigning"]) -> Self:
        """Return the price, raised so far that nodes take it in place of all earlier forms: an eighth more of both."""
        max_fee = max([self.max_fee, *(_raised(each.max_fee) for each in others)])
        priority = max([self.priority_fee, *(_raised(each.priority_fee) for each in others)])
        return evolve(self, max_fee=BaseUnits(max(max_fee, priority)), priority_fee=BaseUnits(priority))


def _raised(fee: int) -> int:
    return max(-(-fee * 9 // 8), fee + 1)


@frozen(kw_only=True)
class TransactionSigning:
    """One form. Its fees are settled before anybody signs, and its bytes are kept before they are sent.

    Attributes:
        hash: what the chain knows it by; None until it is signed.
        raw: the signed bytes in hexadecimal digits, sent as often as needed and never signed anew.
        refused: why no node took it, the last time it was sent.
    """

    id: UUID
    number: int
    kind: SigningKind
    gas: int
    max_fee: BaseUnits
    priority_fee: BaseUnits
    planned_at: datetime
    hash: TransactionHash | None = None
    raw: str | None = field(default=None, repr=False)
    signed_at: datetime | None = None
    broadcast_at: datetime | None = None
    refused: str | None = None

    @property
    def price(self) -> Price:
        """Return what it may use."""
        return Price(gas=self.gas, max_fee=self.max_fee, priority_fee=self.priority_fee)

    def signed(self, raw: str, hash: TransactionHash, now: datetime) -> Self:  # noqa: A002 - what it is called everywhere
        """Return the form with its signature."""
        return evolve(self, raw=raw, hash=hash, signed_at=now)

    def sent(self, now: datetime) -> Self:
        """Return the form as a node has it; the first time counts."""
        return evolve(self, broadcast_at=self.broadcast_at or now, refused=None)

    def turned_away(self, code: str) -> Self:
        """Return the form as one that no node takes at present."""
        return evolve(self, refused=code)
