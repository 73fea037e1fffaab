"""A clock for tests that moves only when told to, or when somebody sleeps by it."""

import threading

from fhir_rpm.client.clock import Clock


class FakeClock:
    """`fake.clock` goes into the code; `fake.waits` are the sleeps.

    Args:
        now: seconds since 1970 at its start.
        frozen: sleeping does not move it.
    """

    def __init__(self, now: float = 1_778_760_000, *, frozen: bool = False) -> None:
        self.waits: list[float] = []
        self._start = now
        self._passed = 0.0
        self._frozen = frozen
        self._lock = threading.Lock()
        self.clock = Clock(monotonic=lambda: self._passed, now=lambda: self._start + self._passed, sleep=self._sleep)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += seconds

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self._passed += 0 if self._frozen else seconds
