"""Time as an argument: what waits and measures in this room takes a Clock, so that tests need not wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """How to measure and how to wait.

    Attributes:
        monotonic: seconds that only ever grow; for durations.
        now: seconds since 1970; for times that are shown, or compared with a server's.
        sleep: waits that many seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
