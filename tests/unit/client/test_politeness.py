"""How hard a server is pressed, by an injected clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from fhir_rpm.client.politeness import SLOWEST, Pace, QuietHours
from fhir_rpm.client.retries import ComeBackError
from fhir_rpm.errors import ConfigurationError
from tests.clock import FakeClock


@dataclass(frozen=True)
class Told:
    status: int = 200


def _taking(fake: FakeClock, seconds: float, status: int = 200) -> Callable[[], Told]:
    def send() -> Told:
        fake.pass_by(seconds)
        return Told(status)

    return send


def test_requests_are_spread_evenly_over_a_second() -> None:
    fake = FakeClock()
    pace = Pace(rate=4, clock=fake.clock)
    starts = []
    for _ in range(5):
        pace.carry(lambda: starts.append(fake.clock.monotonic()) or Told())  # type: ignore[func-returns-value]
    assert starts == [0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_passed_anyway_is_not_waited_for_again() -> None:
    fake = FakeClock()
    pace = Pace(rate=2, clock=fake.clock)
    for _ in range(3):
        pace.carry(_taking(fake, 3))
    assert fake.waits == []


def test_without_a_limit_nothing_waits() -> None:
    fake = FakeClock()
    pace = Pace(clock=fake.clock)
    for _ in range(100):
        pace.carry(Told)
    assert fake.waits == []


def test_no_more_than_the_limit_are_in_flight() -> None:
    pace = Pace(concurrency=2)
    lock, go = threading.Lock(), threading.Semaphore(0)
    flying = most = 0
    two_in = threading.Semaphore(0)

    def send() -> Told:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        two_in.release()
        go.acquire()
        with lock:
            flying -= 1
        return Told()

    threads = [threading.Thread(target=pace.carry, args=(send,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        assert two_in.acquire(timeout=5)
        go.release()
    for thread in threads:
        thread.join(5)
    assert most == 2


def test_a_place_is_given_back_when_the_exchange_fails() -> None:
    pace = Pace(concurrency=1)

    def send() -> Told:
        raise RuntimeError

    for _ in range(3):
        with pytest.raises(RuntimeError):
            pace.carry(send)
    assert pace.carry(Told) == Told()


def test_429_halves_rate_and_concurrency_and_success_restores_them_step_by_step() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, rate=2, clock=fake.clock)
    pace.carry(_taking(fake, 1, 429))
    assert (pace.allowed, pace.rate) == (4, 1)
    pace.carry(_taking(fake, 1, 429))
    assert (pace.allowed, pace.rate) == (2, 0.5)
    pace.carry(_taking(fake, 1))
    assert (pace.allowed, pace.rate) == (2.5, pytest.approx(0.6))
    for _ in range(100):
        pace.carry(_taking(fake, 1))
    assert (pace.allowed, pace.rate) == (8, 2)


def test_without_a_limit_429_brings_one_from_what_was_observed_and_lifts_it_again() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=2, clock=fake.clock)
    for _ in range(30):
        pace.carry(_taking(fake, 0.1))
    pace.carry(_taking(fake, 0.1, 429))
    assert pace.rate == pytest.approx(5, rel=0.1)
    for _ in range(100):
        pace.carry(_taking(fake, 0.1))
    assert pace.rate is None


def test_requests_that_were_under_way_cut_only_once() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, clock=fake.clock)

    def inner() -> Told:
        pace.carry(_taking(fake, 1, 429))
        return Told(429)

    pace.carry(inner)
    assert pace.allowed == 4


def test_however_often_429_comes_some_requests_go_on() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=4, rate=1, clock=fake.clock)
    for _ in range(50):
        pace.carry(_taking(fake, 1, 429))
    assert (pace.allowed, pace.rate) == (1, SLOWEST)


def test_latency_far_above_its_median_shrinks_and_a_new_normal_grows_again() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, clock=fake.clock)
    for _ in range(40):
        pace.carry(_taking(fake, 0.2))
    assert pace.allowed == 8
    pace.carry(_taking(fake, 30))
    assert pace.allowed == 8  # one slow answer proves nothing
    for _ in range(4):
        pace.carry(_taking(fake, 5))
    assert pace.allowed < 8
    for _ in range(100):
        pace.carry(_taking(fake, 5))
    assert pace.allowed == 8


def test_milliseconds_are_no_sign_of_a_server_in_trouble() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, clock=fake.clock)
    for seconds in [0.01] * 40 + [0.5] * 10:
        pace.carry(_taking(fake, seconds))
    assert pace.allowed == 8


def test_slow_from_the_beginning_is_normal() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, clock=fake.clock)
    for _ in range(60):
        pace.carry(_taking(fake, 4))
    assert pace.allowed == 8


@pytest.mark.parametrize(
    ("text", "at", "ends"),
    [
        ("07:00-19:00", "2026-05-14T11:59+00:00", None),
        ("07:00-19:00", "2026-05-14T12:00+00:00", "2026-05-14T19:00-05:00"),
        ("07:00-19:00", "2026-05-14T23:59+00:00", "2026-05-14T19:00-05:00"),
        ("07:00-19:00", "2026-05-15T00:00+00:00", None),
        ("22:00-06:00", "2026-05-15T03:30+00:00", "2026-05-15T06:00-05:00"),
        ("22:00-06:00", "2026-05-15T10:59+00:00", "2026-05-15T06:00-05:00"),
        ("22:00-06:00", "2026-05-15T11:00+00:00", None),
        ("22:00-03:30", "2026-03-08T07:30+00:00", "2026-03-08T03:30-05:00"),
    ],
)
def test_quiet_hours_are_the_practices_and_may_run_over_midnight(text: str, at: str, ends: str | None) -> None:
    found = QuietHours.parse(text, "America/Chicago").end_after(datetime.fromisoformat(at).astimezone(UTC))
    assert found == (datetime.fromisoformat(ends) if ends else None)


@pytest.mark.parametrize(("text", "zone"), [("7-19", "UTC"), ("07:00", "UTC"), ("07:00-19:00", "Mars/Olympus")])
def test_quiet_hours_that_cannot_be_read_are_named(text: str, zone: str) -> None:
    with pytest.raises(ConfigurationError, match="quiet_hours"):
        QuietHours.parse(text, zone)


def test_in_quiet_hours_nothing_is_read_and_it_is_said_until_when() -> None:
    noon = datetime(2026, 5, 14, 17, tzinfo=UTC).timestamp()
    fake = FakeClock(now=noon)
    pace = Pace(quiet=QuietHours.parse("07:00-19:00", "America/Chicago"), clock=fake.clock)
    with pytest.raises(ComeBackError, match=r"end at 19:00 America/Chicago.*2026-05-15 00:00 UTC"):
        pace.check()
    fake.pass_by(7 * 3600)
    pace.check()
