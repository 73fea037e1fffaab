"""How hard a server is pressed: requests a second, requests at a time, and hours in which it is left alone."""

import statistics
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir_rpm.client.clock import Clock
from fhir_rpm.client.retries import TOO_MANY, ComeBackError
from fhir_rpm.errors import ConfigurationError

SLOWEST = 0.1
"""Requests a second that are kept up however often a server says 429."""

RECENT, KNOWN, ENOUGH = 5, 50, 20
"""Latencies that tell the present, that are remembered, and that a comparison needs."""
SLOWER = 3.0
SECONDS_SLOWER = 1.0
"""The recent median counts as slow when it is this many times, and this many seconds, above the running one."""


class _HasStatus(Protocol):
    @property
    def status(self) -> int: ...


Reply = TypeVar("Reply", bound=_HasStatus)


@dataclass(frozen=True)
class QuietHours:
    """A stretch of each day, in the practice's zone, in which nothing is read; it may run over midnight."""

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: str) -> "QuietHours":
        """Read `07:00-19:00`.

        Raises:
            ConfigurationError: it is no such stretch, or the zone is unknown.
        """
        try:
            start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
            return cls(start, end, ZoneInfo(zone))
        except (ValueError, ZoneInfoNotFoundError):
            problem = f"quiet_hours {text!r} in time zone {zone!r} cannot be read."
            raise ConfigurationError(problem, 'Write it as quiet_hours = "07:00-19:00".') from None

    def end_after(self, at: datetime) -> datetime | None:
        """When the quiet hours that hold at this moment end; None outside of them."""
        local = at.astimezone(self.zone)
        clock = local.time()
        over_midnight = self.start > self.end
        late, early = clock >= self.start, clock < self.end
        if not (late or early if over_midnight else late and early):
            return None
        day = local.date() + timedelta(days=1 if over_midnight and late else 0)
        return datetime.combine(day, self.end, self.zone)


class Pace:
    """Lets requests through, fewer of them when the server says 429 or answers slowly, and more again step by step.

    Args:
        concurrency: requests in flight at most, over all threads.
        rate: requests a second at most; None is no limit of ours.
        quiet: hours in which nothing is read.
        clock: how to measure and wait.
    """

    def __init__(
        self,
        concurrency: int = 32,
        rate: float | None = None,
        quiet: QuietHours | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._most = concurrency
        self._ceiling = rate
        self._quiet = quiet
        self._clock = clock or Clock()
        self._changed = threading.Condition()
        self._flying = 0
        self._next = 0.0
        self._cut = float("-inf")
        self._starts: deque[float] = deque(maxlen=20)
        self._latencies: deque[float] = deque(maxlen=KNOWN)
        self.allowed = float(concurrency)
        self.rate = rate

    def check(self) -> None:
        """Whether reading is allowed now.

        Raises:
            ComeBackError: these are quiet hours.
        """
        end = self._quiet and self._quiet.end_after(datetime.fromtimestamp(self._clock.now(), UTC))
        if end:
            raise ComeBackError(f"These are quiet hours; they end at {end:%H:%M} {end.tzinfo}.", end.timestamp())

    def carry(self, send: Callable[[], Reply]) -> Reply:
        """Wait for a turn, send, and learn from how the server took it."""
        wait = self._enter()
        try:
            if wait > 0:
                self._clock.sleep(wait)
            began = self._clock.monotonic()
            reply = send()
            self._learn(began, reply.status)
            return reply
        finally:
            self._leave()

    def _enter(self) -> float:
        """Take a place; the seconds to wait before it may be used."""
        with self._changed:
            self._changed.wait_for(lambda: self._flying < int(self.allowed))
            self._flying += 1
            now = self._clock.monotonic()
            start = max(now, self._next) if self.rate is not None else now
            self._next = start + (1 / self.rate if self.rate is not None else 0)
            self._starts.append(start)
            return start - now

    def _leave(self) -> None:
        with self._changed:
            self._flying -= 1
            self._changed.notify_all()

    def _learn(self, began: float, status: int) -> None:
        with self._changed:
            now = self._clock.monotonic()
            if status != TOO_MANY:
                self._latencies.append(now - began)
            if status != TOO_MANY and not self._is_slow():
                self._recover()
            elif began >= self._cut:  # what was sent before the last cut says nothing about it
                self._shrink(now, refused=status == TOO_MANY)

    def _is_slow(self) -> bool:
        if len(self._latencies) < ENOUGH:
            return False
        usual = statistics.median(self._latencies)
        recent = statistics.median(list(self._latencies)[-RECENT:])
        return recent > usual * SLOWER and recent - usual > SECONDS_SLOWER

    def _shrink(self, now: float, *, refused: bool) -> None:
        self._cut = now
        self.allowed = max(1.0, self.allowed / 2)
        if refused or self.rate is not None:
            self.rate = max(min(SLOWEST, self._ceiling or SLOWEST), (self.rate or self._observed()) / 2)
            self._next = max(self._next, now + 1 / self.rate)

    def _observed(self) -> float:
        """Requests a second of late."""
        return len(self._starts) / max(1.0, self._starts[-1] - self._starts[0])

    def _recover(self) -> None:
        self.allowed = min(self._most, self.allowed + 1 / self.allowed)
        if self.rate is None:
            return
        self.rate += SLOWEST
        if self._ceiling is not None:
            self.rate = min(self._ceiling, self.rate)
        elif self.rate >= self._most * 4:  # four a second from each thread is no brake any more
            self.rate = None
