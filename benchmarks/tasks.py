"""Handing out work: claims through the use-case against a bare loop, and what a million waiting tasks change."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import msgspec

from application.work.task_claims import ClaimTasks
from application.work.task_lists import FindPendingForAgent
from benchmarks import facts
from benchmarks.arena import Arena
from benchmarks.measure import compare
from benchmarks.raw import columns, marks
from benchmarks.report import Figure, Row, at_least, at_most
from benchmarks.stoa import Stoa
from domain.shared.ids import AgentId, encode_id

FEW, MANY, QUICK = 1_000, 1_000_000, 100_000
BATCH = 20
_CLAIMS, _SCALES = 24, 24
_AGENT = """
INSERT INTO agents (organization_id, id, version, created_at, created_by, updated_at, updated_by, name, type,
    description, capabilities, configuration, state, status, metadata)
VALUES ($1, $2, 1, now(), 'b', now(), 'b', 'Counter', 'worker', '', '[]', '{}', '{}', 'active', '{}')
"""
_TASKS = """
INSERT INTO tasks (organization_id, id, version, created_at, created_by, updated_at, updated_by, title, type,
    description, agent_id, status, input, priority, max_attempts, attempt, metadata, lane, rank, available_at,
    open_dependencies)
SELECT $1, gen_random_uuid(), 1, now(), 'b', now(), 'b', 'Count', 'task', '', $2, 'pending', '{"n": 1}', n % 10, 3, 0,
    '{}', $3, 9 - n % 10, now() - n * interval '1 millisecond', 0 FROM generate_series(1, $4::int) n
"""
_PICK = """
SELECT * FROM tasks WHERE organization_id = $1 AND lane = $2 AND status = 'pending' AND available_at <= now()
ORDER BY rank, available_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
_TAKE = """
UPDATE tasks SET status = 'claimed', claimed_by = $3, attempt = $4, version = $5, started_at = now(),
    updated_at = now(), updated_by = 'b' WHERE organization_id = $1 AND id = $2
"""
_TAKE_IN_FULL = f"""
WITH run AS (
    INSERT INTO task_runs (organization_id, id, task_id, agent_id, worker, attempt, token, lease_seconds, started_at,
        lease_until) VALUES ($1, $6, $2, $3, 'b', $4, $7, 60, now(), now() + interval '60 seconds')
), event AS (
    INSERT INTO outbox ({columns(facts.EVENT_COLUMNS)}) VALUES ({marks(10, first=8)})
), entry AS (
    INSERT INTO audit_entries ({columns(facts.ENTRY_COLUMNS)}) VALUES ({marks(10, first=18)})
) {_TAKE}
"""


async def tasks(arena: Arena) -> list[Row]:
    """Measure claims, one and many at a time, and the same claims among few and many tasks."""
    superuser = await asyncpg.connect(arena.ground.superuser)
    try:
        batch, single = await _throughput(arena, superuser, BATCH), await _throughput(arena, superuser, 1)
        return [*single, *batch, *await _scale(arena, superuser)]
    finally:
        await superuser.close()


async def _agent(arena: Arena, superuser: "asyncpg.Connection[asyncpg.Record]", count: int) -> AgentId:
    """Make an active agent with so many tasks of its own."""
    organization, agent = arena.ground.seeded.organization_id, uuid4()
    await superuser.execute(_AGENT, organization, agent)
    await superuser.execute(_TASKS, organization, agent, f"agent:{agent.hex}", count)
    await superuser.execute("VACUUM ANALYZE tasks")
    return AgentId(agent)


async def _throughput(arena: Arena, superuser: "asyncpg.Connection[asyncpg.Record]", batch: int) -> list[Row]:
    rounds, organization = arena.scale.rounds(_CLAIMS), arena.ground.seeded.organization_id
    agents = [await _agent(arena, superuser, (rounds + 2) * 10 * BATCH) for _ in range(3)]
    app = await asyncpg.connect(arena.ground.app)
    contestants = {
        "raw": partial(_raw_claim, app, organization, agents[0]),
        "raw in full": partial(_raw_claim, app, organization, agents[1], in_full=True),
        "Stoa": partial(_claim, arena.stoa, agents[2], limit=batch),
    }
    try:
        series = await compare(f"claim {BATCH} tasks, {batch} at a time", contestants, rounds=rounds, number=10)
    finally:
        await app.close()
    loop = f"claims per second, {batch} at a time, by those of a bare SKIP LOCKED loop"
    return [
        Row(loop, Figure.of(series.ratio("raw", "Stoa"), at_least(0.5)), None, series.micros()),
        Row("… that writes lease, event and audit entry too", Figure.of(series.ratio("raw in full", "Stoa"))),
    ]


