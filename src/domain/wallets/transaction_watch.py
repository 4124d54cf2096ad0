"""How a wallet's transaction follows its chain, which may change its mind."""

from datetime import datetime, timedelta

from attrs import define

from domain.shared.evm_types import TransactionHash
from domain.wallets import wallet_transaction_events as events
from domain.wallets.transaction_record import TransactionRecord
from domain.wallets.transaction_sighting import Mined, Sighting
from domain.wallets.transaction_signing import SigningKind
from domain.wallets.transaction_status import WalletTransactionStatus

STUCK_AFTER = timedelta(minutes=10)
"""Whoever waits longer for a block should be looked after."""

CANCELLED, NONCE_TAKEN, REVERTED = "cancelled", "nonce_taken", "reverted"
_S = WalletTransactionStatus


@define(kw_only=True, eq=False)
class WatchedTransaction(TransactionRecord):
    """What the chain shows decides, whichever form it is that was mined. Looking twice changes nothing."""

    def look(self, sighting: Sighting, now: datetime) -> None:
        """Learn what the chain shows now; what was mined may be undone until it is deep enough."""
        if self.is_final or not self.signings:
            return
        if sighting.mined is not None:
            self._be_mined(sighting.mined, now)
            if sighting.final:
                self._settle(sighting.mined, now)
            return
        if self.status is _S.MINED:
            self._roll_back(now)
        if sighting.nonce_gone:
            # All forms were looked for after that was read, so it was none of them.
            self._be_replaced(NONCE_TAKEN, now)
        elif self.status is _S.BROADCAST and not (sighting.known or sighting.nonce_used):
            self._update_status(_S.DROPPED, now)
            self.record(events.WalletTransactionDroppedEvent(), now)
        elif self.broadcast_at is not None and now - self.broadcast_at > STUCK_AFTER:
            self._need_attention("not_mined", now)

    def _be_mined(self, mined: Mined, now: datetime) -> None:
        if self.status is _S.MINED and (self.transaction_hash, self.block_hash) == (mined.hash, mined.block_hash):
            return
        if self.status is _S.MINED:
            self._roll_back(now)
        self._update_status(_S.MINED, now)
        self.transaction_hash, self.block_number, self.block_hash = mined.hash, mined.block_number, mined.block_hash
        self.succeeded, self.gas_used, self.fee = mined.succeeded, mined.gas_used, mined.fee
        self.contract, self.obstacle = mined.contract, None
        event = events.WalletTransactionMinedEvent(
            transaction_hash=mined.hash, block_number=mined.block_number, succeeded=mined.succeeded
        )
        self.record(event, now)

    def _settle(self, mined: Mined, now: datetime) -> None:
        """End; the block will not be undone any more."""
        self.wanted, self.attention_at = None, None
        if any(each.hash == mined.hash and each.kind is SigningKind.CANCEL for each in self.signings):
            self._be_replaced(self.failure_code or CANCELLED, now)
        elif mined.succeeded:
            self._update_status(_S.CONFIRMED, now)
            self.failure_code = self.failure_reason = None
            self._record_moved(mined.hash, mined.block_number, now)
        else:
            self._update_status(_S.REVERTED, now)
            self.failure_code = REVERTED
            reverted = events.WalletTransactionRevertedEvent(
                wallet_id=self.wallet_id, transaction_hash=mined.hash, fee=mined.fee
            )
            self.record(reverted, now)

    def _record_moved(self, hash: TransactionHash, block_number: int, now: datetime) -> None:  # noqa: A002 - its name
        moved = events.WalletTransactionEvent(
            wallet_id=self.wallet_id, chain_id=self.chain_id, direction=self.direction, transaction_hash=hash,
            block_number=block_number, value=self.value, token_address=self.token_address,
            token_amount=self.token_amount, counterparty=self.counterparty, fee=self.fee,
        )  # fmt: skip
        self.record(moved, now)

    def _roll_back(self, now: datetime) -> None:
        undone = self.block_number or 0
        self._update_status(_S.BROADCAST, now)
        self.transaction_hash = self.block_number = self.block_hash = None
        self.succeeded = self.gas_used = self.fee = self.contract = None
        self.record(events.WalletTransactionRolledBackEvent(block_number=undone), now)

    def _be_replaced(self, code: str, now: datetime) -> None:
        self._update_status(_S.REPLACED, now)
        self.failure_code = code
        self.record(events.WalletTransactionReplacedEvent(wallet_id=self.wallet_id, failure_code=code), now)
