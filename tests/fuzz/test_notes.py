"""Any text can be read: nothing raises, every span points into the text, and twice the text is twice the work."""

import json
import sys
from random import Random

import pytest

from fhir_rpm import read_note
from tests.fuzz.effort import GOLDEN, LONG, SEED, bounded, chance
from tests.fuzz.mutations import ODD

AUTHORS = sorted((GOLDEN / "notes").glob("*.jsonl"))
ROUNDS = 20 if LONG else 1
DULL = (
    *("a", "1 ", "12:00-", "9:00-9:", "5/", "5/4 ", "\n", "(", "[ ] ", ", ", "-", ". ", "  ", "é", "A", "\t\r"),
    *("pt called back ", "Ana Ruiz, ", "no no ", "RN ", "10 min ", "10 min, ", "spoke with pt. ", "no answer ", "<b>"),
    *("Nurse: hello\n", "5/4 08:12 RN Toomey: any worse?\n", "was not able to ", "his wife's ", "BP 150/92 ", "Dr. "),
)
"""Pieces of which a text may be long: each is one that some pattern begins with."""


def broken(text: str, random: Random) -> str:
    """The text with a stretch dropped, doubled, moved or replaced by something odd."""
    start, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
    at = random.randrange(len(text) + 1)
    piece = text[start:end]
    return random.choice(
        (
            text[:start] + text[end:],
            text[:end] + piece * random.choice((1, 3)) + text[end:],
            text[:at] + piece + text[at:],
            text[:start] + random.choice(ODD) + text[end:],
            text.swapcase(),
            "".join(random.sample(text, len(text))),
        )
    )


def read(text: str) -> None:
    with bounded(f"reading {text[:80]!r}"):
        try:
            facts = read_note(text)
        except Exception as error:
            error.add_note(f"{text!r}, seed {SEED}")
            raise
    assert all(span.text == text[span.start : span.end] for span in facts.spans), text


@pytest.mark.parametrize("author", AUTHORS, ids=lambda path: path.stem)
def test_a_labelled_note_broken_in_places_is_read(author: object) -> None:
    for line in author.read_text(encoding="utf-8").splitlines():  # type: ignore[attr-defined]
        note = json.loads(line)
        random, text = chance(note["id"]), note["text"]
        for _ in range(ROUNDS):
            read(broken(text, random))
            read(broken(broken(text, random), random))


def test_text_of_random_pieces_is_read() -> None:
    random = chance("pieces")
    for _ in range(100 * ROUNDS):
        read("".join(random.choice((*DULL, *ODD)) for _ in range(random.randrange(40))))


def work(text: str) -> int:
    """How many functions are called to read a text."""
    calls = 0

    def count(*_event: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read_note(text)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("piece", DULL)
def test_twice_the_text_is_at_most_about_twice_the_work(piece: str) -> None:
    """Calls tell of loops; what a pattern does by itself shows in the processor time of the long text alone."""
    text = piece * (2000 // len(piece))
    with bounded(f"reading 100 kB of {piece!r}", seconds=10):
        assert work(text * 2) <= 2.5 * work(text) + 2000
        read_note(piece * (100_000 // len(piece)))
