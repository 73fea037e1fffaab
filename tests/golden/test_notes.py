"""Labelled notes of four authors: how often the verdict is right, and how rarely a note would be billed wrongly."""

import json
from collections import Counter
from pathlib import Path

import pytest

from fhir_rpm import read_note

NOTES = Path(__file__).parent / "notes"
LEVEL = {"dev1": (0.88, 1), "dev2": (0.96, 0), "dev3": (0.83, 0), "dev4": (0.89, 1)}
"""Author → the share of right verdicts and the false `qualifies` reached; a change must not fall behind them."""


def _verdicts(author: str) -> Counter[tuple[str, str]]:
    notes = [json.loads(line) for line in (NOTES / f"{author}.jsonl").read_text().splitlines() if line.strip()]
    return Counter((note["verdict"], read_note(note["text"]).verdict) for note in notes)


@pytest.mark.parametrize("author", LEVEL)
def test_verdicts_hold_their_level(author: str) -> None:
    found = _verdicts(author)
    right = sum(count for (want, have), count in found.items() if want == have)
    false = sum(count for (want, have), count in found.items() if have == "qualifies" != want)
    share, most = LEVEL[author]
    assert right / found.total() >= share
    assert false <= most


def test_at_most_two_in_a_hundred_would_be_billed_wrongly() -> None:
    total = sum((_verdicts(author) for author in LEVEL), Counter())
    others = sum(count for (want, _), count in total.items() if want != "qualifies")
    false = sum(count for (want, have), count in total.items() if have == "qualifies" != want)
    right = sum(count for (want, have), count in total.items() if want == have)
    assert false / others <= 0.02
    assert right / total.total() >= 0.85
