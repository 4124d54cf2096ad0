"""Accepted tokens: which of them are taken for money, and where they go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.fields import Currency, Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.settlements.accepted_token import (
    EIP712_VERSION,
    LONGEST,
    MAX_DECIMALS,
    NAME,
    SHORTEST,
    SYMBOL,
    USUAL,
    AcceptedToken,
    TokenWalletUnfit,
)
from domain.settlements.specifications import tokens_matching
from domain.shared.evm_types import MAX_CHAIN_ID, Address
from domain.shared.ids import AcceptedTokenId, WalletId
from domain.wallets.wallet import Wallet

ChainId = Annotated[int, Interval(ge=1, le=MAX_CHAIN_ID)]
Seconds = Annotated[int, Interval(ge=SHORTEST, le=LONGEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedTokenView(View[AcceptedToken]):
    """A token that stands for a currency one to one. `name` and `eip712_version` are what buyers sign for."""

    id: AcceptedTokenId
    version: int
    chain_id: int
    token: Address
    symbol: str
    decimals: int
    currency: str
    name: str
    eip712_version: str
    pay_to_wallet_id: WalletId
    pay_to: Address
    facilitator_wallet_id: WalletId
    timeout_seconds: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAcceptedToken:
    """Which token, which currency it stands for, which wallet is paid, and which one pays the gas.

    `name` and `eip712_version` are the contract's own EIP-712 domain. A buyer's authorization is asked to be valid for
    `timeout_seconds`; one that fails on the chain keeps its order waiting for as long.
    """

    chain_id: ChainId
    token: Address
    symbol: Annotated[str, SYMBOL]
    decimals: Annotated[int, Interval(ge=0, le=MAX_DECIMALS)]
    currency: Currency
    name: Annotated[str, NAME]
    eip712_version: Annotated[str, EIP712_VERSION]
    pay_to_wallet_id: WalletId
    facilitator_wallet_id: WalletId
    timeout_seconds: Seconds = USUAL


@use_case(
    "accepted_tokens.create",
    scope=Scope.SETTLEMENTS_WRITE,
    example={
        "chain_id": 8453,
        "token": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        "symbol": "USDC",
        "decimals": 6,
        "currency": "USD",
        "name": "USD Coin",
        "eip712_version": "2",
        "timeout_seconds": 600,
    },
    statements=6,
)
async def create_accepted_token(
    cmd: CreateAcceptedToken, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> AcceptedTokenView:
    """Take a token (ERC-20 with EIP-3009) for money: orders in its currency can be paid in it, one to one.

    Of the tokens of one currency, the twenty that were accepted first are offered.

    Errors: `not_found` for a wallet, `token_wallet_unfit`, `token_already_accepted`, `accepted_token_invalid`,
    `currency_invalid`, `text_invalid`.
    """
    pay_to = await _wallet_to_pay(uow, cmd.pay_to_wallet_id, cmd.chain_id)
    await _facilitator(uow, cmd.facilitator_wallet_id, cmd.chain_id)
    accepted = AcceptedToken.accept(
        id=AcceptedTokenId(ids.new()), organization_id=uow.actor.organization_id, chain_id=cmd.chain_id,
        token=cmd.token, symbol=cmd.symbol, decimals=cmd.decimals, currency=cmd.currency, name=cmd.name,
        eip712_version=cmd.eip712_version, pay_to_wallet_id=pay_to.id, pay_to=pay_to.address,
        facilitator_wallet_id=cmd.facilitator_wallet_id, timeout_seconds=cmd.timeout_seconds, now=clock.now(),
    )  # fmt: skip
    uow.accepted_tokens.add(accepted)
    return AcceptedTokenView.of(accepted)


async def _wallet_to_pay(uow: IUnitOfWork, id: WalletId, chain_id: int) -> Wallet:
    wallet = await uow.wallets.get(id)
    if wallet.chain_id != chain_id:
        raise TokenWalletUnfit(path="pay_to_wallet_id")
    return wallet


async def _facilitator(uow: IUnitOfWork, id: WalletId, chain_id: int) -> None:
    wallet = await uow.wallets.get(id)
    if wallet.chain_id != chain_id or not wallet.can_sign:
        raise TokenWalletUnfit(path="facilitator_wallet_id")


get_use_case(
    "accepted_tokens.get", lambda uow: uow.accepted_tokens, AcceptedTokenView,
    "Return one token that is taken for money.", scope=Scope.SETTLEMENTS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAcceptedTokens(PageQuery):
    """Which tokens."""

    chain_id: ChainId | None = None
    currency: Currency | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "accepted_tokens.list", ListAcceptedTokens, lambda uow: uow.accepted_tokens, AcceptedTokenView,
    "List the tokens that are taken for money, newest first.",
    where=lambda cmd: tokens_matching(chain_id=cmd.chain_id, currency=cmd.currency),
    scope=Scope.SETTLEMENTS_READ, example={"limit": 20, "currency": "USD"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAcceptedToken:
    """New values for what is mentioned; the rest stays."""

    id: AcceptedTokenId
    expected_version: Version
    pay_to_wallet_id: Maybe[WalletId] = UNSET
    facilitator_wallet_id: Maybe[WalletId] = UNSET
    timeout_seconds: Maybe[Seconds] = UNSET


@use_case(
    "accepted_tokens.update",
    scope=Scope.SETTLEMENTS_WRITE,
    example={"expected_version": 1, "timeout_seconds": 300},
    statements=8,
)
async def update_accepted_token(cmd: UpdateAcceptedToken, uow: IUnitOfWork, *, clock: IClock) -> AcceptedTokenView:
    """Have a token paid to another wallet, settled by another one, or in another time; what was begun is unchanged.

    Errors: `not_found`, `version_stale`, `token_wallet_unfit`, `accepted_token_invalid`.
    """
    accepted = await uow.accepted_tokens.get(cmd.id)
    accepted.expect_version(cmd.expected_version)
    pay_to = await _wallet_to_pay(uow, given(cmd.pay_to_wallet_id, accepted.pay_to_wallet_id), accepted.chain_id)
    facilitator = given(cmd.facilitator_wallet_id, accepted.facilitator_wallet_id)
    await _facilitator(uow, facilitator, accepted.chain_id)
    accepted.edit(
        clock.now(), pay_to_wallet_id=pay_to.id, pay_to=pay_to.address, facilitator_wallet_id=facilitator,
        timeout_seconds=given(cmd.timeout_seconds, accepted.timeout_seconds),
    )  # fmt: skip
    return AcceptedTokenView.of(accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAcceptedToken:
    """Which token, and optionally the version the caller read."""

    id: AcceptedTokenId
    expected_version: Version | None = None


@use_case("accepted_tokens.archive", scope=Scope.SETTLEMENTS_WRITE, example={}, destructive=True, statements=5)
async def archive_accepted_token(cmd: ArchiveAcceptedToken, uow: IUnitOfWork, *, clock: IClock) -> AcceptedTokenView:
    """Take a token no longer; payments that were begun in it are settled all the same.

    Errors: `not_found`, `version_stale`.
    """
    accepted = await uow.accepted_tokens.get(cmd.id)
    accepted.expect_version(cmd.expected_version)
    accepted.delete(clock.now(), uow.actor.id)
    return AcceptedTokenView.of(accepted)
