"""Minutes of mixed load with faults: nothing grows, and at rest everything is published, sealed and adds up."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from tests.faults.processes import ChildProcess, crowd
from tests.faults.served import Served, served
from tests.faults.writers import at_work
from tests.soak.visitors import Visitors

RSS_GROWTH = 1.05
# One for each of a few connections that a pool may have open or not; a leak for every fault is many times that.
DESCRIPTORS, CONNECTIONS = 6, 4
_RESTS_WITHIN = 60.0
_VERIFIES_WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Course:
    """How hard and how long: seconds to warm up and of load, those between kills of a worker, and the visitors."""

    warm_up: float
    load: float
    kill_every: float
    visitors: int
    pause: float
    weigh: bool


GATE = Course(warm_up=3, load=6, kill_every=4, visitors=4, pause=0.05, weigh=False)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a server holds on to: KiB of memory, descriptors, and its database's connections."""

    rss: int
    descriptors: int
    connections: int


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Served]:
    """Run ``stoa up`` in an empty data folder."""
    async with served(tmp_path) as opened:
        yield opened


async def test_faults_for_a_moment_leave_nothing_behind(house: Served) -> None:
    """The gate's form: seconds of load, a killed worker, cut connections on both sides; memory is for the long one."""
    await soak(house, GATE)


@pytest.mark.soak
async def test_half_an_hour_of_faults_leaves_nothing_behind(house: Served, pytestconfig: pytest.Config) -> None:
    """Nothing is held on to after the first fifth; ``--soak-minutes`` makes it shorter or longer."""
    seconds = 60 * float(pytestconfig.getoption("--soak-minutes"))
    await soak(house, Course(seconds / 5, seconds * 4 / 5, kill_every=20, visitors=8, pause=0.02, weigh=True))


async def soak(house: Served, course: Course) -> None:
    """Warm up, look, go on, and look again."""
    worker = house.command("worker", "worker")
    connection = await asyncpg.connect(house.database)
    visitors = Visitors(house.port, house.secret)
    try:
        worker.start()
        await visitors.open_shop()
        await mixed_load(visitors, course, course.warm_up, worker, connection)
        await rests(connection)
        before = await vitals(house, connection)
        weighing = asyncio.create_task(weighed(house, course.load / 10))
        try:
            await mixed_load(visitors, course, course.load, worker, connection)
        finally:
            weighing.cancel()
        await rests(connection)
        after = await vitals(house, connection)
        await proved(house)
    finally:
        worker.kill()
        await connection.close()
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{sum(visitors.answers.values())} answers {dict(visitors.answers)}, {visitors.faults} faults; "
        f"RSS {before.rss} → {after.rss} KiB, descriptors {before.descriptors} → {after.descriptors}, "
        f"connections {before.connections} → {after.connections}"
    )
    assert visitors.surprises == []
    assert visitors.answers[200] > 0 < visitors.answers[201]
    assert after.descriptors <= before.descriptors + DESCRIPTORS, (before, after)
    assert after.connections <= before.connections + CONNECTIONS, (before, after)
    assert not course.weigh or after.rss <= before.rss * RSS_GROWTH, (before, after)


async def mixed_load(
    visitors: Visitors, course: Course, seconds: float, worker: ChildProcess,
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:  # fmt: skip
    """Let visitors come and cut what they stand on: connections of the database, and a worker now and then."""
    visitors.stopping = False
    ends, kills_at = monotonic() + seconds, monotonic() + min(seconds, course.kill_every) / 2
    async with at_work((visitors.visit(pause=course.pause) for _ in range(course.visitors)), visitors.stop):
        while monotonic() < ends:
            await asyncio.sleep(random.uniform(0.2, 1.0))
            await cut_one(connection)
            if monotonic() >= kills_at:
                kills_at += course.kill_every
                worker.kill()
                worker.start()


async def cut_one(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Terminate one of the server's connections to its database, whatever it is doing."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'stoa_%' ORDER BY random() LIMIT 1"
    )


async def rests(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until nothing is left to do: every event published, every entry sealed, every job done that is due."""
    left = {
        "unpublished": "SELECT count(*) FROM outbox",
        "unsealed": "SELECT count(*) FROM audit_entries WHERE seq IS NULL",
        "processing": "SELECT count(*) FROM payment_orders WHERE status IN ('processing', 'unknown')",
    }
    ends = monotonic() + _RESTS_WITHIN * crowd()
    found = {"": -1}
    while any(found.values()):
        assert monotonic() < ends, f"no rest: {found}"
        await asyncio.sleep(0.5)
        found = {name: await connection.fetchval(sql) for name, sql in left.items()}
    # What connections of clients that left hold on to is closed by now as well.
    await asyncio.sleep(1)


async def vitals(house: Served, connection: "asyncpg.Connection[asyncpg.Record]") -> Vitals:
    """Look at the server from outside."""
    connections = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'stoa_%'")
    return Vitals(resident(house), descriptors(house), connections)


def resident(house: Served) -> int:
    """Return how much memory the server has, in KiB."""
    status = Path(f"/proc/{house.server.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def descriptors(house: Served) -> int:
    """Return how many files and sockets the server has open."""
    return len(list(Path(f"/proc/{house.server.pid}/fd").iterdir()))


async def weighed(house: Served, every: float) -> None:
    """Print the memory now and then: what grows and ends to grow is no leak."""
    while True:
        await asyncio.sleep(every)
        print(f"RSS {resident(house)} KiB")  # noqa: T201 - the figures of the run, seen with -rP


async def proved(house: Served) -> None:
    """Have Stoa's own commands read every entry of the audit log and every order of the books."""
    for name in ("audit", "books"):
        command = house.command(f"verify-{name}", name, "verify")
        command.start()
        code = await asyncio.to_thread(command.ended, _VERIFIES_WITHIN * crowd())
        assert code == 0, (name, code, command.output, command.errors)
