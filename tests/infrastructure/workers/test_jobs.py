"""Jobs of all tenants are performed under leases, and who lost a lease changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.shared.errors import NotFound, Unavailable
from domain.shared.ids import OrganizationId
from infrastructure.observability.metrics import Metrics
from infrastructure.workers.jobs import Claim, Handler, JobWorker, retry_seconds
from infrastructure.workers.wakeup import Wakeup
from tests.infrastructure.workers.conftest import Bench, ended, until
from tests.infrastructure.workers.rows import PAST, rows, run

CHARGE = "payments.charge"


class Recorder:
    """A handler that remembers what it was asked to do."""

    def __init__(self, failures: int = 0, error: type[Exception] = Unavailable) -> None:
        self.done: list[tuple[UUID, UUID]] = []
        self.failures = failures
        self.error = error

    async def __call__(self, organization_id: OrganizationId, subject_id: UUID) -> None:
        self.done.append((organization_id, subject_id))
        if self.failures:
            self.failures -= 1
            raise self.error


def worker(bench: Bench, handler: Handler, **options: float) -> JobWorker:
    return JobWorker(bench.relay, {CHARGE: handler}, lease_seconds=options.get("lease_seconds", 60))


async def jobs(bench: Bench) -> list[Mapping[str, object]]:
    names = ("kind", "token", "attempts", "lease_until", "run_at")
    found = await run(bench.root, f"SELECT {', '.join(names)} FROM jobs ORDER BY kind, run_at")
    return [dict(zip(names, row, strict=True)) for row in found]


async def make_due(bench: Bench) -> None:
    """Let every pause and every lease end at once."""
    past = "'2026-01-01 00:00:00Z'" if bench.urls.is_postgres else "'2026-01-01T00:00:00.000000Z'"
    await run(bench.root, f"UPDATE jobs SET run_at = {past}")
    await run(bench.root, f"UPDATE jobs SET lease_until = {past} WHERE lease_until IS NOT NULL")


async def test_due_jobs_of_all_tenants_are_performed_and_forgotten(bench: Bench) -> None:
    """Neither a future job nor one of an unknown kind is touched."""
    handler = Recorder()
    due = [(uuid4(), uuid4()) for _ in range(12)]
    async with rows(bench.root) as transaction:
        for organization, subject in due:
            await transaction.job(organization, subject)
        await transaction.job(uuid4(), uuid4(), run_at=datetime.now(UTC) + timedelta(hours=1))
        await transaction.job(uuid4(), uuid4(), kind="of.another.version")
    metrics = Metrics()
    assert await JobWorker(bench.relay, {CHARGE: handler}, metrics=metrics).run_due_once() == 12
    assert sorted(handler.done) == sorted(due)
    assert [(job["kind"], job["token"]) for job in await jobs(bench)] == [("of.another.version", 0), (CHARGE, 0)]
    assert 'stoa_job_runs_total{job="payments.charge",result="ok"} 12.0' in metrics.render().decode()


@pytest.mark.parametrize("error", [Unavailable(), ValueError("a bug")])
async def test_a_failed_job_comes_back_later(bench: Bench, error: Exception) -> None:
    """Whatever the handler raises, the job is put off and performed again."""
    failures = [error]

    async def fail_once(organization_id: OrganizationId, subject_id: UUID) -> None:
        if failures:
            raise failures.pop()

    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    performer = worker(bench, fail_once)
    assert await performer.run_due_once() == 1
    (job,) = await jobs(bench)
    assert (job["attempts"], job["lease_until"]) == (1, None)
    assert await performer.run_due_once() == 0
    await make_due(bench)
    assert (await performer.run_due_once(), await jobs(bench)) == (1, [])


def test_pauses_grow_to_five_minutes() -> None:
    """Doubling from a second, and never without a pause."""
    assert 0.5 <= retry_seconds(1) <= 1
    assert 4 <= retry_seconds(4) <= 8
    assert all(150 <= retry_seconds(attempts) <= 300 for attempts in (10, 50, 10_000))


async def test_two_workers_never_share_a_claim(bench: Bench) -> None:
    """Twenty claims at once hand every job out exactly once."""
    async with rows(bench.root) as transaction:
        for _ in range(30):
            await transaction.job(uuid4(), uuid4())
    workers = [worker(bench, Recorder()) for _ in range(4)]
    claimed = await asyncio.gather(*(each.claim(3) for each in workers for _ in range(2)))
    later = [await workers[0].claim(100)]
    subjects = [claim.subject_id for claims in (*claimed, *later) for claim in claims]
    assert len(subjects) == len(set(subjects)) == 30
    assert all(len(claims) <= 3 for claims in claimed)


async def test_whoever_lost_the_lease_changes_nothing(bench: Bench) -> None:
    """A zombie's postponement and its deletion both miss the job that somebody else has claimed meanwhile."""
    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    zombie, heir = worker(bench, Recorder(failures=1)), worker(bench, Recorder())
    (stale,) = await zombie.claim(1)
    assert await heir.claim(1) == []
    await make_due(bench)
    (fresh,) = await heir.claim(1)
    assert (fresh.token, fresh.attempts) == (stale.token + 1, 2)
    before = await jobs(bench)
    await zombie.perform(stale)
    assert await jobs(bench) == before
    await zombie.perform(stale)
    assert await jobs(bench) == before
    await heir.perform(fresh)
    assert await jobs(bench) == []


