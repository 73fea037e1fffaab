"""Retries within a budget, as the server asks, and not against one that is down."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fhir_rpm.client import retries
from fhir_rpm.client.retries import ComeBackError, Outages, RetryPolicy, Tries, asked_wait, to_the_minute, wait_before
from tests.clock import FakeClock

NOW = datetime(2026, 5, 14, 12, 0, 30, tzinfo=UTC).timestamp()


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "3"}, 3),
        (503, {"Retry-After": " 2.5 "}, 2.5),
        (503, {"Retry-After": _date(9)}, 9),
        (503, {"Retry-After": _date(-9)}, 0),
        (429, {"Retry-After": str(int(NOW) + 40)}, 40),
        (429, {"Retry-After": str((int(NOW) + 40) * 1000)}, 40),
        (429, {"Retry-After": "1771234567"}, 0),
        (503, {"Retry-After": _date(130), "Date": _date(100)}, 30),
        (429, {"Retry-After": str(int(NOW) + 130), "Date": _date(100)}, 30),
        (429, {"RateLimit": '"default";r=0;t=46'}, 46),
        (429, {"RateLimit": "limit=100, remaining=0, reset=46"}, 46),
        (429, {"X-RateLimit-Reset": str(int(NOW) + 7)}, 7),
        (503, {"X-RateLimit-Reset": "3600", "RateLimit": "t=3600"}, None),
        (503, {"Retry-After": "soon"}, None),
        (503, {"Retry-After": "-5"}, None),
        (503, {"Retry-After": "9" * 5000}, None),
        (503, {"Retry-After": "NaN"}, None),
        (503, {"Retry-After": "٣"}, None),
        (503, {"Retry-After": "Thu, 99 May 2026 12:00:00 GMT"}, None),
        (503, {"Retry-After": "5", "Date": "yesterday"}, 5),
        (503, {}, None),
    ],
)
def test_what_the_server_asks_for_is_read(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(status, headers, NOW) == seconds


def test_the_jitter_is_full_grows_and_stays_above_what_is_asked_for() -> None:
    first = [wait_before(1) for _ in range(300)]
    assert min(first) < 0.2
    assert 0.8 < max(first) <= 1
    assert max(wait_before(4) for _ in range(300)) > 4
    assert max(wait_before(30) for _ in range(300)) <= retries.LONGEST_BACKOFF
    assert all(7 <= wait_before(1, 7) <= 8 for _ in range(50))


def test_a_minute_ends_at_the_full_minute() -> None:
    assert to_the_minute(NOW) == 30


def test_attempts_are_counted() -> None:
    tries = Tries(RetryPolicy(attempts=3), FakeClock().clock)
    assert [tries.again() is not None for _ in range(3)] == [True, True, False]


def test_the_budget_counts_waits_and_the_time_of_attempts() -> None:
    fake = FakeClock()
    tries = Tries(RetryPolicy(attempts=10, seconds=100), fake.clock)
    fake.pass_by(60)
    tries.wait(20)
    assert tries.left == 20
    assert tries.again(15) is not None
    assert tries.again(25) is None


def test_waits_count_even_when_no_clock_moves() -> None:
    tries = Tries(RetryPolicy(seconds=100), FakeClock(frozen=True).clock)
    tries.wait(70)
    assert tries.left == 30


def _down(outages: Outages, times: int = retries.FAILURES) -> None:
    for _ in range(times):
        outages.failed("origin")


def test_after_many_failures_in_a_row_all_requests_pause_together_and_longer_each_time() -> None:
    fake = FakeClock()
    outages = Outages(RetryPolicy(), fake.clock)
    _down(outages, retries.FAILURES - 1)
    assert outages.wait_for("origin", "ehr", 120) == 0
    waits = []
    for _ in range(4):
        outages.failed("origin")
        outages.failed("origin")  # another thread's, of the same round
        waits.append(outages.wait_for("origin", "ehr", 120))
        fake.pass_by(waits[-1])
        assert outages.wait_for("origin", "ehr", 120) == 0
    assert waits == [15, 30, 60, 60]
    assert outages.wait_for("another", "idp", 120) == 0


def test_an_answer_ends_an_outage() -> None:
    outages = Outages(RetryPolicy(), FakeClock().clock)
    _down(outages)
    outages.answered("origin")
    _down(outages, retries.FAILURES - 1)
    assert outages.wait_for("origin", "ehr", 120) == 0


def test_a_pause_beyond_the_budget_fails_at_once_and_says_when_to_come_back() -> None:
    fake = FakeClock(now=NOW)
    outages = Outages(RetryPolicy(), fake.clock)
    _down(outages)
    with pytest.raises(ComeBackError, match=r"ehr does not answer.*Come back after 2026-05-14 12:00 UTC") as caught:
        outages.wait_for("origin", "ehr", 5)
    assert caught.value.until == datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=15)


def test_a_long_outage_costs_no_more_waiting_but_one_try_each_minute() -> None:
    fake = FakeClock()
    outages = Outages(RetryPolicy(outage_seconds=100), fake.clock)
    _down(outages)
    fake.pass_by(101)
    assert outages.wait_for("origin", "ehr", 999) == 0
    outages.failed("origin")
    with pytest.raises(ComeBackError):
        outages.wait_for("origin", "ehr", 999)


def test_a_server_that_asks_to_be_left_alone_is_until_then() -> None:
    fake = FakeClock(now=NOW)
    outages = Outages(RetryPolicy(), fake.clock)
    outages.close("origin", 18000)
    outages.answered("origin")  # a late answer to an earlier request
    with pytest.raises(ComeBackError, match="2026-05-14 17:00 UTC"):
        outages.wait_for("origin", "ehr", 999999)
    fake.pass_by(18001)
    assert outages.wait_for("origin", "ehr", 0) == 0


@pytest.mark.parametrize("until", [4e9, 1e15, 1e300, float("inf")])
def test_a_time_beyond_belief_is_no_remedy(until: float) -> None:
    assert str(ComeBackError("x", until)) == "x Try again later."
