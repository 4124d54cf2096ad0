"""The statements of the delivery worker.

Deliveries are claimed by lanes, one for each endpoint, so that a long queue for one never hides another's: on
PostgreSQL the partial index of pending deliveries is walked from lane to lane, and only the first few of each are read.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Executable,
    FromClause,
    Integer,
    Interval,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)

from domain.webhooks.webhook_delivery import DeliveryStatus
from domain.webhooks.webhook_endpoint import EndpointStatus
from infrastructure.persistence.models.technical import EventRow
from infrastructure.persistence.models.webhooks import WebhookAttemptRow, WebhookDeliveryRow, WebhookEndpointRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime, text

_EVENTS = cast("Table", EventRow.__table__)
_ENDPOINTS = cast("Table", WebhookEndpointRow.__table__)
_DELIVERIES = cast("Table", WebhookDeliveryRow.__table__)
_ATTEMPTS = cast("Table", WebhookAttemptRow.__table__)
_PENDING = _DELIVERIES.c.status == DeliveryStatus.PENDING.value
_D = _DELIVERIES.c


def _now(*, postgres: bool) -> ColumnElement[datetime]:
    """PostgreSQL reckons with its own clock; SQLite is the same machine and takes ours."""
    return func.now(type_=DateTime(timezone=True)) if postgres else bindparam("now", type_=UtcDateTime())


def _then(name: str, *, postgres: bool) -> ColumnElement[datetime]:
    """Return the moment ``name`` from now, which is sent as an interval to one and as a moment to the other."""
    if postgres:
        return func.now(type_=DateTime(timezone=True)) + bindparam(f"{name}_after", type_=Interval())
    return bindparam(f"{name}_at", type_=UtcDateTime())


def claim(*, postgres: bool) -> Executable:
    """Lease up to ``most`` due deliveries, at most ``each`` of an endpoint and none of those in ``busy``.

    ``failing`` asks for endpoints whose last request failed, or for the others.
    """
    due = (_due_by_lanes() if postgres else _due_by_rank()).cte("due")
    if postgres:
        due = due.prefix_with("MATERIALIZED")
    return (
        update(_DELIVERIES)
        .where(_D.organization_id == due.c.organization_id, _D.id == due.c.id)
        .values(lease_until=_then("lease", postgres=postgres), token=_D.token + 1, tries=_D.tries + 1)
        .returning(_D.organization_id, _D.id, _D.endpoint_id, _D.event_id, _D.token, _D.tries)
    )


def _is_due(*, postgres: bool) -> ColumnElement[bool]:
    now = _now(postgres=postgres)
    return and_(_PENDING, _D.due_at <= now, or_(_D.lease_until.is_(None), _D.lease_until < now))


def _is_open(endpoints: FromClause) -> ColumnElement[bool]:
    return and_(
        endpoints.c.status == EndpointStatus.ENABLED.value,
        endpoints.c.deleted_at.is_(None),
        endpoints.c.failing_since.is_not(None) == bindparam("failing", type_=Boolean()),
        not_(AnyOf(endpoints.c.id, bindparam("busy", type_=ListOf(Guid())))),
    )


def _due_by_lanes() -> Select[UUID, UUID]:
    lane = (_D.organization_id, _D.endpoint_id)
    first = select(*lane).where(_PENDING).order_by(*lane).limit(1)
    lanes = select(*first.subquery("first").c).cte("lanes", recursive=True)
    following = (
        select(*lane)
        .where(_PENDING, tuple_(*lane) > tuple_(lanes.c.organization_id, lanes.c.endpoint_id))
        .order_by(*lane)
        .limit(1)
        .lateral("following")
    )
    lanes = lanes.union_all(select(*following.c).select_from(lanes.join(following, true())))
    same = and_(_ENDPOINTS.c.organization_id == lanes.c.organization_id, _ENDPOINTS.c.id == lanes.c.endpoint_id)
    waiting = (
        select(_D.organization_id, _D.id, _D.due_at)
        .where(
            _D.organization_id == _ENDPOINTS.c.organization_id,
            _D.endpoint_id == _ENDPOINTS.c.id,
            _is_due(postgres=True),
        )
        .order_by(_D.due_at)
        .limit(bindparam("each", type_=Integer()))
        .with_for_update(skip_locked=True)
        .correlate(_ENDPOINTS)
        .lateral("waiting")
    )
    return (
        select(waiting.c.organization_id, waiting.c.id)
        .select_from(lanes.join(_ENDPOINTS, same).join(waiting, true()))
        .where(_is_open(_ENDPOINTS))
        .order_by(waiting.c.due_at)
        .limit(bindparam("most", type_=Integer()))
    )


def _due_by_rank() -> Select[UUID, UUID]:
    """Do the same on SQLite, which has no lateral joins and is not for queues of millions."""
    rank = func.row_number().over(partition_by=_D.endpoint_id, order_by=_D.due_at).label("rank")
    same = and_(_ENDPOINTS.c.organization_id == _D.organization_id, _ENDPOINTS.c.id == _D.endpoint_id)
    ranked = (
        select(_D.organization_id, _D.id, _D.due_at, rank)
        .join_from(_DELIVERIES, _ENDPOINTS, same)
        .where(_is_due(postgres=False), _is_open(_ENDPOINTS))
        .subquery("ranked")
    )
    return (
        select(ranked.c.organization_id, ranked.c.id)
        .where(ranked.c.rank <= bindparam("each", type_=Integer()))
        .order_by(ranked.c.due_at)
        .limit(bindparam("most", type_=Integer()))
    )


def load() -> Executable:
    """Return what is to be sent, and how it is to be signed, for those deliveries whose endpoint is still open."""
    e, v = _ENDPOINTS.c, _EVENTS.c
    to = and_(e.organization_id == _D.organization_id, e.id == _D.endpoint_id)
    of = and_(v.organization_id == _D.organization_id, v.id == _D.event_id)
    return (
        select(_D.id, e.url, e.secret, e.previous_secret, e.previous_secret_ends_at, v.payload)
        .select_from(_DELIVERIES.join(_ENDPOINTS, to).join(_EVENTS, of))
        .where(
            AnyOf(_D.organization_id, bindparam("organizations", type_=ListOf(Guid()))),
            AnyOf(_D.id, bindparam("ids", type_=ListOf(Guid()))),
            e.status == EndpointStatus.ENABLED.value,
            e.deleted_at.is_(None),
        )
    )


def _ours() -> ColumnElement[bool]:
    """Whoever's lease ran out, or whose delivery was put up anew, holds an old token."""
    return and_(
        _D.organization_id == bindparam("organization", type_=Guid()),
        _D.id == bindparam("delivery", type_=Guid()),
        _D.token == bindparam("mine", type_=Integer()),
        _PENDING,
    )


