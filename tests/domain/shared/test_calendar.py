"""Days as they are counted in time zones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.calendar import InvalidDate, InvalidTimeZone, check_date, check_zone, day_bounds, days_between

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 3, 30), 24), ("Asia/Kathmandu", date(2026, 3, 29), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5), ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        # The clock jumps over midnight itself, or comes back to before it.
        ("Africa/Cairo", date(2026, 4, 24), 23), ("Africa/Cairo", date(2026, 10, 29), 25),
        ("America/Havana", date(2026, 3, 8), 23), ("America/Havana", date(2026, 11, 1), 25),
        # A whole day was left out when the date line moved.
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)  # fmt: skip
def test_a_day_has_the_hours_its_zone_gives_it(zone: str, day: date, hours: float) -> None:
    """From its first moment to that of the next day."""
    since, until = day_bounds(day, ZoneInfo(zone))
    assert (until - since) == hours * HOUR


def test_a_day_in_kathmandu_begins_at_a_quarter_past() -> None:
    """The offset is 5:45."""
    assert day_bounds(date(2026, 3, 29), ZoneInfo("Asia/Kathmandu"))[0] == datetime(2026, 3, 28, 18, 15, tzinfo=UTC)


@given(st.sampled_from(sorted(available_timezones())), st.dates(date(1972, 1, 8), date(2037, 12, 31)))
def test_days_neither_overlap_nor_leave_a_gap(name: str, day: date) -> None:
    """In every zone there is: each day ends where the next begins, none is longer than 26 hours."""
    bounds = [day_bounds(each, ZoneInfo(name)) for each in days_between(day, day + timedelta(days=3))]
    for (since, until), (following, _) in pairwise(bounds):
        assert until == following
        assert timedelta() <= until - since <= 26 * HOUR


ORDINARY = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"])


@given(ORDINARY.map(ZoneInfo), st.datetimes(datetime(1973, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds it
def test_a_moment_is_in_the_day_that_a_clock_shows(zone: ZoneInfo, moment: datetime) -> None:
    """Where clocks are not put back over midnight, the day that holds a moment is the one they show."""
    since, until = day_bounds(moment.astimezone(zone).date(), zone)
    assert since <= moment < until


@pytest.mark.parametrize("name", ["", "Nowhere/Never", "../etc/passwd", "/etc/passwd", "Europe", "a\x00b", "é" * 300])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    """Whatever the name makes the database of zones do."""
    with pytest.raises(InvalidTimeZone):
        check_zone(name)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "20260301xx", "2026-W01-1", "0001-01-01", "9999-12-31", "2026-3-1", "२०२६-०१-०१"]
)
def test_a_text_that_is_no_date_is_refused(text: str) -> None:
    """Also where a day more or less would leave the calendar."""
    with pytest.raises(InvalidDate):
        check_date(text, "first_day")
