"""When a request is tried again: within a budget, not before the server asks, and not against a server that is down."""

import math
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from fhir_rpm.client.clock import Clock
from fhir_rpm.errors import UnavailableError

TOO_MANY = 429
RETRIED = (TOO_MANY, 502, 503, 504)
"""500 is not among them: it is lasting data trouble at Oracle Health (fatal, `required`)."""

FAILURES = 8
"""Failed exchanges in a row after which all requests to that server pause together."""

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 60.0
LONGEST_BACKOFF = 20.0

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]*)?")
_EPOCH = 1e9
"""No server asks for thirty years: such a number is a time since 1970 (SMART's bulk server sends it), …"""
_EPOCH_MS = 1e11
"""… and this one is in milliseconds."""
_BELIEVABLE = timedelta(days=31)
"""No server means a longer wait."""
_ASKED_BY_LIMIT = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset")
_RATE_LIMIT = re.compile(r"(?:^|[;,\s])(?:t|reset)=([0-9]{1,15})")


class ComeBackError(UnavailableError):
    """The server, or a setting, asks to stay away until a time.

    Attributes:
        until: when to come back, in UTC.
    """

    def __init__(self, problem: str, until: float) -> None:
        try:
            self.until = datetime.fromtimestamp(min(until, 253402300799), UTC)
        except (OverflowError, ValueError, OSError):
            self.until = datetime.max.replace(tzinfo=UTC)
        believable = self.until - datetime.now(UTC) < _BELIEVABLE
        told = f"Come back after {self.until:%Y-%m-%d %H:%M} UTC." if believable else "Try again later."
        super().__init__(problem, told)


@dataclass(frozen=True)
class RetryPolicy:
    """How patient to be.

    Attributes:
        attempts: how often one request is sent at most.
        seconds: no attempt begins later than this after the first.
        longest_wait: a server that asks for a longer wait is left alone until then.
        outage_seconds: how long requests wait for a server that is down, before they fail at once.
    """

    attempts: int = 4
    seconds: float = 120
    longest_wait: float = 60
    outage_seconds: float = 600


class Tries:
    """The attempts of one request, and what is left of its budget."""

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._began = clock.monotonic()
        self._waited = 0.0
        self.made = 0

    @property
    def left(self) -> float:
        """Seconds that may still be spent on waiting."""
        return self._policy.seconds - max(self._waited, self._clock.monotonic() - self._began)

    def again(self, floor: float = 0.0) -> float | None:
        """Seconds to wait after a failed attempt, `floor` at least; None when the budget is spent."""
        self.made += 1
        wait = wait_before(self.made, floor)
        return wait if self.made < self._policy.attempts and wait <= self.left else None

    def wait(self, seconds: float) -> None:
        """Wait, and count it."""
        if seconds > 0:
            self._waited += seconds
            self._clock.sleep(seconds)


def wait_before(attempt: int, floor: float = 0.0) -> float:
    """Seconds before the attempt after this one: full jitter on top of what the server asks for."""
    return floor + random.uniform(0, min(LONGEST_BACKOFF, 0.5 * 2**attempt))  # noqa: S311 - jitter, no secret


def asked_wait(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds for which an answer asks to stay away, or None.

    Read are Retry-After as seconds, as a date, or as a time since 1970, and on a 429 RateLimit (`t=`, which Medplum
    sends) or its older spellings. Times are compared with the answer's own Date, for the server's clock may be wrong.
    """
    server_now = _seconds_of_date(headers.get("Date")) or now
    for name in _ASKED_BY_LIMIT if status == TOO_MANY else ("Retry-After",):
        text = (headers.get(name) or "").strip()
        if _NUMBER.fullmatch(text):
            return _relative(float(text), server_now)
        if (at := _seconds_of_date(text)) is not None:
            return max(0.0, at - server_now)
    match = _RATE_LIMIT.search(headers.get("RateLimit") or "") if status == TOO_MANY else None
    return float(match[1]) if match else None


def to_the_minute(now: float) -> float:
    """Seconds to the next full minute: eClinicalWorks counts requests by the minute and says nothing of it."""
    return 60 - now % 60


def _relative(number: float, now: float) -> float:
    if number < _EPOCH:
        return number
    return max(0.0, (number / 1000 if number >= _EPOCH_MS else number) - now)


def _seconds_of_date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


@dataclass
class _State:
    failures: int = 0
    since: float = 0.0
    pause: float = 0.0
    paused_until: float = -math.inf
    closed_until: float = -math.inf


class Outages:
    """Remembers which servers are down or asked to be left alone, for all threads together."""

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[object, _State] = {}

    def wait_for(self, origin: object, host: str, budget: float) -> float:
        """Seconds to wait before a request to this origin.

        Raises:
            ComeBackError: the wait is longer than the budget, or the server has been down for too long.
        """
        with self._lock:
            state = self._states.setdefault(origin, _State())
            now = self._clock.monotonic()
            if now < state.closed_until:
                self._refuse(f"{host} asked to be left alone.", state.closed_until - now)
            wait = max(0.0, state.paused_until - now)
            down = now - state.since
            if wait > 0 and (down > self._policy.outage_seconds or wait > budget):
                self._refuse(f"{host} does not answer.", wait)
            return wait

    def _refuse(self, problem: str, seconds: float) -> None:
        raise ComeBackError(problem, self._clock.now() + seconds)

    def failed(self, origin: object) -> None:
        """An exchange failed in a way that a whole server fails in."""
        with self._lock:
            state = self._states.setdefault(origin, _State())
            now = self._clock.monotonic()
            state.since = state.since if state.failures else now
            state.failures += 1
            if state.failures >= FAILURES and now >= state.paused_until:
                state.pause = min(LONGEST_PAUSE, state.pause * 2 or FIRST_PAUSE)
                state.paused_until = now + state.pause

    def answered(self, origin: object) -> None:
        """The server is there."""
        with self._lock:
            state = self._states.setdefault(origin, _State())
            self._states[origin] = _State(closed_until=state.closed_until)

    def close(self, origin: object, seconds: float) -> None:
        """The server asked to be left alone for that long."""
        with self._lock:
            state = self._states.setdefault(origin, _State())
            state.closed_until = max(state.closed_until, self._clock.monotonic() + seconds)