def conclude(*, postgres: bool) -> Executable:
    """End a delivery in ``new_status``."""
    values = {
        "status": bindparam("new_status", type_=text()), "concluded_at": _now(postgres=postgres), "due_at": None,
        "lease_until": None,
    }  # fmt: skip
    return update(_DELIVERIES).where(_ours()).values(values).returning(_D.id)


def postpone(*, postgres: bool) -> Executable:
    """Try a delivery again after ``pause``."""
    values = {"due_at": _then("pause", postgres=postgres), "lease_until": None}
    return update(_DELIVERIES).where(_ours()).values(values).returning(_D.id)


def release(*, postgres: bool) -> Executable:  # noqa: ARG001 - the statement is the same on both
    """Give a delivery back untried."""
    return update(_DELIVERIES).where(_ours()).values(lease_until=None, tries=_D.tries - 1).returning(_D.id)


def note(*, postgres: bool) -> Executable:  # noqa: ARG001 - the statement is the same on both
    """Insert an attempt behind those that were made before."""
    organization, delivery = bindparam("organization", type_=Guid()), bindparam("delivery", type_=Guid())
    before = select(func.coalesce(func.max(_ATTEMPTS.c.number), 0) + 1).where(
        _ATTEMPTS.c.organization_id == organization, _ATTEMPTS.c.delivery_id == delivery
    )
    given = ("id", "started_at", "duration_ms", "status_code", "error", "response")
    values = {name: bindparam(f"a_{name}", type_=_ATTEMPTS.c[name].type) for name in given}
    return insert(_ATTEMPTS).values(
        **values, organization_id=organization, delivery_id=delivery, number=before.scalar_subquery()
    )


def _endpoint() -> ColumnElement[bool]:
    return and_(
        _ENDPOINTS.c.organization_id == bindparam("organization", type_=Guid()),
        _ENDPOINTS.c.id == bindparam("endpoint", type_=Guid()),
    )


def recovered(*, postgres: bool) -> Executable:  # noqa: ARG001 - the statement is the same on both
    """Note that an endpoint accepts webhooks again."""
    failing = _ENDPOINTS.c.failing_since.is_not(None)
    changed = update(_ENDPOINTS).where(_endpoint(), failing).values(failing_since=None, failures=0)
    return changed.returning(_ENDPOINTS.c.failures)


def failed(*, postgres: bool) -> Executable:
    """Count a failure, and return since when and how often the endpoint has failed in a row."""
    c, now = _ENDPOINTS.c, _now(postgres=postgres)
    values = {"failing_since": func.coalesce(c.failing_since, now), "failures": c.failures + 1}
    return update(_ENDPOINTS).where(_endpoint()).values(values).returning(c.failing_since, c.failures)
