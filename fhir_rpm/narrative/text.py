"""A note as clauses: lower-cased one character for one, so that every offset points into the text as given."""

import re
from dataclasses import dataclass

MAX_CHARACTERS = 60_000
"""What is read of one note; a longer text is no note of a contact."""

_SAME = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "–": "-", "—": "-", "−": "-"}
)
_BREAK = re.compile(
    r"\n+"
    r"|(?<=[.!?])\s+(?=[\"'(\[]?[a-z0-9ñ¿¡+*-])"
    r"|;\s{1,3}|\s{1,3}[|/]\s{1,3}|\s{1,3}-{1,2}\s{1,3}|\s{0,3}(?:->|→|•|✓)\s{0,3}"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:dr|drs|mr|mrs|ms|st|vs|approx|appt|no|pt|pts|resp|tel|ph|e\.g|i\.e|etc|min|mins|sr|sra|cont|conv|pharm|tx|dx|hx|meds|fri|thurs|tues|wed|mon|sat|sun|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|[a-z])\.$"
)

_UNCHECKED = re.compile(r"\[ ?\]|☐|\( \)|□")
_NEXT_BOX = re.compile(r"\[|☐|☑|☒|□|\(x\)|\( \)|\n")


@dataclass(frozen=True)
class Clause:
    """A stretch of the note: `low[start:end]`, and its place among the clauses."""

    start: int
    end: int
    text: str
    place: int


@dataclass(frozen=True)
class Note:
    """The note as it was given, and as it is matched."""

    text: str
    low: str
    clauses: tuple[Clause, ...]


def lowered(text: str) -> str:
    """Lower case with plain quotes and dashes, character for character."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text.translate(_SAME))


def note_of(text: str) -> Note:
    """Split a text into clauses at lines, sentences, semicolons, dashes, slashes and arrows."""
    given = text[:MAX_CHARACTERS]
    low = lowered(given)
    clauses: list[Clause] = []
    start = 0
    for match in _BREAK.finditer(low):
        if "\n" not in match[0] and _ABBREVIATION.search(low[max(0, match.start() - 8) : match.start()]):
            continue
        _add(clauses, low, start, match.start())
        start = match.end()
    _add(clauses, low, start, len(low))
    return Note(given, low, tuple(clauses))


def _add(clauses: list[Clause], low: str, start: int, end: int) -> None:
    text = low[start:end]
    if text.strip():
        clauses.append(Clause(start, end, text, len(clauses)))


def without_unchecked(text: str) -> str:
    """The text with unchecked options blanked out, so that offsets stay."""
    out, place = [], 0
    for match in _UNCHECKED.finditer(text):
        if match.start() < place:
            continue
        following = _NEXT_BOX.search(text, match.end())
        end = following.start() if following else len(text)
        out += [text[place : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
        place = end
    return "".join(out) + text[place:]
