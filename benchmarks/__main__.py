"""`make bench`: how long it takes to read one note and to judge one month, against a yardstick of the same run.

The yardstick is run before each piece of work, so that a busy machine slows both; ratios can be compared between runs.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fhir_rpm import assess, read_note

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
Work = Callable[[], object]


def yardstick() -> int:
    """A fixed amount of work for the interpreter alone."""
    return sum(number * number for number in range(10_000))


def main() -> None:
    """Print median milliseconds, and the median against the yardstick's."""
    notes = [json.loads(line)["text"] for path in sorted((GOLDEN / "notes").glob("*.jsonl")) for line in path.open()]
    months = [_month(path) for path in sorted((GOLDEN / "months").glob("*/bundle.json"))]
    print("median of      pieces         ms   x yardstick")
    for name, pieces in (("read_note", [partial(read_note, text) for text in notes]), ("assess", months)):
        pieces[0]()  # loads the lexicon and the policies
        rows = [(_milliseconds(yardstick), _milliseconds(piece)) for piece in pieces]
        measure, work = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:12} {len(pieces):8} {work:10.2f} {work / measure:13.1f}")


def _month(path: Path) -> Work:
    expected = json.loads((path.parent / "expected.json").read_text())
    settings = {key: expected[key] for key in ("month", "time_zone", "vendor", "policy")}
    return partial(assess, json.loads(path.read_text()), **settings)


def _milliseconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
