"""Use-cases that ask outside: the question is read in a transaction, and answered when it is over."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import override

import pytest

from application.kernel.dispatcher import Dispatcher
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import DeclarationError, use_case
from application.wallets.ports import Balances, IChain, IChains
from application.wallets.signing_ports import ISigner
from application.wallets.wallet_balances import WalletBalance
from domain.shared.evm_types import Address
from domain.wallets.errors import BlockchainError
from tests.support.stack import Stack, open_stack
from tests.support.still_chain import StillChain, StillChains
from tests.support.use_cases import EVERY, REGISTRY
from tests.support.world_wallets import an_address


class Nosy(StillChains):
    """Chains that use the database themselves, whenever they are asked for a balance."""

    stack: Stack
    answers = 0

    @override
    def of(self, chain_id: int) -> IChain:
        return _NosyChain(self, chain_id=chain_id)


@dataclass(frozen=True, slots=True)
class _NosyChain(StillChain):
    nosy: Nosy

    @override
    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        await self.nosy.stack.organization()
        self.nosy.answers += 1
        return await StillChain.balances(self, address, tokens, block)


@pytest.fixture
async def single(stack: Stack) -> AsyncIterator[tuple[Stack, Nosy]]:
    """Wire a core with one connection for everything."""
    nosy = Nosy()
    async with open_stack(stack.urls, pool_size=1, chains=nosy) as narrow:
        nosy.stack = narrow
        yield narrow, nosy


async def test_no_transaction_is_open_while_an_answer_is_sought(single: tuple[Stack, Nosy]) -> None:
    """With one connection in all, a chain that takes its time has it for others."""
    stack, nosy = single
    actor = await stack.organization()
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=an_address())
    await stack.run("wallets.get_balance", actor, id=wallet["id"])
    assert nosy.answers == 1


async def test_a_chain_that_does_not_answer_is_said_so(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: object) -> Balances:
        raise BlockchainError

    monkeypatch.setattr(StillChain, "balances", silent)
    actor = await stack.organization()
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=an_address())
    with pytest.raises(BlockchainError):
        await stack.run("wallets.get_balance", actor, id=wallet["id"])


@pytest.mark.parametrize("name", EVERY)
def test_no_handler_reaches_outside(name: str) -> None:
    """Handlers run inside a transaction; what may take its time is for answers."""
    assert {IChains, IChain, ISigner}.isdisjoint(REGISTRY[name].ports.values())


def test_what_is_outside_is_bound_to_answers_only(stack: Stack) -> None:
    """A handler that asks for a chain stops the start, although chains are there."""
    forbidden = replace(REGISTRY["wallets.get_balance"], ports={"chains": IChains})
    with pytest.raises(KeyError):
        Dispatcher(stack.units, {}, {"wallets.get_balance": forbidden}, {IChains: StillChains()})


def test_an_answer_without_its_port_stops_the_start(stack: Stack) -> None:
    with pytest.raises(KeyError):
        Dispatcher(stack.units, {IChains: StillChains()}, {"asks": REGISTRY["wallets.get_balance"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""


async def handler(cmd: Ask, uow: IUnitOfWork) -> Question:
    """Ask.

    Errors: none.
    """
    return Question()


async def fitting(question: Question) -> WalletBalance:
    raise NotImplementedError


async def strange(question: Ask) -> WalletBalance:
    raise NotImplementedError


async def greedy(question: Question, uow: IUnitOfWork) -> WalletBalance:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "read_only", "complaint"),
    [(fitting, False, "only a read"), (strange, True, "what the handler returns"), (greedy, True, "an answer is")],
)
def test_an_answer_that_cannot_be_is_a_mistake_of_the_declaration(
    answer: Callable[..., Awaitable[object]], *, read_only: bool, complaint: str
) -> None:
    scope = REGISTRY["wallets.get"].scope
    with pytest.raises(DeclarationError, match=complaint):
        use_case("tests.ask", scope=scope, example={}, read_only=read_only, answer=answer)(handler)


def test_what_is_shown_is_the_answer() -> None:
    assert REGISTRY["wallets.get_balance"].result is WalletBalance
