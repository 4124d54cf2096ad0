"""A mandate: somebody lets an agent spend so much of the organization's money, on this and until then."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from attrs import define, field, frozen

from domain.mandates import errors
from domain.mandates import mandate_events as events
from domain.mandates.mandate_hold import (
    HoldPurpose,
    HoldStatus,
    MandateHold,
    MandateHoldBegunEvent,
    MandateHoldCommittedEvent,
    MandateHoldReleasedEvent,
    MandateHoldReservedEvent,
    Windows,
)
from domain.mandates.mandate_terms import MOST_NAMED, MandateLimits, MandateMoney
from domain.shared.errors import Forbidden, InvalidTransition
from domain.shared.ids import (
    AgentId,
    MandateHoldId,
    MandateId,
    OrganizationId,
    PaymentLinkId,
    PaymentOrderId,
    ProductId,
    ToolUsageId,
)
from domain.shared.money import Money


class MandateStatus(StrEnum):
    """Whether an agent may still spend."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


@frozen(kw_only=True)
class Purchase:
    """What an agent wants to pay: an order of something, or, without one, the use of a tool."""

    amount: Money
    payment_order_id: PaymentOrderId | None = None
    tool_usage_id: ToolUsageId | None = None
    product_id: ProductId | None = None
    payment_link_id: PaymentLinkId | None = None


