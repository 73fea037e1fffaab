"""Note text → facts (note rubric): what stands in it, who, when, how long, and what it amounts to."""

import re
from datetime import date

from fhir_rpm.model import NoteFacts, TextSpan
from fhir_rpm.model.terms import Modality, Outcome, Reason
from fhir_rpm.narrative.features import classes_in, features_of, mode_of
from fhir_rpm.narrative.lexicon import Span, lexicon
from fhir_rpm.narrative.model import scorers
from fhir_rpm.narrative.text import Note, note_of, without_unchecked
from fhir_rpm.narrative.thread import Thread, thread_of
from fhir_rpm.narrative.when import Length, dates_in, lengths_in
from fhir_rpm.narrative.who import Actor, actor_in

SURE_ENOUGH = 0.5
"""Below this probability that a note qualifies the reader abstains: a false `qualifies` costs most."""

SURE_DESPITE_DOUBT = 0.85
"""The same for a note in which a rule found something that speaks against an exchange."""

_REACH = ("contact.spoke", "contact.answered", "contact.called_in", "contact.reached", "contact.says", "contact.told")
_TOTALS = re.compile(r"\b(?:total|cumulative|month(?:ly)? total|sum)\b")
_RPM = re.compile(r"\b(?:rpm|remote (?:patient |physiologic )?monitoring)\b")
_OFFICE = re.compile(r"\boffice visit\b|\bclinic visit\b|\be/m\b|\b992(?:0[2-5]|1[1-5])\b")
_NOT_LIVE = re.compile(
    r"(?:review\w*|chart\w*|documentation|documenting|doc|data|coordination|coord\w*|prep|total|"
    r"month|hold|waited|wait|rest\w*|walk\w*|sat|every|q|within|past|last|after|next|in|"
    r"recheck(?:ed)?|repeat(?:ed)?|another|exercise|window)\W*(?:time\W*)?(?:of |for |x ?|is |"
    r"was |the |~|about )*$"
)
_NOT_LIVE_AFTER = re.compile(
    r"^\W*(?:ago|later|before|after|rest\w*|walk\w*|of (?:review|documentation|walking|exercise|"
    r"chart|data)|(?:chart|data|documentation|review|coordination|prep|hold|on hold|late|apart|"
    r"a day|daily|per day|each|window|delay|early|total (?:this|for)))"
)
_WORK = ("contact.review", "contact.internal")
_WORK_WORDS = re.compile(r"\b(?:review\w*|chart\w*|coordinat\w*|documentation|documenting|data|care plan\w*|prep)\b")
_NO_CHANGE = re.compile(
    r"\bno (?:\w+ ){0,3}(?:changes?|chgs?|adjustments?)\b|\bcontinue (?:\w+ ){0,4}(?:plan|dose|"
    r"doses|meds?|medications?|regimen|mg|daily|same|current)|\bsame (?:plan|dose|meds|"
    r"regimen)\b|\brecheck\b|\bstay (?:at|on)\b"
)
_NO_MESSAGE = re.compile(r"\bno (?:message|msg|vm|voicemail)\b|full|not set up|without (?:leaving )?(?:a )?message")
_SPOKE_WITH = re.compile(
    r"(?<![\w/])(?:spoke|spoken|s/w|sw|talked|t/w|chatted|conversed|reached|got (?:a )?hold of|"
    r"call(?:ed)? with|tc w/|conversation with|conv\. with)(?![\w/])"
)
_SPEAKS = re.compile(
    r"^\W*(?:reports?|states?|denies|denied|says|said|c/o|admits?|feels|verbalized|agrees|understands|endorses)\b"
)
_DENIED = re.compile(r"\b(?:not|n't|never|no|unable|didn't|without|will|to be|plan|attempted|tried|could ?not)\b")
_HELD_WORDS = re.compile(r"\b(?:call|phone|spoke|talked|video|chat|s/w|tc|visit|reached|with|w/)")
_AGAIN = re.compile(
    r"\b(?:second|resumed|reconnected|re-?established|then another|called (?:right )?back|first leg|part \d|dropped)\b"
)


