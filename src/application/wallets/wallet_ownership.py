"""Whose a wallet is: a challenge is answered at once for a key, and by the chain for a contract."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.wallets.ports import ChainCall, IChains
from application.wallets.signing_ports import ISignatures
from application.wallets.wallet_challenges import WalletChallengeView
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import OrganizationId, WalletChallengeId, WalletId
from domain.shared.signatures import text_digest
from domain.wallets.errors import ChainNotSupported, SignatureInvalid, TransactionWouldRevert
from domain.wallets.signed_text import LONGEST_SIGNATURE, acceptance_call, is_acceptance, read_signature
from domain.wallets.wallet import WalletType
from domain.wallets.wallet_challenge import ChallengeStatus

CHECK_OWNERSHIP = "wallets.check_ownership"
"""The job that asks a contract wallet whether it accepts the signature of a challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOwnership:
    """Which wallet, which of its challenges, and the signature of the challenge's message: `0x…`."""

    id: WalletId
    challenge_id: WalletChallengeId
    signature: Annotated[str, Len(2, 2 + 2 * LONGEST_SIGNATURE)]


@use_case("wallets.verify_ownership", scope=Scope.WALLETS_SEND, example={"signature": f"0x{'5a' * 65}"}, statements=7)
async def verify_ownership(
    cmd: VerifyOwnership, uow: IUnitOfWork, *, clock: IClock, signatures: ISignatures
) -> WalletChallengeView:
    """Answer a challenge, once. A key's signature is judged at once; a contract is asked on its chain (`checking`).

    Errors: `not_found`, `wallet_challenge_over`, `wallet_signature_invalid`, `chain_support_missing`.
    """
    now, signature = clock.now(), read_signature(cmd.signature)
    challenge = await uow.wallet_challenges.get(cmd.challenge_id, lock=True)
    wallet = await uow.wallets.get(cmd.id, lock=True)
    if challenge.wallet_id != wallet.id:
        raise EntityNotFoundError
    challenge.ensure_open(now)
    if wallet.type is not WalletType.EOA:
        challenge.check(cmd.signature, now)
        await uow.jobs.schedule(CHECK_OWNERSHIP, challenge.id)
        return WalletChallengeView.of(challenge)
    if signatures.signer_of_text(challenge.message, signature) != wallet.address:
        raise SignatureInvalid(path="signature")
    challenge.conclude(now, verified=True)
    wallet.verify(now)
    return WalletChallengeView.of(challenge)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOwnership:
    """Which challenge, and whether the contract accepted the signature."""

    id: WalletChallengeId
    accepted: bool


@use_case(
    "wallet_challenges.record_answer",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker asks contracts.",
    example={"accepted": True},
    statements=7,
)
async def record_ownership(cmd: RecordOwnership, uow: IUnitOfWork, *, clock: IClock) -> WalletChallengeView:
    """Record what a contract wallet said of a signature; news of a challenge that is over changes nothing.

    Errors: `not_found`.
    """
    now = clock.now()
    challenge = await uow.wallet_challenges.get(cmd.id, lock=True)
    wallet = await uow.wallets.get(challenge.wallet_id, lock=True, with_deleted=True)
    if challenge.status is ChallengeStatus.CHECKING:
        challenge.conclude(now, verified=cmd.accepted)
        if cmd.accepted:
            wallet.verify(now)
    await uow.jobs.finish(CHECK_OWNERSHIP, challenge.id)
    return WalletChallengeView.of(challenge)


class OwnershipChecks:
    """The worker's job. The chain is asked while no transaction is open.

    ``BlockchainError`` passes, so that the worker tries the job again later.
    """

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, chains: IChains) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._chains = chains

    async def check(self, organization_id: OrganizationId, challenge_id: WalletChallengeId) -> None:
        """Ask a contract about the signature it is said to accept.

        Raises:
            BlockchainError: the chain is not answering.
        """
        actor, request = worker(organization_id), str(challenge_id)
        async with self._units(actor, use_case=CHECK_OWNERSHIP, request_id=request, read_only=True) as uow:
            challenge = await uow.wallet_challenges.get(challenge_id)
            wallet = await uow.wallets.get(challenge.wallet_id, with_deleted=True)
        if challenge.status is not ChallengeStatus.CHECKING or challenge.signature is None:
            return
        asked = acceptance_call(text_digest(challenge.message), read_signature(challenge.signature))
        call = ChainCall(sender=wallet.address, to=wallet.address, data=asked)
        accepted = await self._accepts(wallet.chain_id, call)
        command = RecordOwnership(id=challenge_id, accepted=accepted)
        await self._dispatch("wallet_challenges.record_answer", command, Call(actor=actor, request_id=request))

    async def _accepts(self, chain_id: int, call: ChainCall) -> bool:
        """Return what the contract says; one that fails, or that nobody here can ask, has shown nothing."""
        try:
            return is_acceptance(await self._chains.of(chain_id).call(call))
        except (TransactionWouldRevert, ChainNotSupported):
            return False
