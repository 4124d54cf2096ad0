"""Clock, ids and slugs of the machine."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import RFC_4122

from infrastructure.system import RandomSlugs, SystemClock, UuidV7Ids


def test_the_clock_is_aware_and_in_utc() -> None:
    """No naive time ever enters Stoa."""
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_ids_are_version_7_and_carry_the_present_time() -> None:
    """An id tells when it was made."""
    made = UuidV7Ids().new()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert abs((made.int >> 80) - datetime.now(UTC).timestamp() * 1000) < 5_000


def test_ids_grow_when_the_clock_steps_back() -> None:
    """A corrected clock neither repeats nor reorders ids."""
    times = iter([1_000, 1_000, 400, 400, 999, 1_000, 1_001])
    ids = UuidV7Ids(lambda: next(times))
    made = [ids.new() for _ in range(7)]
    assert made == sorted(set(made))
    assert [each.int >> 80 for each in made] == [1_000] * 6 + [1_001]


def test_ids_grow_beyond_the_end_of_the_counter() -> None:
    """An exhausted counter borrows the next millisecond."""
    ids = UuidV7Ids(lambda: 1_000)
    first = ids.new()
    ids._counter = 2**74 - 1
    second = ids.new()
    assert second > first
    assert second.int >> 80 == 1_001


def test_ids_of_many_threads_are_distinct_and_grow_in_each() -> None:
    """Threads share one sequence."""
    ids = UuidV7Ids()
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [ids.new() for _ in range(2_000)], range(4)))
    assert len({each for batch in batches for each in batch}) == 8_000
    assert all(earlier < later for batch in batches for earlier, later in pairwise(batch))


def test_slugs_are_unguessable_lower_case_text() -> None:
    """A slug is sixteen characters of which none can be mistaken for another."""
    slugs = {RandomSlugs().new() for _ in range(1_000)}
    assert len(slugs) == 1_000
    assert {len(slug) for slug in slugs} == {16}
    assert set("".join(slugs)) == set("0123456789abcdefghjkmnpqrstvwxyz")
