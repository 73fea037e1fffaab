"""Which fragments speak of one event (assessment §2 rule 2, §6)."""

from collections import defaultdict
from datetime import UTC, datetime

from fhir_rpm.mapping.fragment import SAME_EVENT, Fragment, starts_apart
from fhir_rpm.mapping.people import is_same_person
from fhir_rpm.model.terms import Modality

Group = list[Fragment]
"""Fragments of one event: its Encounter first, then Communications, logged calls, then notes in order of time."""


def group_events(encounters: dict[str, Fragment], others: list[Fragment]) -> list[Group]:
    """Fragments gathered by reference to an Encounter or to the note they append, then by modality, staff and start."""
    linked: dict[str, Group] = defaultdict(list)
    groups: list[Group] = []
    for fragment in others:
        known = next((key for key in fragment.encounters if key in encounters), None)
        linked[known or fragment.appends or fragment.sources[0]].append(fragment)
    for key, fragment in encounters.items():
        if "#" in key and key not in linked:  # contained in what was dropped
            continue
        told, beside = _told_of(fragment, linked.pop(key, []))
        first, *separate = _events(told)
        groups += [[fragment, *first], *separate, *([item] for item in beside)]
    for group in linked.values():
        groups += _events(group)
    return _joined([group for group in groups if not all(map(_is_silent, group))])


def _told_of(encounter: Fragment, linked: Group) -> tuple[Group, Group]:
    """What tells of the Encounter, and what only references it: a reminder, a draft or an attempt is its own event."""
    others = [item for item in linked if not _is_message(item)]
    spoken = any(map(_tells_of_speaking, (encounter, *others)))
    held = any(item.told is not None and item.told.contact == "two_way" and item.barred is None for item in others)
    apart = [
        item for item in linked if (spoken and _is_message(item)) or (held and item.barred in ("not_done", "automated"))
    ]
    return [item for item in linked if item not in apart], apart


def _is_message(fragment: Fragment) -> bool:
    return fragment.exchange is not None or (fragment.barred == "not_done" and fragment.modality == "secure_message")


def _tells_of_speaking(fragment: Fragment) -> bool:
    told = fragment.told.modality if fragment.told is not None else None
    return fragment.modality in ("phone", "video") or told in ("phone", "video", "voicemail", "in_person")


def _is_silent(fragment: Fragment) -> bool:
    return fragment.needs_text and (fragment.told is None or _tells_nothing(fragment))


def _tells_nothing(fragment: Fragment) -> bool:
    told = fragment.told
    if told is None or told.totals_only:
        return True
    if told.contact == "none":
        return told.modality not in ("internal", "chart_review", "automated", "phone")
    return told.contact == "unclear" and told.modality == "unknown" and told.words("contact") is None


def _events(fragments: Group) -> list[Group]:
    """What references one Encounter, split into the events it tells of; at least one group."""
    events: list[Group] = [[]]
    for fragment in sorted(fragments, key=lambda item: item.rank):
        if _is_another_event(fragment, events[-1]):
            events.append([fragment])
        else:
            events[-1].append(fragment)
    return events


def _is_another_event(fragment: Fragment, event: Group) -> bool:
    """Each sitting is an event of its own, and texts whose stated times are more than 15 minutes apart tell of two."""
    if fragment.exchange is not None:
        return any(item.exchange is not None for item in event)
    clocks = [item.clock for item in event if item.clocked is not None]
    mine = fragment.clock if fragment.clocked is not None else None
    return (
        mine is not None and bool(clocks) and all(clock and starts_apart(clock, mine, SAME_EVENT) for clock in clocks)
    )


def _joined(groups: list[Group]) -> list[Group]:
    """Groups that share modality and staff and start at most 15 minutes apart, joined."""
    joined: list[Group] = []
    for group in sorted(groups, key=_order):
        match = next((other for other in joined if _same_event(other, group)), None)
        if match is None:
            joined.append(group)
        else:
            match.extend(group)
    return [in_order(group) for group in joined]


def in_order(group: Group) -> Group:
    """An event's fragments by kind, then in order of time."""
    return sorted(group, key=lambda item: (_TYPES.get(item.kind, 9), item.rank))


def _order(group: Group) -> tuple[str, str]:
    clock = clock_of(group)
    return (clock.astimezone(UTC).isoformat() if clock else "", group[0].sources[0])


def clock_of(group: Group) -> datetime | None:
    """The point in time at which an event began, when one of its fragments tells."""
    return next((item.clock for item in group if item.clock is not None), None)


def _same_event(left: Group, right: Group) -> bool:
    if any(item.barred == "not_done" for item in (*left, *right)):
        return False
    clocks = clock_of(left), clock_of(right)
    if clocks[0] is None or clocks[1] is None or starts_apart(clocks[0], clocks[1], SAME_EVENT):
        return False
    return _modalities_agree(left, right) and any(
        is_same_person(ours, theirs) for a in left for ours in a.staff for b in right for theirs in b.staff
    )


def _modalities_agree(left: Group, right: Group) -> bool:
    ours, theirs = modality_of(left), modality_of(right)
    if "secure_message" in (ours, theirs):
        return ours == theirs and not (_is_sitting(left) and _is_sitting(right))  # a note may tell of a sitting
    return ours == theirs or "unknown" in (ours, theirs)


def _is_sitting(group: Group) -> bool:
    return any(item.exchange is not None for item in group)


def modality_of(group: Group) -> Modality:
    """How an event took place: as the text tells, else as the structure says."""
    sittings = [item.modality for item in group if item.exchange is not None and item.modality is not None]
    work = [item.modality for item in group if item.modality in ("chart_review", "internal")]
    if sittings or work:
        return (sittings + work)[0]
    told = [item.told.modality for item in group if item.told is not None and item.told.modality != "unknown"]
    stated = [item.modality for item in group if item.modality is not None]
    return as_held(told[-1], group) if told else stated[0] if stated else "unknown"


def as_held(told: Modality, group: Group) -> Modality:
    """The modality told; "spoke with" alone reads as a call, so a video visit is one until the text names the phone."""
    stated = {item.modality for item in group}
    named = any("phone" in item.named for item in group)
    return "video" if told == "phone" and "video" in stated and "phone" not in stated and not named else told


_TYPES = {"Encounter": 0, "Communication": 1, "Call": 2, "DocumentReference": 3}
