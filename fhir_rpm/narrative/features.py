"""What stands in a note, as named features: which words of the lexicon, in which clause, said how, in which order.

Features are names that a person can read, e.g. `now:contact.spoke+person.patient`: in a clause about what happened, a
verb of speaking stands beside the patient. The weights over them are data (`mappings/narrative/weights.json`).
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, pairwise

from fhir_rpm.narrative.events import Event, event_features, events_in
from fhir_rpm.narrative.text import Clause, Note
from fhir_rpm.narrative.thread import SITTING, Thread
from fhir_rpm.narrative.when import CLOCKS, clock_at
from fhir_rpm.narrative.words import Word

_NUMBERS = (
    ("pressure", re.compile(r"\b\d{2,3}s?/\d{2,3}s?\b(?!/)")),
    (
        "value",
        re.compile(r"\b\d{2,3}(?:\.\d)?(?:\s*(?:-|to)\s*\d{2,3}(?:\.\d)?)?\s*(?:lbs?|pounds|kg|%|mg/dl|bpm|mmhg|#)"),
    ),
    ("dose", re.compile(r"\b\d+(?:\.\d+)?\s*(?:mg|mcg|units?|u|tabs?|l|liters?|puffs?|meq)\b")),
    ("number", re.compile(r"(?<![\d/:.-])\d{2,3}(?:\.\d)?(?![\d/:.-])")),
)
_PRONOUN = re.compile(r"\b(?:he|she|they|him|her|them|who|ella|él)\b")
_SELF = re.compile(r"\b(?:i|we|my|me|our)\b")
_DOCTOR = re.compile(
    r"\b(?:dr|drs|md|np|pa|pcp|cardiolog\w+|provider|physician|doctor|on-?call|endo|pulm|nephro\w*|cards)\b"
)
_WEEKDAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\b")
_DAY = re.compile(r"(?<![\d/.])(?:20\d\d-)?(\d{1,2}[/-]\d{1,2})(?![\d])|\b(\d{1,2}(?:st|nd|rd|th))\b")
_LATER = re.compile(
    r"\b(?:\d+|two|three|four|five|six|several|some|many|few|a) "
    r"(?:d|days?|hours?|hrs?|h|weeks?|wks?) (?:later|after|past)\b"
    r"|\b(?:next|following) (?:day|morning|afternoon|evening|week)\b|\b(?:days|hours|weeks) later\b|\bovernight\b"
)
_REPLIED = re.compile(r"\b(?:repl(?:y|ied|ies)|answer\w*|respon\w+|wrote|writes|texted|messaged|emailed|e-mailed)\b")
_QUOTE = re.compile(r"\"[^\"\n]{3,}\"|(?<!\w)'[^'\n]{6,}'(?!\w)")
_KINDS = ("person", "contact")
_SAID = ("decision.", "content.", "number.", "person.")


@dataclass(frozen=True)
class Features:
    """The features of a note as a whole, and of each of its clauses."""

    note: frozenset[str]
    clauses: tuple[frozenset[str], ...]


def features_of(note: Note, thread: Thread | None, clauses: list[list[Word]]) -> Features:
    """Every feature of a note, of its transcript and of the words of its clauses."""
    events = events_in(note)
    classes = [classes_in(note, clause) for clause in note.clauses]
    texts = [["^", *(word.text for word in words), "$"] for words in clauses]
    whole = _of_document(note, thread) | event_features(events)
    last: list[str] = []
    for clause, named, words in zip(note.clauses, classes, texts, strict=True):
        telling = [name for name in named if name.partition(".")[0] in _KINDS]
        whole |= _of_clause(clause, named) | _of_words(words)
        if telling and mode_of(named) == "now":
            last = telling
    whole.update(f"last:{name}" for name in last)
    alone = [frozenset(_alone(note, *each, events)) for each in zip(note.clauses, classes, texts, strict=True)]
    return Features(frozenset(whole), tuple(alone))


def _of_words(texts: list[str]) -> set[str]:
    found = {f"word:{text}" for text in texts} | {f"words:{left} {right}" for left, right in pairwise(texts)}
    return found | {piece for text in texts if text[0] not in "<^$" for piece in _pieces(text)}


def _alone(note: Note, clause: Clause, classes: list[str], texts: list[str], events: list[Event]) -> set[str]:
    """Features of a clause by itself: whether it tells a finding or a decision can be weighed clause by clause."""
    found = _of_clause(clause, classes) | _of_words(texts) | {f"has:{name}" for name in classes}
    found |= {f"event:{e.kind}:{e.side}:{e.mode}" for e in events if clause.start <= e.span[0] < clause.end}
    said = [name for name in classes if name.startswith(_SAID)]
    found |= {f"has:{left}+{right}" for left, right in combinations(said, 2)}
    found.add(
        "place:first" if clause.place == 0 else "place:end" if clause.place >= len(note.clauses) - 2 else "place:middle"
    )
    if clause.place:
        found.add(f"after:{note.clauses[clause.place - 1].text.strip()[:12].partition(' ')[0]}")
    return found


def _pieces(word: str) -> set[str]:
    """Four letters each: words that were mistyped, or never seen, share them with known ones."""
    ends = f"^{word}$"
    return {f"piece:{ends[start : start + 4]}" for start in range(len(ends) - 3)}


def classes_in(note: Note, clause: Clause) -> list[str]:
    """The groups of the lexicon that have words in a clause, and classes of its own."""
    found = sorted(note.groups_in(clause))
    found += [f"number.{name}" for name, pattern in _NUMBERS if pattern.search(clause.text)]
    extra = (("person.pronoun", _PRONOUN), ("person.self", _SELF), ("person.doctor", _DOCTOR))
    return found + [name for name, pattern in extra if pattern.search(clause.text)]


def mode_of(classes: list[str]) -> str:
    """How a clause speaks: of what happened (`now`), of a plan, a condition, or of another time."""
    if "context.hypothetical" in classes:
        return "if"
    if "context.plan" in classes:
        return "plan"
    return "past" if "context.history" in classes else "now"


def _of_clause(clause: Clause, classes: list[str]) -> set[str]:
    mode = mode_of(classes)
    found = {f"{mode}:{name}" for name in classes if not name.startswith(("context.", "roles."))}
    telling = sorted(name for name in classes if name.partition(".")[0] in _KINDS)
    found.update(f"{mode}:{left}+{right}" for left, right in combinations(telling, 2))
    if "context.negation" in classes:
        found.update(f"not:{name}" for name in telling)
    found.update(f"role:{name[6:]}" for name in classes if name in ("roles.bot", "roles.non_clinical"))
    if clause.place == 0:
        found.update(f"first:{name}" for name in telling)
    return found


def _of_document(note: Note, thread: Thread | None) -> set[str]:
    words = len(note.low.split())
    found = {f"length<{limit}" for limit in (8, 15, 30, 60) if words < limit}
    found.add("clauses:1" if len(note.clauses) == 1 else "clauses:n")
    if _QUOTE.search(note.low):
        found.add("quote")
    found.update(f"late:{name}" for name in ("two_days", "minutes_later") if note.found[f"context.{name}"])
    if note.found["context.retraction"]:
        found.add("retraction")
    late = _lateness(note)
    found |= late | ({f"{name}+replied" for name in late} if _REPLIED.search(note.low) else set())
    if thread is not None:
        found.add(f"thread:{thread.exchange}")
        found.update(f"thread:{turn.side}" for turn in thread.turns)
    return found


def _lateness(note: Note) -> set[str]:
    """Whether the note tells of several days, or of clock times within or beyond half an hour of each other."""
    found = {"late:later"} if _LATER.search(note.low) else set()
    weekdays = {match[1] for match in _WEEKDAY.finditer(note.low)}
    days = {match[0] for match in _DAY.finditer(note.low)}
    found.add(f"weekdays:{min(2, len(weekdays))}")
    found.add(f"days:{min(2, len(days))}")
    clocks = [clock for match in CLOCKS.finditer(note.low) if (clock := clock_at(match[0], None))][:20]
    for before, after in pairwise(clocks):
        gap = after - before
        if gap:
            found.add("clocks:near" if timedelta(0) < gap <= SITTING else "clocks:apart")
    return found
