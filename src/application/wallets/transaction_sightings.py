"""What the worker saw on a chain, recorded."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.transaction_jobs import SEND, follow_up, pause
from application.wallets.transaction_steps import INSIDE, Count
from application.wallets.transaction_view import WalletTransactionView
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletTransactionId
from domain.wallets.transaction_sighting import Mined, Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedForm:
    """The form that a block has."""

    hash: TransactionHash
    block_number: Count
    block_hash: Annotated[str, Len(66, 66)]
    succeeded: bool
    gas_used: Count
    fee: BaseUnits
    contract: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSighting:
    """What the chain showed. The head was read first, then where the nonce is used, and the block last."""

    id: WalletTransactionId
    head: Count
    confirmations: Count
    nonce_used: bool
    nonce_gone: bool
    known: bool
    mined: MinedForm | None = None


@use_case(
    "wallet_transactions.record_sighting", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=9,
    example={"head": 12, "confirmations": 3, "nonce_used": False, "nonce_gone": False, "known": False},
)  # fmt: skip
async def record_sighting(cmd: RecordSighting, uow: IUnitOfWork, *, clock: IClock) -> WalletTransactionView:
    """Record what the chain shows of a transaction; whatever is known already changes nothing.

    Blocks that the chain undoes take their transactions along: those wait again, and are sent again if need be.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.look(_sighting(cmd), clock.now())
    await follow_up(uow, transaction, clock.now())
    return WalletTransactionView.of(transaction)


def _sighting(cmd: RecordSighting) -> Sighting:
    return Sighting(
        head=cmd.head, confirmations=cmd.confirmations, mined=None if cmd.mined is None else _mined(cmd.mined),
        nonce_used=cmd.nonce_used, nonce_gone=cmd.nonce_gone, known=cmd.known,
    )  # fmt: skip


def _mined(form: MinedForm) -> Mined:
    return Mined(
        hash=form.hash, block_number=form.block_number, block_hash=form.block_hash, succeeded=form.succeeded,
        gas_used=form.gas_used, fee=form.fee, contract=form.contract,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """Which transaction."""

    id: WalletTransactionId


@use_case(
    "wallet_transactions.put_off", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, example={}, statements=5,
)  # fmt: skip
async def put_off(cmd: PutOff, uow: IUnitOfWork, *, clock: IClock) -> WalletTransactionView:
    """Come back to a transaction later; until then another one may let it pass.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    if not transaction.is_final:
        await uow.jobs.schedule(SEND, transaction.id, delay=pause(transaction, clock.now()))
    return WalletTransactionView.of(transaction)
