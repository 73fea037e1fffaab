"""Note text → facts (note rubric): what stands in it, who, when, how long, and what it amounts to."""

import itertools
import math
import re
from datetime import date
from typing import cast

from fhir_rpm.model import NoteFacts, TextSpan
from fhir_rpm.model.terms import Exchange, Modality, Outcome, Reason
from fhir_rpm.narrative.features import Features, classes_in, features_of, mode_of
from fhir_rpm.narrative.lengths import Length, length_features, lengths_in
from fhir_rpm.narrative.lexicon import Span, lexicon
from fhir_rpm.narrative.model import Told, between, scorers, told
from fhir_rpm.narrative.text import Note, note_of, ticked_not_reached, without_unchecked
from fhir_rpm.narrative.thread import Thread, thread_of
from fhir_rpm.narrative.when import dates_in
from fhir_rpm.narrative.who import Mention, Name, mentions_in, names_in
from fhir_rpm.narrative.words import Row, words_of

SURE_ENOUGH = 0.82
"""Below this probability that a note qualifies the reader abstains: a false `qualifies` costs most. Chosen on authors
left out of the training, for about one false `qualifies` in a hundred notes that are none."""

OF_THE_WHOLE = 0.3
"""How much the note weighed as a whole has to say in that, beside contact, content and decision weighed one by one."""

UNLIKELY = 0.4
"""The most that a decision is believed without any word that could tell one."""

_REACH = ("contact.spoke", "contact.answered", "contact.called_in", "contact.reached", "contact.says", "contact.told")
_ONE_SIDED = ("voicemail", "internal", "chart_review")
"""What no exchange with the patient's side is held over."""

_CONTACT_WORDS = {
    *_REACH,
    "contact.no_answer",
    "contact.voicemail",
    "contact.unclear",
    "contact.review",
    "contact.internal",
}
_TOTALS = re.compile(r"\b(?:total|cumulative|month(?:ly)? total|sum)\b")
_RPM = re.compile(r"\b(?:rpm|remote (?:patient |physiologic )?monitoring)\b")
_OFFICE = re.compile(r"\boffice visit\b|\bclinic visit\b|\be/m\b|\b992(?:0[2-5]|1[1-5])\b")
_SOMEHOW = re.compile(r"\b(?:in|had|made) contact with\b(?!.*\b(?:spoke|talked|said)\b)", re.DOTALL)
_WORK_WORDS = re.compile(r"\b(?:review\w*|chart\w*|coordinat\w*|documentation|documenting|data|care plan\w*|prep)\b")
_HELD_WORDS = re.compile(r"\b(?:call|phone|spoke|talked|video|chat|s/w|tc|visit|reached|with|w/)")
_BLANK_PLAN = re.compile(
    r"\b(?:plan|a/p|decision|disposition|dispo|action)\s*:[ \t]*"
    r"(?:_{2,}|\*{2,}|\[ *\]|\(?(?:left )?blank\)?|none (?:documented|entered)|tbd|n/a)?[ \t]*(?:\n|$)(?![ \t]*[-*•\d])"
)
_AGAIN = re.compile(
    r"\b(?:second|resumed|reconnect\w*|re-?established|then another|called (?:right )?back|rang back|first|"
    r"part \d|dropped|cut off|"
    r"more|plus|again|\+|x2|twice|two calls|leg)\b"
)


def read_note(text: str) -> NoteFacts:
    """What one note supports, each fact with the words behind it.

    Args:
        text: the plain text of a note, of a transcript or of a message; anything else is read as far as it goes.

    Never raises for a string, whatever it holds.
    """
    note = note_of(without_unchecked(text))
    thread = thread_of(note)
    clauses = words_of(note)
    row = Row(clauses)
    features = features_of(note, thread, clauses)
    content, decision = told("content", features), told("decision", features)
    decided = decision.share if _could_decide(note) else min(decision.share, UNLIKELY)
    not_reached = ticked_not_reached(text)
    contact, has_content, has_decision = _settled(thread, features, content.share, decided, not_reached)
    never = _ONE_SIDED if contact == "two_way" else ()
    modality = _modality(note, scorers()["modality"].best(features.note | {f"given:{contact}"}, never), thread, contact)
    participant = _participant(note, scorers()["participant"].best(features.note), contact)
    role = _role(mentions_in(note, row))
    name = _name(names_in(note, row, role))
    lengths = lengths_in(note.low)
    live = _live(note, row, lengths, thread) if contact in ("two_way", "unclear") else []
    acted = "bot" if modality == "automated" and role is None else role.role if role else None
    verdict = _verdict(contact, participant, has_content, has_decision, acted, modality)
    told_in = {"content": content if has_content else None, "decision": decision if has_decision else None}
    seconds = sum(length.seconds for length in live) if live else None
    return NoteFacts(
        contact=contact,
        modality=modality,
        participant=participant,
        staff_role=acted,
        staff_name=name.text if name else None,
        date=_date(note),
        minutes=None if seconds is None else seconds // 60,
        content=has_content,
        decision=has_decision,
        verdict=verdict,
        seconds=seconds,
        begins=live[0].begins if live else None,
        ends=live[-1].ends if live else None,
        work_minutes=_work_minutes(note, lengths, live, contact),
        exclusion=_exclusion(contact, modality, acted, note) if verdict == "excluded" else None,
        rpm_marked=_RPM.search(note.low) is not None,
        office_visit=_OFFICE.search(note.low) is not None,
        totals_only=contact in ("unclear", "none") and _is_totals(note, lengths),
        spans=tuple(_spans(text, note, contact, role, name, live, told_in)),
    )


