"""The note as words; people, roles, numbers and clinical terms stand as their kind: `<patient> denies <symptom>`."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from fhir_rpm.narrative.lexicon import Span
from fhir_rpm.narrative.text import Clause, Note

_GROUPS = {
    "person.gatekeeper": "<gatekeeper>",
    "person.caregiver": "<caregiver>",
    "person.interpreter": "<interpreter>",
    "person.outsider": "<outsider>",
    "person.patient": "<patient>",
    "roles.bot": "<bot>",
    "roles.non_clinical": "<clerk>",
    "roles.physician": "<doctor>",
    "roles.np": "<staff>",
    "roles.pa": "<staff>",
    "roles.rn": "<staff>",
    "roles.lpn": "<staff>",
    "roles.ma": "<staff>",
    "roles.pharmacist": "<staff>",
    "roles.dietitian": "<staff>",
    "roles.health_coach": "<staff>",
    "roles.care_manager": "<staff>",
    "roles.respiratory_therapist": "<staff>",
    "roles.social_worker": "<staff>",
    "content.medicines": "<medicine>",
    "content.symptoms": "<symptom>",
    "content.readings": "<reading>",
    "content.devices": "<device>",
}
_SHAPES = (
    ("<date>", re.compile(r"\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b|\b\d{4}-\d\d-\d\d\b")),
    ("<time>", re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\s{0,2}(?:[ap]m?\b)?|\b\d{4}-\d{4}\b")),
    ("<minutes>", re.compile(r"\b\d{1,3}\s{0,2}(?:min\w{0,5}|m)\b")),
    ("<number>", re.compile(r"\d{1,6}(?:[.,]\d{1,3})?(?:/\d{1,4})?%?")),
)
_DOCTOR = re.compile(
    r"\bdrs?\.? [a-z][\w'-]+|\b(?:provider|cardiologist|pcp|on-?call|attending|endo|pulm|nephrology|cardiology)\b"
)
_NAME = re.compile(r"(?<=[a-z,;:(] )[A-Z][a-z'’-]+")
_WORD = re.compile(r"[a-zñáéíóúü][a-zñáéíóúü']*|[.,;:?!\"()\[\]=>|-]")


@dataclass(frozen=True)
class Word:
    """A word of the note, or the kind that stands for it, and where."""

    text: str
    start: int
    end: int


def words_of(note: Note) -> list[list[Word]]:
    """The words of each clause, in order."""
    kinds = _kinds(note)
    starts = [word.start for word in kinds]
    return [_of_clause(note, clause, kinds, starts) for clause in note.clauses]


def _kinds(note: Note) -> list[Word]:
    """Every stretch that a kind stands for; the first kind named wins where two claim the same words."""
    taken = bytearray(len(note.low) + 1)
    found: list[Word] = []

    def claim(kind: str, span: Span) -> None:
        if not any(taken[span[0] : span[1]]):
            taken[span[0] : span[1]] = b"\1" * (span[1] - span[0])
            found.append(Word(kind, *span))

    for match in _DOCTOR.finditer(note.low):
        claim("<doctor>", match.span())
    for group, kind in _GROUPS.items():
        for span in note.found[group]:
            claim(kind, span)
    for kind, pattern in _SHAPES:
        for match in pattern.finditer(note.low):
            claim(kind, match.span())
    for match in _NAME.finditer(note.text):
        claim("<name>", match.span())
    return sorted(found, key=lambda word: word.start)


def _of_clause(note: Note, clause: Clause, kinds: list[Word], starts: list[int]) -> list[Word]:
    found: list[Word] = []
    place = clause.start
    for kind in kinds[bisect_right(starts, clause.start - 1) :]:
        if kind.start >= clause.end:
            break
        found += _plain(note, place, kind.start)
        if not found or found[-1].text != kind.text:
            found.append(kind)
        place = max(place, kind.end)
    return found + _plain(note, place, clause.end)


def _plain(note: Note, start: int, end: int) -> list[Word]:
    return [Word(match[0], *match.span()) for match in _WORD.finditer(note.low, start, max(start, end))]


class Row:
    """The words of all clauses in one row, with `$` at the end of each, and what stands around a span."""

    def __init__(self, clauses: list[list[Word]]) -> None:
        ended = ((*words, Word("$", words[-1].end, words[-1].end)) for words in clauses if words)
        self._words = [word for words in ended for word in words]
        self._starts = [word.start for word in self._words]
        self._ends = [word.end for word in self._words]

    def around(self, span: Span, name: str = "") -> set[str]:
        """Features of where a span stands: the words on both sides, near ones by distance, and the ends of the note.

        Args:
            span: where in the note.
            name: what the features are prefixed with, to tell two spans of one thing apart.
        """
        first, last = bisect_right(self._ends, span[0]), bisect_left(self._starts, span[1])
        before = [word.text for word in self._words[max(0, first - 5) : first]]
        after = [word.text for word in self._words[last : last + 5]]
        found = {f"{name}-{place}:{text}" for place, text in enumerate(reversed(before[-3:]), 1)}
        found |= {f"{name}+{place}:{text}" for place, text in enumerate(after[:3], 1)}
        found |= {f"{name}-:{text}" for text in before} | {f"{name}+:{text}" for text in after}
        if len(before) < 3:
            found.add(f"{name}at:start")
        if len(after) < 4:
            found.add(f"{name}at:end")
        return found