def read_note(text: str) -> NoteFacts:
    """What one note supports, each fact with the words behind it.

    Args:
        text: the plain text of a note, of a transcript or of a message; anything else is read as far as it goes.

    Never raises for a string, whatever it holds.
    """
    note = note_of(without_unchecked(text))
    thread = thread_of(note)
    features = features_of(note, thread)
    odds = {question: scorer.odds(features) for question, scorer in scorers().items()}
    actor = actor_in(note)
    contact, content, decision = _settled(note, thread, features, odds, actor)
    lengths = list(lengths_in(note.low))
    live = _live(note, lengths) if contact in ("two_way", "unclear") else []
    seconds = _seconds(live, thread, contact)
    modality = _modality(note, _best(odds["modality"]), thread, contact)
    participant = _participant(_best(odds["participant"]), contact)
    role = _role(actor, modality)
    verdict = _verdict(contact, participant, content, decision, role, modality)
    totals = contact in ("unclear", "none") and _is_totals(note, lengths)
    return NoteFacts(
        contact=contact,
        modality=modality,
        participant=participant,
        staff_role=role,
        staff_name=actor.name if actor else None,
        date=_date(note),
        minutes=None if seconds is None else seconds // 60,
        content=content,
        decision=decision,
        verdict=verdict,
        seconds=seconds,
        begins=live[0].begins if live else None,
        ends=live[-1].ends if live else None,
        work_minutes=_work_minutes(note, lengths, live, contact),
        exclusion=_exclusion(contact, modality, role, note) if verdict == "excluded" else None,
        rpm_marked=_RPM.search(note.low) is not None,
        office_visit=_OFFICE.search(note.low) is not None,
        totals_only=totals,
        spans=tuple(_spans(text, note, actor, live, content, decision, contact)),
    )


def _settled(
    note: Note, thread: Thread | None, features: frozenset[str], odds: dict[str, dict[str, float]], actor: Actor | None
) -> tuple[str, bool, bool]:
    """Contact, content and decision: all three when the note as a whole convinces, else the least sure one gives way."""
    contact = _best(odds["contact"])
    if thread is not None and thread.exchange in ("two_way", "delayed"):
        contact = thread.exchange
    content, decision = _best(odds["content"]) == "True", _best(odds["decision"]) == "True"
    if contact in ("one_way", "none", "delayed"):
        return contact, content, decision
    doubted = any(feature.startswith("doubt:") for feature in features)
    if odds["verdict"]["qualifies"] >= (SURE_DESPITE_DOUBT if doubted else SURE_ENOUGH) and _decided(note, True):
        return "two_way", True, True
    if contact == "two_way" and content and decision:
        shares = {"contact": odds["contact"]["two_way"] if thread is None else 1.0}
        shares |= {name: odds[name]["True"] for name in ("content", "decision")}
        weakest = min(shares, key=shares.__getitem__)
        return "unclear" if weakest == "contact" else contact, weakest != "content", weakest != "decision"
    return contact, content, decision


def _best(odds: dict[str, float]) -> str:
    return max(odds, key=odds.__getitem__)


def _live(note: Note, lengths: list[Length]) -> list[Length]:
    """The lengths that are of the exchange itself."""
    kept = []
    for length in lengths:
        before, after = _beside(note, length)
        worked = _WORK_WORDS.search(before) is not None and not _HELD_WORDS.search(before)
        if not worked and not _NOT_LIVE.search(before) and not _NOT_LIVE_AFTER.search(after):
            kept.append(length)
    clocked = [length for length in kept if length.begins is not None]
    if clocked and not _AGAIN.search(note.low):
        return clocked[-1:]
    return kept if _AGAIN.search(note.low) else kept[-1:]