def _settled(
    thread: Thread | None, features: Features, content: float, decision: float, not_reached: bool
) -> tuple[Exchange, bool, bool]:
    """Contact, content and decision; where all three would stand, they must be sure together.

    A transcript shows the exchange by itself. Where they are not sure, the least sure of the three gives way: a person
    can complete a record that was held back, but nobody sees one that should have been.
    """
    odds = scorers()["contact"].odds(features.note)
    contact = cast("Exchange", max(odds, key=odds.__getitem__))
    if thread is not None and thread.exchange in ("two_way", "delayed"):
        contact = cast("Exchange", thread.exchange)
    elif not_reached:
        contact = "one_way"
    shares = {"contact": 1.0 if thread else odds["two_way"], "content": content, "decision": decision}
    if contact not in ("two_way", "unclear"):
        return contact, content >= 0.5, decision >= 0.5
    whole = scorers()["verdict"].share(features.note, "qualifies")
    if between(math.prod(shares.values()), whole, OF_THE_WHOLE) >= SURE_ENOUGH:
        return "two_way", True, True
    if contact == "two_way" and min(content, decision) >= 0.5:
        weakest = min(shares, key=shares.__getitem__)
        return "unclear" if weakest == "contact" else "two_way", weakest != "content", weakest != "decision"
    return contact, content >= 0.5, decision >= 0.5


def _could_decide(note: Note) -> bool:
    """Whether a clause has words of a decision, apart from those of trying again, and no plan was left blank."""
    if _BLANK_PLAN.search(note.low):
        return False
    for clause in note.clauses:
        groups = {group for group in note.groups_in(clause) if group.startswith("decision.")}
        if groups - {"decision.not_decisions"} and (
            "decision.not_decisions" not in groups or "decision.no_change" in groups
        ):
            return True
    return False


def _role(mentions: list[Mention]) -> Mention | None:
    """The role of who acted: the mention that is likeliest, when it is likelier than not."""
    weighed = [(scorers()["role"].share(mention.features), mention) for mention in mentions]
    best = max(weighed, key=lambda item: item[0], default=(0.0, None))
    return best[1] if best[0] >= 0.5 else None


def _name(names: list[Name]) -> Name | None:
    weighed = [(scorers()["name"].share(name.features), name) for name in names]
    best = max(weighed, key=lambda item: item[0], default=(0.0, None))
    return best[1] if best[0] >= 0.5 else None


def _live(note: Note, row: Row, lengths: list[Length], thread: Thread | None) -> list[Length]:
    """The lengths that are of the exchange itself: the likeliest one, or the legs of a call that was resumed."""
    if thread is not None and thread.seconds is not None and thread.exchange == "two_way":
        return [Length(thread.seconds, (thread.turns[0].span[0], thread.turns[-1].span[1]), "sitting")]
    scorer = scorers()["length"]
    held = [length for length in lengths if length.kind == "pair" or not _is_work(note, length)]
    weighed = [(scorer.share(length_features(row, length, lengths)), length) for length in held]
    likely = [(share, length) for share, length in weighed if share >= 0.5]
    if not likely:
        return []
    best = max(likely, key=lambda item: item[0])[1]
    legs = [length for _, length in likely if length.kind == best.kind]
    apart = all(a.span[1] <= b.span[0] for a, b in itertools.pairwise(legs))
    return legs if len(legs) > 1 and apart and _AGAIN.search(note.low) else [best]


def _modality(note: Note, answer: str, thread: Thread | None, contact: str) -> Modality:
    if thread is not None:
        sides = {turn.side for turn in thread.turns}
        if "bot" in sides and not sides & {"staff", "clerk"}:
            return "automated"
        if lexicon().has("contact.mail", note.low[: thread.turns[0].span[1]]):
            return "email_or_letter"
        return answer if answer in ("email_or_letter", "video", "automated") else "secure_message"  # type: ignore[return-value]
    if contact == "two_way" and answer == "phone" and not note.found["contact.phone"]:
        if note.found["contact.video"] or note.found["contact.in_person"]:
            return "video" if note.found["contact.video"] else "in_person"
        return "unknown" if _SOMEHOW.search(note.low) and not note.found["contact.answered"] else "phone"
    if contact == "one_way" and answer in ("phone", "voicemail"):
        return _last_try(note) or cast("Modality", answer)
    return cast("Modality", answer)


