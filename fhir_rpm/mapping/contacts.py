"""A group of fragments → one contact; where sources disagree, the one that speaks against billing wins."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from fhir_rpm.mapping.fragment import Fragment, Length
from fhir_rpm.mapping.grouping import Group, as_held, modality_of
from fhir_rpm.mapping.names import names_agree
from fhir_rpm.mapping.notes import told_date
from fhir_rpm.mapping.people import Person, is_same_person
from fhir_rpm.mapping.staff import settled_role
from fhir_rpm.model import Evidence, Finding, InteractiveCommunication, NoteFacts, Participant
from fhir_rpm.model.terms import Exchange, Modality, PatientSide, Reason
from fhir_rpm.month import FhirTime, Interval

_BY_EXCHANGE: dict[tuple[str, str], Reason] = {
    ("one_way", "voicemail"): "voicemail",
    ("one_way", "phone"): "no_answer",
    ("one_way", "video"): "no_answer",
    ("none", "internal"): "internal",
    ("none", "chart_review"): "data_review",
    ("none", "phone"): "wrong_party",
}
_NOBODY_REACHED = ("voicemail", "no_answer", "automated", "no_reply", "delayed_reply", "not_done")
_STAFF_PATHS = {"Encounter": "Encounter.participant", "Communication": "Communication.sender", "Call": "staff"}
_AGAINST_BILLING = ("none", "one_way", "delayed", "two_way", "unclear")


def contact_of(
    group: Group, listed: Callable[[Person], Person] = lambda person: person
) -> tuple[InteractiveCommunication, list[Finding]]:
    """The contact that a group of fragments tells of, and what is to be said about how they agree.

    Args:
        group: the fragments of one event.
        listed: gives somebody whom only a text names the role that the staff directory knows.
    """
    told = _decisive(group)
    exchange = _exchange(group, told)
    modality = _modality(group, told)
    barred = _barred(group, told, exchange, modality)
    exchange = "unclear" if exchange == "none" and barred is None else exchange
    seconds, interval, lengths = _length(group, told, barred, modality)
    sources = tuple(dict.fromkeys(source for item in group for source in item.sources))
    contact = InteractiveCommunication(
        sources=sources,
        modality=modality,
        start=_start(group, interval),
        exchange=exchange,
        staff=tuple(_staff(group, told, listed)),
        participant=_participant(group, told, exchange),
        seconds=seconds,
        intervals=(interval,) if interval else (),
        work_seconds=_work_seconds(group, barred, lengths or _logged_aside(group)),
        content=any(item.told.content for item in group if item.told),
        decision=any(item.told.decision for item in group if item.told),
        barred=barred,
        programmes=tuple(sorted({code for item in group for code in item.programmes})),
        rpm_marked=any(item.rpm_marked for item in group),
        office_visit=any(item.office_visit for item in group),
        evidence=_evidence(group, lengths),
    )
    return contact, [*_disagreements(group, contact, lengths), *_remarks(contact, told)]


def _texts(group: Iterable[Fragment]) -> list[tuple[Fragment, NoteFacts]]:
    return [(item, item.told) for item in group if item.told is not None and not item.told.totals_only]


def _decisive(group: Group) -> NoteFacts | None:
    """The text that decides: of notes the last event told, between kinds of sources the one worse for billing."""
    by_kind: dict[str, list[NoteFacts]] = {}
    for item, told in _texts(group):
        if item.exchange is None:
            by_kind.setdefault(item.kind, []).append(told)
    last = [_last_event(facts) for facts in by_kind.values()]
    return min(last, key=lambda told: _AGAINST_BILLING.index(told.contact), default=None)


def _last_event(facts: list[NoteFacts]) -> NoteFacts:
    for wanted in (("two_way", "one_way", "delayed"), ("unclear",)):
        telling = [told for told in facts if told.contact in wanted]
        if telling:
            return telling[-1]
    return facts[-1]


def _unreached(group: Group) -> Reason | None:
    """Why the phone system says that nobody was reached; of several calls the last tells what happened."""
    calls = [item.logged for item in sorted(group, key=lambda item: item.rank) if item.kind == "Call"]
    last = calls[-1] if calls else None
    return None if last in ("answered", None) else "voicemail" if last == "voicemail" else "no_answer"


def _logged_aside(group: Group) -> list[Length]:
    """What was recorded of a call that reached nobody: no work beside it, though a text calls it so."""
    return [length for item in group for length in item.lengths] if _unreached(group) else []


def _exchange(group: Group, told: NoteFacts | None) -> Exchange:
    if _unreached(group):
        return "one_way"
    structured = [item.exchange for item in group if item.exchange is not None]
    if told is not None and told.contact == "none" and told.modality == "unknown" and told.exclusion is None:
        told = None
    if told is not None:
        found: list[Exchange] = [told.contact, *(item for item in structured if item != "two_way")]
        return min(found, key=_AGAINST_BILLING.index)
    if structured:
        return min(structured, key=_AGAINST_BILLING.index)
    return "none" if any(item.barred in ("internal", "data_review") for item in group) else "unclear"


def _modality(group: Group, told: NoteFacts | None) -> Modality:
    if _unreached(group) == "voicemail":
        return "voicemail"
    stated = [item.modality for item in group if item.modality is not None]
    sittings = [item.modality for item in group if item.exchange is not None and item.modality is not None]
    if sittings:
        return sittings[0]
    for work in ("automated", "chart_review", "internal"):
        if work in stated:
            return work
    if "in_person" in stated and (told is None or told.modality in ("unknown", "chart_review", "internal")):
        return "in_person"
    if told is not None and told.modality != "unknown":
        return as_held(told.modality, group)
    return modality_of(group) if told is None else (stated[0] if stated else "unknown")


def _barred(group: Group, told: NoteFacts | None, exchange: Exchange, modality: Modality) -> Reason | None:
    structured = [item.barred for item in group if item.barred is not None]
    for reason in ("not_done", "automated", "internal", "data_review"):
        if reason in structured:
            return reason
    if (unreached := _unreached(group)) is not None:
        return unreached
    if modality == "in_person" and exchange == "none":
        return None
    if told is not None and told.verdict == "excluded" and told.exclusion is not None:
        return told.exclusion
    if modality == "automated":
        return "automated"
    if exchange == "delayed":
        return "delayed_reply"
    found = _BY_EXCHANGE.get((exchange, modality))
    return found or ("no_reply" if exchange == "one_way" else structured[0] if structured else None)


def _length(
    group: Group, told: NoteFacts | None, barred: Reason | None, modality: Modality
) -> tuple[int | None, Interval | None, list[Length]]:
    """Seconds, their place in time, and the structured lengths; the smaller of two that differ counts (rule 2.5)."""
    lengths = [length for item in group for length in item.lengths]
    if barred in _NOBODY_REACHED or modality == "voicemail" or any(item.withheld for item in group):
        return None, None, []
    narrated = [seconds for item, facts in _texts(group) if (seconds := _narrated(item, facts, barred)) is not None]
    choices = [length.seconds for length in lengths]
    smallest = min(choices, default=None)
    for seconds in narrated:
        if smallest is None or seconds // 60 < smallest // 60:
            smallest = seconds
    if smallest is None:
        return None, None, lengths
    start = _clock(group, lengths, told)
    return smallest, _interval(start, smallest), lengths


def _narrated(item: Fragment, facts: NoteFacts, barred: Reason | None) -> int | None:
    if item.exchange not in (None, "none"):  # a sitting is timed by its messages, whatever minutes they talk about
        return None
    if facts.seconds is not None:
        return facts.seconds
    minutes = facts.minutes
    if minutes is None and barred in ("data_review", "internal"):
        minutes = facts.work_minutes
    return None if minutes is None else minutes * 60


def _clock(group: Group, lengths: list[Length], told: NoteFacts | None) -> datetime | None:
    """When what was held began: by a recorded length, else the text, else the structure; never by the filing."""
    placed = [length.interval.start for length in lengths if length.interval is not None]
    if placed:
        return min(placed)
    day = next((item.start.earliest for item in group if item.start is not None and item.start.day is not None), None)
    begins = told.begins if told is not None else None
    if told is not None and told.contact == "none":
        begins = next((item.clocked for item in group if item.told is told), None)
    if day is not None and begins is not None:
        return datetime.combine(day.date(), begins, day.tzinfo)
    begun = (item.start for item in group if item.kind != "DocumentReference" and item.exchange is None)
    return next((start.instant for start in begun if start is not None and start.instant is not None), None)


def _interval(start: datetime | None, seconds: int) -> Interval | None:
    if start is None or seconds <= 0:
        return None
    opening = Interval(start, start)
    try:
        return Interval(opening.start, opening.start + timedelta(seconds=seconds))
    except OverflowError:
        return None


def _start(group: Group, interval: Interval | None) -> FhirTime | None:
    first = _stated_start(group)
    if first is None:
        return None
    if first.precision == "day" and interval is not None:
        return FhirTime(interval.start.astimezone(first.earliest.tzinfo), "time")
    return first


def _stated_start(group: Group) -> FhirTime | None:
    """The first start stated; one of a year or a month only is completed by a date within it that a text tells."""
    first = next((item.start for item in group if item.start is not None), None)
    zone = first.earliest.tzinfo if first is not None else None
    if first is None or zone is None or first.day is not None:
        return first
    told = [date for _, facts in _texts(group) if (date := told_date(facts, zone)) is not None]
    return next((date for date in told if str(date).startswith(str(first))), first)


def _work_seconds(group: Group, barred: Reason | None, lengths: list[Length]) -> int | None:
    """Work told beside an exchange; as long as the record, in a text without another length, it is the exchange."""
    if barred in ("data_review", "internal", "not_done", "automated"):
        return None
    recorded = {length.seconds // 60 for length in lengths}
    told = [facts for _, facts in _texts(group) if facts.seconds is not None or facts.work_minutes not in recorded]
    minutes = [facts.work_minutes for facts in told if facts.work_minutes is not None]
    return min(minutes) * 60 if minutes else None


def _participant(group: Group, told: NoteFacts | None, exchange: Exchange) -> PatientSide | None:
    if exchange == "none":
        return None
    named = {item.participant for item in group if item.participant is not None}
    spoken = {facts.participant for _, facts in _texts(group) if facts.participant in ("patient", "caregiver", "both")}
    if told is not None and exchange == "one_way":
        return None
    sides = named | spoken
    if "both" in sides or {"patient", "caregiver"} <= sides:
        return "both"
    return next(iter(sides), None)


def _staff(group: Group, told: NoteFacts | None, listed: Callable[[Person], Person]) -> list[Participant]:
    """Who spoke: the note's author, else who signed it, else who the structure names (assessment §6)."""
    authors = [person for item in group if item.kind == "DocumentReference" for person in item.staff]
    others = _others(group)
    signers = [person for item in group for person in item.signers]
    known = [person for person in authors if person.name is not None]
    speakers = known or [person for person in others if person.name is not None or person.role is not None]
    if told is not None and not known and told.staff_name is not None:
        named = [*signers, *others]
        speakers = [person for person in named if person.name and names_agree(person.name, told.staff_name)]
        speakers = speakers or [_told_person(told, listed)]
    elif not known and signers:
        speakers = signers
    completed = [_completed(person, [*authors, *signers, *others], told) for person in speakers]
    if not completed and told is not None and (told.staff_name or told.staff_role):
        completed = [_told_person(told, listed).participant]
    return list(dict.fromkeys(completed))


