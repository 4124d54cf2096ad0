"""The circuit breaker against every order of calls, ends and time."""

import asyncio
from contextlib import AbstractContextManager

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from infrastructure.resilience.breaker import Breaker, BreakerOpen, BreakerState

FAILURES, REST = 3, 10.0


class _Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _breaker(time: _Time, seen: list[BreakerState] | None = None) -> Breaker:
    states = [] if seen is None else seen
    return Breaker(
        "chain", counts=(ConnectionError,), failures=FAILURES, rest_seconds=REST, monotonic=time,
        changed=lambda _, state: states.append(state),
    )  # fmt: skip


def _end(call: AbstractContextManager[None], error: BaseException | None) -> None:
    assert not call.__exit__(None if error is None else type(error), error, None), "errors pass"


class Calls(RuleBasedStateMachine):
    """Calls begin, overlap and end in any order while the time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.time = _Time()
        self.breaker = _breaker(self.time)
        self.running: list[AbstractContextManager[None]] = []
        self.probe: AbstractContextManager[None] | None = None
        self.opened_at = 0.0

    @rule()
    def begin(self) -> None:
        call, before = self.breaker.watch(), self.breaker.state
        rested = self.time.now - self.opened_at >= REST
        try:
            call.__enter__()
        except BreakerOpen:
            assert before is BreakerState.HALF_OPEN or (before is BreakerState.OPEN and not rested)
            return
        assert before is BreakerState.CLOSED or (before is BreakerState.OPEN and rested)
        if before is BreakerState.OPEN:
            assert self.probe is None
            self.probe = call
        self.running.append(call)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), error=st.sampled_from([None, ConnectionError(), ValueError(), asyncio.CancelledError()]))
    def end(self, data: st.DataObject, error: BaseException | None) -> None:
        call = data.draw(st.sampled_from(self.running))
        self.running.remove(call)
        before = self.breaker.state
        _end(call, error)
        if call is self.probe:
            self.probe = None
            expected = BreakerState.CLOSED
            if isinstance(error, ConnectionError | asyncio.CancelledError):
                expected = BreakerState.OPEN
            assert self.breaker.state is expected
            if isinstance(error, ConnectionError):
                self.opened_at = self.time.now
        elif before is not BreakerState.CLOSED:
            assert self.breaker.state is before, "a call from before has no say"
        elif self.breaker.state is BreakerState.OPEN:
            assert isinstance(error, ConnectionError)
            self.opened_at = self.time.now

    @rule(seconds=st.sampled_from([0.5, REST / 2, REST, 3 * REST]))
    def wait(self, seconds: float) -> None:
        self.time.now += seconds

    @invariant()
    def one_probe_at_most(self) -> None:
        assert (self.breaker.state is BreakerState.HALF_OPEN) == (self.probe is not None)


TestCalls = Calls.TestCase


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ConnectionError), breaker.watch():
            raise ConnectionError


async def test_of_many_calls_at_once_after_the_rest_exactly_one_goes_through() -> None:
    time, seen = _Time(), list[BreakerState]()
    breaker = _breaker(time, seen)
    _fail(breaker, FAILURES)
    time.now += REST
    through = 0

    async def call() -> None:
        nonlocal through
        with breaker.watch():
            through += 1
            await asyncio.sleep(0)

    ends = await asyncio.gather(*(call() for _ in range(20)), return_exceptions=True)
    assert (through, sum(isinstance(end, BreakerOpen) for end in ends)) == (1, 19)
    assert seen == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_failures_count_only_in_a_row() -> None:
    breaker = _breaker(_Time())
    for _ in range(5):
        _fail(breaker, FAILURES - 1)
        with breaker.watch():
            pass
    _fail(breaker, FAILURES)
    with pytest.raises(BreakerOpen) as refused, breaker.watch():
        pass
    assert refused.value.details == {"retry_after": round(REST)}


def test_a_refusal_shows_that_the_other_side_is_there() -> None:
    breaker = _breaker(_Time())
    for _ in range(2 * FAILURES):
        with pytest.raises(ValueError, match="no"), breaker.watch():
            raise ValueError("no")
    assert breaker.state is BreakerState.CLOSED


def test_a_cancelled_probe_leaves_the_probe_to_the_next_call() -> None:
    time = _Time()
    breaker = _breaker(time)
    _fail(breaker, FAILURES)
    time.now += REST
    with pytest.raises(asyncio.CancelledError), breaker.watch():
        raise asyncio.CancelledError
    with breaker.watch():
        pass
    assert breaker.state is BreakerState.CLOSED
