"""Sending: what the worker does between two transactions of the database.

No call of a chain or of a signer happens inside of one. Before anything is sent its signed bytes are kept, and only
what is kept is ever sent, so that whoever comes after a crash sends the same again: a chain takes one transaction of
a nonce, and knows another copy by its hash. Two workers on one transaction do each step twice, to the same effect.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.unit_of_work import IUnitOfWorkFactory
from application.wallets.ports import (
    BroadcastResult,
    ChainCall,
    Estimate,
    Fees,
    IChain,
    IChains,
    SignedTransaction,
    UnsignedTransaction,
)
from application.wallets.signing_ports import ISigner, SigningKey
from application.wallets.transaction_jobs import SEND
from application.wallets.transaction_sightings import MinedForm, PutOff, RecordSighting
from application.wallets.transaction_steps import (
    INSUFFICIENT_FUNDS,
    AllocateNonce,
    FailWalletTransaction,
    PriceReplacement,
    RecordBroadcast,
    RecordRefusal,
    RecordSigned,
)
from domain.shared.evm_types import NOTHING, BaseUnits
from domain.shared.ids import OrganizationId, WalletTransactionId
from domain.wallets.errors import (
    AddressBlocked,
    AddressNotAllowed,
    ChainNotSupported,
    SignerRefused,
    TransactionWouldRevert,
)
from domain.wallets.transaction_signing import SigningKind
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_transaction import Refusal, TransactionStep, WalletTransaction

_ON_ITS_WAY = (BroadcastResult.ACCEPTED, BroadcastResult.ALREADY_KNOWN, BroadcastResult.NONCE_TOO_LOW)
_REFUSALS = {
    BroadcastResult.UNDERPRICED: Refusal.UNDERPRICED,
    BroadcastResult.INSUFFICIENT_FUNDS: Refusal.INSUFFICIENT_FUNDS,
    BroadcastResult.REFUSED: Refusal.BROADCAST_REFUSED,
}


@dataclass(frozen=True, slots=True)
class _Work:
    """One transaction as it was read, its wallet, and its chain."""

    transaction: WalletTransaction
    wallet: Wallet
    chain: IChain
    first_in_line: bool


type _Step = Callable[[_Work], Awaitable[bool]]
"""Does one step, and says whether the next one may follow at once."""


class Sending:
    """The worker's job: takes a transaction as far as it gets now."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, chains: IChains, signer: ISigner) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._chains = chains
        self._signer = signer
        self._steps: Mapping[TransactionStep, _Step] = {
            TransactionStep.PREPARE: self._prepare,
            TransactionStep.PRICE: self._price,
            TransactionStep.SIGN: self._sign,
            TransactionStep.BROADCAST: self._broadcast,
            TransactionStep.WATCH: self._watch,
        }

    async def send(self, organization_id: OrganizationId, transaction_id: WalletTransactionId) -> None:
        """Do what is next, until there is nothing left to do or something to wait for.

        Raises:
            BlockchainError: the chain does not answer; whatever was sent is found again.
            SignerUnavailable: whoever has the key does not answer.
        """
        go_on = True
        while go_on:
            work = await self._read(organization_id, transaction_id)
            go_on = work is not None and await self._steps[work.transaction.next_step](work)

    async def _read(self, organization_id: OrganizationId, transaction_id: WalletTransactionId) -> _Work | None:
        """Return what there is to do; None when nothing is, or never will be here."""
        opened = self._units(worker(organization_id), use_case=SEND, request_id=str(transaction_id), read_only=True)
        async with opened as uow:
            transaction = await uow.wallet_transactions.get(transaction_id)
            if transaction.is_final:
                return None
            wallet = await uow.wallets.get(transaction.wallet_id, with_deleted=True)
            last = transaction.nonce is not None and await uow.wallet_transactions.waits_for_another(transaction)
        try:
            chain = self._chains.of(transaction.chain_id)
        except ChainNotSupported as error:
            if transaction.next_step is not TransactionStep.PREPARE:
                raise
            await self._fail(transaction, error.code)
            return None
        return _Work(transaction, wallet, chain, first_in_line=not last)

    async def _prepare(self, work: _Work) -> bool:
        """Try the call, then have it numbered; what cannot work ends here, without a trace on the chain."""
        transaction, chain = work.transaction, work.chain
        nonce = await chain.nonce(transaction.sender, pending=True)
        balances = await chain.balances(transaction.sender)
        if balances.native < transaction.value:
            return await self._fail(transaction, INSUFFICIENT_FUNDS)
        try:
            estimate = await chain.estimate(_call(transaction))
            command = AllocateNonce(
                id=transaction.id, wallet_id=transaction.wallet_id, chain_nonce=nonce, balance=balances.native,
                balance_block=balances.block.number, **_priced(estimate),
            )  # fmt: skip
            prepared = await self._record("allocate", command, transaction)
        except (TransactionWouldRevert, AddressBlocked, AddressNotAllowed) as error:
            return await self._fail(transaction, error.code, reason=str(error.details.get("reason", ""))[:200] or None)
        return prepared["nonce"] is not None

    async def _price(self, work: _Work) -> bool:
        """Ask what gas costs at present, by a call that does nothing."""
        sender = work.transaction.sender
        estimate = await work.chain.estimate(ChainCall(sender=sender, to=sender))
        await self._record("price", PriceReplacement(id=work.transaction.id, **_priced(estimate)), work.transaction)
        return True

    async def _sign(self, work: _Work) -> bool:
        """Have the current form signed, and keep it."""
        transaction, signing = work.transaction, work.transaction.current
        key = SigningKey(
            organization_id=transaction.organization_id, wallet_id=transaction.wallet_id, address=transaction.sender,
            sealed=work.wallet.sealed_key,
        )  # fmt: skip
        try:
            signed = await self._signer.sign(key, _unsigned(transaction))
        except SignerRefused:
            return await self._refused(work, Refusal.SIGNER_REFUSED)
        command = RecordSigned(id=transaction.id, number=signing.number, raw=signed.raw.hex(), hash=signed.hash)
        await self._record("record_signed", command, transaction)
        return True

    async def _broadcast(self, work: _Work) -> bool:
        """Send the kept bytes of the current form, when it is its turn."""
        transaction, signing = work.transaction, work.transaction.current
        if not work.first_in_line:
            return await self._put_off(transaction)
        assert signing.raw is not None and signing.hash is not None  # noqa: S101, PT018 - so says the step
        result = await work.chain.broadcast(SignedTransaction(raw=bytes.fromhex(signing.raw), hash=signing.hash))
        if result in _ON_ITS_WAY:
            # A nonce that is used was used by one of our forms, or by somebody else: looking will tell.
            await self._record(
                "record_broadcast", RecordBroadcast(id=transaction.id, number=signing.number), transaction
            )
            return False
        if result is BroadcastResult.REFUSED and await self._too_early(work):
            return await self._put_off(transaction)
        return await self._refused(work, _REFUSALS[result])

    async def _too_early(self, work: _Work) -> bool:
        """Say whether the chain still waits for an earlier nonce: some nodes refuse whatever comes after it."""
        return await work.chain.nonce(work.transaction.sender) < work.transaction.place

    async def _refused(self, work: _Work, why: Refusal) -> bool:
        """Note it, and go on with another form if there is to be one; otherwise see what became of earlier ones."""
        transaction = work.transaction
        command = RecordRefusal(id=transaction.id, number=transaction.current.number, why=why)
        noted = await self._record("record_refusal", command, transaction)
        return True if noted["wanted"] is not None else await self._watch(work)

    async def _watch(self, work: _Work) -> bool:
        """Look at the chain, the head first and the forms last: nothing looks deeper or more absent than it is."""
        transaction, chain = work.transaction, work.chain
        head = await chain.head()
        deep = max(head.number - chain.confirmations + 1, 0)
        nonce_used = await chain.nonce(transaction.sender) > transaction.place
        nonce_gone = nonce_used and await chain.nonce(transaction.sender, block=deep) > transaction.place
        mined = await _mined(work)
        known = mined is not None or await _known(work)
        command = RecordSighting(
            id=transaction.id, head=head.number, confirmations=chain.confirmations, nonce_used=nonce_used,
            nonce_gone=nonce_gone, known=known, mined=mined,
        )  # fmt: skip
        await self._record("record_sighting", command, transaction)
        return False

    async def _fail(self, transaction: WalletTransaction, code: str, *, reason: str | None = None) -> bool:
        await self._record("fail", FailWalletTransaction(id=transaction.id, code=code, reason=reason), transaction)
        return False

    async def _put_off(self, transaction: WalletTransaction) -> bool:
        await self._record("put_off", PutOff(id=transaction.id), transaction)
        return False

    async def _record(self, step: str, command: object, transaction: WalletTransaction) -> Mapping[str, object]:
        """Run an internal use-case; the transaction's id correlates everything that was recorded about it."""
        call = Call(actor=worker(transaction.organization_id), request_id=str(transaction.id))
        outcome = await self._dispatch(f"wallet_transactions.{step}", command, call)
        return cast("Mapping[str, object]", outcome.body)


