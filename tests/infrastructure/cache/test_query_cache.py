"""The cache against a model of what its callers have been told: never another's, never too old, never from before."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from application.kernel.query_cache import Found, Query, cached
from infrastructure.cache.query_cache import QueryCache

TENANTS = [UUID(int=n) for n in (1, 2)]
KINDS = ("price", "product", "order", "refund")
RULES = {"offer": cached(5, "price", "product"), "figures": cached(9, "order", "refund"), "all": cached(2, *KINDS)}


def query(organization_id: UUID, use_case: str) -> Query:
    """Ask for one tenant's answer of a use-case."""
    return Query(organization_id=organization_id, person=None, use_case=use_case, command="c")


@dataclass(frozen=True)
class Snapshot:
    """What a read saw, when, and who read it."""

    tenant: UUID
    rows: dict[str, int]
    at: float
    reader: int


@dataclass
class Asked:
    """One call: what its caller had been told of before, and the read it makes if it has to."""

    number: int
    tenant: UUID
    use_case: str
    told: dict[str, int]
    answer: asyncio.Task[object]
    look: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    failing: bool = False
    judged: bool = False


class CacheMachine(RuleBasedStateMachine):
    """Commits, announcements, reads that see and return at their own time, failures and deaf moments, in any order."""

    runner: asyncio.Runner

    @initialize()
    def start(self) -> None:
        self.now = 0.0
        self.cache = QueryCache(entries=2, now=lambda: self.now)
        self.cache.open()
        self.rows = {(tenant, kind): 0 for tenant in TENANTS for kind in KINDS}
        self.told = dict(self.rows)
        self.asked: list[Asked] = []
        self.unanswered: list[tuple[UUID, str]] = []

    @rule(tenant=st.sampled_from(TENANTS), use_case=st.sampled_from(sorted(RULES)), kind=st.sampled_from(KINDS),
          seconds=st.sampled_from([0.0, 3.0, 9.0]), changes=st.booleans())  # fmt: skip
    def ask_and_ask_again(self, tenant: UUID, use_case: str, kind: str, seconds: float, changes: bool) -> None:
        """Something may change in between, and so much else that it is not remembered by itself."""
        for _ in range(2):
            self.ask(tenant, use_case)
            if not self.asked[-1].answer.done():
                self.asked[-1].look.set()
                self.asked[-1].leave.set()
                self._settle()
            self.now += seconds
            if changes:
                self.commit(tenant, kind)
                self.cache.end({self.unanswered.pop()})
                self.told[tenant, kind] = self.rows[tenant, kind]
                self.cache.changed([(UUID(int=1000 + n), "price") for n in range(16)])

    @rule(tenant=st.sampled_from(TENANTS), use_case=st.sampled_from(sorted(RULES)))
    def ask(self, tenant: UUID, use_case: str) -> None:
        async def begin() -> None:
            told = {kind: self.told[tenant, kind] for kind in KINDS}
            number = len(self.asked)
            answer = asyncio.ensure_future(
                self.cache.read(query(tenant, use_case), RULES[use_case], lambda: self._load(number))
            )
            self.asked.append(Asked(number, tenant, use_case, told, answer))

        self.runner.run(begin())
        self._settle()

    async def _load(self, number: int) -> Found:
        mine = self.asked[number]
        await mine.look.wait()
        rows = {kind: self.rows[mine.tenant, kind] for kind in KINDS}
        seen = Snapshot(mine.tenant, rows, self.now, number)
        await mine.leave.wait()
        if mine.failing:
            raise RuntimeError("the database is away")
        return Found(value=seen, organization_id=mine.tenant)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), step=st.sampled_from(["look", "look", "leave", "leave", "leave", "fail", "cancel"]))
    def go_on(self, data: st.DataObject, step: str) -> None:
        asked = data.draw(st.sampled_from(self._open()))
        if step == "cancel":
            asked.answer.cancel()
        asked.failing = asked.failing or step == "fail"
        asked.look.set()
        if step != "look":
            asked.leave.set()
        self._settle()

    @rule(tenant=st.sampled_from(TENANTS), kind=st.sampled_from(KINDS))
    def commit(self, tenant: UUID, kind: str) -> None:
        """Its author is not answered yet: who reads now may see it, and then so has everybody who asks later."""
        self.cache.begin({(tenant, kind)})
        self.rows[tenant, kind] += 1
        self.unanswered.append((tenant, kind))

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """Whoever asks from now on sees it."""
        pair = data.draw(st.sampled_from(self.unanswered))
        self.unanswered.remove(pair)
        self.cache.end({pair})
        self.told[pair] = self.rows[pair]

    @rule(tenant=st.sampled_from(TENANTS), kind=st.sampled_from(KINDS))
    def deaf_for_a_moment(self, tenant: UUID, kind: str) -> None:
        """Another process's change that is never heard of, because the connection was down."""
        self.cache.close()
        self.rows[tenant, kind] += 1
        self.told[tenant, kind] = self.rows[tenant, kind]
        self.cache.open()

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def _open(self) -> list[Asked]:
        return [asked for asked in self.asked if not asked.answer.done() and not asked.leave.is_set()]

    def _settle(self) -> None:
        """Let everything run as far as it can, then judge what was answered."""

        async def turns() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.runner.run(turns())
        for asked in self.asked:
            if asked.answer.done() and not asked.judged:
                asked.judged = True
                self._judge(asked)

    def _judge(self, asked: Asked) -> None:
        if asked.answer.cancelled():
            return
        if asked.answer.exception() is not None:
            assert asked.failing, "somebody else's failure"
            return
        got = asked.answer.result()
        assert isinstance(got, Snapshot)
        assert got.tenant == asked.tenant
        rule_ = RULES[asked.use_case]
        assert all(got.rows[kind] >= asked.told[kind] for kind in rule_.changed_by), "from before a change"
        assert got.reader == asked.number or self.now - got.at < rule_.seconds, "too old"
        for kind in rule_.changed_by:
            self.told[got.tenant, kind] = max(self.told[got.tenant, kind], got.rows[kind])

    def teardown(self) -> None:
        for asked in self.asked:
            asked.look.set()
            asked.leave.set()
        self._settle()
        assert all(asked.answer.done() for asked in self.asked)


