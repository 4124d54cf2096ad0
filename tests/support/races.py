"""Starting things at once and sorting what came of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

from domain.shared.errors import StoaError


@dataclass(frozen=True, slots=True)
class Raced[T]:
    """What the winners returned, and the codes of the others' named failures. Any other failure is raised."""

    won: list[T]
    lost: Counter[str]


async def race[T](runners: Iterable[Awaitable[T]]) -> Raced[T]:
    """Let all of them run at once, to the end."""
    won: list[T] = []
    lost: Counter[str] = Counter()
    for result in await asyncio.gather(*runners, return_exceptions=True):
        if isinstance(result, StoaError):
            lost[result.code] += 1
        elif isinstance(result, BaseException):
            raise result
        else:
            won.append(result)
    return Raced(won, lost)
