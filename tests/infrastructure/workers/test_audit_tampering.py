"""Whoever can write every row, guards or not, still cannot change the past unnoticed."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from attrs import evolve
from sqlalchemy import select

from domain.audit.audit_entry import AuditEntry
from domain.audit.chain import GENESIS, link
from domain.shared.ids import encode_id
from infrastructure.persistence import audit_guard
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.technical import AuditEntryRow
from infrastructure.workers.sealer import Sealer
from infrastructure.workers.verify import AuditProblem, verify
from tests.infrastructure.workers.conftest import Bench, open_bench
from tests.infrastructure.workers.rows import PAST, rows, run
from tests.support.databases import TestDatabases

KEY = b"seal-key-for-tests-only"
LENGTH = 6
COLUMNS = {
    "occurred_at": None, "actor": "'somebody'", "action": "'products.create'", "operation": "'deleted'",
    "subject_type": "'price'", "subject_id": "'prod_other'", "subject_version": "99", "changes": "'{}'",
    "request_id": "'other'", "hash": f"'{'f' * 64}'", "seq": "77", "id": f"'{UUID(int=5).hex}'",
}  # fmt: skip


class Scene:
    """A sealed chain, and a superuser who switches the guards off."""

    def __init__(self, bench: Bench, anchors: Path, organization: UUID) -> None:
        self.bench = bench
        self.anchors = anchors
        self.organization = organization
        text = str(organization) if bench.urls.is_postgres else organization.hex
        self.chain = f"organization_id = '{text}'"

    async def tamper(self, *statements: str) -> None:
        postgres = self.bench.urls.is_postgres
        async with rows(self.bench.root) as transaction:
            if postgres:
                await transaction.run("ALTER TABLE audit_entries DISABLE TRIGGER USER")
            for statement in () if postgres else audit_guard.SQLITE_DROP:
                await transaction.run(statement)
            for statement in statements:
                await transaction.run(statement)
            if postgres:
                await transaction.run("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_rows")
                await transaction.run("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_table")
            for statement in () if postgres else audit_guard.SQLITE:
                await transaction.run(statement)

    async def found(self) -> AuditProblem:
        """Return what is wrong with this organization, which must be something."""
        report = await verify(self.bench.sealer, KEY, self.anchors)
        assert not report.ok
        mine = encode_id("org", self.organization)
        return next(problem for problem in report.problems if problem.organization_id == mine)

    async def entry_at(self, seq: int) -> str:
        found = await run(self.bench.root, f"SELECT id FROM audit_entries WHERE {self.chain} AND seq = {seq}")
        return encode_id("aud", UUID(str(found[0][0])))


@pytest.fixture(scope="module")
async def shared(engine: str, test_databases: TestDatabases) -> AsyncIterator[Bench]:
    """One database per engine: every test tampers with an organization of its own."""
    async for bench in open_bench(test_databases.make(engine)):
        yield bench


@pytest.fixture
async def scene(shared: Bench, tmp_path: Path) -> Scene:
    organization, anchors = uuid4(), tmp_path / "heads.jsonl"
    async with rows(shared.root) as transaction:
        for number in range(1, LENGTH + 1):
            await transaction.entry(organization, number)
    await Sealer(shared.sealer, KEY, anchors=anchors).seal_once()
    sealed = await verify(shared.sealer, KEY, anchors)
    assert encode_id("org", organization) not in {problem.organization_id for problem in sealed.problems}
    return Scene(shared, anchors, organization)


@pytest.mark.parametrize("column", COLUMNS)
async def test_an_edit_of_any_column_is_found(scene: Scene, column: str) -> None:
    """The edited entry itself is named, or the gap it left."""
    entry = await scene.entry_at(3)
    value = COLUMNS[column]
    if value is None:
        value = (
            "occurred_at + interval '1 microsecond'"
            if scene.bench.urls.is_postgres
            else "'2030-01-01T00:00:00.000000Z'"
        )
    await scene.tamper(f"UPDATE audit_entries SET {column} = {value} WHERE {scene.chain} AND seq = 3")
    problem = await scene.found()
    assert problem.seq == 3
    if column not in {"seq", "id"}:
        assert problem.entry_id == entry


async def test_an_entry_moved_to_another_organization_is_found(scene: Scene) -> None:
    """The organization is part of what is hashed."""
    other = uuid4()
    text = str(other) if scene.bench.urls.is_postgres else other.hex
    await scene.tamper(f"UPDATE audit_entries SET organization_id = '{text}' WHERE {scene.chain} AND seq = 1")
    assert (await scene.found()).seq == 1


async def test_a_deleted_entry_is_found(scene: Scene) -> None:
    """The entry behind the gap is named."""
    behind = await scene.entry_at(4)
    await scene.tamper(f"DELETE FROM audit_entries WHERE {scene.chain} AND seq = 3")
    problem = await scene.found()
    assert (problem.seq, problem.entry_id) == (3, behind)


async def test_swapped_entries_are_found(scene: Scene) -> None:
    """An entry is bound to its place."""
    await scene.tamper(
        f"UPDATE audit_entries SET seq = 7 - seq WHERE {scene.chain} AND seq IN (3, 4)",
    )
    assert (await scene.found()).seq == 3


async def test_a_truncated_tail_is_found_by_the_head(scene: Scene) -> None:
    """The head remembers how long the chain was."""
    await scene.tamper(f"DELETE FROM audit_entries WHERE {scene.chain} AND seq > 4")
    problem = await scene.found()
    assert (problem.seq, problem.entry_id) == (5, None)


async def test_a_truncated_tail_with_its_head_set_back_is_found_by_the_anchors(scene: Scene) -> None:
    """A shorter chain is still a chain; only what was kept outside tells."""
    await scene.tamper(
        f"DELETE FROM audit_entries WHERE {scene.chain} AND seq > 4",
        f"UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM audit_entries WHERE {scene.chain} AND seq = 4)"
        f" WHERE {scene.chain}",
    )
    problem = await scene.found()
    assert (problem.seq, problem.reason) == (LENGTH, "an anchored entry is gone")


async def test_a_deleted_organization_is_found_by_the_anchors(scene: Scene) -> None:
    """Nothing in the database remembers it, the file does."""
    await scene.tamper(f"DELETE FROM audit_entries WHERE {scene.chain}", f"DELETE FROM audit_heads WHERE {scene.chain}")
    assert (await scene.found()).reason == "an anchored entry is gone"


async def test_a_deleted_chain_whose_head_is_left_is_found(scene: Scene) -> None:
    """The head alone shows that there was something."""
    await scene.tamper(f"DELETE FROM audit_entries WHERE {scene.chain}")
    assert (await scene.found()).seq == 1


async def test_a_back_dated_entry_is_found_even_when_it_was_sealed(scene: Scene) -> None:
    """An unsealed entry slipped in with an old date is sealed honestly, and out of order."""
    async with rows(scene.bench.root) as transaction:
        slipped = await transaction.entry(scene.organization, 50, occurred_at=PAST)
    await Sealer(scene.bench.sealer, KEY, anchors=scene.anchors).seal_once()
    problem = await scene.found()
    assert (problem.seq, problem.entry_id) == (LENGTH + 1, encode_id("aud", slipped))


async def test_a_chain_hashed_again_without_the_key_is_found(scene: Scene) -> None:
    """A consistent chain under another key fits nowhere."""
    async with rows(scene.bench.root) as transaction:
        mapper, columns = Mapper(AuditEntry, AuditEntryRow), AuditEntryRow.__table__.c
        found = select(*mapper.columns).where(columns.organization_id == scene.organization).order_by(columns.seq)
        entries = [mapper.hydrate(row) for row in await transaction.fetch(found)]
    forged, previous = [], GENESIS
    for seq, entry in enumerate(entries, start=1):
        edited = evolve(entry, actor="forged") if seq == 2 else entry
        previous = link(b"a guessed key", previous, seq, edited)
        values = f"hash = '{previous}', actor = '{edited.actor}'"
        forged.append(f"UPDATE audit_entries SET {values} WHERE {scene.chain} AND seq = {seq}")
    forged.append(f"UPDATE audit_heads SET hash = '{previous}' WHERE {scene.chain}")
    await scene.tamper(*forged)
    assert (await scene.found()).seq == 1


async def test_a_tail_sealed_again_is_found_by_the_anchors(scene: Scene) -> None:
    """Set back, edited and left to the honest sealer, the tail is a good chain and not the one that was anchored."""
    await scene.tamper(
        f"UPDATE audit_entries SET seq = NULL, hash = NULL, actor = 'forged' WHERE {scene.chain} AND seq = {LENGTH}",
        f"UPDATE audit_heads SET seq = 5, hash = (SELECT hash FROM audit_entries WHERE {scene.chain} AND seq = 5)"
        f" WHERE {scene.chain}",
    )
    await Sealer(scene.bench.sealer, KEY, anchors=scene.anchors).seal_once()
    problem = await scene.found()
    assert problem.seq == LENGTH
    assert "anchor" in problem.reason
