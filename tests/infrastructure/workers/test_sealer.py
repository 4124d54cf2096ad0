"""The sealer chains what was committed, and keeps the ends of the chains outside."""

import asyncio
import json
from pathlib import Path
from uuid import UUID, uuid4

from application.kernel.causality import traceparent_of
from domain.shared.ids import decode_id, encode_id
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.workers import anchors
from infrastructure.workers.relay import Relay
from infrastructure.workers.sealer import Sealer
from infrastructure.workers.verify import verify
from tests.infrastructure.workers.conftest import Bench, ended, until
from tests.infrastructure.workers.rows import rows, run

KEY = b"seal-key-for-tests-only"


async def write(bench: Bench, *organizations: UUID, count: int = 3) -> None:
    async with rows(bench.root) as transaction:
        for number in range(count):
            for organization in organizations:
                await transaction.entry(organization, number)


async def test_every_organization_gets_a_chain_of_its_own(bench: Bench, tmp_path: Path) -> None:
    """Entries are numbered from one per organization, in the order they were written, and verified."""
    file = tmp_path / "new" / "heads.jsonl"
    sealer = Sealer(bench.sealer, KEY, anchors=file)
    one, two = uuid4(), uuid4()
    await write(bench, one, two)
    assert (await sealer.seal_once(), await sealer.seal_once()) == (6, 0)
    await write(bench, two)
    assert await sealer.seal_once() == 3
    chained = await run(bench.root, "SELECT seq, subject_version FROM audit_entries ORDER BY organization_id, seq")
    assert sorted(tuple(row) for row in chained) == sorted(
        [(seq, seq - 1) for seq in (1, 2, 3)] * 2 + [(seq, seq - 4) for seq in (4, 5, 6)]
    )
    seen: list[int] = []
    report = await verify(bench.sealer, KEY, file, progress=seen.append)
    assert (report.ok, report.organizations, report.entries, report.unsealed) == (True, 2, 9, 0)
    assert seen[-1] == 9


async def test_unsealed_entries_are_reported_with_their_age(bench: Bench) -> None:
    """What is not sealed yet is neither wrong nor kept quiet."""
    await write(bench, uuid4(), count=2)
    report = await verify(bench.sealer, KEY, None)
    assert (report.ok, report.unsealed) == (True, 2)
    assert report.oldest_unsealed is not None


async def test_heads_are_published_and_kept_in_a_file_at_most_once_per_interval(bench: Bench, tmp_path: Path) -> None:
    """The same head goes to the outbox and to the file; what moved within the interval follows after it."""
    file, organization = tmp_path / "heads.jsonl", uuid4()
    sealer = Sealer(bench.sealer, KEY, anchors=file, anchor_seconds=60)
    await write(bench, organization, count=2)
    await sealer.seal_once()
    await write(bench, organization, count=2)
    await sealer.seal_once()
    assert anchors.newest(file) == {organization: 2}
    # As if a minute had gone by, also on a machine that is so busy that a short interval would be over too early.
    sealer._anchor_seconds = 0
    await sealer.seal_once()
    assert anchors.newest(file) == {organization: 4}
    publisher = InMemoryEventPublisher()
    await Relay(bench.relay, publisher).drain_once()
    heads = [json.loads(event.payload) for event in publisher.of_type("audit_head.sealed")]
    kept = [pair[1] for pair in anchors.read(file) if pair]
    traces = [str(event.traceparent) for event in publisher.of_type("audit_head.sealed")]
    assert traces == [traceparent_of(decode_id("evt", head["event_id"]), head["correlation_id"]) for head in heads]
    assert [head["data"] for head in heads] == [{"seq": anchor.seq, "hash": anchor.hash} for anchor in kept]
    assert heads[0]["aggregate"] == {"type": "audit_head", "id": encode_id("org", organization), "version": 2}
    assert {event.aggregate_id for event in publisher.events} == {organization}


async def test_a_head_that_a_crash_left_unanchored_is_anchored_by_the_next_sealer(bench: Bench, tmp_path: Path) -> None:
    """A fresh sealer compares the heads with the file."""
    file, organization = tmp_path / "heads.jsonl", uuid4()
    first = Sealer(bench.sealer, KEY, anchors=file)
    for _ in range(2):
        await write(bench, organization, count=1)
        await first.seal_once()
    with file.open("ab") as half:
        half.write(b'{"organization_id": "org_')
    await Sealer(bench.sealer, KEY, anchors=file).seal_once()
    assert anchors.newest(file) == {organization: 2}
    report = await verify(bench.sealer, KEY, file)
    assert (report.ok, report.anchors, report.unreadable_anchors) == (True, 2, 1)


async def test_of_two_sealers_one_is_active(pg_bench: Bench) -> None:
    """The standby seals nothing while the leader's session lives."""
    leader, standby = (Sealer(pg_bench.sealer, KEY, anchors=None) for _ in range(2))
    running = asyncio.create_task(leader.run())
    await until(lambda: leader.leading)
    await write(pg_bench, uuid4())
    assert await standby.seal_once() == 0
    await leader.seal_once()
    assert (await verify(pg_bench.sealer, KEY, None)).entries == 3
    await ended(running)
    await write(pg_bench, uuid4())
    assert await standby.seal_once() == 3
