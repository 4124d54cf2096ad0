"""Bounded concurrency against every order of beginnings, ends and cancellations."""

import asyncio
from collections import Counter
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from application.kernel.actor import PUBLIC_ACTOR
from application.kernel.dispatcher import Call, Outcome
from application.kernel.limits import Importance, Overloaded
from domain.shared.errors import Conflict
from infrastructure.resilience.admission import Admission, AdmittedDispatcher, places
from tests.interfaces.toy import REGISTRY

IMPORTANCE = st.sampled_from(Importance)
CALL = Call(actor=PUBLIC_ACTOR, request_id="r")
USE_CASES = {Importance.READ: "things.get", Importance.WRITE: "things.create", Importance.MONEY: "things.pay"}


class Requests(RuleBasedStateMachine):
    """Requests of all kinds come, overlap and end well, badly or by being cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[tuple[Importance, AbstractContextManager[None]]] = []
        self.shed: Counter[Importance] = Counter()
        self.refused: Counter[Importance] = Counter()

    @initialize(cap=st.sampled_from([1, 2, 4, 5, 7, 10, 40]))
    def open(self, cap: int) -> None:
        self.cap = cap
        self.admission = Admission(cap, shed=lambda importance: self.shed.update([importance]))

    @rule(importance=IMPORTANCE)
    def come(self, importance: Importance) -> None:
        taken, place = len(self.running), self.admission(importance)
        share = {Importance.READ: 0.6, Importance.WRITE: 0.8, Importance.MONEY: 1.0}[importance]
        try:
            place.__enter__()
        except Overloaded:
            assert taken >= max(1, int(self.cap * share)), "there was room"
            self.refused[importance] += 1
            return
        self.running.append((importance, place))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), error=st.sampled_from([None, Conflict(), ValueError(), asyncio.CancelledError()]))
    def end(self, data: st.DataObject, error: BaseException | None) -> None:
        ended = data.draw(st.sampled_from(self.running))
        self.running.remove(ended)
        assert not ended[1].__exit__(None if error is None else type(error), error, None), "errors pass"

    @invariant()
    def places_are_counted(self) -> None:
        if hasattr(self, "admission"):
            assert self.admission.in_flight == len(self.running) <= self.cap
            assert self.shed == self.refused

    @invariant()
    def the_reserve_is_kept(self) -> None:
        if hasattr(self, "admission") and len(self.running) == self.cap and self.cap >= 5:
            assert sum(importance is Importance.MONEY for importance, _ in self.running) >= self.cap // 5


TestRequests = Requests.TestCase


@pytest.mark.parametrize("cap", [5, 10, 40])
def test_when_reads_and_writes_take_all_they_can_payments_still_find_a_fifth(cap: int) -> None:
    admission, taken, held = Admission(cap), Counter[Importance](), []
    for importance in (Importance.READ, Importance.WRITE, Importance.MONEY):
        for _ in range(2 * cap):
            try:
                place = admission(importance)
                place.__enter__()
            except Overloaded:
                break
            held.append(place)
            taken[importance] += 1
    assert taken == {Importance.READ: cap * 3 // 5, Importance.WRITE: cap // 5, Importance.MONEY: cap // 5}


def test_four_requests_are_let_in_for_each_connection() -> None:
    assert places(10) == 40


@given(
    asked=st.lists(IMPORTANCE, min_size=1, max_size=40),
    cancelled=st.sets(st.integers(0, 39)),
    failing=st.sets(st.integers(0, 39)),
)
def test_every_place_comes_back_whatever_becomes_of_the_request(
    asked: list[Importance], cancelled: set[int], failing: set[int]
) -> None:
    """Use-cases overlap in one loop; some fail, and some of their tasks are cancelled, before or after they began."""
    asyncio.run(_overlap(asked, cancelled, failing))


async def _overlap(asked: list[Importance], cancelled: set[int], failing: set[int]) -> None:
    admission, most = Admission(10), 0

    async def run(name: str, command: object, call: Call) -> Outcome:
        nonlocal most
        most = max(most, admission.in_flight)
        await asyncio.sleep(0)
        if command in failing:
            raise Conflict
        await asyncio.sleep(0)
        return Outcome(None)

    dispatch = AdmittedDispatcher(run, admission, REGISTRY)
    tasks = []
    for number, importance in enumerate(asked):
        tasks.append(asyncio.create_task(dispatch(USE_CASES[importance], number, CALL)))
        if number % 3 == 0:
            await asyncio.sleep(0)
        if number in cancelled:
            tasks[-1].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert admission.in_flight == 0
    assert most <= 10
    assert {type(end) for end in ends} <= {Outcome, Conflict, Overloaded, asyncio.CancelledError}