def _told_person(told: NoteFacts, listed: Callable[[Person], Person]) -> Person:
    return listed(Person("staff", None, told.staff_name, told.staff_role))


def _others(group: Group) -> list[Person]:
    """Whom the structure names; somebody whom a call log names too is one, and no clinician where either says so."""
    named = [person for item in group if item.kind not in ("DocumentReference", "Call") for person in item.staff]
    for caller in (person for item in group if item.kind == "Call" for person in item.staff):
        place = next((place for place, person in enumerate(named) if is_same_person(person, caller)), None)
        if place is None:
            named.append(caller)
        else:
            named[place] = replace(named[place], role=settled_role(named[place].role, caller.role))
    return named


def _completed(person: Person, mentions: list[Person], told: NoteFacts | None) -> Participant:
    same = [other for other in mentions if is_same_person(person, other)]
    name = person.name or next((other.name for other in same if other.name), None)
    role = person.role or next((other.role for other in same if other.role), None)
    if told is not None:
        agrees = told.staff_name is None or name is None or names_agree(name, told.staff_name)
        name = name or told.staff_name
        role = role or (told.staff_role if agrees else None)
    return Participant(name=name, role=role)


def _evidence(group: Group, lengths: list[Length]) -> tuple[Evidence, ...]:
    found = [evidence for item in group for evidence in item.evidence]
    found += [
        Evidence(element="minutes", value=length.seconds // 60, source=length.source, path=length.path)
        for length in lengths
    ]
    for item in group:
        path = _STAFF_PATHS.get(item.kind, "DocumentReference.author")
        for person in item.staff:
            for element, value in (("staff_name", person.name), ("staff_role", person.role)):
                source, where = item.sources[0], path
                if element == "staff_role" and person.listed:
                    source, where = "staff-directory", "role"
                if value is not None:
                    found.append(Evidence(element=element, value=value, source=source, path=where))
    return tuple(dict.fromkeys(found))


def _disagreements(group: Group, contact: InteractiveCommunication, lengths: list[Length]) -> list[Finding]:
    found = []
    minutes = {length.seconds // 60 for length in lengths}
    minutes |= {s // 60 for item, facts in _texts(group) if (s := _narrated(item, facts, contact.barred)) is not None}
    if contact.seconds is not None and len(minutes) > 1:
        message = (
            f"The sources give different lengths ({', '.join(map(str, sorted(minutes)))} minutes); the smaller counts."
        )
        found.append(_finding("minutes_conflict", contact, message))
    stated = {item.modality for item in group if item.modality is not None and item.exchange is None}
    found += _disagreements_with_others(group, contact)
    unreached = _unreached(group)
    told = contact.barred not in (None, "not_done") and unreached is None
    if told and stated & {"phone", "video"} and contact.modality not in stated:
        structured = " and ".join(sorted(stated))
        message = f"The structured record says {structured}, the text says {contact.modality}; the text decides."
        found.append(_finding("sources_disagree", contact, message))
    if contact.barred in ("internal", "data_review") and any(f.contact == "two_way" for _, f in _texts(group)):
        message = "The text tells of an exchange with the patient; file a note of that contact itself."
        found.append(_finding("note_of_contact_needed", contact, message))
    return found


def _disagreements_with_others(group: Group, contact: InteractiveCommunication) -> list[Finding]:
    """Where the call log or the staff directory contradicts the record."""
    found = []
    held = any(item.lengths for item in group) or any(facts.contact == "two_way" for _, facts in _texts(group))
    if held and _unreached(group):
        message = "The call log says that nobody was reached, the record tells of a call; the log decides."
        found.append(_finding("sources_disagree", contact, message))
    if any(person.disputed for item in group for person in item.staff):
        message = "The staff directory gives another role than the record; the one that speaks against billing counts."
        found.append(_finding("staff_role_conflict", contact, message))
    return found


def _remarks(contact: InteractiveCommunication, told: NoteFacts | None) -> list[Finding]:
    found = []
    if (
        told is not None
        and told.date is not None
        and contact.start is not None
        and contact.start.day not in (None, told.date)
    ):
        found.append(
            _finding("date_conflict", contact, "The text gives another date than the structured record, which decides.")
        )
    return found


def _finding(code: str, contact: InteractiveCommunication, message: str) -> Finding:
    return Finding(code=code, severity="warning", sources=contact.sources, message=message)