@define(kw_only=True, eq=False)
class Mandate(MandateMoney):
    """What an agent may spend. ``spent`` and ``reserved`` are the sums of its holds, to the last minor unit.

    Whoever reserves holds the mandate's row locked, so no two payments see the same money left.
    """

    kind: ClassVar[str] = "mandate"

    id: MandateId
    agent_id: AgentId
    granted_by: str
    products: list[str] = field(factory=list)
    payment_links: list[str] = field(factory=list)
    expires_at: datetime | None = None
    status: MandateStatus = MandateStatus.ACTIVE
    revoked_at: datetime | None = None
    expired_at: datetime | None = None

    @classmethod
    def grant(
        cls, *, id: MandateId, organization_id: OrganizationId, agent_id: AgentId, granted_by: str, currency: str,
        limits: MandateLimits, now: datetime, product_ids: Sequence[ProductId] = (),
        payment_link_ids: Sequence[PaymentLinkId] = (), expires_at: datetime | None = None,
    ) -> Self:  # fmt: skip
        """Let an agent spend; naming no product or no payment link allows any.

        Raises:
            InvalidMandate: no limit, one that is not above zero or in another currency, too many names, or an
                expiry that is over.
            InvalidCurrency: there is no such currency.
        """
        limits.check(Money.zero(currency).currency)
        if len(product_ids) > MOST_NAMED or len(payment_link_ids) > MOST_NAMED:
            raise errors.InvalidMandate(f"A mandate names at most {MOST_NAMED} products and payment links.")
        if expires_at is not None and expires_at <= now:
            raise errors.InvalidMandate("The expiry must lie in the future.", path="expires_at")
        mandate = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, agent_id=agent_id,
            granted_by=granted_by, currency=currency, products=_texts(product_ids),
            payment_links=_texts(payment_link_ids), expires_at=expires_at,
        )  # fmt: skip
        mandate._set(limits)
        granted = events.MandateGrantedEvent(
            agent_id=agent_id, currency=currency, granted_by=granted_by, expires_at=expires_at
        )
        mandate.record(granted, now)
        return mandate

    @property
    def product_ids(self) -> list[ProductId]:
        """The products that may be bought; none named means any."""
        return [ProductId(UUID(text)) for text in self.products]

    @property
    def payment_link_ids(self) -> list[PaymentLinkId]:
        """The payment links that may be bought through; none named means any."""
        return [PaymentLinkId(UUID(text)) for text in self.payment_links]

    def update_limits(self, limits: MandateLimits, windows: Windows, now: datetime) -> None:
        """Let the agent spend more or less from now on, but not less than it has spent or reserved already.

        Raises:
            InvalidMandate: as for :meth:`grant`.
            LimitBelowSpent: a new limit is below what was spent.
            MandateRevoked, MandateExpired: the mandate is over.
        """
        self.ensure_active(now)
        limits.check(self.currency)
        used = (
            ("per_day", limits.per_day, windows.day_minor),
            ("per_30_days", limits.per_30_days, windows.rolling_minor),
            ("total", limits.total, self.spent_minor + self.reserved_minor),
        )
        for name, limit, least in used:
            if limit is not None and limit.minor < least:
                raise errors.LimitBelowSpent(limit=name, least=least, currency=self.currency)
        if limits != self.limits:
            self._set(limits)
            self.record(events.MandateLimitsUpdatedEvent(agent_id=self.agent_id), now)

    def revoke(self, by: str, now: datetime) -> None:
        """Let the agent begin no payment any more; doing it twice, or to one that expired, changes nothing."""
        if self.status is MandateStatus.ACTIVE:
            self.status, self.revoked_at = MandateStatus.REVOKED, now
            self.record(events.MandateRevokedEvent(agent_id=self.agent_id, revoked_by=by), now)

    def expire(self, now: datetime) -> None:
        """End a mandate whose time is over; any other stays as it is."""
        if self.status is MandateStatus.ACTIVE and self.is_over(now):
            self.status, self.expired_at = MandateStatus.EXPIRED, now
            self.record(events.MandateExpiredEvent(agent_id=self.agent_id), now)

    def is_over(self, now: datetime) -> bool:
        """Whether nothing may be begun any more; its time may be over before anybody noted it."""
        return self.status is not MandateStatus.ACTIVE or (self.expires_at is not None and self.expires_at <= now)

    def ensure_active(self, now: datetime) -> None:
        """Refuse whatever an ended mandate refuses.

        Raises:
            MandateRevoked, MandateExpired: as they say.
        """
        if self.status is MandateStatus.REVOKED:
            raise errors.MandateRevoked
        if self.is_over(now):
            raise errors.MandateExpired

    def ensure_allows(self, purchase: Purchase, windows: Windows, now: datetime) -> None:
        """Refuse what the mandate does not cover, or does not leave enough for.

        Raises:
            MandateRevoked, MandateExpired, MandateCurrencyMismatch, MandateProductNotAllowed, MandateLinkNotAllowed,
            MandateExceeded: as they say.
        """
        self.ensure_active(now)
        if purchase.amount.currency != self.currency:
            raise errors.MandateCurrencyMismatch(currency=self.currency)
        if purchase.payment_order_id is not None:
            if self.products and str(purchase.product_id) not in self.products:
                raise errors.MandateProductNotAllowed
            if self.payment_links and str(purchase.payment_link_id) not in self.payment_links:
                raise errors.MandateLinkNotAllowed
        self._ensure_left(purchase.amount, windows)

    def allows(self, purchase: Purchase, windows: Windows, now: datetime) -> bool:
        """Say whether :meth:`ensure_allows` would let a purchase pass."""
        try:
            self.ensure_allows(purchase, windows, now)
        except Forbidden:
            return False
        return True

    def reserve(
        self, purchase: Purchase, windows: Windows, *, id: MandateHoldId, now: datetime, approved: bool = False
    ) -> MandateHold:
        """Set the money of a purchase aside; above the threshold the hold waits until a person has ``approved``.

        Raises:
            MandateExceeded: also when a tool costs more than the threshold, as nobody could approve it in time.
            MandateRevoked, MandateExpired, MandateCurrencyMismatch, MandateProductNotAllowed, MandateLinkNotAllowed:
                as they say.
        """
        self.ensure_allows(purchase, windows, now)
        threshold = self.approval_threshold_minor
        waits = threshold is not None and purchase.amount.minor > threshold and not approved
        is_tool = purchase.payment_order_id is None
        if waits and is_tool:
            raise self._exceeded("approval_threshold", threshold or 0)
        hold = MandateHold(
            id=id, organization_id=self.organization_id, created_at=now, updated_at=now, mandate_id=self.id,
            agent_id=self.agent_id, purpose=HoldPurpose.TOOL if is_tool else HoldPurpose.PAYMENT,
            payment_order_id=purchase.payment_order_id, tool_usage_id=purchase.tool_usage_id, amount=purchase.amount,
            counted_at=None if waits else now,
        )  # fmt: skip
        self._take(hold, now)
        return hold

    def begin(self, hold: MandateHold, now: datetime) -> None:
        """Let a hold go on that waited for approval. It counted in every window, so none is exceeded now.

        Raises:
            InvalidTransition: it does not wait.
            MandateRevoked, MandateExpired: the mandate is over.
            MandateExceeded: a single payment may not be that much any more.
        """
        if not hold.waiting:
            raise InvalidTransition(status=hold.status.value)
        self.ensure_active(now)
        if self.per_payment_minor is not None and hold.amount.minor > self.per_payment_minor:
            raise self._exceeded("per_payment", self.per_payment_minor)
        hold.counted_at = now
        hold.record(MandateHoldBegunEvent(mandate_id=self.id), now)

    def spend(self, hold: MandateHold, now: datetime) -> None:
        """Note that what was set aside is spent; doing it twice changes nothing.

        Raises:
            InvalidTransition: it was given back, or still waits for approval.
        """
        if hold.status is HoldStatus.COMMITTED:
            return
        if hold.status is HoldStatus.RELEASED or hold.waiting:
            raise InvalidTransition(status=hold.status.value)
        self.reserved_minor -= hold.amount.minor
        self.spent_minor += hold.amount.minor
        hold.status, hold.committed_at = HoldStatus.COMMITTED, now
        hold.record(MandateHoldCommittedEvent(mandate_id=self.id, amount=hold.amount), now)
        self.record(events.MandateSpentEvent(hold_id=hold.id, amount=hold.amount), now)

    def release(self, hold: MandateHold, now: datetime) -> None:
        """Take back what was set aside and not spent; what was spent stays spent, and twice changes nothing."""
        if hold.status is not HoldStatus.RESERVED:
            return
        self.reserved_minor -= hold.amount.minor
        hold.status, hold.released_at = HoldStatus.RELEASED, now
        hold.record(MandateHoldReleasedEvent(mandate_id=self.id, amount=hold.amount), now)
        self.record(events.MandateReleasedEvent(hold_id=hold.id, amount=hold.amount), now)

    def _take(self, hold: MandateHold, now: datetime) -> None:
        self.reserved_minor += hold.amount.minor
        reserved = MandateHoldReservedEvent(
            mandate_id=self.id, agent_id=self.agent_id, amount=hold.amount, waiting=hold.waiting
        )
        hold.record(reserved, now)
        self.record(events.MandateReservedEvent(hold_id=hold.id, amount=hold.amount), now)

    def _ensure_left(self, amount: Money, windows: Windows) -> None:
        """Refuse an amount for the limit that leaves least."""
        limit, left = min(self.leaves(windows), key=lambda each: each[1])
        if amount.minor > left:
            raise self._exceeded(limit, max(left, 0))

    def _exceeded(self, limit: str, left: int) -> errors.MandateExceeded:
        money = Money(left, self.currency)
        return errors.MandateExceeded(
            f"The mandate's limit {limit} leaves {money.decimal} {self.currency}.",
            limit=limit, left=left, currency=self.currency,
        )  # fmt: skip


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [str(each) for each in dict.fromkeys(ids)]