def _beside(note: Note, length: Length) -> tuple[str, str]:
    """The words before and after a length within its sentence."""
    before = re.split(r"[.;\n]\s", note.low[max(0, length.span[0] - 40) : length.span[0]])[-1]
    after = re.split(r"[.;\n](?:\s|$)", note.low[length.span[1] : length.span[1] + 40])[0]
    return before, after


def _seconds(live: list[Length], thread: Thread | None, contact: str) -> int | None:
    if thread is not None and thread.seconds is not None and contact == "two_way":
        return thread.seconds
    return sum(length.seconds for length in live) if live else None


def _modality(note: Note, answer: str, thread: Thread | None, contact: str) -> Modality:
    if thread is not None:
        sides = {turn.side for turn in thread.turns}
        if "bot" in sides and not sides & {"staff", "clerk"}:
            return "automated"
        if lexicon().has("contact.mail", note.low[: thread.turns[0].span[1]]):
            return "email_or_letter"
        return answer if answer in ("email_or_letter", "video", "automated") else "secure_message"  # type: ignore[return-value]
    if contact == "one_way" and answer in ("phone", "voicemail"):
        return "voicemail" if _left_message(note) else "phone"
    if contact == "none" and answer in ("phone", "video", "unknown", "secure_message"):
        return _work_modality(note)
    return answer  # type: ignore[return-value]


def _left_message(note: Note) -> bool:
    """Whether the last attempt told of ended in a message on a machine."""
    for clause in reversed(note.clauses):
        if _NO_MESSAGE.search(clause.text):
            return False
        if lexicon().has("contact.voicemail", clause.text):
            return True
    return False


def _work_modality(note: Note) -> Modality:
    words = lexicon()
    if words.has("contact.internal", note.low):
        return "internal"
    if words.has("person.outsider", note.low) and words.has("contact.phone", note.low):
        return "phone"
    return "chart_review"


def _contact(note: Note, thread: Thread | None, answer: str) -> str:
    """The exchange: as a transcript shows it, else as the text plainly says, else as the model weighs it."""
    if thread is not None and thread.exchange in ("two_way", "delayed"):
        return thread.exchange
    if answer in ("unclear", "two_way") and _reached(note):
        return "two_way"
    return answer


def _decided(note: Note, likely: bool) -> bool:
    """Whether a decision is told: plainly, or likely by the model and by words that could be one."""
    words = lexicon()
    possible = False
    for clause in note.clauses:
        classes = set(classes_in(clause))
        if words.has("decision.not_decisions", clause.text) and "decision.no_change" not in classes:
            continue
        treated = classes & {"content.medicines", "number.dose"}
        plain = (
            _NO_CHANGE.search(clause.text) is not None
            or ("decision.change" in classes and "number.dose" in classes)
            or ("decision.notify" in classes and "person.doctor" in classes)
        )
        if plain and mode_of(list(classes)) != "past":
            return True
        possible = possible or bool(treated and classes & {"decision.change", "decision.no_change"})
        possible = possible or bool(
            classes & {"decision.no_change", "decision.follow", "decision.notify", "decision.advise"}
        )
    return likely and possible


def _took_part(note: Note) -> bool:
    """Whether the text shows the patient's side doing something: speaking, answering, calling, being spoken with."""
    words = lexicon()
    for clause in note.clauses:
        if words.has("context.hypothetical", clause.text) or words.has("contact.none_made", clause.text):
            continue
        classes = set(classes_in(clause))
        acts = classes & {"contact.says", "contact.answered", "contact.called_in", "contact.reached"}
        acts |= classes & {"contact.spoke", "contact.video", "contact.in_person"}
        if acts and classes & {"person.patient", "person.caregiver", "person.pronoun"}:
            return True
        if _SPEAKS.search(clause.text):
            return True
    return False


