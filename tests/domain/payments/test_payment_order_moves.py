"""What every action does to a payment order in every state."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.payments.payment_attempt import AttemptOutcome, PaymentAttemptNotFound
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_errors import PaymentInProgress
from domain.payments.payment_order_status import IN_FLIGHT, TIMESTAMPS, TRANSITIONS, PaymentOrderStatus
from domain.shared.errors import InvalidTransition, StoaError
from tests.domain.payments.builders import DECLINED, FIRST, METHOD, NOW, REFUND, SECOND, SUCCEEDED, UNKNOWN, an_order_in

LATER = NOW + timedelta(minutes=1)
S = PaymentOrderStatus
Action = Callable[[PaymentOrder], object]


def pay(order: PaymentOrder) -> None:
    order.pay(SECOND, METHOD, LATER)


def pay_in_token(order: PaymentOrder) -> None:
    order.pay(SECOND, None, LATER)


def cancel(order: PaymentOrder) -> None:
    order.cancel(LATER)


def expire(order: PaymentOrder) -> None:
    order.expire(LATER)


def refund(order: PaymentOrder) -> None:
    order.settle_refund(REFUND, order.reserve_refund(REFUND, None, LATER), LATER)


def learn(outcome: AttemptOutcome) -> Action:
    return lambda order: order.conclude(FIRST, outcome, LATER)


ACTIONS: dict[str, Action] = {
    "pay": pay,
    "pay_in_token": pay_in_token,
    "cancel": cancel,
    "succeed": learn(SUCCEEDED),
    "decline": learn(DECLINED),
    "lose": learn(UNKNOWN),
    "expire": expire,
    "refund": refund,
}

# State and action to the next state, the error, or None for "nothing changes".
TABLE: dict[tuple[PaymentOrderStatus, str], PaymentOrderStatus | type[StoaError] | None] = {
    (S.PENDING, "pay"): S.PROCESSING,
    (S.PENDING, "cancel"): S.CANCELLED,
    (S.PENDING, "succeed"): PaymentAttemptNotFound,
    (S.PENDING, "decline"): PaymentAttemptNotFound,
    (S.PENDING, "lose"): PaymentAttemptNotFound,
    (S.PROCESSING, "pay"): PaymentInProgress,
    (S.PROCESSING, "cancel"): PaymentInProgress,
    (S.PROCESSING, "succeed"): S.COMPLETED,
    (S.PROCESSING, "decline"): S.FAILED,
    (S.PROCESSING, "lose"): S.UNKNOWN,
    (S.PENDING, "pay_in_token"): S.SETTLEMENT_PENDING,
    (S.FAILED, "pay_in_token"): S.SETTLEMENT_PENDING,
    (S.SETTLEMENT_PENDING, "cancel"): PaymentInProgress,
    (S.SETTLEMENT_PENDING, "succeed"): S.COMPLETED,
    (S.SETTLEMENT_PENDING, "decline"): S.FAILED,
    (S.SETTLEMENT_PENDING, "lose"): None,
    (S.UNKNOWN, "pay"): PaymentInProgress,
    (S.UNKNOWN, "cancel"): PaymentInProgress,
    (S.UNKNOWN, "succeed"): S.COMPLETED,
    (S.UNKNOWN, "decline"): S.FAILED,
    (S.UNKNOWN, "lose"): None,
    (S.FAILED, "pay"): S.PROCESSING,
    (S.FAILED, "cancel"): S.CANCELLED,
    # Money that arrives after all is taken, or given back by an order that does not want it any more.
    (S.FAILED, "succeed"): S.COMPLETED,
    (S.PENDING, "expire"): S.EXPIRED,
    (S.EXPIRED, "succeed"): PaymentAttemptNotFound,
    (S.EXPIRED, "decline"): PaymentAttemptNotFound,
    (S.EXPIRED, "lose"): PaymentAttemptNotFound,
    (S.COMPLETED, "refund"): S.REFUNDED,
    (S.PARTIALLY_REFUNDED, "refund"): S.REFUNDED,
    (S.CANCELLED, "pay"): InvalidTransition,
    (S.CANCELLED, "pay_in_token"): InvalidTransition,
    (S.CANCELLED, "cancel"): InvalidTransition,
    (S.CANCELLED, "succeed"): PaymentAttemptNotFound,
    (S.CANCELLED, "decline"): PaymentAttemptNotFound,
    (S.CANCELLED, "lose"): PaymentAttemptNotFound,
}
for paid in (S.COMPLETED, S.EXPIRED, S.REFUNDED, S.PARTIALLY_REFUNDED):
    TABLE |= {(paid, action): InvalidTransition for action in ("pay", "pay_in_token", "cancel")}
for flying in IN_FLIGHT:
    TABLE |= {(flying, action): PaymentInProgress for action in ("pay", "pay_in_token")}
for unpaid in set(S) - {S.COMPLETED, S.PARTIALLY_REFUNDED}:
    TABLE[unpaid, "refund"] = InvalidTransition


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", PaymentOrderStatus)
def test_every_action_in_every_state(status: PaymentOrderStatus, action: str) -> None:
    """What is not a move is refused or, for news that is no news, changes nothing."""
    order = an_order_in(status)
    version, expected = order.version, TABLE.get((status, action))
    if isinstance(expected, type):
        with pytest.raises(expected):
            ACTIONS[action](order)
    else:
        ACTIONS[action](order)
    if isinstance(expected, PaymentOrderStatus):
        assert (order.status, order.version) == (expected, version + 1)
        assert order.pull_events()[-1].event.verb == expected.value
        assert getattr(order, TIMESTAMPS[expected]) == LATER
    else:
        assert (order.status, order.version, order.pull_events()) == (status, version, [])


def test_the_table_of_moves_knows_every_state() -> None:
    """Nothing moves back to pending, and only another partial refund stays where it is."""
    assert set(TRANSITIONS) == set(PaymentOrderStatus)
    assert not [status for status, targets in TRANSITIONS.items() if S.PENDING in targets]
    assert [status for status, targets in TRANSITIONS.items() if status in targets] == [S.PARTIALLY_REFUNDED]
