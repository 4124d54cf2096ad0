"""An import is killed in the middle and run again with the same key: every row is there exactly once."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.faults.processes import STARTS_WITHIN, ChildProcess
from tests.support.databases import TestDatabases
from tests.support.stack import Stack, open_stack

ROWS = 10_000
KILLS = 3
_COUNT = "SELECT count(*) FROM customers"


@pytest.fixture
async def stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database of this test's own."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


@pytest.fixture
async def connection(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Return a connection that sees every organization."""
    opened = await asyncpg.connect(stack.urls.superuser)
    yield opened
    await opened.close()


def an_import(stack: Stack, folder: Path, on_error: str) -> ChildProcess:
    """Prepare the command, over a file of rows without any mistake."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(ROWS):
            file.write(json.dumps({"email": f"c{number}@example.org", "name": f"Customer {number}"}) + "\n")
    words = ("customers.import", "--json", f"@{folder / 'rows.jsonl'}", "--on-error", on_error, "-o", "json")
    settings = {"database_url": stack.urls.app, "data_dir": folder / "data", "log_level": "debug"}
    return ChildProcess(
        folder, "interfaces.cli.main", "run", *words, "--organization", "harbour", "--idempotency-key", "import-1",
        **settings,
    )  # fmt: skip


async def ended(child: ChildProcess) -> dict[str, object]:
    """Wait for the end, and return what it answered."""
    async with asyncio.timeout(STARTS_WITHIN * 4):
        # Another process ends, which no event of ours can tell.
        while child.alive:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)
    answer: dict[str, object] = json.loads(child.output)
    return answer


@pytest.mark.parametrize("on_error", ["skip", "abort"])
async def test_a_killed_import_goes_on_and_doubles_nothing(
    stack: Stack, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path, on_error: str
) -> None:
    """With ``skip`` what was committed stays; with ``abort`` nothing of an unfinished import is there."""
    await stack.organization("harbour")
    child, seen = an_import(stack, tmp_path / on_error, on_error), list[int]()
    for _ in range(KILLS):
        child.start()
        tenths = child.errors.count(" %") + random.randint(1, 8)
        if on_error == "skip":
            wanted = seen[-1] + random.randint(1, ROWS // 5) if seen else 1
            async with asyncio.timeout(STARTS_WITHIN):
                while await connection.fetchval(_COUNT) < wanted:
                    assert child.alive, child.errors
                    await asyncio.sleep(0.01)
        else:
            # Its transaction is open once the rows are locked; the tenths on standard error tell how far it is.
            async with asyncio.timeout(STARTS_WITHIN):
                while child.errors.count(" %") < tenths:
                    assert child.alive, child.errors
                    await asyncio.sleep(0.005)
        child.kill()
        await asyncio.sleep(0.2)
        seen.append(await connection.fetchval(_COUNT))
    assert [count for count in seen if count] == (seen if on_error == "skip" else [])
    assert all(count < ROWS for count in seen)

    child.start()
    answer = await ended(child)
    assert (answer["imported"], answer["skipped"], answer["errors"]) == (ROWS, 0, [])
    assert await connection.fetchval(_COUNT) == ROWS
    assert await connection.fetchval("SELECT max(version) FROM customers") == 1
    events = "SELECT count(*), count(DISTINCT aggregate_id) FROM outbox WHERE type = 'customer.created'"
    assert tuple(await connection.fetchrow(events) or ()) == (ROWS, ROWS)
    entries = "SELECT count(*), count(DISTINCT subject_id) FROM audit_entries WHERE subject_type = 'customer'"
    assert tuple(await connection.fetchrow(entries) or ()) == (ROWS, ROWS)
