"""What a note says happened: events of a kind, with whom, told as fact, plan, condition or history."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fhir_rpm.narrative.lexicon import Span, lexicon
from fhir_rpm.narrative.text import Clause, Note

Groups = dict[str, list[Span]]
"""The lexicon's groups with words in a clause, and where in the clause they stand."""

LIVE = ("talk", "held", "reach", "answer", "say", "callin")
"""Kinds of event in which the other side takes part."""

_KINDS = {
    "contact.no_answer": "fail",
    "contact.voicemail": "machine",
    "contact.message_taken": "taken",
    "contact.none_made": "notmade",
    "contact.called_in": "callin",
    "contact.answered": "answer",
    "contact.reached": "reach",
    "contact.spoke": "talk",
    "contact.says": "say",
    "contact.told": "tell",
    "contact.attempted": "attempt",
    "contact.internal": "internal",
    "contact.review": "review",
    "contact.mail": "mail",
    "contact.message": "message",
    "contact.paper": "paper",
    "contact.held": "held",
}
_PEOPLE = {
    "person.gatekeeper": "gatekeeper",
    "person.outsider": "outsider",
    "person.interpreter": "interpreter",
    "person.caregiver": "caregiver",
    "person.colleague": "colleague",
    "person.patient": "patient",
}
_PRONOUN = re.compile(r"(?<![\w'])(?:he|she|they|him|her(?! \w+'s)|them|ella|él|le)(?![\w])")
_SELF = re.compile(r"(?<![\w'])(?:i|we|me|us|my|our|myself|writer|this (?:rn|nurse|writer|np))(?![\w])")
_WITH = re.compile(r"(?:^|[\W_])(?:with|w|to|c|con|a|between|among)\W+(?:\w+\W+){0,3}$")
_TOPICS = re.compile(r"^(?:discuss|review|went over|gone over|conversation|conv|check)")
_NEGATED = re.compile(
    r"\b(?:not|never|no|nobody|none|neither|nor|without|unable|failed|cannot|sin|nadie|hardly)\b|n't\b"
)
_PLANNED = re.compile(
    r"(?:\b(?:will|would|shall|should|could|may|might|must|to|going to|plan(?:s|ned|ning)?(?: to)?|intend\w*|wants? to|"
    r"hop\w+ to|need\w*|please|for|due|try|try and|attempt|ask|can|va a|para)|'ll|'d like to)\W+(?:\w+\W+){0,2}$"
)
_CONDITION = re.compile(
    r"\b(?:if|unless|in case|whenever|once|until|were (?:he|she|they|it|this)|"
    r""
    r"should (?:he|she|they|it|a|any|this|the|symptoms|wt|bp)|had (?:he|she|they|i|we) (?!had)|"
    r"when(?=,? as | (?:he|she|they) (?:calls|telephones|phones|answers|rings)))\b"
)
_PLUPERFECT = re.compile(r"(?:\bhad|\b(?:he|she|they|i|we|who|it)'d)\W+(?:\w+\W+){0,1}$")
_HEARSAY = re.compile(
    r"\b(?:per|according to|via|as told by|(?:i|we) (?:was|were|am) (?:told|informed)|"
    r"is (?:said|understood|reported) to|reportedly|learned (?:from|that)|by this route|faxed|questionnaire|survey|"
    r"on the form|in (?:his|her|their) letter)\b"
)


@dataclass(frozen=True)
class Person:
    """Somebody named in a clause: on whose side, and where."""

    side: str
    span: Span


@dataclass(frozen=True)
class Event:
    """One thing that is told.

    Attributes:
        kind: what was done (`talk`, `reach`, `answer`, `say`, `callin`, `tell`, `attempt`, `fail`, …).
        side: the other side: `patient`, `caregiver`, `outsider`, `gatekeeper`, `colleague`, `interpreter`, `self`, or
            `nobody`.
        mode: `now` (told as what happened), `not`, `plan`, `if`, `past` or `hearsay`.
        span: where its words stand in the note.
    """

    kind: str
    side: str
    mode: str
    span: Span


def events_in(note: Note) -> list[Event]:
    """The events of a note in the order they are told; people spoken of by a pronoun are who was named last."""
    found: list[Event] = []
    known: dict[str, str] = {}
    last = "patient"
    for clause in note.clauses:
        groups = {
            group: [(max(0, start - clause.start), end - clause.start) for start, end in spans]
            for group, spans in note.groups_in(clause).items()
        }
        people = list(_people(clause, groups, known, last))
        others = [person.side for person in people if person.side not in ("self", "interpreter", "colleague")]
        found += _events(clause, groups, people, last)
        last = others[-1] if others else last
    return found


def _people(clause: Clause, groups: Groups, known: dict[str, str], last: str) -> Iterator[Person]:
    taken: list[Person] = []
    for group, side in _PEOPLE.items():
        for span in groups.get(group, ()):
            if any(person.span[0] < span[1] and span[0] < person.span[1] for person in taken):
                continue
            taken.append(Person(side, span))
    taken += [Person("self", match.span()) for match in _SELF.finditer(clause.text)]
    taken += [Person("pronoun", match.span()) for match in _PRONOUN.finditer(clause.text)]
    taken.sort(key=lambda person: person.span)
    current = last
    for place, person in enumerate(taken):
        following = taken[place + 1] if place + 1 < len(taken) else None
        if following is not None and _belongs(clause.text[person.span[1] : following.span[0]], clause.text, person):
            continue
        side, name = person.side, clause.text[person.span[0] : person.span[1]]
        before = taken[place - 1] if place else None
        if side == "pronoun":
            side = current
        elif side == "patient" and " " in name:
            if name not in known:
                beside = before is not None and clause.text[before.span[1] : person.span[0]].strip(" ") in (
                    ",",
                    "",
                    "(",
                )
                apposed = (
                    beside
                    and before is not None
                    and before.side in ("outsider", "gatekeeper", "caregiver", "colleague")
                )
                known[name] = before.side if apposed and before is not None else "patient"
            side = known[name]
        if side not in ("self", "interpreter", "colleague"):
            current = side
        yield Person(side, person.span)


