"""What stands in a note, as named features: which words of the lexicon, in which clause, said how, in which order.

Features are names that a person can read, e.g. `now:contact.spoke+person.patient`: in a clause about what happened, a
verb of speaking stands beside the patient. The weights over them are data (`mappings/narrative/weights.json`).
"""

import re
from itertools import combinations

from fhir_rpm.narrative.doubts import doubts_in
from fhir_rpm.narrative.events import event_features, events_in
from fhir_rpm.narrative.lexicon import lexicon
from fhir_rpm.narrative.text import Clause, Note
from fhir_rpm.narrative.thread import Thread

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
_QUOTE = re.compile(r"\"[^\"\n]{3,}\"|(?<!\w)'[^'\n]{6,}'(?!\w)")
_WORDS = re.compile(r"[a-zñáéíóúü/']+")
_KINDS = ("person", "contact")


def features_of(note: Note, thread: Thread | None) -> frozenset[str]:
    """Every feature of a note."""
    found: set[str] = set()
    last: set[str] = set()
    failed = False
    for clause in note.clauses:
        classes = classes_in(clause)
        mode = mode_of(classes)
        telling = [name for name in classes if name.partition(".")[0] in _KINDS]
        found.update(_of_clause(clause, classes, mode))
        if mode == "now" and telling:
            last = set(telling)
            if failed and {
                "contact.says",
                "contact.spoke",
                "contact.answered",
                "contact.told",
                "contact.called_in",
            } & set(telling):
                found.add("order:fail>reach")
            failed = failed or bool({"contact.no_answer", "contact.voicemail"} & set(telling))
    found.update(f"last:{name}" for name in last)
    found.update(f"word:{word}" for word in _WORDS.findall(note.low))
    events = events_in(note)
    found.update(event_features(events))
    found.update(f"doubt:{name}" for name in doubts_in(note, events))
    found.update(_of_document(note, thread))
    return frozenset(found)


def classes_in(clause: Clause) -> list[str]:
    """The groups of the lexicon that have words in a clause, and classes of its own."""
    words = lexicon()
    found = [name for name in words.groups if words.has(name, clause.text)]
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


def _of_clause(clause: Clause, classes: list[str], mode: str) -> set[str]:
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
    found = {f"words<{limit}" for limit in (8, 15, 30) if words < limit}
    found.add("clauses:1" if len(note.clauses) == 1 else "clauses:n")
    if _QUOTE.search(note.low):
        found.add("quote")
    found.update(f"late:{name}" for name in ("two_days", "minutes_later") if lexicon().has(f"context.{name}", note.low))
    if lexicon().has("context.retraction", note.low):
        found.add("retraction")
    if thread is not None:
        found.add(f"thread:{thread.exchange}")
        found.update(f"thread:{turn.side}" for turn in thread.turns)
    return found
