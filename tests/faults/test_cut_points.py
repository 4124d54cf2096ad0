"""Exactly once, proven by cutting the database connection at every message of every writing use-case."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from time import perf_counter

import pytest

from application.kernel.dispatcher import Call, Dispatcher, Outcome, Work
from application.kernel.idempotency import fingerprint
from application.kernel.use_case import UseCase
from tests.faults.cut_points import Count, Lab, Point, Verdict, open_lab, summary
from tests.support.databases import TestDatabases
from tests.support.use_cases import REGISTRY, SILENT, WRITES

LABS = 3
IN_THE_GATE = 1_000
AT_FULL_LENGTH = 10_000
CREATORS = ("customers.create", "payment_orders.create", "prices.create", "products.create")
KEYED = [name for name in WRITES if not REGISTRY[name].keyless]
WITHOUT_MONEY = [name for name in WRITES if not REGISTRY[name].money]


class KeyAfterwards(Dispatcher):
    """The usual mistake: look the key up first, do the work, and store the answer in a transaction of its own."""

    def __init__(self, good: Dispatcher) -> None:
        """Take a good dispatcher's parts."""
        self.__dict__.update(vars(good))

    async def _run(self, use_case: UseCase, command: object, work: Work, call: Call) -> Outcome:
        known = fingerprint(use_case.name, command)
        key = str(call.idempotency_key)

        async with self._units(call.actor, use_case=use_case.name, request_id=call.request_id) as uow:
            answer = await uow.idempotency.claim(key, known)
        if answer is not None:
            return Outcome(answer, replayed=True)
        async with self._units(call.actor, use_case=use_case.name, request_id=call.request_id) as uow:
            view = await work(uow, partial(use_case.handler, **self._ports[use_case.name]))
            await uow.commit()
        async with self._units(call.actor, use_case=use_case.name, request_id=call.request_id) as uow:
            await uow.idempotency.claim(key, known)
            uow.idempotency.store(key, self._encoders[use_case.name](view))
            await uow.commit()
        return Outcome(self._encoders[use_case.name](view))


def _spread(points: Sequence[Point], wanted: int) -> list[Point]:
    """Choose evenly among all of them, with another beginning each time."""
    if wanted >= len(points):
        return list(points)
    step = len(points) / wanted
    first = random.random() * step
    return [points[int(first + n * step)] for n in range(wanted)]


async def _judge_all(lab: Lab, names: Iterable[str], wanted: int, *, thorough: bool) -> list[Verdict]:
    """Take use-cases from the shared iterator until there are none; ``wanted`` points of each."""
    verdicts = []
    for name in names:
        every = list(await lab.learn(name))
        _is_one_effect(name, lab.effects[name])
        if thorough:
            every += [Point(p.use_case, p.warm, p.at, p.forward, again=True) for p in every]
        verdicts += [await lab.judge(point) for point in _spread(every, wanted)]
    return [verdict for verdict in verdicts if verdict.cut]


def _is_one_effect(name: str, effect: Count) -> None:
    """Check what all cuts are compared with: an uncut call keeps its answer, and records every version it made."""
    versions = sum(_made(effect, what.removesuffix("_version")) for what in effect if what.endswith("_version"))
    assert effect["idempotency_records"] == 1, name
    assert effect.get("audit_entries", 0) == versions, (name, effect)
    assert versions > 0 or name in SILENT, (name, effect)
    assert effect.get("outbox", 0) >= versions, (name, effect)


def _made(effect: Count, table: str) -> int:
    """Return how many versions of a table's rows came into being; the last one of a deleted row is kept nowhere."""
    gone = -effect.get(table, 0)
    return gone if gone > 0 else effect[f"{table}_version"]


def _wrong(verdicts: Iterable[Verdict]) -> list[str]:
    return [f"{verdict.point}: {verdict.first}: {verdict.wrong}" for verdict in verdicts if verdict.wrong]


async def test_every_write_happens_exactly_once_wherever_its_connection_breaks(
    test_databases: TestDatabases, pytestconfig: pytest.Config
) -> None:
    """A message or its answer is lost, the caller retries with the same key: one effect, one answer, every time."""
    thorough = bool(pytestconfig.getoption("--faults"))
    least = int(pytestconfig.getoption("--cut-points")) or (AT_FULL_LENGTH if thorough else IN_THE_GATE)
    # A tenth more than asked for, because a connection that knows more statements has fewer messages to cut.
    each = least * 11 // (10 * len(KEYED)) + 1
    started, names = perf_counter(), iter(KEYED)
    async with AsyncExitStack() as open_labs:
        labs = [await open_labs.enter_async_context(open_lab(test_databases.postgres())) for _ in range(LABS)]
        found = await asyncio.gather(*(_judge_all(lab, names, each, thorough=thorough) for lab in labs))
    verdicts = list(itertools.chain.from_iterable(found))
    print(f"{summary(verdicts)}; {perf_counter() - started:.1f} s")  # noqa: T201 - the figure of the run, seen with -rP
    assert _wrong(verdicts) == []
    assert len(verdicts) >= least
    assert {verdict.point.use_case for verdict in verdicts} == set(KEYED)


async def test_the_same_cuts_convict_a_store_that_keeps_the_key_afterwards(test_databases: TestDatabases) -> None:
    """The harness has teeth: with the key in a second transaction more than 5 % of the cuts make duplicates."""
    async with open_lab(test_databases.postgres(), KeyAfterwards) as lab:
        verdicts = await _judge_all(lab, iter(CREATORS), 60, thorough=False)
    duplicates = [verdict for verdict in verdicts if any("duplicate" in wrong for wrong in verdict.wrong)]
    print(f"{len(duplicates)} duplicates in {len(verdicts)} cuts")  # noqa: T201 - the figure of the run, seen with -rP
    assert len(duplicates) > 0.05 * len(verdicts)


@pytest.mark.parametrize("name", WITHOUT_MONEY)
async def test_a_call_without_a_key_never_happens_twice(name: str, lab: Lab) -> None:
    """Nobody inside repeats a call whose connection broke: it happened once or not at all, and says which."""
    points = _spread([point for point in await lab.learn(name) if point.warm], 12)
    assert _wrong([await lab.judge_without_key(point) for point in points]) == []


@pytest.fixture(scope="module")
async def lab(test_databases: TestDatabases) -> AsyncIterator[Lab]:
    """Return a laboratory for the tests that need no cuts in parallel."""
    async with open_lab(test_databases.postgres()) as opened:
        yield opened
