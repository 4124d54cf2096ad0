"""Mandates: what people let agents spend."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Currency, Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.mandates.mandate_view import MandateHoldView, MandateView, SpendingView
from domain.mandates.errors import AgentsDecideNothing
from domain.mandates.mandate import Mandate, MandateStatus
from domain.mandates.mandate_hold import HoldStatus
from domain.mandates.mandate_terms import MOST_NAMED, MandateLimits
from domain.mandates.specifications import holds_matching, mandates_matching
from domain.shared.entity import Entity
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import AgentId, MandateId, PaymentLinkId, PaymentOrderId, ProductId
from domain.shared.money import Money
from domain.shared.repository import IRepository

MANDATE_ENDS = "mandates.end"
"""The job that ends a mandate when its time is over, and lets nothing wait for approval under one that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMandate:
    """Which agent may spend how much, on what, until when. At least one of the four limits has to be there.

    `per_day` is a day of UTC, `per_30_days` any thirty days. Amounts above `approval_threshold` need a person's
    approval; zero has every payment approved.
    """

    agent_id: AgentId
    currency: Currency
    per_payment: Money | None = None
    per_day: Money | None = None
    per_30_days: Money | None = None
    total: Money | None = None
    approval_threshold: Money | None = None
    product_ids: Annotated[list[ProductId], Len(0, MOST_NAMED)] = field(default_factory=list)
    payment_link_ids: Annotated[list[PaymentLinkId], Len(0, MOST_NAMED)] = field(default_factory=list)
    expires_at: datetime | None = None


@use_case(
    "mandates.grant",
    scope=Scope.MANDATES_WRITE,
    example={
        "currency": "EUR",
        "per_day": {"amount": 5000, "currency": "EUR"},
        "total": {"amount": 10000, "currency": "EUR"},
        "approval_threshold": {"amount": 2500, "currency": "EUR"},
        "expires_at": "2031-06-30T22:00:00Z",
    },
    statements=7,
)
async def grant_mandate(cmd: GrantMandate, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> MandateView:
    """Let an agent spend the organization's money within limits. No agent can.

    Errors: `not_found` for agent, product or payment link, `mandate_invalid`, `currency_invalid`,
    `agents_decide_nothing`.
    """
    _refuse_agents(uow)
    now = clock.now()
    await uow.agents.get(cmd.agent_id)
    await _ensure_there(uow.products, cmd.product_ids)
    await _ensure_there(uow.payment_links, cmd.payment_link_ids)
    mandate = Mandate.grant(
        id=MandateId(ids.new()), organization_id=uow.actor.organization_id, agent_id=cmd.agent_id,
        granted_by=uow.actor.id, currency=cmd.currency, limits=_limits(cmd), now=now, product_ids=cmd.product_ids,
        payment_link_ids=cmd.payment_link_ids, expires_at=cmd.expires_at,
    )  # fmt: skip
    uow.mandates.add(mandate)
    if cmd.expires_at is not None:
        await uow.jobs.schedule(MANDATE_ENDS, mandate.id, delay=cmd.expires_at - now)
    return MandateView.of(mandate)


def _refuse_agents(uow: IUnitOfWork) -> None:
    if uow.actor.agent_id is not None:
        raise AgentsDecideNothing


def _limits(cmd: GrantMandate) -> MandateLimits:
    return MandateLimits(
        per_payment=cmd.per_payment, per_day=cmd.per_day, per_30_days=cmd.per_30_days, total=cmd.total,
        approval_threshold=cmd.approval_threshold,
    )  # fmt: skip


async def _ensure_there[E: Entity](repository: IRepository[E], ids: list[ProductId] | list[PaymentLinkId]) -> None:
    wanted = set(ids)
    if wanted and (await repository.get_many(wanted)).keys() != wanted:
        raise EntityNotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMandates(PageQuery):
    """Which mandates."""

    agent_id: AgentId | None = None
    currency: Currency | None = None
    status: MandateStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "mandates.list", ListMandates, lambda uow: uow.mandates, MandateView, "List what agents may spend, newest first.",
    where=lambda cmd: mandates_matching(agent_id=cmd.agent_id, currency=cmd.currency, status=cmd.status),
    scope=Scope.MANDATES_READ, example={"limit": 20, "status": "active"}, statements=2,
)  # fmt: skip

