"""A wallet's transaction: from the wish to send something to what its chain made of it, and what came in."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from attrs import define, evolve

from domain.shared.errors import InvalidTransition
from domain.shared.evm_types import NOTHING, Address, BaseUnits, TransactionHash
from domain.shared.ids import OrganizationId, WalletId, WalletTransactionId
from domain.wallets import wallet_transaction_events as events
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_errors import TransactionReplacedTooOften
from domain.wallets.transaction_intent import Intent, Origin
from domain.wallets.transaction_sighting import Arrival
from domain.wallets.transaction_signing import MOST_SIGNINGS, Price, SigningKind, TransactionSigning
from domain.wallets.transaction_status import PENDING, WalletTransactionStatus
from domain.wallets.transaction_watch import CANCELLED, WatchedTransaction

_S = WalletTransactionStatus
_MOST_RAISES = 4
"""So many forms that nodes turn away are priced higher without being asked."""


class TransactionStep(StrEnum):
    """What has to be done about a transaction next."""

    PREPARE = "prepare"
    PRICE = "price"
    SIGN = "sign"
    BROADCAST = "broadcast"
    WATCH = "watch"
    NOTHING = "nothing"


class Refusal(StrEnum):
    """Why a node does not take a form."""

    UNDERPRICED = "underpriced"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BROADCAST_REFUSED = "broadcast_refused"
    SIGNER_REFUSED = "signer_refused"


_FOR_GOOD = (Refusal.BROADCAST_REFUSED, Refusal.SIGNER_REFUSED)


@define(kw_only=True, eq=False)
class WalletTransaction(WatchedTransaction):
    """Every step is kept before the next is taken, so whoever dies in between leaves what the next one needs.

    A nonce that was given to a transaction is used up by it whatever happens: by one of its forms, of which the last
    may do nothing else.
    """

    kind: ClassVar[str] = "wallet_transaction"

    id: WalletTransactionId

    @classmethod
    def request(
        cls, intent: Intent, *, id: WalletTransactionId, organization_id: OrganizationId, wallet_id: WalletId,
        chain_id: int, sender: Address, origin: Origin | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Note down what a wallet is to send."""
        transaction = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, wallet_id=wallet_id,
            chain_id=chain_id, sender=sender, recipient=intent.to, value=intent.value, data=intent.data,
            token_address=intent.token, token_amount=intent.token_amount, counterparty=intent.counterparty,
            purpose=intent.purpose, origin_kind=None if origin is None else origin.kind,
            origin_id=None if origin is None else origin.id,
        )  # fmt: skip
        created = events.WalletTransactionCreatedEvent(
            wallet_id=wallet_id, chain_id=chain_id, recipient=intent.to, value=intent.value, token_address=intent.token,
            token_amount=intent.token_amount,
        )  # fmt: skip
        transaction.record(created, now)
        return transaction

    @property
    def next_step(self) -> TransactionStep:
        """Return what has to be done next."""
        if self.is_final:
            return TransactionStep.NOTHING
        if not self.signings:
            return TransactionStep.PREPARE
        if self.status is _S.MINED:
            return TransactionStep.WATCH
        if self.wanted is not None:
            return TransactionStep.PRICE
        if self.current.hash is None:
            return TransactionStep.SIGN
        sent = self.current.broadcast_at is not None and self.current.refused is None
        return TransactionStep.WATCH if sent and self.status is not _S.DROPPED else TransactionStep.BROADCAST

    @property
    def waits(self) -> bool:
        """Whether somebody else has to do something first: the chain, who fills the wallet, or who has its key."""
        step = self.next_step
        refused = step in (TransactionStep.SIGN, TransactionStep.BROADCAST) and self.current.refused is not None
        return refused or step in (TransactionStep.PREPARE, TransactionStep.WATCH)

    def prepare(self, nonce: int, price: Price, *, signing_id: UUID, now: datetime) -> None:
        """Give it its place and its fees.

        Raises:
            InvalidTransition: it has a nonce already, or is at its end.
        """
        if self.next_step is not TransactionStep.PREPARE:
            raise InvalidTransition(status=self.status.value)
        self.nonce, self.obstacle = nonce, None
        self._plan(SigningKind.ORIGINAL, price, signing_id, now)
        self.record(events.WalletTransactionPreparedEvent(wallet_id=self.wallet_id, nonce=nonce), now)

    def fail(self, code: str, now: datetime, *, reason: str | None = None) -> bool:
        """Give up what has no nonce yet; says whether it was given up. Whatever has one has to use it."""
        if self.next_step is not TransactionStep.PREPARE:
            return False
        self._update_status(_S.FAILED, now)
        self.failure_code, self.failure_reason = code, reason
        self.record(events.WalletTransactionFailedEvent(wallet_id=self.wallet_id, failure_code=code), now)
        return True

    def speed_up(self, now: datetime) -> None:
        """Ask for the same with higher fees, in place of what waits; of a cancellation, for that.

        Raises:
            InvalidTransition: nothing of it waits for a block.
            TransactionReplacedTooOften: one more form would help nobody.
        """
        if not self.signings:
            raise InvalidTransition(status=self.status.value)
        self._want(SigningKind.BUMP, now)

    def cancel(self, now: datetime) -> None:
        """Give it up: at once as long as it has no nonce, and else by a form that does nothing, if that is mined.

        Raises:
            InvalidTransition: it is in a block, or at its end.
            TransactionReplacedTooOften: one more form would help nobody.
        """
        if not self.fail(CANCELLED, now):
            self._want(SigningKind.CANCEL, now)

    def replace(self, price: Price, *, signing_id: UUID, now: datetime) -> None:
        """Settle the fees of the form that was asked for, above those of all earlier ones; doing it twice is once."""
        if self.wanted is None or self.status not in PENDING:
            return
        kind, self.wanted = self.wanted, None
        # Only nothing at all costs other gas than what was simulated once.
        price = price if kind is SigningKind.CANCEL else evolve(price, gas=self.signings[0].gas)
        self._plan(kind, price.above(self.signings), signing_id, now)
        planned = events.WalletTransactionReplacementPlannedEvent(signing=kind, max_fee=self.signings[-1].max_fee)
        self.record(planned, now)

    def keep_signature(self, number: int, raw: str, hash: TransactionHash, now: datetime) -> None:  # noqa: A002 - its name
        """Keep a form's signed bytes; the first signature counts, and only what is kept is ever sent."""
        signing = self.signings[number - 1]
        if signing.hash is not None or self.status not in PENDING:
            return
        self._replace(signing, signing.signed(raw, hash, now))
        if self.status is _S.CREATED:
            self._update_status(_S.SIGNED, now)
        self.record(events.WalletTransactionSignedEvent(transaction_hash=hash, signing=signing.kind), now)

    def note_broadcast(self, number: int, now: datetime) -> None:
        """Note that a node has a form; repeating changes nothing."""
        signing = self.signings[number - 1]
        if signing.hash is None or self.status not in PENDING:
            return
        if signing.broadcast_at is not None and signing.refused is None and self.status is _S.BROADCAST:
            return
        again = signing.broadcast_at is not None
        self._replace(signing, signing.sent(now))
        if self.status is not _S.BROADCAST:
            self._update_status(_S.BROADCAST, now)
        self.obstacle = None
        self.record(events.WalletTransactionBroadcastEvent(transaction_hash=signing.hash, again=again), now)

    def be_refused(self, number: int, why: Refusal, now: datetime) -> None:
        """Learn that a form is turned away, and ask for another where that helps; the same news twice is none."""
        signing = self.signings[number - 1]
        if self.status not in PENDING or signing.refused == why.value:
            return
        self._replace(signing, signing.turned_away(why.value))
        self.record(events.WalletTransactionRefusedEvent(why=why.value), now)
        raises = sum(each.refused is not None for each in self.signings)
        if self.wanted is not None:
            return
        if why is Refusal.UNDERPRICED and raises < _MOST_RAISES:
            self.wanted = SigningKind.CANCEL if signing.kind is SigningKind.CANCEL else SigningKind.BUMP
        elif signing.kind is SigningKind.ORIGINAL and signing.broadcast_at is None and why in _FOR_GOOD:
            # The nonce has to be used up, or nothing that comes after it will ever be mined.
            self.wanted, self.failure_code = SigningKind.CANCEL, why.value
        else:
            self.obstacle = why.value
            self._need_attention(why.value, now)

    def _want(self, kind: SigningKind, now: datetime) -> None:
        if self.status not in PENDING:
            raise InvalidTransition(status=self.status.value)
        if len(self.signings) >= MOST_SIGNINGS:
            raise TransactionReplacedTooOften
        cancelled = self.wanted is SigningKind.CANCEL or self.current.kind is SigningKind.CANCEL
        self.wanted = SigningKind.CANCEL if cancelled else kind
        self.record(events.WalletTransactionReplacementRequestedEvent(signing=self.wanted), now)

    def _plan(self, kind: SigningKind, price: Price, signing_id: UUID, now: datetime) -> None:
        signing = TransactionSigning(
            id=signing_id, number=len(self.signings) + 1, kind=kind, gas=price.gas, max_fee=price.max_fee,
            priority_fee=price.priority_fee, planned_at=now,
        )  # fmt: skip
        self.signings = [*self.signings, signing]
        self.reserved = BaseUnits(max(self.reserved, self.value + price.most))

    @classmethod
    def received(
        cls, arrival: Arrival, *, id: WalletTransactionId, organization_id: OrganizationId, wallet_id: WalletId,
        chain_id: int, recipient: Address, now: datetime,
    ) -> Self:  # fmt: skip
        """Note down coins or a token that came in, in a block that will not be undone."""
        coins = arrival.token is None
        transaction = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, wallet_id=wallet_id,
            chain_id=chain_id, direction=TransactionDirection.IN, status=_S.CONFIRMED, sender=arrival.sender,
            recipient=recipient, value=arrival.amount if coins else NOTHING, token_address=arrival.token,
            token_amount=None if coins else arrival.amount, counterparty=arrival.sender,
            transaction_hash=arrival.hash,
            log_index=arrival.log_index, block_number=arrival.block_number, block_hash=arrival.block_hash,
            succeeded=True, confirmed_at=now,
        )  # fmt: skip
        transaction._record_moved(arrival.hash, arrival.block_number, now)
        return transaction
