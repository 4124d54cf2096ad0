"""The breakers of a process by name, as metrics and ``/readyz`` see them."""

import pytest

from infrastructure.resilience.breaker import Breaker, BreakerState
from infrastructure.resilience.breakers import Breakers


def fail(breaker: Breaker) -> None:
    """Let one call fail."""
    with pytest.raises(ConnectionError), breaker.watch():
        raise ConnectionError


def test_a_state_is_told_from_the_moment_a_breaker_is_made() -> None:
    """A dashboard shows what is closed as closed, not as nothing; every change follows."""
    told: list[tuple[str, BreakerState]] = []
    breakers = Breakers(lambda name, state: told.append((name, state)))
    breaker = breakers.new("mail", counts=(ConnectionError,), failures=1, rest_seconds=0)
    fail(breaker)
    with breaker.watch():
        pass
    states = (BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED)
    assert told == [("mail", state) for state in states]
    assert breakers.states == {"mail": BreakerState.CLOSED}


def test_of_several_with_one_name_the_worst_is_shown() -> None:
    """A chain has several endpoints; that one of them is away is seen whatever becomes of the others."""
    told: list[BreakerState] = []
    breakers = Breakers(lambda _, state: told.append(state))
    one, other = (breakers.new("chain:1", counts=(ConnectionError,), failures=1, rest_seconds=9) for _ in range(2))
    fail(one)
    with other.watch():
        pass
    assert (breakers.states, told[-1]) == ({"chain:1": BreakerState.OPEN}, BreakerState.OPEN)