get_use_case("mandates.get", lambda uow: uow.mandates, MandateView, "Return one mandate.", scope=Scope.MANDATES_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMandateLimits:
    """New limits for those that are mentioned; null takes a limit away, and one has to stay."""

    id: MandateId
    expected_version: Version
    per_payment: Maybe[Money | None] = UNSET
    per_day: Maybe[Money | None] = UNSET
    per_30_days: Maybe[Money | None] = UNSET
    total: Maybe[Money | None] = UNSET
    approval_threshold: Maybe[Money | None] = UNSET


@use_case(
    "mandates.update_limits",
    scope=Scope.MANDATES_WRITE,
    example={"expected_version": 1, "total": {"amount": 20000, "currency": "EUR"}},
    statements=5,
)
async def update_mandate_limits(cmd: UpdateMandateLimits, uow: IUnitOfWork, *, clock: IClock) -> MandateView:
    """Let the agent spend more or less from now on, but no less than it has spent or has set aside already.

    Errors: `not_found`, `version_stale`, `mandate_invalid`, `mandate_limit_below_spent`, `mandate_revoked`,
    `mandate_expired`, `agents_decide_nothing`.
    """
    _refuse_agents(uow)
    now = clock.now()
    mandate = await uow.mandates.get(cmd.id, lock=True)
    mandate.expect_version(cmd.expected_version)
    limits = MandateLimits(
        per_payment=given(cmd.per_payment, mandate.per_payment), per_day=given(cmd.per_day, mandate.per_day),
        per_30_days=given(cmd.per_30_days, mandate.per_30_days), total=given(cmd.total, mandate.total),
        approval_threshold=given(cmd.approval_threshold, mandate.approval_threshold),
    )  # fmt: skip
    mandate.update_limits(limits, await uow.mandate_holds.windows(mandate.id, now), now)
    return MandateView.of(mandate)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeMandate:
    """Which mandate, and optionally the version the caller read."""

    id: MandateId
    expected_version: Version | None = None


@use_case("mandates.revoke", scope=Scope.MANDATES_WRITE, example={}, destructive=True, statements=5)
async def revoke_mandate(cmd: RevokeMandate, uow: IUnitOfWork, *, clock: IClock) -> MandateView:
    """Take a mandate back: from the answer on no payment begins under it, and what waits for approval is given up.

    A payment that is being collected already ends as it ends. Doing it twice changes nothing.

    Errors: `not_found`, `version_stale`, `agents_decide_nothing`.
    """
    _refuse_agents(uow)
    mandate = await uow.mandates.get(cmd.id, lock=True)
    mandate.expect_version(cmd.expected_version)
    before = mandate.version
    mandate.revoke(uow.actor.id, clock.now())
    if mandate.version != before:
        await uow.jobs.schedule(MANDATE_ENDS, mandate.id)
    return MandateView.of(mandate)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMandateSpending:
    """Which mandate."""

    id: MandateId


@use_case("mandates.get_spending", scope=Scope.MANDATES_READ, example={}, read_only=True, statements=2)
async def get_mandate_spending(cmd: GetMandateSpending, uow: IUnitOfWork, *, clock: IClock) -> SpendingView:
    """Return what was spent under a mandate, today and within thirty days, and what every limit leaves.

    Errors: `not_found`.
    """
    now = clock.now()
    mandate = await uow.mandates.get(cmd.id)
    windows = await uow.mandate_holds.windows(mandate.id, now)
    return SpendingView.of(mandate, windows, over=mandate.is_over(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMandateHolds(PageQuery):
    """Which holds of a mandate."""

    mandate_id: MandateId
    payment_order_id: PaymentOrderId | None = None
    status: HoldStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "mandates.list_holds", ListMandateHolds, lambda uow: uow.mandate_holds, MandateHoldView,
    "List what was set aside under a mandate, what became of it, and for which payment, newest first.",
    where=lambda cmd: holds_matching(
        mandate_id=cmd.mandate_id, payment_order_id=cmd.payment_order_id, status=cmd.status
    ),
    scope=Scope.MANDATES_READ, example={"limit": 20}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireMandate:
    """Which mandate."""

    id: MandateId


@use_case(
    "mandates.expire", scope=Scope.MANDATES_WRITE, example={}, statements=5,
    internal="The clock expires mandates; a person revokes them.",
)  # fmt: skip
async def expire_mandate(cmd: ExpireMandate, uow: IUnitOfWork, *, clock: IClock) -> MandateView:
    """End a mandate whose time is over; one whose time is to come is looked at again then.

    Errors: `not_found`.
    """
    now = clock.now()
    mandate = await uow.mandates.get(cmd.id, lock=True)
    mandate.expire(now)
    if mandate.status is MandateStatus.ACTIVE and mandate.expires_at is not None:
        await uow.jobs.schedule(MANDATE_ENDS, mandate.id, delay=mandate.expires_at - now)
    return MandateView.of(mandate)
