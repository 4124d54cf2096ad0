"""The three contestants side by side on one database."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from benchmarks.cluster import Ground
from benchmarks.measure import Scale
from benchmarks.peer import Peer, open_peer
from benchmarks.raw import Raw, open_raw
from benchmarks.stoa import Stoa, open_stoa


@dataclass(frozen=True, slots=True)
class Arena:
    """Everybody, and what they work on."""

    ground: Ground
    raw: Raw
    peer: Peer
    stoa: Stoa
    scale: Scale


@asynccontextmanager
async def open_arena(ground: Ground, scale: Scale) -> AsyncIterator[Arena]:
    """Open everybody's connections for the length of the block."""
    organization_id = ground.seeded.organization_id
    async with (
        open_raw(ground.app, organization_id) as raw,
        open_peer(ground.app, organization_id) as peer,
        open_stoa(ground.app, organization_id) as stoa,
    ):
        yield Arena(ground, raw, peer, stoa, scale)


def of_random[T](act: Callable[[UUID], Awaitable[T]], ids: Sequence[UUID]) -> Callable[[], Awaitable[T]]:
    """Return a contestant that acts on another row each time."""
    return lambda: act(random.choice(ids))


class Renaming:
    """A contestant that changes one after the other of its own rows, knowing the version each of them has."""

    def __init__(self, rename: Callable[[UUID, str, int], Awaitable[object]], ids: Sequence[UUID]) -> None:
        self._rename = rename
        self._versions = dict.fromkeys(ids, 1)
        self._turns = self._take_turns()

    async def __call__(self) -> object:
        id_ = next(self._turns)
        version = self._versions[id_]
        self._versions[id_] = version + 1
        return await self._rename(id_, f"Espresso blend, edition {version}", version)

    def _take_turns(self) -> Iterator[UUID]:
        while True:
            yield from self._versions