def _belongs(between: str, text: str, person: Person) -> bool:
    """Whether the person only tells whose the next one is: "pt's wife", "his daughter", "mother of the patient"."""
    ends = text[person.span[0] : person.span[1]]
    return (
        (ends.endswith("'s") or between.startswith("'s") or ends in ("her", "my", "our"))
        and len(between.split()) <= 2
        and (not re.search(r"[,:;]", between))
    )


def _events(clause: Clause, groups: Groups, people: list[Person], last: str) -> Iterator[Event]:
    taken: list[tuple[int, int, str]] = []
    for group, kind in _KINDS.items():
        for start, end in groups.get(group, ()):
            if not any(start < other_end and other_start < end for other_start, other_end, _ in taken):
                taken.append((start, end, kind))
    for start, end, kind in sorted(taken):
        side = _side(clause.text, people, kind, start, end, last)
        mode = _mode(clause.text, start, kind)
        yield Event(kind, side, mode, (clause.start + start, clause.start + end))


def _side(text: str, people: list[Person], kind: str, start: int, end: int, last: str) -> str:
    before = [person for person in people if person.span[1] <= start]
    after = [person for person in people if person.span[0] >= end and len(text[end : person.span[0]].split()) <= 5]
    subject = before[-1] if before and len(text[before[-1].span[1] : start].split()) <= 5 else None
    passive = re.search(r"\b(?:was|were|been|is|are|being|got)\W+(?:\w+\W+)?$", text[:start]) is not None
    if kind in (
        "talk",
        "held",
        "reach",
        "tell",
        "attempt",
        "mail",
        "message",
        "internal",
        "review",
        "machine",
        "fail",
        "taken",
    ):
        if kind == "held" or (kind in ("talk", "review", "internal") and _TOPICS.match(text[start:end])):
            joined = [person for person in after if _WITH.search(text[end : person.span[0]]) and person.side != "self"]
            return joined[0].side if joined else "nobody"
        if passive and subject is not None and kind in ("reach", "tell", "attempt"):
            return subject.side
        others = [person for person in after if person.side != "self"]
        if others:
            return others[0].side
        if subject is not None and (subject.side != "self" or kind in ("machine", "fail")):
            return subject.side
        return "nobody"
    if subject is not None:
        return subject.side
    if (
        kind == "say"
        and not text[:start].strip(" -*•:,(")
        and not re.match(r"(?:ask|explain|acknowledg|report |read|confirm)", text[start:])
    ):
        return f"implied_{last}"
    return "nobody"


def _mode(text: str, start: int, kind: str) -> str:
    before = text[:start]
    near = before[-34:]
    if _CONDITION.search(before):
        return "if"
    if _PLANNED.search(near) and kind != "fail":
        return "plan"
    if lexicon().has("context.history", before) or _PLUPERFECT.search(near):
        return "past"
    if kind not in ("fail", "notmade") and _NEGATED.search(near[-26:]):
        return "not"
    if _HEARSAY.search(before):
        return "hearsay"
    return "now"


def event_features(events: list[Event]) -> set[str]:
    """Features of the events: each by kind, side and mode, the last facts, and what follows what."""
    found = {f"event:{event.kind}:{event.side}:{event.mode}" for event in events}
    facts = [
        event for event in events if event.mode in ("now", "not") and event.kind not in ("review", "message", "paper")
    ]
    live = [event for event in facts if event.kind in LIVE and event.mode == "now"]
    found |= {f"live:{event.side.removeprefix('implied_')}" for event in live}
    found |= {f"livekind:{event.kind}" for event in live if event.side.endswith(("patient", "caregiver"))}
    ours = [event for event in live if event.side.endswith(("patient", "caregiver"))]
    found.add(
        "live:both"
        if {"patient", "caregiver"} <= {event.side for event in live}
        else "live:some"
        if ours
        else "live:none"
    )
    found.add(f"livecount:{min(3, len(ours))}")
    if facts:
        found |= {f"firstfact:{facts[0].kind}:{facts[0].side}", f"lastfact:{facts[-1].kind}:{facts[-1].side}"}
    steps = [event for event in facts if event.kind in (*LIVE, "fail", "machine", "taken", "notmade")]
    with_ours = set(ours)
    kinds = [
        "live" if event in with_ours else event.kind for event in steps if event.kind not in LIVE or event.mode == "now"
    ]
    found |= {f"step:{a}>{b}" for a, b in itertools.pairwise(kinds) if a != b}
    if kinds:
        found |= {f"steplast:{kinds[-1]}", f"stepfirst:{kinds[0]}"}
    outside = [event for event in live if event.side in ("outsider", "gatekeeper", "colleague")]
    if outside and not ours:
        found.add("live:onlyothers")
    return found
