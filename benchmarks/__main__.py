"""`make bench`: how long the pure steps take, against parsing the same JSON in the same run."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from fhir_rpm import assess, read_note

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
ROUNDS = 5


def main() -> None:
    """Print median seconds and ratios for reading notes and for judging months."""
    months = [_month(path) for path in sorted((GOLDEN / "months").glob("*/bundle.json"))]
    notes = [json.loads(line)["text"] for path in sorted((GOLDEN / "notes").glob("*.jsonl")) for line in path.open()]
    parse = _seconds(lambda: [json.loads(text) for text, _ in months])
    judge = _seconds(lambda: [assess(json.loads(text), **settings) for text, settings in months])
    read = _seconds(lambda: [read_note(text) for text in notes])
    print(f"json.loads     {1000 * parse / len(months):8.2f} ms a month   1.0 x")
    print(f"assess         {1000 * judge / len(months):8.2f} ms a month {judge / parse:6.1f} x json.loads")
    print(f"read_note      {1000 * read / len(notes):8.2f} ms a note   ({len(notes)} notes)")


def _month(path: Path) -> tuple[str, dict[str, str]]:
    expected = json.loads((path.parent / "expected.json").read_text())
    return path.read_text(), {key: expected[key] for key in ("month", "time_zone", "vendor", "policy")}


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
