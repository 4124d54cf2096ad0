"""Know your customer: the states of a customer's identity check, and its moves.

    not_started ─→ pending ─→ approved ─→ expired ─┐
                    ↑  ↑ └──→ needs_review ─→ approved or rejected
                    │  │ └──→ rejected ─┐          │
                    │  └────────────────┘          │
                    └──────────────────────────────┘

An approval may also be taken back by a person: approved ─→ rejected.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from attrs import frozen

from domain.shared.errors import InvalidTransition, Unavailable
from domain.shared.events import DomainEvent
from domain.shared.text import TextRule

APPROVAL_LASTS = timedelta(days=365)
REASON = TextRule(max_length=200)


class KYCProviderError(Unavailable):
    """The provider of identity checks is not answering; the same check may be asked for again later."""

    code = "kyc_provider_error"
    summary = "The KYC provider is not available."


class KycTransitionInvalid(InvalidTransition):
    """The check is not in a state that allows this."""

    code = "kyc_transition_invalid"
    summary = "The customer's KYC status does not allow this."


class KycStatus(StrEnum):
    """How far the identity check of a customer is."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_REVIEW = "needs_review"
    EXPIRED = "expired"


MOVES: Mapping[KycStatus, frozenset[KycStatus]] = {
    KycStatus.NOT_STARTED: frozenset({KycStatus.PENDING}),
    KycStatus.PENDING: frozenset({KycStatus.APPROVED, KycStatus.REJECTED, KycStatus.NEEDS_REVIEW}),
    KycStatus.NEEDS_REVIEW: frozenset({KycStatus.APPROVED, KycStatus.REJECTED}),
    KycStatus.APPROVED: frozenset({KycStatus.EXPIRED, KycStatus.REJECTED}),
    KycStatus.REJECTED: frozenset({KycStatus.PENDING}),
    KycStatus.EXPIRED: frozenset({KycStatus.PENDING}),
}
"""Where each state may lead; who may move it there is the business of the customer's methods."""


@frozen(kw_only=True)
class CustomerKycUpdatedEvent(DomainEvent):
    """A customer's identity check moved on. ``risk_score`` is 0 (none) to 100, null while it is not known."""

    verb: ClassVar[str] = "kyc_updated"
    from_status: str
    to_status: str
    risk_score: int | None
    reason: str | None
