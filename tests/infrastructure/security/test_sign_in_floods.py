"""A flood of passwords: as much work for strangers as for members, bounded, and nobody else waits for it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from statistics import median

import asyncpg
import pytest

from domain.identity.errors import CredentialsInvalid
from domain.shared.errors import StoaError
from infrastructure.persistence.sign_ins import SqlSignIns
from infrastructure.security.passwords import Argon2Passwords, PasswordsBusy
from tests.faults.processes import crowd
from tests.support.databases import TestDatabases
from tests.support.persons import new_address, registered
from tests.support.stack import Stack, open_stack

PASSWORD, WRONG = "four green boats at noon", "five green boats at noon"
STALL = 0.020


@pytest.fixture
async def stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database of the test's own."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


class Counted(Argon2Passwords):
    """Counts the comparisons that are really made, by the parameters that are in what is compared with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_kib=8, workers=2)
        self.compared: list[str] = []

    def _matches(self, encoded: str, candidate: bytes) -> bool:
        self.compared.append(encoded.rpartition("$")[0].rpartition("$")[0])
        return super()._matches(encoded, candidate)


async def test_a_stranger_costs_exactly_the_work_of_a_member(stack: Stack) -> None:
    """One comparison with the same parameters, whether the address is anybody's, the password right, wrong or none."""
    email = new_address()
    await registered(stack, email, PASSWORD)
    seen = []
    with Counted() as hasher:
        sign_ins = SqlSignIns(stack.database, hasher, stack.clock)
        for address, password in ((email, WRONG), (new_address(), WRONG), (email, "short"), (new_address(), "x" * 500)):
            hasher.compared.clear()
            with pytest.raises(CredentialsInvalid):
                await sign_ins.verify(address, password)
            seen.append(tuple(hasher.compared))
    assert set(seen) == {("$argon2id$v=19$m=8,t=1,p=1",)}


async def test_a_flood_of_passwords_is_refused_and_not_piled_up() -> None:
    """Of three hundred at once so many are compared as may wait; the rest hear at once when to come back."""
    with Argon2Passwords(time_cost=1, memory_kib=8, workers=2) as hasher:
        encoded = await hasher.hash(PASSWORD)
        asked = (hasher.verify(WRONG, encoded if number % 2 else None) for number in range(300))
        said = await asyncio.gather(*asked, return_exceptions=True)
        assert said.count(False) == 2 * hasher.WAITING
        busy = [each for each in said if isinstance(each, PasswordsBusy)]
        assert len(busy) == 300 - 2 * hasher.WAITING
        assert {each.details["retry_after"] for each in busy} == {1}
        assert await hasher.verify(PASSWORD, encoded), "when it is over, people sign in again"


async def test_who_finds_too_many_waiting_has_not_tried_anything(stack: Stack) -> None:
    """However often somebody is told to come back, nobody is locked out by it."""
    email = new_address()
    await registered(stack, email, PASSWORD)
    with Argon2Passwords(time_cost=1, memory_kib=8, workers=1) as hasher:
        sign_ins, all_are_in = SqlSignIns(stack.database, hasher, stack.clock), threading.Event()
        others = [asyncio.create_task(hasher._run(all_are_in.wait)) for _ in range(hasher.WAITING)]
        await asyncio.sleep(0)
        for _ in range(20):
            with pytest.raises(PasswordsBusy):
                await sign_ins.verify(email, PASSWORD)
        all_are_in.set()
        await asyncio.gather(*others)
        assert (await sign_ins.verify(email, PASSWORD)).email == email


@pytest.mark.faults
async def test_a_flood_of_sign_ins_keeps_nobody_else_waiting(stack: Stack) -> None:
    """200 a second for 20 seconds with real parameters: in 999 of 1,000 turns the loop stalls for at most 20 ms."""
    home = await stack.organization()
    with Argon2Passwords() as hasher:
        sign_ins = SqlSignIns(stack.database, hasher, stack.clock)

        async def read() -> float:
            begun = time.perf_counter()
            await stack.run("products.list", home)
            return time.perf_counter() - begun

        calm = [await read() for _ in range(300)]
        flood, reads, stalls = set[asyncio.Task[None]](), list[float](), list[float]()
        until = time.perf_counter() + 20
        while time.perf_counter() < until:
            task = asyncio.create_task(_attempt(sign_ins))
            flood.add(task)
            task.add_done_callback(flood.discard)
            begun = time.perf_counter()
            await asyncio.sleep(0.004)
            stalls.append(time.perf_counter() - begun - 0.004)
            reads.append(await read())
        await asyncio.gather(*flood)
    before, after, worst = (_at(values, 0.99) for values in (calm, reads, stalls))
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{len(reads)} attempts; reads p99 {before * 1e3:.1f} ms, in the flood {after * 1e3:.1f} ms; "
        f"stalls p99 {worst * 1e3:.1f} ms, p99.9 {_at(stalls, 0.999) * 1e3:.1f} ms, max {max(stalls) * 1e3:.1f} ms"
    )
    assert _at(stalls, 0.999) <= STALL * crowd()


async def _attempt(sign_ins: SqlSignIns) -> None:
    with suppress(StoaError):
        await sign_ins.verify(new_address(), WRONG)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


@pytest.mark.faults
async def test_the_medians_of_strangers_and_members_are_the_same(stack: Stack) -> None:
    """Over 300 tries of each, one after the other and with real parameters, they differ by less than 5 %."""
    addresses = [new_address() for _ in range(60)]
    for address in addresses:
        await registered(stack, address, PASSWORD)
    took: dict[bool, list[float]] = {True: [], False: []}
    with Argon2Passwords() as hasher:
        known = await hasher.hash(PASSWORD)
        for turn in range(600):
            member = turn % 2 == 0
            begun = time.perf_counter()
            await hasher.verify(WRONG, known if member else None)
            took[member].append(time.perf_counter() - begun)
        # What the tests' own core has stored was hashed with the cheapest parameters.
        superuser = await asyncpg.connect(stack.urls.superuser)
        await superuser.execute("UPDATE credentials SET hash = $1", known)
        await superuser.close()
        sign_ins = SqlSignIns(stack.database, hasher, stack.clock)
        whole: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(240):
            member = turn % 2 == 0
            begun = time.perf_counter()
            with suppress(CredentialsInvalid):
                await sign_ins.verify(addresses[turn // 4] if member else new_address(), WRONG)
            whole[member].append(time.perf_counter() - begun)
    hashing, all_of_it = (median(values[False]) / median(values[True]) - 1 for values in (took, whole))
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"comparing differs by {hashing:+.1%} of {median(took[True]) * 1e3:.1f} ms, the whole by {all_of_it:+.1%}"
    )
    assert max(abs(hashing), abs(all_of_it)) < 0.05 * crowd()
