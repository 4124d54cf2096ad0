"""Multi-signature wallets: what one of their owners proposes, others confirm, and one of them executes, on chain."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.enqueue import enqueue
from application.wallets.screening import screen
from application.wallets.transaction_view import WalletTransactionView
from application.wallets.transactions import TransactionRequest
from domain.shared.ids import WalletId
from domain.wallets.contracts import confirm, execute_proposal, propose, revoke
from domain.wallets.transaction_intent import Intent

ProposalNumber = Annotated[int, Interval(ge=0, le=2**53 - 1)]
"""The number that the wallet's contract gave a proposal, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeTransaction(TransactionRequest):
    """What a multi-signature wallet (`id`) is to send, and which of its owners' wallets proposes it (`owner_id`)."""

    owner_id: WalletId


@use_case(
    "wallets.propose_transaction", scope=Scope.WALLETS_SEND, money=True, statements=13,
    example={"to": "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "value": "5000000", "purpose": "Rent"},
)  # fmt: skip
async def propose_transaction(
    cmd: ProposeTransaction, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:
    """Propose on chain what a multi-signature wallet is to send; the proposing owner confirms it with that.

    Errors: `not_found`, `wallet_not_deployed`, `wallet_owner_unknown`, `wallet_watch_only`, `wallet_not_verified`,
    `address_blocked`, `address_not_allowed`, `transaction_invalid`, `text_invalid`.
    """
    wanted = Intent.requested(
        cmd.to, cmd.value, data=cmd.data, token=cmd.token_address, token_amount=cmd.token_amount, purpose=cmd.purpose
    )
    await screen(uow, cmd.to)
    call = propose(wanted.to or cmd.to, wanted.value, bytes.fromhex(wanted.data[2:]))
    return await _command(uow, cmd.id, cmd.owner_id, call, clock=clock, ids=ids, purpose=wanted.purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersDecision:
    """Which proposal of which multi-signature wallet (`id`), and which of its owners' wallets acts (`owner_id`)."""

    id: WalletId
    owner_id: WalletId
    proposal: ProposalNumber


@use_case(
    "wallets.confirm_proposal", scope=Scope.WALLETS_SEND, money=True, statements=12, example={"proposal": 0},
)  # fmt: skip
async def confirm_proposal(cmd: OwnersDecision, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WalletTransactionView:
    """Agree on chain to what another owner proposed. A proposal that is not there fails before anything is sent.

    Errors: `not_found`, `wallet_not_deployed`, `wallet_owner_unknown`, `wallet_watch_only`, `wallet_not_verified`.
    """
    return await _command(uow, cmd.id, cmd.owner_id, confirm(cmd.proposal), clock=clock, ids=ids)


@use_case(
    "wallets.revoke_confirmation", scope=Scope.WALLETS_SEND, money=True, statements=12, example={"proposal": 0},
)  # fmt: skip
async def revoke_confirmation(
    cmd: OwnersDecision, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:
    """Take an owner's agreement back on chain, as long as the proposal is not executed.

    Errors: `not_found`, `wallet_not_deployed`, `wallet_owner_unknown`, `wallet_watch_only`, `wallet_not_verified`.
    """
    return await _command(uow, cmd.id, cmd.owner_id, revoke(cmd.proposal), clock=clock, ids=ids)


@use_case(
    "wallets.execute_proposal", scope=Scope.WALLETS_SEND, money=True, statements=12, example={"proposal": 0},
)  # fmt: skip
async def execute_wallet_proposal(
    cmd: OwnersDecision, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:
    """Have a proposal executed on chain that enough owners have confirmed; with fewer it fails before it is sent.

    Errors: `not_found`, `wallet_not_deployed`, `wallet_owner_unknown`, `wallet_watch_only`, `wallet_not_verified`.
    """
    return await _command(uow, cmd.id, cmd.owner_id, execute_proposal(cmd.proposal), clock=clock, ids=ids)


async def _command(
    uow: IUnitOfWork, id: WalletId, owner_id: WalletId, call: bytes, *, clock: IClock, ids: IIds, purpose: str = ""
) -> WalletTransactionView:
    """Have an owner's wallet call the contract."""
    shared, owner = await uow.wallets.get(id), await uow.wallets.get(owner_id, lock=True)
    shared.ensure_commanded_by(owner)
    intent = Intent(to=shared.address, data=f"0x{call.hex()}", purpose=purpose)
    return WalletTransactionView.of(await enqueue(uow, owner.id, intent, now=clock.now(), ids=ids))
