"""The states of a payment order and every move between them."""

from collections.abc import Mapping
from enum import StrEnum


class PaymentOrderStatus(StrEnum):
    """Where an order is in its life. Settlement pending: a buyer paid in a token, and the chain has yet to decide."""

    PENDING = "pending"
    PROCESSING = "processing"
    SETTLEMENT_PENDING = "settlement_pending"
    UNKNOWN = "unknown"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


_S = PaymentOrderStatus

TRANSITIONS: Mapping[PaymentOrderStatus, frozenset[PaymentOrderStatus]] = {
    _S.PENDING: frozenset({_S.PROCESSING, _S.SETTLEMENT_PENDING, _S.CANCELLED, _S.EXPIRED}),
    _S.PROCESSING: frozenset({_S.COMPLETED, _S.FAILED, _S.UNKNOWN}),
    _S.SETTLEMENT_PENDING: frozenset({_S.COMPLETED, _S.FAILED}),
    _S.UNKNOWN: frozenset({_S.COMPLETED, _S.FAILED}),
    # Completed without a new attempt when the money of one that counted as declined arrives after all.
    _S.FAILED: frozenset({_S.PROCESSING, _S.SETTLEMENT_PENDING, _S.CANCELLED, _S.COMPLETED}),
    _S.COMPLETED: frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED}),
    _S.PARTIALLY_REFUNDED: frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED}),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REFUNDED: frozenset(),
}
"""Every move there is; whatever is not here is refused."""

TIMESTAMPS: Mapping[PaymentOrderStatus, str] = {
    _S.PROCESSING: "processing_at",
    _S.SETTLEMENT_PENDING: "processing_at",
    _S.UNKNOWN: "unknown_at",
    _S.COMPLETED: "completed_at",
    _S.FAILED: "failed_at",
    _S.CANCELLED: "cancelled_at",
    _S.EXPIRED: "expired_at",
    _S.PARTIALLY_REFUNDED: "refunded_at",
    _S.REFUNDED: "refunded_at",
}
"""Where the time of a move is noted."""

IN_FLIGHT = frozenset({_S.PROCESSING, _S.SETTLEMENT_PENDING, _S.UNKNOWN})
WITHOUT_USE = frozenset({_S.FAILED, _S.CANCELLED, _S.EXPIRED})
"""An order in any other state holds one of its payment link's uses."""

OPEN = IN_FLIGHT | {_S.PENDING}
REFUNDABLE = frozenset({_S.COMPLETED, _S.PARTIALLY_REFUNDED})
