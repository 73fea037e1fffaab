"""Labelled notes of many authors: how often the verdict is right, and how rarely a note would be billed wrongly.

The weights were trained on these notes: the figures are fitted. `tools/train_reader.py --judge` gives those of authors
left out.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from fhir_rpm import read_note

NOTES = Path(__file__).parent / "notes"
AUTHORS = sorted(path.stem for path in NOTES.glob("*.jsonl"))
EVERYDAY = ("dev1", "dev2", "dev3", "dev4")
"""Authors who write as clinics do; many of the others set out to mislead, and the reader abstains more often there."""
FEW = 0.01
"""The share of false `qualifies` that no author's notes may exceed."""


def _verdicts(author: str) -> Counter[tuple[str, str]]:
    notes = [json.loads(line) for line in (NOTES / f"{author}.jsonl").read_text().splitlines() if line.strip()]
    return Counter((note["verdict"], read_note(note["text"]).verdict) for note in notes)


def _false(found: Counter[tuple[str, str]]) -> float:
    others = sum(count for (want, _), count in found.items() if want != "qualifies")
    return sum(count for (want, have), count in found.items() if have == "qualifies" != want) / others


@pytest.mark.parametrize("author", AUTHORS)
def test_verdicts_hold_their_level(author: str) -> None:
    found = _verdicts(author)
    right = sum(count for (want, have), count in found.items() if want == have)
    assert right / found.total() >= 0.8
    assert _false(found) <= FEW


@pytest.mark.parametrize(("authors", "least"), [(EVERYDAY, 0.95), (AUTHORS, 0.93)], ids=["everyday", "all"])
def test_at_most_one_in_two_hundred_would_be_billed_wrongly_and_most_are_right(
    authors: Sequence[str], least: float
) -> None:
    total = sum((_verdicts(author) for author in authors), Counter())
    right = sum(count for (want, have), count in total.items() if want == have)
    assert _false(total) <= 0.005
    assert right / total.total() >= least
