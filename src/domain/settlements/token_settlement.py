"""A settlement: a buyer's authorization on its way to being executed by the token's contract."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.settlements.authorization import Authorization
from domain.settlements.demand import Offer
from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError, InvalidTransition
from domain.shared.events import DomainEvent
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import (
    AcceptedTokenId,
    OrganizationId,
    PaymentAttemptId,
    PaymentOrderId,
    TokenSettlementId,
    WalletTransactionId,
)


class PaymentAuthorizationUsed(DuplicateError):
    """The authorization was presented before, here or by anybody else's buyer: it pays once."""

    code = "payment_authorization_used"
    summary = "This authorization was presented before; sign a new one."


class SettlementStatus(StrEnum):
    """What is known. Pending goes on until the chain has decided, and both ends are final."""

    PENDING = "pending"
    SETTLED = "settled"
    REFUSED = "refused"


class SettlementFailure(StrEnum):
    """Why an authorization was not settled."""

    NOT_NEEDED = "payment_not_needed"
    BALANCE_INSUFFICIENT = "token_balance_insufficient"
    USED_ELSEWHERE = "authorization_used_elsewhere"
    WOULD_REVERT = "settlement_would_revert"
    EXPIRED = "authorization_expired"
    CANCELLED = "authorization_cancelled"


@frozen(kw_only=True)
class TokenSettlementBegunEvent(DomainEvent):
    """A buyer authorized a payment in a token, and it is about to be executed."""

    verb: ClassVar[str] = "begun"
    payment_order_id: PaymentOrderId
    chain_id: int
    token: Address
    payer: Address
    amount: BaseUnits


@frozen(kw_only=True)
class TokenSettlementSubmittedEvent(DomainEvent):
    """A transaction was made for it; from here on anybody may see the authorization and execute it."""

    verb: ClassVar[str] = "submitted"
    transaction_id: WalletTransactionId


@frozen(kw_only=True)
class TokenSettlementSettledEvent(DomainEvent):
    """The token moved, and so many blocks ago that it stays so."""

    verb: ClassVar[str] = "settled"
    payment_order_id: PaymentOrderId
    amount: BaseUnits
    transaction_hash: TransactionHash


@frozen(kw_only=True)
class TokenSettlementRefusedEvent(DomainEvent):
    """The token did not move for it, and will not."""

    verb: ClassVar[str] = "refused"
    payment_order_id: PaymentOrderId
    failure_code: str


@define(kw_only=True, eq=False)
class TokenSettlement(Entity):
    """One attempt to pay an order in a token.

    The fields from ``chain_id`` to ``signature`` are the authorization; whoever has them may execute it, to the same
    effect. ``first_block`` is the last block in which it was certainly unused. ``transaction_hash`` names the
    transaction in which the token moved, which may be somebody else's.
    """

    kind: ClassVar[str] = "token_settlement"

    id: TokenSettlementId
    payment_order_id: PaymentOrderId
    attempt_id: PaymentAttemptId
    accepted_token_id: AcceptedTokenId
    chain_id: int
    token: Address
    payer: Address
    pay_to: Address
    amount: BaseUnits
    valid_after: int
    valid_before: int
    nonce: str
    signature: str = field(repr=False)
    status: SettlementStatus = SettlementStatus.PENDING
    transaction_id: WalletTransactionId | None = None
    first_block: int | None = None
    transaction_hash: TransactionHash | None = None
    failure_code: SettlementFailure | None = None
    settled_at: datetime | None = None
    refused_at: datetime | None = None

    @classmethod
    def begin(
        cls, offer: Offer, authorization: Authorization, signature: bytes, *, id: TokenSettlementId,
        organization_id: OrganizationId, payment_order_id: PaymentOrderId, attempt_id: PaymentAttemptId, now: datetime,
    ) -> Self:  # fmt: skip
        """Take a verified authorization that pays an order."""
        settlement = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, payment_order_id=payment_order_id,
            attempt_id=attempt_id, accepted_token_id=offer.accepted_token_id, chain_id=offer.chain_id,
            token=offer.token, payer=authorization.payer, pay_to=authorization.recipient, amount=authorization.amount,
            valid_after=authorization.valid_after, valid_before=authorization.valid_before, nonce=authorization.nonce,
            signature="0x" + signature.hex(),
        )  # fmt: skip
        begun = TokenSettlementBegunEvent(
            payment_order_id=payment_order_id, chain_id=offer.chain_id, token=offer.token, payer=authorization.payer,
            amount=authorization.amount,
        )  # fmt: skip
        settlement.record(begun, now)
        return settlement

    @property
    def authorization(self) -> Authorization:
        """What the payer signed."""
        return Authorization(
            payer=self.payer, recipient=self.pay_to, amount=self.amount, valid_after=self.valid_after,
            valid_before=self.valid_before, nonce=self.nonce,
        )  # fmt: skip

    @property
    def authorization_key(self) -> str:
        """A digest of what no two settlements of any organization share: a contract counts a payer's nonces."""
        named = f"{self.chain_id}:{self.token}:{self.payer}:{self.nonce}"
        return hashlib.sha256(named.encode()).hexdigest()

    @property
    def call_data(self) -> bytes:
        """The input that has the token execute it."""
        return self.authorization.transfer_call(bytes.fromhex(self.signature[2:]))

    @property
    def is_pending(self) -> bool:
        """Whether the chain has yet to decide."""
        return self.status is SettlementStatus.PENDING

    @property
    def is_released(self) -> bool:
        """Whether others than payer and organization may have seen the signature."""
        return self.first_block is not None

    def submit(self, transaction_id: WalletTransactionId, first_block: int, now: datetime) -> None:
        """Note which transaction executes it, and that it was unused in ``first_block``.

        Another transaction may follow one that ended without executing it; where to look from stays the same.

        Raises:
            InvalidTransition: the settlement is at its end.
        """
        if not self.is_pending:
            raise InvalidTransition(status=self.status.value)
        self.transaction_id = transaction_id
        self.first_block = first_block if self.first_block is None else self.first_block
        self.record(TokenSettlementSubmittedEvent(transaction_id=transaction_id), now)

    def settle(self, transaction_hash: TransactionHash, now: datetime) -> None:
        """Note that the token moved, for certain.

        Raises:
            InvalidTransition: the settlement is at its end.
        """
        self._end(SettlementStatus.SETTLED)
        self.transaction_hash, self.settled_at = transaction_hash, now
        settled = TokenSettlementSettledEvent(
            payment_order_id=self.payment_order_id, amount=self.amount, transaction_hash=transaction_hash
        )
        self.record(settled, now)

    def refuse(self, failure: SettlementFailure, now: datetime) -> None:
        """Note that it will never be settled.

        Raises:
            InvalidTransition: the settlement is at its end.
        """
        self._end(SettlementStatus.REFUSED)
        self.failure_code, self.refused_at = failure, now
        refused = TokenSettlementRefusedEvent(payment_order_id=self.payment_order_id, failure_code=failure.value)
        self.record(refused, now)

    def _end(self, status: SettlementStatus) -> None:
        if not self.is_pending:
            raise InvalidTransition(status=self.status.value)
        self.status = status
