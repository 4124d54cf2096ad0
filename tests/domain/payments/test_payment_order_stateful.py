"""Whatever is done to a payment order in whatever sequence, its money is collected at most once."""

from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.payments.payment_attempt import FINAL, AttemptOutcome, AttemptStatus
from domain.payments.payment_order import TRANSITIONS, PaymentOrderStatus
from domain.shared.errors import StoaError
from domain.shared.ids import PaymentAttemptId
from tests.domain.payments.builders import METHOD, NOW, an_order

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
        self.finals: dict[PaymentAttemptId, AttemptStatus] = {}
        self.verbs: list[str] = []

    def tick(self) -> None:
        self.moment += timedelta(seconds=1)

    @rule()
    def pay(self) -> None:
        self.tick()
        try:
            self.order.pay(PaymentAttemptId(UUID(int=len(self.order.attempts) + 1)), METHOD, self.moment)
        except StoaError:
            assert self.order.status is self.statuses[-1]

    @rule(n=st.integers(1, 5), outcome=OUTCOMES)
    def conclude(self, n: int, outcome: AttemptOutcome) -> None:
        self.tick()
        try:
            self.order.conclude(PaymentAttemptId(UUID(int=n)), outcome, self.moment)
        except StoaError:
            assert n > len(self.order.attempts)

    @rule()
    def cancel(self) -> None:
        self.tick()
        try:
            self.order.cancel(self.moment)
        except StoaError:
            assert self.order.status is self.statuses[-1]

    @invariant()
    def every_change_is_a_move_of_the_table_and_one_version(self) -> None:
        events = self.order.pull_events()
        self.verbs += [recorded.event.verb for recorded in events]
        if self.order.status is not self.statuses[-1]:
            assert self.order.status in TRANSITIONS[self.statuses[-1]]
            self.statuses.append(self.order.status)
        assert self.order.version == len(self.statuses)
        assert self.verbs == ["created", *(status.value for status in self.statuses[1:])]

    @invariant()
    def a_final_outcome_stays(self) -> None:
        for attempt in self.order.attempts:
            assert self.finals.get(attempt.id, attempt.status) is attempt.status
            assert (attempt.concluded_at is not None) is (attempt.status in FINAL)
            if attempt.status in FINAL:
                self.finals[attempt.id] = attempt.status

    @invariant()
    def the_money_is_collected_at_most_once(self) -> None:
        succeeded = [a for a in self.order.attempts if a.status is AttemptStatus.SUCCEEDED]
        assert len(succeeded) == (self.order.status is PaymentOrderStatus.COMPLETED)
        assert not succeeded or succeeded == self.order.attempts[-1:]

    @invariant()
    def attempts_are_numbered_and_only_the_last_is_undecided(self) -> None:
        assert [attempt.number for attempt in self.order.attempts] == list(range(1, len(self.order.attempts) + 1))
        assert all(attempt.is_final for attempt in self.order.attempts[:-1])


TestPaymentOrder = PaymentOrderMachine.TestCase
TestPaymentOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