async def _raw_claim(
    app: "asyncpg.Connection[asyncpg.Record]", organization: UUID, agent: UUID, *, in_full: bool = False
) -> object:
    """Take one task after the other, each in a transaction of its own, and mark it as taken.

    Only ``in_full`` is there a lease, an event and an audit entry.
    """
    lane = f"agent:{agent.hex}"
    for _ in range(BATCH):
        await app.execute(f"BEGIN; SET LOCAL app.organization_id = '{organization}'")
        task = await app.fetchrow(_PICK, organization, lane)
        if task is None:
            raise RuntimeError("there were too few tasks")
        taken = (organization, task["id"], agent, task["attempt"] + 1, task["version"] + 1)
        if in_full:
            await app.execute(_TAKE_IN_FULL, *taken, *_written(organization, agent, task))
        else:
            await app.execute(_TAKE, *taken)
        await app.execute("COMMIT")
    return None


def _written(organization: UUID, agent: UUID, task: asyncpg.Record) -> tuple[object, ...]:
    """Return what a claim writes besides its task: the run, the event and the audit entry, of Stoa's own content."""
    id_, version, attempt, now = (
        encode_id("task", task["id"]),
        task["version"] + 1,
        task["attempt"] + 1,
        datetime.now(UTC),
    )
    run, event = facts.IDS.new(), facts.IDS.new()
    payload = {
        "event_id": encode_id("evt", event), "type": "task.claimed", "schema_version": 1, "occurred_at": now,
        "organization_id": encode_id("org", organization), "actor": facts.AUTHOR,
        "aggregate": {"type": "task", "id": id_, "version": version}, "correlation_id": facts.REQUEST_ID,
        "causation_id": None, "data": {"agent_id": encode_id("agt", agent), "attempt": attempt},
    }  # fmt: skip
    changes = {"attempt": attempt, "claimed_by": agent, "started_at": now, "status": "claimed"}
    return (
        run, secrets.token_hex(16),
        organization, event, "task.claimed", 1, now, "task", task["id"], version,
        f"00-{UUID(facts.REQUEST_ID).hex}-{event.hex[-16:]}-01", msgspec.json.encode(payload).decode(),
        organization, facts.IDS.new(), facts.AUTHOR, "tasks.claim", "updated", "task", id_, version,
        msgspec.json.encode(changes).decode(), facts.REQUEST_ID,
    )  # fmt: skip


async def _claim(stoa: Stoa, agent: AgentId, *, limit: int, total: int = BATCH) -> object:
    """Claim through the use-case: lease and history, event and audit entry are written with each task."""
    for _ in range(total // limit):
        answer = (await stoa.dispatch("tasks.claim", ClaimTasks(agent_id=agent, limit=limit), stoa.call)).body
        if not isinstance(answer, dict) or not answer["data"]:
            raise RuntimeError("there were too few tasks")
    return None


async def _find(stoa: Stoa, agent: AgentId) -> object:
    return await stoa.dispatch("tasks.find_pending_for_agent", FindPendingForAgent(agent_id=agent, limit=20), stoa.call)


async def _scale(arena: Arena, superuser: "asyncpg.Connection[asyncpg.Record]") -> list[Row]:
    many = QUICK if arena.scale.quick else MANY
    agents = {f"{count:,}": await _agent(arena, superuser, count) for count in (FEW, many)}
    acts: dict[str, Callable[[Stoa, AgentId], object]] = {
        "find_pending_for_agent": _find, "claim": partial(_claim, limit=1, total=1)
    }  # fmt: skip
    rows = []
    for name, act in acts.items():
        contestants = {of: partial(act, arena.stoa, agent) for of, agent in agents.items()}
        series = await compare(name, contestants, rounds=arena.scale.rounds(_SCALES), number=20)  # type: ignore[arg-type]  # reason: coroutine functions
        ratio = series.ratio(f"{many:,}", f"{FEW:,}")
        rows.append(
            Row(f"{name} among {many:,} tasks vs {FEW:,}", Figure.of(ratio, at_most(1.5)), None, series.micros())
        )
    return rows
