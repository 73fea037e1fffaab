"""Who acted for the practice: every role and every name that stands in the note, as candidates to be weighed."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from fhir_rpm.model.terms import StaffRole
from fhir_rpm.narrative.lexicon import Span
from fhir_rpm.narrative.text import Note
from fhir_rpm.narrative.words import Row

T = TypeVar("T")

_DOCTOR = re.compile(r"\bDrs?\b\.? ?(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)?")
_PART = r"(?:[A-ZÁÉÍÓÚÑÖÜŠŽÅÇØ][\w'’-]*\.?|de|la|van|von|der|del|da|al|bin|el|O')"
_NAME = re.compile(rf"(?<![\w'’])(?!(?:de|la|van|von|der|del|da|al|bin|el)\b){_PART}(?:[ -]{_PART}){{0,3}}")
_LOW_NAME = re.compile(r"(?:^|[-/,.;\n(] ?|\bby )(?P<name>[a-z]\.? ?[a-z'-]{2,}(?: [a-z'-]{2,})?),? *$")
_TITLE = re.compile(r"^(?:mr|mrs|ms|miss|dr|drs|sr|sra|nurse|coach)\.? ")
_HONORIFIC = re.compile(r"\b(?:mr|mrs|ms|miss|sr|sra)\.? $")


MOST = 30
"""Roles, and names, that are weighed: the first and the last so many; writers stand at an end of their note."""


@dataclass(frozen=True)
class Mention:
    """A role named in the note, and what speaks for or against its being the role of who acted."""

    role: StaffRole
    span: Span
    features: frozenset[str]


@dataclass(frozen=True)
class Name:
    """A name in the note, and what speaks for or against its being the name of who acted."""

    text: str
    span: Span
    features: frozenset[str]


def mentions_in(note: Note, row: Row) -> list[Mention]:
    """Every role that the note names, in order of position."""
    found = _outer(sorted(_roles(note), key=lambda item: (item[1], item[0])))
    return [
        Mention(role, span, frozenset(_of_mention(note, row, role, span, place, len(found))))
        for place, (role, span) in enumerate(found)
    ]


def _outer(found: list[T]) -> list[T]:
    return found if len(found) <= 2 * MOST else found[:MOST] + found[-MOST:]


def _roles(note: Note) -> list[tuple[StaffRole, Span]]:
    spans = [
        (cast("StaffRole", group.removeprefix("roles.")), span)
        for group, found in note.found.items()
        if group.startswith("roles.")
        for span in found
    ]
    spans += [("physician", match.span()) for match in _DOCTOR.finditer(note.text)]
    longest: list[tuple[StaffRole, Span]] = []
    for role, span in sorted(spans, key=lambda item: (item[1][0], -item[1][1], item[0])):
        if not longest or longest[-1][1] == span or span[1] > longest[-1][1][1]:
            longest.append((role, span))
    return longest


def _of_mention(note: Note, row: Row, role: StaffRole, span: Span, place: int, count: int) -> set[str]:
    given = note.text[span[0] : span[1]]
    case = "upper" if given.isupper() else "lower" if given.islower() else "title"
    found = row.around(span) | {f"role:{role}", f"said:{given.lower()}:{case}", f"case:{case}"}
    found |= {f"role:{role}:{feature}" for feature in found if feature.startswith(("at:", "-1:", "+1:"))}
    found |= _name_beside(note, span)
    found.add("only" if count == 1 else "first" if place == 0 else "last" if place == count - 1 else "between")
    return found | {f"note:{group}" for group in note.found if group.startswith("contact.auto") and note.found[group]}


def _name_beside(note: Note, span: Span) -> set[str]:
    """Whether a name stands right before or after the role, and how it is joined: "Ana Ruiz, RN", "RN Ruiz"."""
    before, after = note.text[max(0, span[0] - 30) : span[0]], note.text[span[1] : span[1] + 20]
    found = set()
    joined = re.search(r"[A-Z][\w'’-]+(\.?,? ?\(?)$", before)
    if joined:
        found.add(f"name{joined[1].strip() or ' '}role")
    if re.match(r" ?[A-Z][a-z'’-]+", after):
        found.add("role name")
    if re.search(r"(?:^|\n|[-(/]) ?$", before):
        found.add("role after break")
    if re.match(r"\s*(?:$|\n|[)\]:,.;|/-])", after):
        found.add(f"role then {after.strip()[:1] or 'end'}")
    return found


def names_in(note: Note, row: Row, actor: Mention | None) -> list[Name]:
    """Every name in the note, in order of position; credentials, titles and words of the lexicon are none."""
    every = _outer(list(_names(note, actor)))
    return [
        Name(text, span, frozenset(_of_name(note, row, text, span, actor, place, len(every))))
        for place, (text, span) in enumerate(every)
    ]


def _names(note: Note, actor: Mention | None) -> Iterator[tuple[str, Span]]:
    known = sorted(span for group, spans in note.found.items() if not group.startswith("person.") for span in spans)
    starts = [span[0] for span in known]
    for match in _NAME.finditer(note.text):
        start, end = match.span()
        for span in known[max(0, bisect_left(starts, start) - 4) : bisect_left(starts, end)]:
            if span[0] < end and start < span[1]:
                start, end = (span[1], end) if span[0] <= start else (start, span[0])
        text = note.text[start:end].strip(" .,-")
        if len(text) > 1 and text[0].isupper():
            start = note.text.index(text, start)
            yield text, (start, start + len(text))
    if actor is not None:
        low = _LOW_NAME.search(note.low[: actor.span[0]])
        if low is not None and note.text[low.start("name")].islower():
            yield low["name"].strip(), low.span("name")


def _of_name(note: Note, row: Row, text: str, span: Span, actor: Mention | None, place: int, count: int) -> set[str]:
    found = row.around(span)
    found |= {f"part:{part.lower()}" for part in text.split()} | {f"parts:{len(text.split())}"}
    found.add("all capitals" if text.isupper() else "lower" if text.islower() else "capitalised")
    if _HONORIFIC.search(note.low[max(0, span[0] - 6) : span[0]]):
        found.add("honorific")
    found.add("first" if place == 0 else "last" if place == count - 1 else "between")
    if actor is None:
        return found | {"no role"}
    gap = note.text[span[1] : actor.span[0]] if span[1] <= actor.span[0] else note.text[actor.span[1] : span[0]]
    side = "before" if span[1] <= actor.span[0] else "within" if span[0] < actor.span[1] else "after"
    near = gap if len(gap) < 4 else "far" if len(gap) < 40 else "away"
    return found | {f"{side} role:{near}", f"{side} {actor.role}:{near}"}
