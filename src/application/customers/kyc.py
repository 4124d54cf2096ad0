"""KYC: having the identity of a customer checked, deciding by hand, and recording what the provider said."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.customers.customer_view import KycView
from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.ports import IClock, IIds, KycVerdict
from application.kernel.unit_of_work import IJobs, IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.customer import Customer
from domain.customers.kyc import REASON, KycStatus
from domain.shared.ids import CustomerId

CHECK = "customers.check_kyc"
EXPIRE = "customers.expire_kyc"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartKyc:
    """Whose identity, and optionally the version the caller read."""

    id: CustomerId
    expected_version: Version | None = None


@use_case("customers.start_kyc", scope=Scope.CUSTOMERS_WRITE, example={}, statements=7)
async def start_kyc(cmd: StartKyc, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> KycView:
    """Have a customer's identity checked; the outcome follows, as status and as event. Also after it was rejected.

    Errors: `not_found`, `version_stale`, `kyc_transition_invalid`.
    """
    customer = await uow.customers.get(cmd.id, lock=True)
    customer.expect_version(cmd.expected_version)
    customer.start_kyc(str(ids.new()), clock.now())
    await uow.jobs.schedule(CHECK, customer.id)
    return KycView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewKyc:
    """What a person decided about whom, and why."""

    id: CustomerId
    decision: Literal["approved", "rejected"]
    reason: Annotated[str, REASON] | None = None
    expected_version: Version | None = None


@use_case(
    "customers.review_kyc",
    scope=Scope.CUSTOMERS_WRITE,
    example={"decision": "approved", "reason": "Passport seen at the counter."},
    statements=7,
)
async def review_kyc(cmd: ReviewKyc, uow: IUnitOfWork, *, clock: IClock) -> KycView:
    """Decide what the provider left open, or take an approval back.

    Errors: `not_found`, `version_stale`, `kyc_transition_invalid`, `text_invalid`.
    """
    customer = await uow.customers.get(cmd.id, lock=True)
    customer.expect_version(cmd.expected_version)
    customer.review_kyc(KycStatus(cmd.decision), reason=cmd.reason, now=clock.now())
    await _watch_approval(customer, uow.jobs, clock.now())
    return KycView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKycOutcome:
    """What the provider said of one check."""

    id: CustomerId
    check: Annotated[str, Len(1, 36)]
    verdict: KycVerdict
    risk_score: Annotated[int, Interval(ge=0, le=100)]
    reason: Annotated[str, REASON] | None = None


@use_case(
    "customers.record_kyc_outcome",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker knows what a KYC provider said.",
    example={
        "check": "0198f2c4-61b0-7d55-9c3e-2f8a4be07d13", "verdict": "needs_review", "risk_score": 55,
        "reason": "name_unclear",
    },
    statements=8,
)  # fmt: skip
async def record_kyc_outcome(cmd: RecordKycOutcome, uow: IUnitOfWork, *, clock: IClock) -> KycView:
    """Record what came of an identity check; whatever is known already, or of an earlier check, changes nothing.

    Errors: `not_found`.
    """
    customer = await uow.customers.get(cmd.id, lock=True)
    verdict = KycStatus(cmd.verdict.value)
    customer.conclude_kyc(cmd.check, verdict, risk_score=cmd.risk_score, reason=cmd.reason, now=clock.now())
    if customer.kyc_status is not KycStatus.PENDING:
        await uow.jobs.finish(CHECK, customer.id)
    await _watch_approval(customer, uow.jobs, clock.now())
    return KycView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireKyc:
    """Whose approval."""

    id: CustomerId


@use_case(
    "customers.expire_kyc",
    scope=Scope.PLATFORM_OPERATE,
    internal="Approvals expire by the clock; Stoa's own worker looks at it.",
    example={},
    statements=6,
)
async def expire_kyc(cmd: ExpireKyc, uow: IUnitOfWork, *, clock: IClock) -> KycView:
    """End a customer's approval if its time is over; if it is not, it is looked at again then.

    Errors: `not_found`.
    """
    customer = await uow.customers.get(cmd.id, lock=True)
    now = clock.now()
    customer.expire_kyc(now)
    if customer.kyc_expires_at is not None:
        await _watch_approval(customer, uow.jobs, now)
    return KycView.of(customer)


async def _watch_approval(customer: Customer, jobs: IJobs, now: datetime) -> None:
    """Have the end of an approval noticed, and of nothing else."""
    if customer.kyc_expires_at is not None:
        await jobs.schedule(EXPIRE, customer.id, delay=customer.kyc_expires_at - now)
    else:
        await jobs.finish(EXPIRE, customer.id)