async def test_a_job_that_its_handler_scheduled_anew_stays(bench: Bench) -> None:
    """Scheduling takes a new token, so the worker's own tidying misses it."""

    async def schedule_again(organization_id: OrganizationId, subject_id: UUID) -> None:
        await run(bench.root, "UPDATE jobs SET token = token + 1, lease_until = NULL, attempts = 0")

    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    performer = worker(bench, schedule_again)
    (claim,) = await performer.claim(1)
    await performer.perform(claim)
    assert [job["token"] for job in await jobs(bench)] == [2]


async def test_a_handler_does_not_outlive_its_lease(bench: Bench) -> None:
    """It is stopped before, and its job comes back."""

    async def hang(organization_id: OrganizationId, subject_id: UUID) -> None:
        await asyncio.Event().wait()

    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    assert await worker(bench, hang, lease_seconds=0.05).run_due_once() == 1
    (job,) = await jobs(bench)
    assert (job["attempts"], job["lease_until"]) == (1, None)


async def test_a_running_worker_hears_the_call_and_gives_back_what_it_cannot_finish(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call starts the job at once; at the end a job that hangs is released for others without waiting."""
    monkeypatch.setattr("infrastructure.workers.rounds._FAREWELL_SECONDS", 0.01)
    started: list[UUID] = []
    wakeup = Wakeup()

    async def hang(organization_id: OrganizationId, subject_id: UUID) -> None:
        started.append(subject_id)
        await asyncio.Event().wait()

    performer = JobWorker(bench.relay, {CHARGE: hang}, wakeup=wakeup, concurrency=1)
    running = asyncio.create_task(performer.run())
    await asyncio.sleep(0.05)
    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4(), run_at=PAST)
    wakeup.wake()
    await until(lambda: len(started) == 1, 0.5)
    await ended(running)
    assert len(await worker(bench, Recorder()).claim(5)) == 1


async def test_what_is_claimed_in_the_moment_of_stopping_is_done_or_given_back(bench: Bench) -> None:
    """The database has leased the job and its answer is on the way when the worker is told to stop."""
    claimed = asyncio.Event()

    class Unlucky(JobWorker):
        async def _claim(self, rooms: Sequence[int]) -> list[Claim]:
            claims = await super()._claim(rooms)
            claimed.set()
            await asyncio.sleep(0.05)
            return claims

    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4(), run_at=PAST)
    handler = Recorder(failures=1)
    running = asyncio.create_task(Unlucky(bench.relay, {CHARGE: handler}).run())
    await claimed.wait()
    await ended(running)
    assert [job["lease_until"] for job in await jobs(bench)] == [None]


async def test_a_job_that_always_fails_is_buried_and_not_tried_again(bench: Bench) -> None:
    """It stays for people to see, with its last error; other jobs go on."""
    handler, metrics = Recorder(failures=99, error=NotFound), Metrics()
    organization, subject = uuid4(), uuid4()
    async with rows(bench.root) as transaction:
        await transaction.job(organization, subject)
    performer = JobWorker(bench.relay, {CHARGE: handler}, metrics=metrics, max_attempts=3)
    for _ in range(5):
        await performer.run_due_once()
        await make_due(bench)
    assert len(handler.done) == 3
    ((attempts, dead_at, last_error),) = await run(bench.root, "SELECT attempts, dead_at, last_error FROM jobs")
    assert (attempts, dead_at is not None, last_error) == (3, True, "not_found")
    assert 'stoa_jobs_buried_total{job="payments.charge"} 1.0' in metrics.render().decode()


async def test_an_outage_of_the_other_side_buries_nothing(bench: Bench) -> None:
    """However long a provider is away, the job is tried until it is back, and then done."""
    handler = Recorder(failures=7)
    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    performer = JobWorker(bench.relay, {CHARGE: handler}, max_attempts=3)
    for _ in range(8):
        await performer.run_due_once()
        await make_due(bench)
    assert len(handler.done) == 8
    assert await jobs(bench) == []


async def test_a_job_that_kills_its_workers_is_buried_before_it_kills_the_next(bench: Bench) -> None:
    """Nobody told of its failures, but its claims were counted."""
    handler = Recorder()
    async with rows(bench.root) as transaction:
        await transaction.job(uuid4(), uuid4())
    performer = JobWorker(bench.relay, {CHARGE: handler}, max_attempts=2)
    for _ in range(2):
        await performer.claim(1)
        await make_due(bench)
    await performer.run_due_once()
    assert handler.done == []
    assert [tuple(row) for row in await run(bench.root, "SELECT last_error FROM jobs")] == [("worker_lost",)]
