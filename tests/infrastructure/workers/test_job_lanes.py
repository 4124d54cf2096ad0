"""What one thing outside does to its own jobs, it does to no others; and while it rests, nothing is spent on it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
from dependency_injector import providers

from application.customers.kyc import EXPIRE as KYC_EXPIRE
from application.identity.sign_up import SIGN_UP
from application.mandates.mandates import MANDATE_ENDS
from application.mandates.waiting import APPROVAL_EXPIRES
from application.payments.payment_order_care import EXPIRE
from application.wallets.origins import REPORT
from application.work.advancing import ATTEND
from domain.payments.errors import PaymentProviderUnreachable
from domain.shared.errors import Unavailable
from domain.shared.ids import OrganizationId
from domain.wallets.errors import BlockchainError
from infrastructure.container import Container
from infrastructure.outside import lanes, mail_breaker, provider_breaker
from infrastructure.resilience.breaker import Breaker, BreakerOpen, BreakerState
from infrastructure.resilience.breakers import Breakers
from infrastructure.workers.jobs import JobWorker
from infrastructure.workers.lanes import Lane
from tests.infrastructure.workers.conftest import Bench, ended, until
from tests.infrastructure.workers.rows import rows, run

CHARGE, SEND, INSIDE = "payments.charge", "wallets.send", "payments.expire"
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
_NEED_NOTHING = {SIGN_UP, EXPIRE, KYC_EXPIRE, ATTEND, REPORT, MANDATE_ENDS, APPROVAL_EXPIRES}


class Outside:
    """Something outside that answers, hangs or is away, and counts who came."""

    def __init__(self, breaker: Breaker | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self.hangs: set[str] = set()
        self.away = False
        self.breaker = breaker or Breakers().new("x", counts=(PaymentProviderUnreachable,))

    def __call__(self, kind: str) -> "Handler":
        return Handler(self, kind)


class Handler:
    """Asks the outside for one kind of job."""

    def __init__(self, outside: Outside, kind: str) -> None:
        self.outside, self.kind = outside, kind

    async def __call__(self, organization_id: OrganizationId, subject_id: UUID) -> None:
        """Ask once."""
        with self.outside.breaker.watch():
            self.outside.asked[self.kind] += 1
            if self.kind in self.outside.hangs:
                await asyncio.Event().wait()
            if self.outside.away:
                raise PaymentProviderUnreachable


async def schedule(bench: Bench, kind: str, count: int, *, run_at: datetime = EARLIER) -> None:
    """Make jobs due, each a second after the one before."""
    async with rows(bench.root) as transaction:
        for n in range(count):
            await transaction.job(uuid4(), uuid4(), kind=kind, run_at=run_at + timedelta(seconds=n))


async def attempts(bench: Bench) -> list[int]:
    """Return how often each job that is still there was tried."""
    return sorted(int(str(row[0])) for row in await run(bench.root, "SELECT attempts FROM jobs"))


async def test_a_hanging_chain_takes_no_slot_from_payments(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty jobs of a chain that never answers are due first; charges and what needs nothing still go through."""
    monkeypatch.setattr("infrastructure.workers.rounds._FAREWELL_SECONDS", 0.01)
    outside = Outside()
    outside.hangs.add(SEND)
    await schedule(bench, SEND, 20)
    await schedule(bench, CHARGE, 12, run_at=EARLIER + timedelta(days=1))
    await schedule(bench, INSIDE, 5, run_at=EARLIER + timedelta(days=1))
    worker = JobWorker(
        bench.relay, {kind: outside(kind) for kind in (SEND, CHARGE, INSIDE)}, concurrency=2,
        lanes=[Lane(frozenset({SEND}), 3), Lane(frozenset({CHARGE}), 4)],
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    try:
        await until(lambda: outside.asked[CHARGE] == 12 and outside.asked[INSIDE] == 5, 30)
    finally:
        await ended(running)
    assert outside.asked[SEND] == 3


async def test_while_a_breaker_is_open_its_jobs_are_not_even_claimed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two failures open it: of ten charges the other eight were never tried, then one finds out, then all are done."""
    # What failed is not to be due again meanwhile, however busy the machine is.
    monkeypatch.setattr("infrastructure.workers.jobs._RETRY_FIRST", 600.0)
    now = [0.0]
    breaker = Breakers().new(
        "payment_provider", counts=(PaymentProviderUnreachable,), failures=2, rest_seconds=10, monotonic=lambda: now[0]
    )
    outside = Outside(breaker)
    outside.away = True
    await schedule(bench, CHARGE, 10)
    worker = JobWorker(bench.relay, {CHARGE: outside(CHARGE)}, lanes=[Lane(frozenset({CHARGE}), 2, breaker)])
    assert await worker.run_due_once() == 2
    assert await attempts(bench) == [0] * 8 + [1] * 2
    now[0] = 11
    assert await worker.run_due_once() == 1
    assert await attempts(bench) == [0] * 7 + [1] * 3
    outside.away, now[0] = False, 22
    assert await worker.run_due_once() == 7
    assert (breaker.state, outside.asked[CHARGE]) == (BreakerState.CLOSED, 10)


def _all_endpoints_rest() -> Exception:
    error = BlockchainError()
    error.__cause__ = BreakerOpen(retry_after=7)
    return error


@pytest.mark.parametrize(
    ("error", "tried", "after"),
    [(BreakerOpen(retry_after=7), 0, 6), (_all_endpoints_rest(), 0, 6), (Unavailable(), 1, 0)],
    ids=["breaker", "chain", "outage"],
)
async def test_a_job_that_met_an_open_breaker_was_not_tried(
    bench: Bench, error: Exception, tried: int, after: int
) -> None:
    """It comes back after the rest, its attempts uncounted; an outage that was noticed by asking counts one."""

    async def fail(organization_id: OrganizationId, subject_id: UUID) -> None:
        raise error

    await schedule(bench, CHARGE, 1)
    before = datetime.now(UTC)
    assert await JobWorker(bench.relay, {CHARGE: fail}).run_due_once() == 1
    assert await attempts(bench) == [tried]
    [[run_at]] = await run(bench.root, "SELECT run_at FROM jobs")
    when = run_at if isinstance(run_at, datetime) else datetime.fromisoformat(str(run_at))
    assert before + timedelta(seconds=after) < when.replace(tzinfo=UTC) < before + timedelta(seconds=after + 60)


def test_every_kind_of_job_says_what_it_needs_outside() -> None:
    """Whoever adds a kind decides: it is in one lane, or needs nothing; the slots of no lane are another's."""
    _, handlers = cast("tuple[object, providers.Dict]", Container.jobs.args)
    handled = set(handlers.kwargs)
    found = lanes(provider_breaker(Breakers()), mail_breaker(Breakers()))
    outside = [kind for lane in found for kind in lane.kinds]
    assert len(outside) == len(set(outside))
    assert handled == {*outside, *_NEED_NOTHING}
