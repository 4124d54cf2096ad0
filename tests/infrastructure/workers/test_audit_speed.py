"""How far the seal lags behind the writers, and how fast a chain is verified: the figures of S10."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest

from infrastructure.workers.sealer import Sealer
from infrastructure.workers.verify import verify
from tests.faults.processes import crowd
from tests.infrastructure.workers.conftest import Bench, ended
from tests.infrastructure.workers.rows import rows, run

KEY = b"seal-key-for-tests-only"
SECONDS, WRITERS = 20, 8
LAG, PER_SECOND = 2.0, 20_000
ENTRIES, AT_ONCE = 100_000, 5_000
MANY = f"""
INSERT INTO audit_entries (organization_id, id, occurred_at, actor, action, operation, subject_type, subject_id,
                           subject_version, changes, request_id)
SELECT md5((n % 10)::text)::uuid, gen_random_uuid(), now(), 'operator', 'products.update', 'updated', 'product',
       'prod_' || n, n, '{{"name": "Espresso ' || n || '"}}', gen_random_uuid()::text
FROM generate_series(1, {AT_ONCE}) AS n
"""
OLDEST = (
    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0) FROM audit_entries WHERE seq IS NULL"
)


@pytest.mark.faults
async def test_the_seal_is_never_far_behind(pg_bench: Bench, tmp_path: Path) -> None:
    """Eight writers for twenty seconds: the oldest entry without a seal is under two seconds old, 99 times of 100."""
    sealing = asyncio.create_task(Sealer(pg_bench.sealer, KEY, anchors=tmp_path / "heads.jsonl").run())
    until, written, ages = time.perf_counter() + SECONDS, 0, list[float]()

    async def write() -> None:
        nonlocal written
        organization = uuid4()
        while time.perf_counter() < until:
            async with rows(pg_bench.root) as transaction:
                await transaction.entry(organization, written)
            written += 1

    writing = asyncio.gather(*(write() for _ in range(WRITERS)))
    while not writing.done():
        ages.append(float(str((await run(pg_bench.root, OLDEST))[0][0])))
        await asyncio.sleep(0.05)
    await writing
    await ended(sealing)
    late = sorted(ages)[int(len(ages) * 0.99)]
    print(f"{written / SECONDS:.0f} entries a second; unsealed p99 {late:.2f} s, {max(ages):.2f} s at most")  # noqa: T201 - seen with -rP
    assert late <= LAG * crowd()


@pytest.mark.faults
async def test_a_hundred_thousand_entries_are_verified_in_seconds(pg_bench: Bench, tmp_path: Path) -> None:
    """At least twenty thousand a second, all of them sealed."""
    for _ in range(ENTRIES // AT_ONCE):
        await run(pg_bench.root, MANY)
    sealer, begun = Sealer(pg_bench.sealer, KEY, anchors=tmp_path / "heads.jsonl"), time.perf_counter()
    while await sealer.seal_once():
        pass
    sealed_in, begun = time.perf_counter() - begun, time.perf_counter()
    report = await verify(pg_bench.sealer, KEY, tmp_path / "heads.jsonl")
    rate = ENTRIES / (time.perf_counter() - begun)
    print(f"sealed {ENTRIES / sealed_in:,.0f} a second, verified {rate:,.0f} a second")  # noqa: T201 - seen with -rP
    assert report.ok
    assert rate * crowd() >= PER_SECOND
