"""Workers that send are killed between every two steps: whatever was asked for is on the chain exactly once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest

from tests.faults.processes import crowd
from tests.support.chain import DevChain, new_account
from tests.support.databases import ROOT, TestDatabases
from tests.support.dev_till import dev_till
from tests.support.stack import open_stack

STEPS = (
    *("nonce", "balances", "estimate", "allocate", "sign", "record_signed", "broadcast", "record_broadcast"),
    *("head", "receipt", "record_sighting"),
)
IN_THE_GATE = [*(f"before-{step}" for step in STEPS), "after-broadcast"]
AT_FULL_LENGTH = 20 * [f"{when}-{step}" for step in STEPS for when in ("before", "after")]
LEASE = 3


class Workers:
    """A nursery, and at most one of its children alive."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        folder.mkdir()
        self._folder, self.kills = folder, 0
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sending_process", *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    async def kill_at(self, point: str) -> None:
        """Have one work until it comes to the point, and kill it there."""
        file = self._folder / f"{self.kills}-{point}"
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{point} {file}\n")
        self._nursery.stdin.flush()
        pid = int(await asyncio.to_thread(self._nursery.stdout.readline))
        try:
            async with asyncio.timeout(30 * crowd()):
                while not file.exists():  # noqa: ASYNC110 - another process has no bell
                    await asyncio.sleep(0.01)
            self.kills += 1
        finally:
            os.kill(pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """End the nursery, whose children are dead."""
        self._nursery.kill()
        self._nursery.communicate(timeout=10)


async def test_a_killed_worker_leaves_one_payment(
    test_databases: TestDatabases, dev_chain: DevChain, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Before every call in the gate, twenty times before and after each at full length; others take over."""
    points = AT_FULL_LENGTH if pytestconfig.getoption("--faults") else IN_THE_GATE
    urls = test_databases.postgres()
    payees = [new_account().address for _ in range(len(points))]
    began = perf_counter()
    async with open_stack(urls) as stack, dev_till(stack, dev_chain) as till:
        workers = Workers(
            tmp_path / "workers", [urls.app, urls.relay, dev_chain.url, str(dev_chain.chain_id), str(LEASE)]
        )
        try:
            for n, (payee, point) in enumerate(zip(payees, points, strict=True)):
                await till.ask(payee, 1000 + n)
                await workers.kill_at(point)
        finally:
            workers.dismiss()
        done = await till.drain([till.jobs(), till.jobs()], len(payees), within=600)
        nonces = [each["nonce"] for each in done]
        balances = [await dev_chain.balance(payee) for payee in payees]
    print(f"{workers.kills} kills, {len(payees)} payments, {perf_counter() - began:.0f} s")  # noqa: T201 - seen with -rP
    assert workers.kills == len(points)
    assert Counter(each["status"] for each in done) == {"confirmed": len(payees)}
    assert nonces == list(range(len(payees)))
    assert balances == [1000 + n for n in range(len(payees))]
