from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.month import BillingMonth, Interval, parse_fhir_time, union_of

NEW_YORK = ZoneInfo("America/New_York")
MAY = BillingMonth.parse("2026-05", "America/New_York")


@pytest.mark.parametrize(
    ("text", "read", "precision"),
    [
        ("2026", "2026", "year"),
        ("2026-05", "2026-05", "month"),
        ("2026-05-14", "2026-05-14", "day"),
        (" 2026-05-14 ", "2026-05-14", "day"),
        ("2026-05-14T14:02", "2026-05-14T14:02:00-04:00", "time"),
        ("2026-05-14T14:02:10", "2026-05-14T14:02:10-04:00", "time"),
        ("2026-05-14 14:02:10", "2026-05-14T14:02:10-04:00", "time"),
        ("2026-06-01T03:30:00Z", "2026-05-31T23:30:00-04:00", "time"),
        ("2026-05-14T14:02:00+02:00", "2026-05-14T08:02:00-04:00", "time"),
        ("2026-05-14T14:02:00.148Z", "2026-05-14T10:02:00.148000-04:00", "time"),
        ("2026-12-31T23:59:60Z", "2026-12-31T18:59:59-05:00", "time"),
    ],
)
def test_reads_fhir_times_in_the_zone_of_the_practice(text: str, read: str, precision: str) -> None:
    moment = parse_fhir_time(text, NEW_YORK)
    assert moment is not None
    assert (str(moment), moment.precision) == (read, precision)


@pytest.mark.parametrize(
    "value", [None, 5, "", "unknown", "2026-13", "2026-02-30", "14.05.2026", "2026-05-14T25:00:00Z", {}]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_fhir_time(value, NEW_YORK) is None


@given(st.text(max_size=30))
def test_reading_a_time_never_raises(text: str) -> None:
    parse_fhir_time(text, NEW_YORK)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 2100))
def test_a_written_instant_is_read_back(moment: datetime) -> None:
    read = parse_fhir_time(moment.isoformat(), NEW_YORK)
    assert read is not None
    assert read.instant == moment


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("2026-06-01T03:30:00Z", True),
        ("2026-06-01T04:00:00Z", False),
        ("2026-05-01T03:15:00Z", False),
        ("2026-05-01T04:00:00Z", True),
        ("2026-05-31T23:59:59", True),
        ("2026-05-31", True),
        ("2026-06-01", False),
        ("2026-05", True),
        ("2026", False),
    ],
)
def test_a_month_holds_what_starts_in_it_locally(text: str, inside: bool) -> None:
    moment = parse_fhir_time(text, NEW_YORK)
    assert moment is not None
    assert MAY.holds(moment) is inside


def test_the_edges_of_a_month_are_local_midnights() -> None:
    assert MAY.start.isoformat() == "2026-05-01T00:00:00-04:00"
    assert MAY.end.isoformat() == "2026-06-01T00:00:00-04:00"
    assert MAY.pull_start.isoformat() == "2026-04-30T00:00:00-04:00"
    assert (MAY.first_day, MAY.last_day, str(MAY)) == (date(2026, 5, 1), date(2026, 5, 31), "2026-05")


def test_a_month_with_a_change_of_clocks_is_an_hour_shorter() -> None:
    march = BillingMonth.parse("2026-03", "America/New_York")
    assert Interval(march.start, march.end).seconds == 31 * 86400 - 3600


def test_an_interval_over_the_change_of_clocks_counts_elapsed_seconds() -> None:
    before, after = datetime(2026, 3, 8, 1, 50, tzinfo=NEW_YORK), datetime(2026, 3, 8, 3, 10, tzinfo=NEW_YORK)
    assert Interval(before, after).seconds == 20 * 60


@pytest.mark.parametrize("label", ["2026-13", "2026-00", "May 2026", "2026-5", "0000-01", "9999-12", ""])
def test_no_month_is_a_clear_error(label: str) -> None:
    with pytest.raises(ConfigurationError, match="YYYY-MM"):
        BillingMonth.parse(label, "America/New_York")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "EST5EDT6"])
def test_no_zone_is_a_clear_error(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        BillingMonth.parse("2026-05", zone)


_moments = st.integers(0, 40 * 86400).map(lambda seconds: datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=seconds))
_intervals = st.lists(st.builds(Interval, _moments, _moments), max_size=8)


@given(_intervals)
def test_a_union_never_exceeds_the_sum_and_never_overlaps(intervals: list[Interval]) -> None:
    united = union_of(interval for interval in intervals if interval.seconds)
    assert sum(item.seconds for item in united) <= sum(item.seconds for item in intervals)
    assert all(left.end < right.start for left, right in pairwise(united))


@given(_intervals)
def test_uniting_twice_or_in_another_order_changes_nothing(intervals: list[Interval]) -> None:
    real = [interval for interval in intervals if interval.seconds]
    united = union_of(real)
    assert union_of([*reversed(real), *united]) == united


@given(st.builds(Interval, _moments, _moments), _moments)
def test_splitting_an_interval_loses_no_second(interval: Interval, at: datetime) -> None:
    early, late = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    assert interval.clipped(early, at).seconds + interval.clipped(at, late).seconds == interval.seconds
