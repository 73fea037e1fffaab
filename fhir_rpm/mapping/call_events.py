"""Which logged calls and which FHIR evidence speak of one event; no minute of a call is counted twice."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from fhir_rpm.mapping.contacts import contact_of
from fhir_rpm.mapping.fragment import SAME_EVENT, Fragment, elapsed, starts_apart
from fhir_rpm.mapping.grouping import Group, clock_of, in_order, modality_of
from fhir_rpm.mapping.people import is_same_person
from fhir_rpm.model import Finding, InteractiveCommunication

FILED_LATE = timedelta(days=7)
"""How long after a call a note of it may be dated; as far as a pull reaches beyond the month."""

_SPOKEN = ("phone", "video", "voicemail", "unknown")


def with_calls(groups: list[Group], calls: Iterable[Fragment]) -> tuple[list[Group], list[Finding]]:
    """The events of FHIR evidence and of logged calls together.

    A call joins the event whose Encounter it names, else the nearest that the record places within 15 minutes of it
    or within its length, over the same channel, unless other staff held it. Calls never join each other: a log tells
    them apart.
    """
    joined = [list(group) for group in groups]
    alone: list[Fragment] = []
    for call in calls:
        place = _event_of(call, groups)
        if place is None:
            alone.append(call)
        else:
            joined[place].append(call)
    untouched = [group for group, before in zip(joined, groups, strict=True) if len(group) == len(before)]
    withheld = _withheld(alone, untouched)
    alone = [replace(call, withheld=call.sources[0] in withheld) for call in alone]
    findings = [_may_be_counted(source, contact) for source, contact in withheld.items()]
    findings += [finding for call in alone for finding in _denied(call, groups)]
    return [in_order(group) for group in (*joined, *([call] for call in alone))], findings


def _event_of(call: Fragment, groups: list[Group]) -> int | None:
    named = [place for place, group in enumerate(groups) if _names(call, group)]
    near = named or [place for place, group in enumerate(groups) if _is_near(call, group) and not _was_never(group)]
    return min(near, key=lambda place: (_distance(call, groups[place]), groups[place][0].sources), default=None)


def _names(call: Fragment, group: Group) -> bool:
    sources = {source for item in group for source in item.sources}
    return bool(set(call.encounters) & sources) and all(item.exchange is None for item in group)


def _is_near(call: Fragment, group: Group) -> bool:
    clock = clock_of(group)
    if clock is None or call.clock is None:
        return False
    if any(item.exchange is not None for item in group) or not _channels_agree(call, modality_of(group)):
        return False
    return (not starts_apart(call.clock, clock, SAME_EVENT) or _overlaps(call, group)) and _staff_agree(call, group)


def _was_never(group: Group) -> bool:
    return any(item.barred == "not_done" for item in group)


def _denied(call: Fragment, groups: list[Group]) -> Iterable[Finding]:
    """What is cancelled joins nothing (assessment §2, rule 2), but a person should know that it stands there."""
    for group in groups:
        if _was_never(group) and _is_near(call, group):
            message = "The record says that a contact at the time of this logged call never took place; check both."
            yield _warning("sources_disagree", (*call.sources, *group[0].sources), message)


def _distance(call: Fragment, group: Group) -> timedelta:
    clock = clock_of(group)
    return timedelta.max if clock is None or call.clock is None else abs(elapsed(call.clock, clock))


def _channels_agree(call: Fragment, modality: str) -> bool:
    """Whether the log's channel can be the record's; a voicemail told is how a call by phone ended."""
    if modality not in _SPOKEN:
        return False
    return call.modality is None or modality in ("unknown", call.modality) or modality == "voicemail"


def _overlaps(call: Fragment, group: Group) -> bool:
    ours = [length.interval for length in call.lengths if length.interval is not None]
    theirs = [length.interval for item in group for length in item.lengths if length.interval is not None]
    return any(a.start < b.end and b.start < a.end for a in ours for b in theirs)


def _staff_agree(call: Fragment, group: Group) -> bool:
    """Whether the same person can have held both: unless both name somebody, and nobody is the same."""
    ours = [person for person in call.staff if person.key]
    theirs = [person for item in group for person in (*item.staff, *item.signers) if person.key]
    return not (ours and theirs) or any(is_same_person(a, b) for a in ours for b in theirs)


def _withheld(alone: list[Fragment], groups: list[Group]) -> dict[str, InteractiveCommunication]:
    """Calls whose length a record without its own time may already count, each with that record's contact.

    A note is often dated when it was filed, hours or days after the call. Each such record stands for one call at
    most: the latest that can be its.
    """
    found: dict[str, InteractiveCommunication] = {}
    contacts = [(group, contact_of(group)[0]) for group in groups if any(map(_has_length, alone))]
    for group, contact in sorted(contacts, key=lambda pair: _begins(pair[1])):
        taken = [call for call in alone if _has_length(call) and _may_be(call, group, contact)]
        free = [call for call in taken if call.sources[0] not in found]
        latest = max(free, key=lambda call: (str(call.rank), call.sources), default=None)
        if latest is not None:
            found[latest.sources[0]] = contact
    return found


def _begins(contact: InteractiveCommunication) -> str:
    return f"{contact.start.earliest.isoformat() if contact.start else ''} {contact.sources[0]}"


def _has_length(call: Fragment) -> bool:
    return bool(call.lengths) or (call.told is not None and call.told.minutes is not None)


def _may_be(call: Fragment, group: Group, contact: InteractiveCommunication) -> bool:
    """Whether a contact with a length, which nothing places where the call was, may nevertheless be that call."""
    begun = contact.start.earliest if contact.start is not None else None
    if begun is None or call.clock is None or contact.seconds is None or contact.barred is not None:
        return False
    if not _channels_agree(call, contact.modality) or not _staff_agree(call, group):
        return False
    only_notes = all(item.kind == "DocumentReference" for item in group)
    days = (begun.date() - call.clock.date()).days
    if not 0 <= days <= (FILED_LATE.days if only_notes else 0):
        return False
    return not contact.intervals or (only_notes and days > 0 and _same_hour(call.clock, contact))


def _same_hour(clock: datetime, contact: InteractiveCommunication) -> bool:
    """Whether a note that was dated later tells of the call's time of day."""
    told = contact.intervals[0].start.astimezone(clock.tzinfo)
    return abs(datetime.combine(clock.date(), told.time()) - clock.replace(tzinfo=None)) <= SAME_EVENT


def _may_be_counted(source: str, contact: InteractiveCommunication) -> Finding:
    message = (
        "This logged call may be the one that the record tells of without its time, so its length is not added. "
        "Give the record the time of the call, or the log the record's Encounter."
    )
    return _warning("call_may_be_on_record", (source, *contact.sources), message)


def _warning(code: str, sources: tuple[str, ...], message: str) -> Finding:
    return Finding(code=code, severity="warning", sources=sources, message=message)
