"""Mandates and purchases, made by their own methods."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from domain.mandates.mandate import Mandate, Purchase
from domain.mandates.mandate_hold import HoldStatus, MandateHold, Windows, day_start, rolling_start
from domain.mandates.mandate_terms import MandateLimits
from domain.shared.ids import (
    AgentId,
    MandateHoldId,
    MandateId,
    OrganizationId,
    PaymentLinkId,
    PaymentOrderId,
    ProductId,
)
from domain.shared.money import Money

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
AGENT = AgentId(UUID(int=7))
PRODUCT, LINK = ProductId(UUID(int=8)), PaymentLinkId(UUID(int=9))
NOTHING = Windows(day_minor=0, rolling_minor=0)


def limits(currency: str = "EUR", **minor: int | None) -> MandateLimits:
    """Return limits from minor units."""
    return MandateLimits(**{name: None if n is None else Money(n, currency) for name, n in minor.items()})


def a_mandate(
    currency: str = "EUR", *, products: Iterable[ProductId] = (), links: Iterable[PaymentLinkId] = (),
    expires_at: datetime | None = None, now: datetime = NOW, **minor: int | None,
) -> Mandate:  # fmt: skip
    """Grant a mandate; without any limit it is one of 100.00 in all."""
    return Mandate.grant(
        id=MandateId(UUID(int=1)), organization_id=OrganizationId(UUID(int=2)), agent_id=AGENT, granted_by="usr_ana",
        currency=currency, limits=limits(currency, **(minor or {"total": 10_000})), now=now,
        product_ids=list(products), payment_link_ids=list(links), expires_at=expires_at,
    )  # fmt: skip


def a_purchase(minor: int, currency: str = "EUR", n: int = 1) -> Purchase:
    """Return the purchase of an order."""
    return Purchase(
        amount=Money(minor, currency), payment_order_id=PaymentOrderId(UUID(int=n)), product_id=PRODUCT,
        payment_link_id=LINK,
    )  # fmt: skip


def hold_id(n: int = 1) -> MandateHoldId:
    """Return the n-th hold's id."""
    return MandateHoldId(UUID(int=100 + n))


def windows_of(holds: Iterable[MandateHold], now: datetime) -> Windows:
    """Sum holds as the database does, in the plainest way."""
    live = [hold for hold in holds if hold.status is not HoldStatus.RELEASED]
    day = [h.amount.minor for h in live if h.counted_at is None or h.counted_at >= day_start(now)]
    rolling = [h.amount.minor for h in live if h.counted_at is None or h.counted_at > rolling_start(now)]
    return Windows(day_minor=sum(day), rolling_minor=sum(rolling))
