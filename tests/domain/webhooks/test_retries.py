"""When a webhook is tried again, and when an endpoint is given up."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.webhooks.retries import FEWEST_FAILURES, GIVE_UP_AFTER, LONGEST_WISH, PAUSES, has_given_up, pause_after

CHANCES = st.floats(0, 1)


def test_ten_retries_take_about_three_days() -> None:
    """The first comes within seconds, the last after three days and a little."""
    assert len(PAUSES) == 10
    assert timedelta(days=3) <= sum(PAUSES, timedelta()) <= timedelta(days=3, hours=6)
    assert list(PAUSES) == sorted(PAUSES)
    assert pause_after(len(PAUSES) + 1, 0.5) is None


@given(tries=st.integers(1, len(PAUSES)), chance=CHANCES)
def test_a_pause_is_moved_by_a_fifth_at_most(tries: int, chance: float) -> None:
    """Chance keeps the retries of many webhooks apart, and the order of magnitude stays."""
    pause = pause_after(tries, chance)
    assert pause is not None
    assert 0.79 * PAUSES[tries - 1] < pause < 1.21 * PAUSES[tries - 1]


@given(tries=st.integers(1, len(PAUSES)), chance=CHANCES, seconds=st.floats(0, 10**9))
def test_a_receivers_wish_makes_pauses_longer_within_limits(tries: int, chance: float, seconds: float) -> None:
    """It is never tried earlier than without the wish, nor more than a day later."""
    plain, wished = pause_after(tries, chance), pause_after(tries, chance, timedelta(seconds=seconds))
    assert plain is not None
    assert wished is not None
    assert plain <= wished <= max(plain, LONGEST_WISH)
    assert wished >= min(timedelta(seconds=seconds), LONGEST_WISH)


def test_an_endpoint_is_given_up_after_long_and_many_failures_only() -> None:
    """Neither a long silence with few tries nor a burst of failures is enough."""
    assert has_given_up(GIVE_UP_AFTER, FEWEST_FAILURES)
    assert not has_given_up(GIVE_UP_AFTER, FEWEST_FAILURES - 1)
    assert not has_given_up(GIVE_UP_AFTER - timedelta(seconds=1), 10**6)
