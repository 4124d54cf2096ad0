"""The job worker: claims due jobs of all tenants under a lease, and performs them outside of any transaction.

A claim takes a fencing token. Whoever held an earlier one, because its lease ran out or the job was scheduled anew,
can no longer move or delete the job. A job that fails too often is buried: kept, but not tried again until it is
scheduled anew. What needs something outside has slots of its own, so that a provider, a chain or a mail server that
hangs holds up its own jobs only.

This is the layer that tries again: a handler, and every adapter it uses, asks once.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple, cast
from uuid import UUID

import structlog

from application.kernel.actor import NOWHERE
from application.kernel.causality import Cause
from application.kernel.ports import IClock
from domain.shared.errors import StoaError, Unavailable
from domain.shared.ids import EventId, OrganizationId
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Kind, Spans, Value
from infrastructure.persistence.database import Database
from infrastructure.persistence.settled import settled
from infrastructure.persistence.statement import Build, Params
from infrastructure.persistence.transaction import Rows
from infrastructure.resilience.breaker import BreakerOpen
from infrastructure.system import SystemClock
from infrastructure.workers import job_statements
from infrastructure.workers.lanes import Lane, lanes_of
from infrastructure.workers.leader import POLL_SECONDS
from infrastructure.workers.rounds import farewell, round_after_round
from infrastructure.workers.wakeup import Wakeup

type Handler = Callable[[OrganizationId, UUID], Awaitable[None]]


LEASE_SECONDS = 60.0
MAX_ATTEMPTS = 50  # with the pauses between them about three hours; an outage of the other side does not count
# A handler is stopped while its lease still holds, whatever the two clocks say.
_PATIENCE = 0.8
_RETRY_FIRST, _RETRY_LIMIT = 1.0, 300.0
_SETTLING_TRIES, _SETTLING_PAUSE = 5, 0.2


class Claim(NamedTuple):
    """A job that is ours until its lease ends."""

    organization_id: OrganizationId
    kind: str
    subject_id: UUID
    token: int
    attempts: int
    correlation_id: str | None
    causation_id: EventId | None
    traceparent: str | None

    @property
    def cause(self) -> Cause:
        """Return what the job is a consequence of."""
        return Cause(correlation_id=self.correlation_id, causation_id=self.causation_id, traceparent=self.traceparent)

    def facts(self) -> dict[str, Value]:
        """Return what a span tells of the job."""
        return {"stoa.job": self.kind, "stoa.attempts": self.attempts, "stoa.subject": str(self.subject_id)}

    def params(self) -> dict[str, object]:
        """Name the job, and the token that has to be still the same."""
        return {
            "organization": self.organization_id,
            "this_kind": self.kind,
            "subject": self.subject_id,
            "mine": self.token,
        }


class JobWorker:
    """Performs jobs, several at a time; any number of workers may run. Failed jobs come back, ever later."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        lanes: Sequence[Lane] = (),
        wakeup: Wakeup | None = None,
        metrics: Metrics | None = None,
        clock: IClock | None = None,
        lease_seconds: float = LEASE_SECONDS,
        max_attempts: int = MAX_ATTEMPTS,
        concurrency: int = 8,
        spans: Spans = NO_SPANS,
    ) -> None:
        """Perform jobs of exactly the kinds that have a handler, which finishes the job in its own transaction.

        Jobs of a kind that is in none of the ``lanes`` share ``concurrency`` slots.
        """
        self._database = database
        self._handlers = dict(handlers)
        self._ear = (wakeup or Wakeup()).listen()
        self._metrics = metrics or Metrics()
        self._lease = timedelta(seconds=lease_seconds)
        self._max_attempts = max_attempts
        self._lanes = lanes_of(handlers, lanes, concurrency)
        self._lane_of = {kind: lane for lane in self._lanes for kind in lane.kinds}
        self._spans = spans
        self._clock = clock or SystemClock()
        self._running: dict[asyncio.Task[None], Lane] = {}
        self._log = structlog.get_logger("stoa.workers").bind(worker="jobs")

    async def run(self) -> None:
        """Work until cancelled; what is under way then may still finish, or is given back."""
        try:
            await round_after_round(self._round, self._log)
        finally:
            await farewell(self._running)

    async def run_due_once(self) -> int:
        """Perform what is due until nothing is, and return how many jobs that were."""
        count = 0
        while claims := await self._claim(self._rooms()):
            await asyncio.gather(*(self.perform(claim) for claim in claims))
            count += len(claims)
        return count

    async def claim(self, limit: int) -> list[Claim]:
        """Take up to ``limit`` due jobs of each lane under a lease.

        Raises:
            Unavailable: the database failed.
        """
        return await self._claim([limit] * len(self._lanes))

    async def perform(self, claim: Claim) -> None:
        """Run a claimed job's handler; a failure of any kind puts the job off, and the last one buries it."""
        if claim.attempts > self._max_attempts:
            # Whoever tried it last did not live to tell.
            await self._bury(claim, "worker_lost")
            return
        started = time.monotonic()
        result = "ok"
        try:
            async with asyncio.timeout(self._lease.total_seconds() * _PATIENCE):
                with self._spans.around(f"job {claim.kind}", Kind.CONSUMER, claim.facts(), cause=claim.cause):
                    await self._handlers[claim.kind](claim.organization_id, claim.subject_id)
        except asyncio.CancelledError:
            await self._settle("jobs-postpone", job_statements.postpone, claim)
            raise
        except Exception as error:  # noqa: BLE001 - the job has to come back whatever happened
            result = error.code if isinstance(error, StoaError) else type(error).__name__
            await settled(self._put_off(claim, error, result))
        else:
            # Most handlers have deleted the job themselves; nothing was left to do for the others.
            await settled(self._settle("jobs-discard", job_statements.discard, claim))
        self._metrics.observe_job(claim.kind, result, time.monotonic() - started)

    async def _round(self) -> None:
        """Start what is due, and wait for something to change."""
        await settled(self._start())
        await self._ear.wait(POLL_SECONDS)

    async def _start(self) -> None:
        """Claim as much as there is room for, and begin with it."""
        rooms = self._rooms()
        for claim in await self._claim(rooms) if any(rooms) else ():
            task = asyncio.create_task(self.perform(claim))
            self._running[task] = self._lane_of[claim.kind]
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """Make room. The ear remembers it also while a claim is under way that was made with less."""
        del self._running[task]
        self._ear.ring()

    def _under_way(self, lane: Lane) -> int:
        return sum(each is lane for each in self._running.values())

    def _rooms(self) -> list[int]:
        return [lane.room(self._under_way(lane)) for lane in self._lanes]

    async def _claim(self, rooms: Sequence[int]) -> list[Claim]:
        params: dict[str, object] = {f"kinds_{n}": sorted(lane.kinds) for n, lane in enumerate(self._lanes)}
        params |= {f"room_{n}": room for n, room in enumerate(rooms)}
        build = partial(job_statements.claim, len(rooms))
        rows = await self._execute(f"jobs-claim-{len(rooms)}", build, params, after=self._lease)
        return [Claim(*cast("Claim", tuple(row))) for row in rows]

    async def _put_off(self, claim: Claim, error: Exception, code: str) -> None:
        """Let a job that failed come back, later and later, or bury it when that was its last try."""
        rest = _rest_of(error)
        if rest is not None:
            # Nobody was asked, so that it was no try.
            await self._settle("jobs-hold", job_statements.hold, claim, after=rest)
            return
        pause = timedelta(seconds=retry_seconds(claim.attempts))
        self._report(claim, error, pause)
        if claim.attempts < self._max_attempts:
            await self._settle("jobs-postpone", job_statements.postpone, claim, after=pause)
        elif isinstance(error, Unavailable):
            # The job is sound and the other side is away: however long that lasts, it is tried when it is back.
            await self._settle("jobs-hold", job_statements.hold, claim, after=pause)
        else:
            await self._bury(claim, code)

    async def _bury(self, claim: Claim, code: str) -> None:
        """Keep the job for people to see; `stoa doctor` tells them, and scheduling it anew revives it."""
        self._log.error("job_buried", job=claim.kind, subject=str(claim.subject_id), attempts=claim.attempts, code=code)
        self._metrics.observe_buried_job(claim.kind)
        await self._settle("jobs-bury", job_statements.bury, claim, last_error=code[:80])

    async def _settle(
        self, name: str, build: Build, claim: Claim, *, after: timedelta = timedelta(), **values: object
    ) -> None:
        """Write down what becomes of a job. A worker that ends settles more at once than it has connections."""
        for left in reversed(range(_SETTLING_TRIES)):
            try:
                await self._execute(name, build, {**claim.params(), **values}, after=after)
            except Unavailable as error:
                if not left:
                    self._log.warning("job_left_to_its_lease", job=claim.kind, code=error.code)
                    return
                await asyncio.sleep(_SETTLING_PAUSE)
            else:
                return

    async def _execute(self, name: str, build: Build, params: Params, *, after: timedelta) -> Rows:
        """Run a statement; PostgreSQL reckons with its own clock, SQLite is the same machine and takes ours."""
        statement = self._database.prepare(name, lambda: build(postgres=self._database.is_postgres))
        now = self._clock.now()
        times = {"now": now, "then": now + after, "after": after}
        return await self._database.rows(statement, {**params, **times}, organization_id=NOWHERE)

    def _report(self, claim: Claim, error: Exception, pause: timedelta) -> None:
        known = isinstance(error, StoaError)
        self._log.log(
            logging.WARNING if known else logging.ERROR,
            "job_failed",
            job=claim.kind,
            subject=str(claim.subject_id),
            attempts=claim.attempts,
            code=error.code if isinstance(error, StoaError) else type(error).__name__,
            retry_in=round(pause.total_seconds(), 1),
            exc_info=None if known else error,
        )


def _rest_of(error: Exception) -> timedelta | None:
    """Return how long a breaker refuses what was not asked, jittered so that not all come back at once."""
    refusal = error if isinstance(error, BreakerOpen) else error.__cause__
    if not isinstance(refusal, BreakerOpen):
        return None
    seconds = cast("int", refusal.details["retry_after"])
    return timedelta(seconds=seconds * random.uniform(1, 1.5))  # noqa: S311 - jitter needs no cryptography


def retry_seconds(attempts: int) -> float:
    """Return the pause after so many attempts: doubling from one second up to five minutes, half of it random."""
    longest = min(_RETRY_LIMIT, _RETRY_FIRST * (1 << min(attempts - 1, 30)))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter needs no cryptography
