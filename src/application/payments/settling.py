"""Settling: what the worker does about a buyer's authorization between two transactions of the database.

The chain alone says what became of it, on a block that will not be undone: whether the contract counts the
authorization as used, by which transaction, and what moved there. What became of our own transaction only says when to
look. Until an authorization has ended unused it may still be executed, by anybody who saw it, and nothing is given up.
"""

from dataclasses import dataclass

from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.unit_of_work import IUnitOfWork, IUnitOfWorkFactory
from application.payments.token_outcomes import AwaitTokenSettlement, ConcludeTokenSettlement, SubmitTokenSettlement
from application.payments.token_paying import SETTLE
from application.wallets.ports import Block, ChainCall, IChain, IChains
from domain.payments.payment_order_status import IN_FLIGHT
from domain.settlements.token_settlement import SettlementFailure, TokenSettlement
from domain.shared.evm_types import Address, TransactionHash
from domain.shared.ids import OrganizationId, TokenSettlementId
from domain.wallets.errors import TransactionWouldRevert


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A pending settlement as it was read.

    Attributes:
        facilitator: who would execute it.
        wanted: the order still waits for it.
        under_way: our transaction is not at its end.
    """

    settlement: TokenSettlement
    chain: IChain
    facilitator: Address
    wanted: bool
    under_way: bool

    @property
    def state(self) -> ChainCall:
        """Ask whether the authorization was used or cancelled."""
        settlement = self.settlement
        return ChainCall(
            sender=settlement.payer, to=settlement.token, data=settlement.authorization.state_call()
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What is to be recorded: an end, or that it can be executed as of a block; neither is to wait."""

    transaction_hash: TransactionHash | None = None
    failure: SettlementFailure | None = None
    executable_at: Block | None = None


_NOTHING_YET = _Finding()


class Settling:
    """The worker's job."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, chains: IChains) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._chains = chains

    async def settle(self, organization_id: OrganizationId, settlement_id: TokenSettlementId) -> None:
        """Have the authorization executed, or record what the chain made of it; else come back later.

        Raises:
            BlockchainError: the chain does not answer.
        """
        case = await self._read(organization_id, settlement_id)
        if case is None:
            return
        finding = await (_after_release(case) if case.settlement.is_released else _before_release(case))
        await self._record(case.settlement, finding)

    async def _read(self, organization_id: OrganizationId, settlement_id: TokenSettlementId) -> _Case | None:
        """Return what there is to find out; None when all of it is known."""
        opened = self._units(worker(organization_id), use_case=SETTLE, request_id=str(settlement_id), read_only=True)
        async with opened as uow:
            settlement = await uow.token_settlements.get(settlement_id)
            if not settlement.is_pending:
                return None
            order = await uow.payment_orders.get(settlement.payment_order_id)
            accepted = await uow.accepted_tokens.get(settlement.accepted_token_id, with_deleted=True)
            wallet = await uow.wallets.get(accepted.facilitator_wallet_id, with_deleted=True)
            under_way = await _is_under_way(uow, settlement)
        return _Case(
            settlement=settlement, chain=self._chains.of(settlement.chain_id), facilitator=wallet.address,
            wanted=order.status in IN_FLIGHT, under_way=under_way,
        )  # fmt: skip

    async def _record(self, settlement: TokenSettlement, finding: _Finding) -> None:
        call = Call(actor=worker(settlement.organization_id), request_id=str(settlement.attempt_id))
        id, seen = settlement.id, settlement.version
        if finding.executable_at is not None:
            submit = SubmitTokenSettlement(id=id, seen=seen, block=finding.executable_at.number)
            await self._dispatch("token_settlements.submit", submit, call)
        elif finding is _NOTHING_YET:
            await self._dispatch("token_settlements.wait", AwaitTokenSettlement(id=id), call)
        else:
            conclude = ConcludeTokenSettlement(
                id=id, seen=seen, transaction_hash=finding.transaction_hash, failure=finding.failure
            )
            await self._dispatch("token_settlements.conclude", conclude, call)


async def _is_under_way(uow: IUnitOfWork, settlement: TokenSettlement) -> bool:
    if settlement.transaction_id is None:
        return False
    return not (await uow.wallet_transactions.get(settlement.transaction_id)).is_final


async def _before_release(case: _Case) -> _Finding:
    """Try it on the last block. Nobody but the payer could execute it yet, so that a refusal is one for good."""
    settlement, head = case.settlement, await case.chain.head()
    if not case.wanted:
        return _Finding(failure=SettlementFailure.NOT_NEEDED)
    if head.time.timestamp() >= settlement.valid_before:
        return _Finding(failure=SettlementFailure.EXPIRED)
    return await _tried(case, head)


async def _tried(case: _Case, head: Block) -> _Finding:
    settlement = case.settlement
    try:
        if any(await case.chain.call(case.state, head.number)):
            # Whoever used it before we had it executed paid for something else, or took it back.
            return _Finding(failure=SettlementFailure.USED_ELSEWHERE)
        held = await case.chain.balances(settlement.payer, (settlement.token,), head.number)
        if held.tokens[0] < settlement.amount:
            return _Finding(failure=SettlementFailure.BALANCE_INSUFFICIENT)
        await case.chain.estimate(ChainCall(sender=case.facilitator, to=settlement.token, data=settlement.call_data))
    except TransactionWouldRevert:
        return _Finding(failure=SettlementFailure.WOULD_REVERT)
    return _Finding(executable_at=head)


async def _after_release(case: _Case) -> _Finding:
    """Look at the last block that stays: what is used there stays used, and what has ended unused there has failed."""
    settlement, chain = case.settlement, case.chain
    head = await chain.head()
    settled = await chain.block(head.number - chain.confirmations + 1)
    if settled is None or settled.number <= (settlement.first_block or 0):
        return _NOTHING_YET
    if any(await chain.call(case.state, settled.number)):
        return await _how_it_was_used(case, settled)
    if settled.time.timestamp() >= settlement.valid_before:
        return _Finding(failure=SettlementFailure.EXPIRED)
    if case.under_way or not case.wanted:
        return _NOTHING_YET
    tried = await _tried(case, head)
    # What cannot be executed now may be executed later, by somebody else as well, until its time is over.
    return tried if tried.executable_at is not None else _NOTHING_YET


async def _how_it_was_used(case: _Case, until: Block) -> _Finding:
    """Find the transaction that used it, and see the money arrive there."""
    settlement, first = case.settlement, (case.settlement.first_block or 0) + 1
    uses = await case.chain.authorizations_used(settlement.token, settlement.payer, first=first, last=until.number)
    ours = next((use for use in uses if use.nonce == settlement.nonce), None)
    if ours is None:
        return _Finding(failure=SettlementFailure.CANCELLED)
    number = ours.block_number
    moved = await case.chain.transfers(settlement.pay_to, (settlement.token,), first=number, last=number)
    wanted = (ours.hash, settlement.payer, settlement.pay_to, settlement.amount)
    arrived = sum((each.hash, each.sender, each.recipient, each.amount) == wanted for each in moved)
    # One transaction may use several authorizations of one payer: each has to have moved as much.
    if arrived < sum(use.hash == ours.hash for use in uses):
        return _Finding(failure=SettlementFailure.USED_ELSEWHERE)
    return _Finding(transaction_hash=ours.hash)