def test_no_answer_is_another_tenants_too_old_or_from_before_a_change() -> None:
    """Reads and changes interleaved at random, with room for two entries and for fewer changes than there are."""
    with asyncio.Runner() as CacheMachine.runner:
        run_state_machine_as_test(
            CacheMachine,
            settings=settings(
                max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )


class Source:
    """Counts how often it is read."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.reads = 0
        self.seconds = seconds

    async def load(self) -> Found:
        self.reads += 1
        await asyncio.sleep(self.seconds)
        return Found(value=self.reads, organization_id=TENANTS[0])


def opened(**given: object) -> QueryCache:
    """Return a cache that is in use."""
    cache = QueryCache(**given)  # type: ignore[arg-type]  # reason: each test's own
    cache.open()
    return cache


async def ask(cache: QueryCache, load: Callable[[], Awaitable[Found]], use_case: str = "offer") -> object:
    """Ask for the first tenant."""
    return await cache.read(query(TENANTS[0], use_case), RULES["offer"], load)


async def test_a_thousand_at_once_read_once() -> None:
    """However many ask before there is an answer, the source is read once, and each is counted."""
    seen: Counter[str] = Counter()
    source, cache = Source(0.05), opened(observe=lambda _, result: seen.update([result]))
    answers = await asyncio.gather(*(ask(cache, source.load) for _ in range(1000)))
    assert await ask(cache, source.load) == 1
    assert (set(answers), source.reads) == ({1}, 1)
    assert seen == {"miss": 1, "shared": 999, "hit": 1}


async def test_a_cancelled_reader_leaves_the_reading_to_another() -> None:
    """Who waits for somebody that goes away is not sent away."""
    source, cache = Source(0.05), opened()
    first = asyncio.ensure_future(ask(cache, source.load))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(ask(cache, source.load)) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [2] * 20
    assert source.reads == 2


async def test_a_failure_is_never_kept() -> None:
    """The next one asks again."""
    source, cache = Source(), opened()

    async def fail() -> Found:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await ask(cache, fail)
    assert await ask(cache, source.load) == 1


async def test_a_closed_cache_reads_every_time() -> None:
    """Before anybody tells it of changes, and after it was closed, it keeps nothing."""
    source, cache = Source(), QueryCache()
    await ask(cache, source.load)
    cache.open()
    await ask(cache, source.load)
    await ask(cache, source.load)
    cache.close()
    await ask(cache, source.load)
    cache.open()
    await ask(cache, source.load)
    assert source.reads == 4


async def test_nothing_is_kept_or_given_while_a_change_is_committed() -> None:
    """Others may have read it from the database already; once it is answered a new read is kept."""
    source, cache, change = Source(), opened(), {(TENANTS[0], "price")}
    await ask(cache, source.load)
    cache.begin(change)
    assert [await ask(cache, source.load) for _ in range(2)] == [2, 3]
    cache.end(change)
    assert [await ask(cache, source.load) for _ in range(2)] == [4, 4]


async def test_the_least_recently_used_goes_first() -> None:
    """There are never more entries than allowed, and what is used stays."""
    source, cache = Source(), opened(entries=3)
    for name in ("a", "b", "c", "a", "d", "a"):
        await ask(cache, source.load, name)
    assert source.reads == 4
    await ask(cache, source.load, "b")
    assert source.reads == 5
    assert len(cache._entries) == 3


async def test_what_is_remembered_of_changes_is_bounded() -> None:
    """A million organizations that change leave a thousand entries' worth of numbers."""
    cache = opened(entries=10)
    for n in range(1000):
        cache.changed({(UUID(int=n), "price")})
    assert len(cache._changes) == 80