def _last_try(note: Note) -> Modality | None:
    """Whether the last call told of left a message on a machine, where the text says so; None where it does not."""
    for clause in reversed(note.clauses):
        words = note.groups_in(clause)
        if "contact.no_message" in words:
            return "phone"
        if "contact.left_message" in words:
            return "voicemail"
    return None


def _participant(note: Note, answer: str, contact: str) -> str:
    if contact in ("one_way", "none"):
        return "none"
    if contact == "unclear":
        return "unknown"
    if answer == "both" and note.found["contact.speaks_for"]:
        return "caregiver"
    return answer if answer in ("patient", "caregiver", "both") else "patient"


def _verdict(contact: str, participant: str, content: bool, decision: bool, role: str | None, modality: str) -> Outcome:
    if contact in ("one_way", "delayed", "none") or modality in ("automated", "voicemail", "internal", "chart_review"):
        return "excluded"
    if contact == "two_way" and (role in ("bot", "non_clinical") or modality == "email_or_letter"):
        return "excluded"
    if contact == "two_way" and participant in ("patient", "caregiver", "both") and content and decision:
        return "qualifies"
    return "insufficient"


def _exclusion(contact: str, modality: str, role: str | None, note: Note) -> Reason:
    if modality in ("voicemail", "automated", "internal"):
        return modality  # type: ignore[return-value]
    if modality == "chart_review":
        return "data_review"
    if contact == "delayed":
        return "delayed_reply"
    if contact == "two_way":
        return "automated" if role == "bot" else "non_clinical"
    if contact == "none" or note.found["person.gatekeeper"]:
        return "wrong_party"
    return "no_answer" if modality in ("phone", "video") else "no_reply"


def _work_minutes(note: Note, lengths: list[Length], live: list[Length], contact: str) -> int | None:
    """Minutes of review or coordination: of a note of such work all, else those told beside the exchange."""
    others = [length for length in lengths if length not in live and length.kind != "pair"]
    if contact == "none":
        return max((length.seconds // 60 for length in others), default=None)
    return sum(length.seconds // 60 for length in others if _is_work(note, length)) or None


def _is_work(note: Note, length: Length) -> bool:
    """Whether the sentence of a length speaks of work on the record and not of talking."""
    words = _sentence(note, length)
    return _WORK_WORDS.search(words) is not None and _HELD_WORDS.search(words) is None


def _sentence(note: Note, length: Length) -> str:
    """The words around a length within its sentence."""
    before = re.split(r"[.;\n]\s", note.low[max(0, length.span[0] - 40) : length.span[0]])[-1]
    after = re.split(r"[.;\n](?:\s|$)", note.low[length.span[1] : length.span[1] + 40])[0]
    return f"{before} {after}"


def _date(note: Note) -> date | None:
    dates = dates_in(note.low)
    events = [item for item in dates if not item[2]] or dates
    if not events:
        return None
    telling = [
        clause
        for clause in note.clauses
        if mode_of(classes := classes_in(note, clause)) == "now" and set(classes) & set(_REACH)
    ]
    if len({day for day, _, _ in events}) == 1 or not telling:
        return events[-1][0]
    before = [day for day, span, _ in events if span[0] < telling[-1].end]
    return before[-1] if before else events[0][0]


def _is_totals(note: Note, lengths: list[Length]) -> bool:
    telling = [
        clause
        for clause in note.clauses
        if set(classes_in(note, clause)) & {*_REACH, "contact.no_answer", "contact.voicemail"}
    ]
    return bool(lengths) and _TOTALS.search(note.low) is not None and not telling and len(note.clauses) <= 4


def _spans(
    text: str,
    note: Note,
    contact: str,
    role: Mention | None,
    name: Name | None,
    live: list[Length],
    told_in: dict[str, Told | None],
) -> list[TextSpan]:
    found: list[tuple[str, Span]] = []
    for clause in note.clauses:
        classes, span = set(note.groups_in(clause)), (clause.start, clause.end)
        if classes & _CONTACT_WORDS:
            found.append(("contact", span))
        if contact == "two_way" and classes & {"person.patient", "person.caregiver"} and classes & set(_REACH):
            found.append(("participant", span))
    for fact, answer in told_in.items():
        found += [(fact, span) for span in _where(note, answer)]
    found += [("minutes", length.span) for length in live]
    found += [("date", span) for _, span, _ in dates_in(note.low)[:1]]
    found += [("staff_role", role.span)] if role else []
    found += [("staff_name", name.span)] if name else []
    return [
        TextSpan(fact=fact, start=start, end=end, text=text[start:end])
        for fact, (start, end) in sorted(set(found), key=lambda item: (item[1], item[0]))
    ]


def _where(note: Note, answer: Told | None) -> list[Span]:
    """The clauses in which something is told: each likely one, else the likeliest."""
    if answer is None or not note.clauses:
        return []
    least = min(0.5, max(answer.clauses))
    return [
        (clause.start, clause.end) for clause, share in zip(note.clauses, answer.clauses, strict=True) if share >= least
    ]