def _reached(note: Note) -> bool:
    """Whether the text plainly says that somebody on the patient's side was spoken with, and nothing takes it back."""
    words = lexicon()
    for clause in reversed(note.clauses):
        if words.has("context.hypothetical", clause.text) or words.has("contact.none_made", clause.text):
            continue
        spoken = _SPOKE_WITH.search(clause.text)
        if spoken is not None and not _DENIED.search(clause.text[: spoken.end()]):
            beside = clause.text[spoken.start() : spoken.end() + 40]
            if any(words.has(f"person.{side}", beside) for side in ("patient", "caregiver")):
                return True
        if words.has("contact.no_answer", clause.text) or words.has("contact.voicemail", clause.text):
            return False
    return False


def _participant(answer: str, contact: str) -> str:
    if contact in ("one_way", "none"):
        return "none"
    if contact == "unclear":
        return "unknown"
    return answer if answer in ("patient", "caregiver", "both") else "patient"


def _role(actor: Actor | None, modality: Modality):  # type: ignore[no-untyped-def]
    return "bot" if modality == "automated" and (actor is None or actor.role is None) else actor.role if actor else None


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
    words = lexicon()
    if contact == "none" or words.has("person.gatekeeper", note.low):
        return "wrong_party"
    return "no_answer" if modality in ("phone", "video") else "no_reply"


def _work_minutes(note: Note, lengths: list[Length], live: list[Length], contact: str) -> int | None:
    """Minutes of review or coordination: of a note of such work all, else those told beside the exchange."""
    others = [length for length in lengths if length not in live]
    if contact == "none":
        return max((length.seconds // 60 for length in others), default=None)
    told = [length.seconds // 60 for length in others if _WORK_WORDS.search(" ".join(_beside(note, length)))]
    return sum(told) or None


def _date(note: Note) -> date | None:
    dates = dates_in(note.low)
    events = [item for item in dates if not item[2]] or dates
    if not events:
        return None
    telling = [
        clause
        for clause in note.clauses
        if mode_of(classes := classes_in(clause)) == "now" and set(classes) & set(_REACH)
    ]
    if len({day for day, _, _ in events}) == 1 or not telling:
        return events[-1][0]
    before = [day for day, span, _ in events if span[0] < telling[-1].end]
    return before[-1] if before else events[0][0]


def _is_totals(note: Note, lengths: list[Length]) -> bool:
    telling = [
        clause
        for clause in note.clauses
        if set(classes_in(clause)) & {*_REACH, "contact.no_answer", "contact.voicemail"}
    ]
    return bool(lengths) and _TOTALS.search(note.low) is not None and not telling and len(note.clauses) <= 4


def _spans(
    text: str, note: Note, actor: Actor | None, live: list[Length], content: bool, decision: bool, contact: str
) -> list[TextSpan]:
    found: list[tuple[str, Span]] = []
    for clause in note.clauses:
        classes = set(classes_in(clause))
        if classes & {
            *_REACH,
            "contact.no_answer",
            "contact.voicemail",
            "contact.unclear",
            "contact.review",
            "contact.internal",
        }:
            found.append(("contact", (clause.start, clause.end)))
        if contact == "two_way" and classes & {"person.patient", "person.caregiver"} and classes & set(_REACH):
            found.append(("participant", (clause.start, clause.end)))
        if content and classes & {"content.readings", "content.symptoms", "content.medicines", "content.devices"}:
            found.append(("content", (clause.start, clause.end)))
        if decision and any(name.startswith("decision.") for name in classes):
            found.append(("decision", (clause.start, clause.end)))
    found += [("minutes", length.span) for length in live]
    found += [("date", span) for _, span, _ in dates_in(note.low)[:1]]
    if actor is not None:
        found += [("staff_role", actor.span)] if actor.role else []
        found += [("staff_name", actor.span)] if actor.name else []
    return [
        TextSpan(fact=fact, start=start, end=end, text=text[start:end])
        for fact, (start, end) in sorted(set(found), key=lambda item: (item[1], item[0]))
    ]
