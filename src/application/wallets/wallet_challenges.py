"""Challenges: whoever holds a wallet's key shows it by signing a text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds, ISlugs
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.wallets.signing_ports import ISignInOrigin
from domain.shared.ids import WalletChallengeId, WalletId
from domain.wallets.specifications import challenges_matching
from domain.wallets.wallet_challenge import ChallengeStatus, WalletChallenge


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletChallengeView(View[WalletChallenge]):
    """A text to be signed (EIP-4361) before `expires_at`, and what became of it.

    While it is `checking`, the chain is asked whether a contract accepts the signature.
    """

    id: WalletChallengeId
    version: int
    wallet_id: WalletId
    message: str
    status: ChallengeStatus
    expires_at: datetime
    concluded_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChallenge:
    """Which wallet."""

    id: WalletId


@use_case("wallets.request_challenge", scope=Scope.WALLETS_SEND, example={}, statements=4)
async def request_challenge(
    cmd: RequestChallenge, uow: IUnitOfWork, *, clock: IClock, ids: IIds, nonces: ISlugs, origin: ISignInOrigin
) -> WalletChallengeView:
    """Ask whoever holds a wallet's key to show it: they sign the `message` within ten minutes, as EIP-191 says.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id)
    challenge = WalletChallenge.issue(
        wallet, origin.of_challenges(), nonces.new(), id=WalletChallengeId(ids.new()),
        organization_id=uow.actor.organization_id, now=clock.now(),
    )  # fmt: skip
    uow.wallet_challenges.add(challenge)
    return WalletChallengeView.of(challenge)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWalletChallenges(PageQuery):
    """Which challenges."""

    wallet_id: WalletId | None = None
    status: ChallengeStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "wallet_challenges.list", ListWalletChallenges, lambda uow: uow.wallet_challenges, WalletChallengeView,
    "List challenges to holders of wallets, newest first.",
    where=lambda cmd: challenges_matching(wallet_id=cmd.wallet_id, status=cmd.status), scope=Scope.WALLETS_READ,
    example={"limit": 20, "status": "open"}, statements=2,
)  # fmt: skip

get_use_case(
    "wallet_challenges.get", lambda uow: uow.wallet_challenges, WalletChallengeView,
    "Return one challenge and what became of it.", scope=Scope.WALLETS_READ,
)  # fmt: skip
