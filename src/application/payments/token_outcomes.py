"""Recording what the worker did about a buyer's authorization, and what the chain made of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.ports import ChargeStatus, IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.payments.collection import RecordPaymentOutcome, record_payment_outcome
from application.payments.token_paying import SETTLE
from application.settlements.token_settlements import TokenSettlementView
from application.wallets.enqueue import enqueue
from application.wallets.origins import hears_of
from domain.settlements.token_settlement import SettlementFailure, TokenSettlement
from domain.shared.evm_types import TransactionHash
from domain.shared.ids import TokenSettlementId, WalletTransactionId
from domain.wallets.transaction_intent import Intent, Origin
from domain.wallets.transaction_status import SENT_NOTHING

PROVIDER = "x402"
ORIGIN = "token_settlement"
SOONEST, LATEST = timedelta(seconds=2), timedelta(seconds=30)
AFTER_A_FAILURE = timedelta(seconds=15)
"""A transaction that came to nothing is not followed by another one at once: the reason may be gone later."""

_INSIDE = "Only Stoa's own worker knows what a chain made of an authorization."
Block = Annotated[int, Interval(ge=0, le=2**53 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitTokenSettlement:
    """Which settlement, as it was when the chain was asked, and the block in which it was unused and would succeed."""

    id: TokenSettlementId
    seen: int
    block: Block


@use_case(
    "token_settlements.submit", scope=Scope.PLATFORM_OPERATE, internal=_INSIDE, example={"seen": 1, "block": 81},
    statements=14,
)  # fmt: skip
async def submit_token_settlement(
    cmd: SubmitTokenSettlement, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> TokenSettlementView:
    """Have the facilitator's wallet execute an authorization, unless something became known meanwhile.

    Errors: `not_found`, `wallet_watch_only`, `wallet_not_verified`.
    """
    settlement, now = await uow.token_settlements.get(cmd.id, lock=True), clock.now()
    if settlement.is_pending and settlement.version == cmd.seen:
        accepted = await uow.accepted_tokens.get(settlement.accepted_token_id, with_deleted=True)
        intent = Intent(to=settlement.token, data="0x" + settlement.call_data.hex(), purpose="x402")
        origin = Origin(kind=ORIGIN, id=settlement.id)
        sent = await enqueue(uow, accepted.facilitator_wallet_id, intent, origin=origin, now=now, ids=ids)
        settlement.submit(sent.id, cmd.block, now)
        left = timedelta(seconds=max(settlement.valid_before - int(now.timestamp()), 0))
        await uow.jobs.schedule(SETTLE, settlement.id, delay=left + SOONEST)
    return TokenSettlementView.of(settlement)


@dataclass(frozen=True, slots=True, kw_only=True)
class HearOfTransaction:
    """Which settlement's transaction is at its end."""

    id: TokenSettlementId
    transaction_id: WalletTransactionId


@use_case(
    "token_settlements.hear", scope=Scope.PLATFORM_OPERATE, internal=_INSIDE, example={}, statements=6,
)  # fmt: skip
async def hear_of_transaction(cmd: HearOfTransaction, uow: IUnitOfWork) -> TokenSettlementView:
    """Look at the chain again, now that our own transaction is at its end: it alone decides what became of the payment.

    Errors: `not_found`.
    """
    settlement = await uow.token_settlements.get(cmd.id)
    if settlement.is_pending:
        sent = await uow.wallet_transactions.get(cmd.transaction_id)
        failed = sent.status in SENT_NOTHING
        await uow.jobs.schedule(SETTLE, settlement.id, delay=AFTER_A_FAILURE if failed else timedelta())
    return TokenSettlementView.of(settlement)


hears_of(ORIGIN, "token_settlements.hear", HearOfTransaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitTokenSettlement:
    """Which settlement the chain has not decided about."""

    id: TokenSettlementId


@use_case("token_settlements.wait", scope=Scope.PLATFORM_OPERATE, internal=_INSIDE, example={}, statements=5)
async def await_token_settlement(cmd: AwaitTokenSettlement, uow: IUnitOfWork, *, clock: IClock) -> TokenSettlementView:
    """Look again later: after an eighth of the time it took so far.

    Errors: `not_found`.
    """
    settlement = await uow.token_settlements.get(cmd.id)
    if settlement.is_pending:
        delay = min(max((clock.now() - settlement.created_at) / 8, SOONEST), LATEST)
        await uow.jobs.schedule(SETTLE, settlement.id, delay=delay)
    return TokenSettlementView.of(settlement)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcludeTokenSettlement:
    """What the chain made of a settlement, as it was when the chain was asked: a transaction's hash, or a failure."""

    id: TokenSettlementId
    seen: int
    transaction_hash: TransactionHash | None = None
    failure: SettlementFailure | None = None


@use_case(
    "token_settlements.conclude", scope=Scope.PLATFORM_OPERATE, internal=_INSIDE,
    example={"seen": 1, "transaction_hash": "0x9a5b3c7d1e2f4a6b8c0d9a5b3c7d1e2f4a6b8c0d9a5b3c7d1e2f4a6b8c0d1234"},
    # As many as recording an outcome takes, and the settlement.
    statements=34,
)  # fmt: skip
async def conclude_token_settlement(
    cmd: ConcludeTokenSettlement, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> TokenSettlementView:
    """Record what the chain decided, and what it means for the order; what is known already changes nothing.

    Errors: `not_found`.
    """
    settlement, now = await uow.token_settlements.get(cmd.id, lock=True), clock.now()
    if not settlement.is_pending or settlement.version != cmd.seen:
        return TokenSettlementView.of(settlement)
    if cmd.transaction_hash is not None:
        settlement.settle(cmd.transaction_hash, now)
    else:
        settlement.refuse(cmd.failure or SettlementFailure.EXPIRED, now)
    await record_payment_outcome(_outcome(settlement), uow, clock=clock, ids=ids)
    await uow.jobs.finish(SETTLE, settlement.id)
    return TokenSettlementView.of(settlement)


def _outcome(settlement: TokenSettlement) -> RecordPaymentOutcome:
    failure = settlement.failure_code
    return RecordPaymentOutcome(
        id=settlement.payment_order_id, attempt_id=settlement.attempt_id,
        status=ChargeStatus.SUCCEEDED if failure is None else ChargeStatus.DECLINED, provider=PROVIDER,
        reference=settlement.transaction_hash, decline_code=None if failure is None else failure.value,
    )  # fmt: skip
