"""Whatever is done to a mandate in whatever sequence: counters are the sums of holds, and no limit is ever exceeded."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.mandates.mandate import MandateStatus
from domain.mandates.mandate_hold import HoldStatus, MandateHold, day_start, rolling_start
from domain.shared.errors import StoaError
from tests.domain.mandates.builders import NOW, a_mandate, a_purchase, hold_id, limits, windows_of

LIMIT = st.none() | st.integers(1, 300)


class MandateMachine(RuleBasedStateMachine):
    @initialize(day=LIMIT, rolling=LIMIT, total=LIMIT, threshold=st.none() | st.integers(0, 60))
    def granted(self, day: int | None, rolling: int | None, total: int | None, threshold: int | None) -> None:
        self.moment = NOW
        self.mandate = a_mandate(
            per_payment=80, per_day=day, per_30_days=rolling, total=total, approval_threshold=threshold,
            expires_at=NOW + timedelta(days=90),
        )  # fmt: skip
        self.holds: list[MandateHold] = []

    @rule(minor=st.integers(1, 100))
    def reserve(self, minor: int) -> None:
        purchase = a_purchase(minor, n=len(self.holds) + 1)
        windows = windows_of(self.holds, self.moment)
        left = self.mandate.left(windows)
        try:
            hold = self.mandate.reserve(purchase, windows, id=hold_id(len(self.holds)), now=self.moment)
        except StoaError:
            assert minor > left.minor or self.mandate.status is not MandateStatus.ACTIVE or self.over()
        else:
            assert minor <= left.minor
            self.holds.append(hold)

    def over(self) -> bool:
        return self.mandate.expires_at is not None and self.mandate.expires_at <= self.moment

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), what=st.sampled_from(["begin", "spend", "release"]))
    def move(self, data: st.DataObject, what: str) -> None:
        hold = data.draw(st.sampled_from(self.holds))
        try:
            getattr(self.mandate, what)(hold, self.moment)
        except StoaError:
            return

    @rule(span=st.sampled_from([timedelta(hours=1), timedelta(hours=13), timedelta(days=1), timedelta(days=16)]))
    def time_passes(self, span: timedelta) -> None:
        self.moment += span

    @rule(day=LIMIT, rolling=LIMIT, total=LIMIT)
    def update(self, day: int | None, rolling: int | None, total: int | None) -> None:
        try:
            self.mandate.update_limits(
                limits(per_payment=80, per_day=day, per_30_days=rolling, total=total, approval_threshold=30),
                windows_of(self.holds, self.moment), self.moment,
            )  # fmt: skip
        except StoaError:
            return
        # Days before today were judged by the limits of their time.
        self.since = self.moment

    @rule(really=st.sampled_from([True, *[False] * 9]))
    def revoke(self, really: bool) -> None:
        if really:
            self.mandate.revoke("usr_ana", self.moment)

    @invariant()
    def counters_are_the_sums_of_holds(self) -> None:
        sums = dict.fromkeys(HoldStatus, 0)
        for hold in self.holds:
            sums[hold.status] += hold.amount.minor
        assert self.mandate.reserved_minor == sums[HoldStatus.RESERVED] >= 0
        assert self.mandate.spent_minor == sums[HoldStatus.COMMITTED] >= 0
        total = self.mandate.total_minor
        assert total is None or self.mandate.spent_minor + self.mandate.reserved_minor <= total

    @invariant()
    def no_window_is_exceeded_now(self) -> None:
        """What waits for approval counts in every window, so that approving can never exceed one."""
        windows = windows_of(self.holds, self.moment)
        for limit, used in ((self.mandate.per_day_minor, windows.day_minor),
                            (self.mandate.per_30_days_minor, windows.rolling_minor)):  # fmt: skip
            assert limit is None or used <= limit

    @invariant()
    def no_more_was_begun_in_any_window(self) -> None:
        """Looking back at every moment something began, what had begun within the window then is within its limit."""
        if getattr(self, "since", None) is not None:
            return
        for end in self.begun():
            day = sum(h.amount.minor for h in self.live() if day_start(end) <= _begun(h) <= end)
            rolling = sum(h.amount.minor for h in self.live() if rolling_start(end) < _begun(h) <= end)
            assert self.mandate.per_day_minor is None or day <= self.mandate.per_day_minor
            assert self.mandate.per_30_days_minor is None or rolling <= self.mandate.per_30_days_minor

    def live(self) -> list[MandateHold]:
        return [h for h in self.holds if h.status is not HoldStatus.RELEASED and h.counted_at is not None]

    def begun(self) -> list[datetime]:
        return [_begun(hold) for hold in self.live()]


def _begun(hold: MandateHold) -> datetime:
    assert hold.counted_at is not None
    return hold.counted_at


MandateMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestMandateMachine = MandateMachine.TestCase
