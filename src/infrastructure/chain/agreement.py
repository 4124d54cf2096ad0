"""All endpoints of a chain at once: who answers is believed as long as nobody who answers contradicts."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from domain.wallets.errors import BlockchainError, EndpointsDisagree
from infrastructure.chain.answers import Nonsense
from infrastructure.chain.endpoint import EndpointFailure
from infrastructure.chain.node import Node, Reverted
from infrastructure.resilience.breaker import BreakerOpen

ATTEMPTS = 3
_PAUSES = (0.1, 0.4)

type Question[T] = Callable[[Node], Awaitable[T]]
type Answer[T] = tuple[Node, T]


class Agreement:
    """Asks every endpoint of a chain, and compares what they say."""

    def __init__(self, nodes: Sequence[Node], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Ask these endpoints; ``sleep`` waits between two attempts."""
        self._nodes = tuple(nodes)
        self._sleep = sleep

    async def read[T](self, question: Callable[[], Awaitable[T]]) -> T:
        """Answer a question, and try again while the chain is moving or its endpoints fail.

        Raises:
            BlockchainError: it stays so.
        """
        for pause in _PAUSES:
            try:
                return await question()
            except BlockchainError:
                await self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, keeps no secret
        return await question()

    async def every[T](self, question: Question[T]) -> list[Answer[T]]:
        """Return the answers of those who answer, in the order of the settings, at least one.

        Raises:
            BlockchainError: nobody answers.
            Reverted: everybody says that the call fails, in the same words.
            EndpointsDisagree: it fails for some of them, or for other reasons.
        """
        outcomes = await asyncio.gather(*(_outcome(node, question) for node in self._nodes))
        failures = [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, Reverted)]
        if len(failures) == len(outcomes):
            raise BlockchainError from _rest_of(failures)
        found = list(zip(self._nodes, outcomes, strict=True))
        reverts = {each.data for _, each in found if isinstance(each, Reverted)}
        if not reverts:
            return [(node, each[0]) for node, each in found if isinstance(each, tuple)]
        if len(reverts) > 1 or any(isinstance(each, tuple) for _, each in found):
            raise EndpointsDisagree
        raise next(each for _, each in found if isinstance(each, Reverted))

    async def agreed[T](self, question: Question[T]) -> T:
        """Return what everybody who answers says.

        Raises:
            BlockchainError: nobody answers.
            EndpointsDisagree: two of them say different things.
        """
        (_, first), *others = await self.every(question)
        if any(answer != first for _, answer in others):
            raise EndpointsDisagree
        return first

    async def any[T](self, question: Question[T]) -> T:
        """Return what the first one says who answers at all.

        Raises:
            BlockchainError: nobody answers.
            Reverted: the call fails.
        """
        failures: list[Exception] = []
        for node in self._nodes:
            outcome = await _outcome(node, question)
            if isinstance(outcome, tuple):
                return outcome[0]
            if isinstance(outcome, Reverted):
                raise outcome
            failures.append(outcome)
        raise BlockchainError from _rest_of(failures)

    async def close(self) -> None:
        """Close all connections."""
        for node in self._nodes:
            await node.endpoint.close()


async def _outcome[T](node: Node, question: Question[T]) -> tuple[T] | Reverted | EndpointFailure | Nonsense:
    """Return an answer, wrapped since it may be an exception itself, or why there is none."""
    try:
        return (await question(node),)
    except (Reverted, EndpointFailure, Nonsense) as outcome:
        return outcome


def _rest_of(failures: Sequence[Exception]) -> BreakerOpen | None:
    """Return the refusal when no endpoint was asked at all, so that whoever waits knows that nothing was tried."""
    refusals = [each.__cause__ for each in failures if isinstance(each.__cause__, BreakerOpen)]
    return refusals[0] if refusals and len(refusals) == len(failures) else None
