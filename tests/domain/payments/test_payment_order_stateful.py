"""Whatever is done to a payment order in whatever sequence, its money is collected at most once."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from domain.payments.payment_attempt import FINAL, AttemptOutcome, AttemptStatus
from domain.payments.payment_order_status import REFUNDABLE, TIMESTAMPS, TRANSITIONS, PaymentOrderStatus
from domain.shared.errors import StoaError
from domain.shared.ids import PaymentAttemptId, PaymentMethodId
from domain.shared.money import Money
from tests.domain.payments.builders import METHOD, NOW, REFUND, an_order

PAID = REFUNDABLE | {PaymentOrderStatus.REFUNDED}

OUTCOMES = st.builds(
    AttemptOutcome,
    status=st.sampled_from([AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED, AttemptStatus.UNKNOWN]),
    decline_code=st.sampled_from([None, "insufficient_funds"]),
    permanent=st.booleans(),
)


class PaymentOrderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.order = an_order()
        self.moment = NOW
        self.statuses = [self.order.status]
        self.version = 0
        self.paid: set[PaymentAttemptId] = set()
        self.held: list[Money] = []

    def tick(self) -> None:
        self.moment += timedelta(seconds=1)

    @rule(method=st.sampled_from([METHOD, None]))
    def pay(self, method: PaymentMethodId | None) -> None:
        self.tick()
        try:
            self.order.pay(PaymentAttemptId(UUID(int=len(self.order.attempts) + 1)), method, self.moment)
        except StoaError:
            assert self.order.status is self.statuses[-1]

    @rule(n=st.integers(1, 5), outcome=OUTCOMES)
    def conclude(self, n: int, outcome: AttemptOutcome) -> None:
        self.tick()
        try:
            self.order.conclude(PaymentAttemptId(UUID(int=n)), outcome, self.moment)
        except StoaError:
            assert n > len(self.order.attempts)

    @rule(minor=st.none() | st.integers(-1, 4000))
    def reserve(self, minor: int | None) -> None:
        self.tick()
        try:
            wanted = None if minor is None else Money(minor, "EUR")
            self.held.append(self.order.reserve_refund(REFUND, wanted, self.moment))
        except StoaError:
            assert self.order.status is self.statuses[-1]

    @precondition(lambda self: self.held)
    @rule(succeeded=st.booleans())
    def end_refund(self, succeeded: bool) -> None:
        self.tick()
        end = self.order.settle_refund if succeeded else self.order.release_refund
        end(REFUND, self.held.pop(), self.moment)

    @rule()
    def expire(self) -> None:
        self.tick()
        self.order.expire(self.moment)

    @rule()
    def cancel(self) -> None:
        self.tick()
        try:
            self.order.cancel(self.moment)
        except StoaError:
            assert self.order.status is self.statuses[-1]

    @invariant()
    def every_change_is_a_move_of_the_table_with_its_event_and_its_time(self) -> None:
        version, verbs = self.order.version, [recorded.event.verb for recorded in self.order.pull_events()]
        assert version == self.version + bool(verbs)
        self.version = version
        if self.order.status is not self.statuses[-1]:
            assert self.order.status in TRANSITIONS[self.statuses[-1]]
            assert self.order.status.value in verbs
            assert getattr(self.order, TIMESTAMPS[self.order.status]) == self.moment
            self.statuses.append(self.order.status)

    @invariant()
    def a_success_stays_and_only_a_success_undoes_a_decline(self) -> None:
        paid = {attempt.id for attempt in self.order.attempts if attempt.status is AttemptStatus.SUCCEEDED}
        assert paid >= self.paid
        self.paid = paid
        assert all((a.concluded_at is not None) is (a.status in FINAL) for a in self.order.attempts)

    @invariant()
    def the_money_is_collected_at_most_once(self) -> None:
        kept = [a for a in self.order.attempts if a.status is AttemptStatus.SUCCEEDED and not a.surplus]
        assert len(kept) == (self.order.captured_minor > 0) == (self.order.status in PAID)
        assert self.order.captured_minor in (0, self.order.amount.minor)

    @invariant()
    def what_goes_back_was_collected(self) -> None:
        order = self.order
        assert order.refund_pending_minor == sum(money.minor for money in self.held)
        assert 0 <= order.refunded_minor <= order.captured_minor <= order.amount.minor
        assert order.refundable.minor >= 0

    @invariant()
    def attempts_are_numbered_and_only_the_last_is_undecided(self) -> None:
        assert [attempt.number for attempt in self.order.attempts] == list(range(1, len(self.order.attempts) + 1))
        assert all(attempt.is_final for attempt in self.order.attempts[:-1])


TestPaymentOrder = PaymentOrderMachine.TestCase
TestPaymentOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.faults
def test_a_hundred_thousand_histories_keep_the_money() -> None:
    """The long form: shorter histories, and so many of them that every pair of moves comes in every order."""
    run_state_machine_as_test(
        PaymentOrderMachine,
        settings=settings(max_examples=100_000, stateful_step_count=10, deadline=None, database=None),
    )