def _call(transaction: WalletTransaction) -> ChainCall:
    data = bytes.fromhex(transaction.data[2:])
    return ChainCall(sender=transaction.sender, to=transaction.recipient, value=transaction.value, data=data)


def _priced(estimate: Estimate) -> dict[str, Any]:
    return {
        "gas": estimate.gas, "max_fee": BaseUnits(estimate.fees.max_fee),
        "priority_fee": BaseUnits(estimate.fees.priority_fee),
    }  # fmt: skip


def _unsigned(transaction: WalletTransaction) -> UnsignedTransaction:
    """Return the current form; a cancellation sends nothing to oneself."""
    signing, call = transaction.current, _call(transaction)
    cancels = signing.kind is SigningKind.CANCEL
    return UnsignedTransaction(
        chain_id=transaction.chain_id, nonce=transaction.place, to=transaction.sender if cancels else call.to,
        value=NOTHING if cancels else call.value, data=b"" if cancels else call.data, gas=signing.gas,
        fees=Fees(max_fee=signing.max_fee, priority_fee=signing.priority_fee),
    )  # fmt: skip


async def _mined(work: _Work) -> MinedForm | None:
    """Ask for every form that was ever signed, for whoever had one may have sent it."""
    for signing in reversed(work.transaction.signings):
        receipt = None if signing.hash is None else await work.chain.receipt(signing.hash)
        if receipt is not None:
            return MinedForm(
                hash=receipt.hash, block_number=receipt.block.number, block_hash=receipt.block.hash,
                succeeded=receipt.succeeded, gas_used=receipt.gas_used, fee=receipt.fee, contract=receipt.contract,
            )  # fmt: skip
    return None


async def _known(work: _Work) -> bool:
    """Ask whether any form waits for a block."""
    for signing in reversed(work.transaction.signings):
        if signing.hash is not None and await work.chain.knows(signing.hash):
            return True
    return False
