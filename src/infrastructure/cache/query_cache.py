"""The cache of one process: bounded, by age and by number, and never older than what it was told of.

Nothing is searched for when something changes. A change gives its organization and kind a number, one higher than all
before; an entry remembers the number at which its read began, and is over as soon as there is a higher one. So an entry
that is read while a change commits is over before it is kept. From just before the commit until it is answered nothing
of that organization and kind holds, because others may have seen the change already.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from application.kernel.query_cache import Cached, Found, IChanges, IQueryCache, Query, Touched

ENTRIES = 1000
_CHANGES_EACH = 8
_TIMES_SHARED = 2

type Observe = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One answer, and the moment, by the clock and by the count of changes, at which its read began."""

    found: Found
    kinds: frozenset[str]
    began: int
    ends: float


class QueryCache(IQueryCache, IChanges):
    """Keeps up to ``entries`` answers, the least recently used of which goes first. It starts closed.

    While it is closed every read is loaded and nothing is kept: nobody can promise then that changes become known.
    """

    def __init__(
        self, *, entries: int = ENTRIES, now: Callable[[], float] = time.monotonic, observe: Observe | None = None
    ) -> None:
        """Begin empty; ``observe`` hears of each read the use-case and whether it was a hit, shared, a miss or off."""
        self._limit = entries
        self._now = now
        self._observe = observe or _nobody
        self._entries: OrderedDict[Query, _Entry] = OrderedDict()
        self._loading: dict[Query, asyncio.Future[_Entry | None]] = {}
        self._changing: Counter[tuple[UUID, str]] = Counter()
        self._changes: OrderedDict[tuple[UUID, str], int] = OrderedDict()
        self._count = 0
        self._floor = 0
        self._is_open = False

    def open(self) -> None:
        """Keep answers from now on: whoever changes something will say so."""
        self._is_open = True

    def close(self) -> None:
        """Forget everything, and keep nothing until it is opened again."""
        self._is_open = False
        self._entries.clear()
        self._count += 1
        self._floor = self._count

    def begin(self, touched: Touched) -> None:
        """Count who is changing these."""
        self._changing.update(touched)

    def end(self, touched: Touched) -> None:
        """Count them out, and number the changes."""
        self._changing.subtract(touched)
        for pair in touched:
            if not self._changing[pair]:
                del self._changing[pair]
        self.changed(touched)

    def changed(self, touched: Touched) -> None:
        """Give these changes a number; there are so many of them remembered, and of older ones only the last number."""
        if not touched:
            return
        self._count += 1
        for pair in touched:
            self._changes[pair] = self._count
            self._changes.move_to_end(pair)
        while len(self._changes) > self._limit * _CHANGES_EACH:
            self._floor = self._changes.popitem(last=False)[1]

    async def read(self, query: Query, rule: Cached, load: Callable[[], Awaitable[Found]]) -> object:
        """Return what is kept, or what somebody else is loading, or load."""
        if not self._is_open:
            self._observe(query.use_case, "off")
            return (await load()).value
        for _ in range(_TIMES_SHARED):
            entry = self._entries.get(query)
            if entry is not None and self._holds(entry):
                self._entries.move_to_end(query)
                self._observe(query.use_case, "hit")
                return entry.found.value
            loading = self._loading.get(query)
            if loading is None:
                break
            entry = await asyncio.shield(loading)
            # Whoever loads may have begun before a change that this caller has been told of already.
            if entry is not None and self._holds(entry):
                self._observe(query.use_case, "shared")
                return entry.found.value
        self._observe(query.use_case, "miss")
        return (await self._load(query, rule, load)).found.value

    async def _load(self, query: Query, rule: Cached, load: Callable[[], Awaitable[Found]]) -> _Entry:
        began, ends = self._count, self._now() + rule.seconds
        mine: asyncio.Future[_Entry | None] = asyncio.get_running_loop().create_future()
        self._loading.setdefault(query, mine)
        entry = None
        try:
            entry = _Entry(await load(), rule.changed_by, began, ends)
            self._keep(query, entry)
            return entry
        finally:
            if self._loading.get(query) is mine:
                del self._loading[query]
            mine.set_result(entry)

    def _keep(self, query: Query, entry: _Entry) -> None:
        if not self._is_open or not self._holds(entry):
            return
        self._entries[query] = entry
        self._entries.move_to_end(query)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def _holds(self, entry: _Entry) -> bool:
        """Say whether nothing that is known of ended it."""
        if entry.began < self._floor or self._now() >= entry.ends:
            return False
        whose = entry.found.organization_id
        pairs = [(whose, kind) for kind in entry.kinds]
        return all(self._changes.get(pair, 0) <= entry.began and pair not in self._changing for pair in pairs)


def _nobody(*_: object) -> None:
    """Hear nothing."""
