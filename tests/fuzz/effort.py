"""How hard the fuzz tests try: short and repeatable in the suite, long and with a fresh seed in `make fuzz`."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

LONG = "FHIR_RPM_FUZZ" in os.environ
SEED = os.environ.get("FHIR_RPM_FUZZ", "1")
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "samples"
GOLDEN = Path(__file__).parents[1] / "golden"


def chance(*names: object) -> Random:
    """A source of chance for one case; the same seed and names give the same one."""
    return Random("/".join(map(str, (SEED, *names))))


@contextmanager
def bounded(what: str, seconds: int = 30) -> Iterator[None]:
    """Fails when the work needs many times the processor time of any honest work: a net for what never ends."""

    def stop(*_signal: object) -> None:
        pytest.fail(f"{what} does not end (seed {SEED})")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
