"""What is kept of a wallet's transaction, and the one way its status changes."""

from datetime import datetime
from uuid import UUID

from attrs import define, field

from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition
from domain.shared.evm_types import NOTHING, Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId
from domain.wallets import wallet_transaction_events as events
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_intent import NO_DATA
from domain.wallets.transaction_signing import SigningKind, TransactionSigning
from domain.wallets.transaction_status import FINAL, TIMESTAMPS, TRANSITIONS, WalletTransactionStatus


@define(kw_only=True, eq=False)
class TransactionRecord(Entity):
    """What was asked for, under which nonce and in which forms, and what the chain made of it.

    Attributes:
        counterparty: who gets what goes out, or whom what came in is from.
        nonce: its place among the transactions of its sender; None until it has one.
        reserved: what it can cost in coins, fee included, as long as it waits for a block.
        wanted: the kind of one more form that was asked for and has no fees yet.
        transaction_hash: the form that is in a block; of what came in, the transaction.
        log_index: which of a transaction's transfers came in; -1 for the chain's own coin, None for what goes out.
        succeeded: whether it did what it should, as far as the block says.
        obstacle: why it does not get on at present.
    """

    wallet_id: WalletId
    chain_id: int
    direction: TransactionDirection = TransactionDirection.OUT
    status: WalletTransactionStatus = WalletTransactionStatus.CREATED
    sender: Address
    recipient: Address | None
    value: BaseUnits = NOTHING
    data: str = NO_DATA
    token_address: Address | None = None
    token_amount: BaseUnits | None = None
    counterparty: Address | None = None
    purpose: str = ""
    origin_kind: str | None = None
    origin_id: UUID | None = None
    nonce: int | None = None
    reserved: BaseUnits = NOTHING
    wanted: SigningKind | None = None
    transaction_hash: TransactionHash | None = None
    log_index: int | None = None
    block_number: int | None = None
    block_hash: str | None = None
    succeeded: bool | None = None
    gas_used: int | None = None
    fee: BaseUnits | None = None
    contract: Address | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    obstacle: str | None = None
    attention_at: datetime | None = None
    signings: list[TransactionSigning] = field(factory=list)
    signed_at: datetime | None = None
    broadcast_at: datetime | None = None
    mined_at: datetime | None = None
    confirmed_at: datetime | None = None
    dropped_at: datetime | None = None
    replaced_at: datetime | None = None
    reverted_at: datetime | None = None
    failed_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in FINAL

    @property
    def current(self) -> TransactionSigning:
        """Return the form that is signed and sent: the latest that nodes do not turn away, or else the latest.

        Raises:
            InvalidTransition: it has no nonce yet, and so no form.
        """
        if not self.signings:
            raise InvalidTransition(status=self.status.value)
        welcome = [each for each in self.signings if each.refused is None]
        return (welcome or self.signings)[-1]

    @property
    def place(self) -> int:
        """Return its nonce.

        Raises:
            InvalidTransition: it has none yet.
        """
        if self.nonce is None:
            raise InvalidTransition(status=self.status.value)
        return self.nonce

    def _update_status(self, to: WalletTransactionStatus, now: datetime) -> None:
        """Make a move of the table and note its time; nothing else does either.

        Raises:
            InvalidTransition: there is no such move.
        """
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition(status=self.status.value)
        self.status = to
        setattr(self, TIMESTAMPS[to], now)

    def _replace(self, old: TransactionSigning, new: TransactionSigning) -> None:
        self.signings = [new if each is old else each for each in self.signings]

    def _need_attention(self, why: str, now: datetime) -> None:
        """Have a person look, once for every obstacle."""
        if self.attention_at is None:
            self.attention_at = now
            self.record(events.WalletTransactionNeedsAttentionEvent(why=why), now)
