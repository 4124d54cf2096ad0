"""Token buckets against the definition of one, counted in fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.resilience.token_buckets import SECOND, TokenBuckets


class _Time:
    def __init__(self) -> None:
        self.now = 5 * SECOND


class _Bucket:
    """What a token bucket is: so many tokens at most, more with time, and none to take below one."""

    def __init__(self, rate: int, size: int, now: int) -> None:
        self.rate, self.size, self.tokens, self.at = rate, size, Fraction(size), now

    def ask(self, now: int) -> bool:
        gained = Fraction(now - self.at, SECOND) * self.rate
        self.tokens, self.at = min(Fraction(self.size), self.tokens + gained), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


# Rates whose token is a whole number of nanoseconds, so that fractions and nanoseconds say the same.
RATES = st.sampled_from([1, 2, 5, 8, 10, 100, 500, 1000])
STEPS = st.lists(
    st.tuples(st.integers(0, 3 * SECOND) | st.integers(0, 10).map(lambda n: n * SECOND // 100), st.sampled_from("ab")),
    max_size=120,
)


@given(rate=RATES, size=st.integers(1, 20), steps=STEPS)
def test_every_decision_is_that_of_the_definition(rate: int, size: int, steps: list[tuple[int, str]]) -> None:
    time = _Time()
    buckets = TokenBuckets[str](rate, size)
    models = {key: _Bucket(rate, size, time.now) for key in "ab"}
    for passed, key in steps:
        time.now += passed
        wait, model = buckets.wait(key, time.now), models[key]
        assert (wait == 0) == model.ask(time.now)
        if wait:
            # Told to wait, one finds a token then and none a moment before.
            assert wait == (1 - model.tokens) * SECOND / rate
        else:
            buckets.take(key, time.now)
        assert buckets.left(key, time.now) == int(model.tokens)
        assert buckets.full_in(key, time.now) == (size - model.tokens) * SECOND / rate


@given(rate=st.integers(1, 1000), size=st.integers(1, 50), gaps=st.lists(st.integers(0, SECOND), max_size=200))
def test_no_span_of_time_grants_more_than_the_size_and_what_was_gained(rate: int, size: int, gaps: list[int]) -> None:
    time, granted = _Time(), list[int]()
    buckets = TokenBuckets[str](rate, size)
    for gap in gaps:
        time.now += gap
        if not buckets.wait("a", time.now):
            buckets.take("a", time.now)
            granted.append(time.now)
    for first, begin in enumerate(granted):
        for last in range(first, len(granted)):
            gained = Fraction(granted[last] - begin, SECOND) * rate
            # A token is rounded down to whole nanoseconds, which over these spans is less than one token.
            assert last - first + 1 <= size + gained + 1


def test_memory_is_bounded_and_what_is_full_again_is_forgotten_first() -> None:
    time = _Time()
    buckets = TokenBuckets[int](10, 5, most=100)
    for key in range(1000):
        buckets.take(key, time.now)
    assert len(buckets) == 100
    assert buckets.left(999, time.now) == 4
    time.now += SECOND
    for key in range(1000, 1060):
        buckets.take(key, time.now)
    assert len(buckets) == 60, "all of before were full again, and each call drops up to two"


def test_a_bucket_that_is_forgotten_as_full_was_full() -> None:
    time = _Time()
    buckets = TokenBuckets[str](10, 5)
    for _ in range(5):
        buckets.take("busy", time.now)
    time.now += SECOND // 10
    buckets.take("other", time.now)
    assert (len(buckets), buckets.left("busy", time.now)) == (2, 1)
