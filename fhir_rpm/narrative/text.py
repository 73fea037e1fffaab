"""A note as clauses: lower-cased one character for one, so that every offset points into the text as given."""

import re
from dataclasses import dataclass
from functools import cached_property

from fhir_rpm.narrative.lexicon import Span, lexicon

MAX_CHARACTERS = 60_000
"""What is read of one note; a longer text is no note of a contact."""

LONGEST_CLAUSE = 600
"""Characters of a clause; people write none as long."""

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
_TICKED = re.compile(r"(?:\[ ?[x✓*] ?\]|\( ?x ?\)|☑|☒)\s*([^\[\n☐☑☒□(]{1,60})")
_NEXT_BOX = re.compile(r"\[|☐|☑|☒|□|\([xX]\)|\( \)|\n")


_NOT_REACHED = ("contact.no_answer", "contact.voicemail", "contact.left_message", "contact.not_reached")
_REACHED = ("contact.reached", "contact.spoke", "contact.answered")


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

    @cached_property
    def found(self) -> dict[str, list[Span]]:
        """Where each group of the lexicon has words in `low`."""
        words = lexicon()
        return {group: words.find(group, self.low) for group in words.groups}

    def groups_in(self, clause: Clause) -> dict[str, list[Span]]:
        """The groups of the lexicon with words in a clause, and where in the note they stand."""
        return self._groups[clause.place]

    @cached_property
    def _groups(self) -> list[dict[str, list[Span]]]:
        ends = [clause.end for clause in self.clauses]
        table: list[dict[str, list[Span]]] = [{} for _ in ends]
        for group, spans in self.found.items():
            place = 0
            for span in spans:
                while place < len(ends) and ends[place] <= span[0]:
                    place += 1
                if place < len(ends):
                    table[place].setdefault(group, []).append(span)
        return table


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
    """Add a stretch as a clause, one without any break in pieces, so that the work stays proportional to the text."""
    while start < end:
        stop = end if end - start <= LONGEST_CLAUSE else low.rfind(" ", start, start + LONGEST_CLAUSE) + 1
        stop = stop if stop > start else start + LONGEST_CLAUSE
        if low[start:stop].strip():
            clauses.append(Clause(start, stop, low[start:stop], len(clauses)))
        start = stop


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


def ticked_not_reached(text: str) -> bool:
    """Whether a ticked option says that nobody was reached, and none says that somebody was."""
    words = lexicon()
    ticked = [match[1] for match in _TICKED.finditer(lowered(text[:MAX_CHARACTERS]))]
    failed = [option for option in ticked if any(words.has(group, option) for group in _NOT_REACHED)]
    reached = [
        option for option in ticked if option not in failed and any(words.has(group, option) for group in _REACHED)
    ]
    return bool(failed) and not reached
