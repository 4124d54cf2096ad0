"""The laboratory of the cut points: one database, a proxy before it, and the count of everything in it."""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

import asyncpg
import msgspec

from application.kernel.dispatcher import Call, Dispatcher, Outcome
from application.kernel.idempotency import IdempotencyInProgress, OutcomeUnknown
from domain.shared.errors import Unavailable
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.tenancy import ASIDE
from infrastructure.resilience.breaker import Breaker
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls
from tests.support.stack import Stack, open_stack
from tests.support.use_cases import as_kept
from tests.support.world import World

_PATIENCE = 100
type Count = dict[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """One place to cut: which use-case, on a used or a new connection, at which message, and what is lost.

    Attributes:
        forward: the server still gets the message and only its answer is lost; otherwise the message is.
        again: cut the first retry as well, at a random message.
    """

    use_case: str
    warm: bool
    at: int
    forward: bool
    again: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one point.

    Attributes:
        first: the class of the first call's failure; None when it got its answer in spite of the cut.
        wrong: every promise that was broken: lost, duplicate, answer, replay, unnamed, unknown.
    """

    point: Point
    cut: bool
    first: str | None
    wrong: tuple[str, ...] = ()


@dataclass
class Lab:
    """A world, and two ways to its database: directly, and through the proxy over a single connection."""

    direct: Stack
    through: Stack
    proxy: CutProxy
    world: World
    superuser: "asyncpg.Connection[asyncpg.Record]"
    dispatcher: Dispatcher
    warm_for: str = ""
    effects: dict[str, Count] = field(default_factory=dict)

    async def count(self) -> Count:
        """Count everything that is committed: rows, versions and numbers of every table."""
        counts: Count = {}
        for row in await self.superuser.fetch(_COUNT_EVERYTHING):
            counts[row["name"]] = int(row["size"])
            counts |= {f"{row['name']}_{grows}": int(row[grows]) for grows in _GROWS if row[grows] is not None}
        return counts

    async def call(self, dispatcher: Dispatcher, name: str, given: dict[str, object], key: str | None) -> Outcome:
        """Run one use-case in the world."""
        call = Call(actor=self.world.actor_for(name), request_id=str(uuid4()), idempotency_key=key)
        return await dispatcher(name, self.direct.command(name, **given), call)

    async def clean(self, name: str) -> None:
        """Run a use-case once without any cut, so that the connection knows its statements."""
        await self.call(self.dispatcher, name, await self.world.fields(name), str(uuid4()))
        self.warm_for = name

    async def learn(self, name: str) -> Iterator[Point]:
        """Measure one effect of the use-case, and return every place to cut it, on both kinds of connection."""
        lengths = []
        for warm in (False, True):
            await self.connect(name, warm=warm)
            given, before = await self.world.fields(name), await self.count()
            self.proxy.count()
            await self.call(self.dispatcher, name, given, str(uuid4()))
            lengths.append((warm, self.proxy.messages))
            self.effects[name], self.warm_for = _difference(before, await self.count()), name
        return (
            Point(name, warm, at, forward)
            for warm, length in lengths
            for at in range(1, length + 1)
            for forward in (False, True)
        )

    async def connect(self, name: str, *, warm: bool) -> None:
        """Be connected with the use-case's statements known, or not be connected at all."""
        self.proxy.count()
        if warm and self.warm_for == name:
            return
        await self.through.database.dispose()
        await self.proxy.quiet()
        if warm:
            await self.clean(name)

    async def judge(self, point: Point) -> Verdict:
        """Cut at the point, retry with the same key until there is a definite answer, and count the effects."""
        await self.connect(point.use_case, warm=point.warm)
        given, key = await self.world.fields(point.use_case), str(uuid4())
        before, cuts = await self.count(), self.proxy.cuts
        self.warm_for = ""
        self.proxy.arm(point.at, forward=point.forward)
        first = await self._try(point.use_case, given, key)
        cut = self.proxy.cuts > cuts
        if point.again:
            self.proxy.arm(random.randint(1, 60), forward=random.random() < 0.5)
            await self._try(point.use_case, given, key)
        self.proxy.count()
        answer = await self._until_definite(point.use_case, given, key)
        await self.proxy.quiet()
        effect = _difference(before, await self.count())
        wrong = [*self._surprises(first, answer, again=point.again), *self._miscounted(point.use_case, effect)]
        if not wrong and isinstance(answer, Outcome):
            wrong = await self._differences(point.use_case, given, key, answer)
            self.warm_for = "" if answer.replayed else point.use_case
        return Verdict(point, cut, type(first).__name__ if isinstance(first, Exception) else None, tuple(wrong))

    async def judge_without_key(self, point: Point) -> Verdict:
        """Cut a call that carries no key: it happened once or not at all, and said which unless it cannot know."""
        await self.connect(point.use_case, warm=point.warm)
        given = await self.world.fields(point.use_case)
        before, cuts = await self.count(), self.proxy.cuts
        self.warm_for = ""
        self.proxy.arm(point.at, forward=point.forward)
        first = await self._try(point.use_case, given, None)
        cut = self.proxy.cuts > cuts
        self.proxy.count()
        await self.proxy.quiet()
        effect = _difference(before, await self.count())
        one = {what: count for what, count in self.effects[point.use_case].items() if what != "idempotency_records"}
        wrong = []
        possible = [one] if isinstance(first, Outcome) else [{}, one] if isinstance(first, OutcomeUnknown) else [{}]
        if effect not in possible:
            wrong.append(f"after {first!r}: {effect}")
        if not isinstance(first, Outcome | Unavailable):
            wrong.append(f"unnamed {first!r}")
        return Verdict(point, cut, type(first).__name__ if isinstance(first, Exception) else None, tuple(wrong))

    async def _try(self, name: str, given: dict[str, object], key: str | None) -> Outcome | Exception:
        try:
            return await self.call(self.dispatcher, name, given, key)
        except Exception as error:  # noqa: BLE001 - which failure it was is the question
            return error

    async def _until_definite(self, name: str, given: dict[str, object], key: str) -> Outcome | Exception:
        answer = await self._try(name, given, key)
        for _ in range(_PATIENCE):
            if not isinstance(answer, Unavailable | IdempotencyInProgress):
                break
            answer = await self._try(name, given, key)
        return answer

    def _surprises(self, first: Outcome | Exception, answer: Outcome | Exception, *, again: bool) -> Iterator[str]:
        if isinstance(first, Exception) and not isinstance(first, Unavailable):
            yield f"unnamed {first!r}"
        if isinstance(answer, Exception):
            yield f"answer {answer!r}"
        elif isinstance(first, Exception) and not again and answer.replayed and not isinstance(first, OutcomeUnknown):
            yield f"unknown, but reported as {first!r}"
        elif isinstance(first, Outcome) and not answer.replayed:
            yield "answer of its own for the retry of an answered call"

    def _miscounted(self, name: str, effect: Count) -> Iterator[str]:
        one = self.effects[name]
        for what in sorted(one.keys() | effect.keys()):
            found, wanted = effect.get(what, 0), one.get(what, 0)
            if found != wanted:
                yield f"{'duplicate' if found > wanted else 'lost'} {what}: {found} instead of {wanted}"

    async def _differences(self, name: str, given: dict[str, object], key: str, answer: Outcome) -> list[str]:
        replay = await self.call(self.direct.dispatcher, name, given, key)
        kept, first = (json.loads(msgspec.json.encode(body)) for body in (replay.body, answer.body))
        return [] if replay.replayed and kept == as_kept(name, first) else ["replay differs from the answer"]


def _difference(before: Count, after: Count) -> Count:
    return {what: after[what] - before[what] for what in after if after[what] != before[what]}


# The first of a day or an hour makes a row, the next ones raise it: only the sum counts.
_SUMS = {"counters": "value", "payment_durations": "payments", "payment_figures": "captures + refunds"}


_GROWS = ("version", "uses")


def _everything() -> str:
    """Return the statement that counts the rows of every table, and sums what grows in place."""
    counted = []
    for table in Base.metadata.sorted_tables:
        if ASIDE in table.info:
            # Written apart on purpose, also by calls that fail.
            continue
        size = f"coalesce(sum({_SUMS[table.name]}), 0)" if table.name in _SUMS else "count(*)"
        sums = [f"coalesce(sum({each}), 0)" if each in table.c else "NULL::numeric" for each in _GROWS]
        columns = ", ".join(f"{value} AS {name}" for name, value in zip(_GROWS, sums, strict=True))
        counted.append(f"SELECT '{table.name}' AS name, {size} AS size, {columns} FROM {table.name}")
    return " UNION ALL ".join(counted)


_COUNT_EVERYTHING = _everything()


@asynccontextmanager
async def open_lab(
    urls: DatabaseUrls, spoil: Callable[[Dispatcher], Dispatcher] = lambda good: good
) -> AsyncIterator[Lab]:
    """Fill a world in an empty database. ``spoil`` makes a dispatcher that is known to be bad of a good one."""
    async with open_stack(urls) as direct, cut_proxy(urls.app) as proxy:
        proxied = replace(urls, app=proxy.url(urls.app))
        # Every cut of a new connection is a failure to connect, and one that lets nothing through would hide the rest.
        patient = Breaker("database", counts=())
        async with open_stack(proxied, pool_size=1, breaker=patient) as through:
            superuser = await asyncpg.connect(urls.superuser)
            try:
                world = await World.create(direct)
                yield Lab(direct, through, proxy, world, superuser, spoil(through.dispatcher))
            finally:
                await superuser.close()


def summary(verdicts: list[Verdict]) -> str:
    """Say what was cut and how the first calls failed, in one line."""
    firsts = Counter(verdict.first or "answered" for verdict in verdicts)
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    return f"{len(verdicts)} cuts, {wrong} wrong; first calls: {dict(firsts.most_common())}"
