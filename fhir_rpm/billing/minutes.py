"""Contacts → certain and possible minutes of the month (assessment §3)."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Literal

from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, Bounds, InteractiveCommunication
from fhir_rpm.month import BillingMonth, Interval, union_of

Credit = Literal["certain", "possible"]
Judged = tuple[InteractiveCommunication, AssessedContact]
Stretch = Interval | timedelta
"""Credited time: a place in time, or a bare length where no clock time is known."""


def minutes_of(contacts: Iterable[Judged], carried: Iterable[Judged], month: BillingMonth, terms: Terms) -> Bounds:
    """Distinct whole minutes of the month; possible is None as soon as an insufficient contact has no minutes.

    Args:
        contacts: what starts in the month; clipped at its end.
        carried: what began the day before; only the part within the month counts.
        month: whose minutes are asked for.
        terms: who is clinical staff, and which programmes minutes are not shared with.
    """
    listed = tuple(contacts)
    stretches = [
        *credited(listed, terms),
        *(pair for pair in credited(carried, terms) if isinstance(pair[1], Interval)),
    ]
    inside = [(credit, _within(month, stretch)) for credit, stretch in stretches]
    certain = _whole_minutes(stretch for credit, stretch in inside if credit == "certain")
    if any(assessed.outcome == "insufficient" and contact.seconds is None for contact, assessed in listed):
        return Bounds(certain=certain, possible=None)
    return Bounds(certain=certain, possible=_whole_minutes(stretch for _, stretch in inside))


def _credit_of(contact: InteractiveCommunication, assessed: AssessedContact, terms: Terms) -> Credit | None:
    """Whether what was held or worked counts; excluded contacts never do, but for review and team work."""
    if assessed.outcome == "excluded" and assessed.reason not in ("data_review", "internal"):
        return None
    credit = _credit_of_staff(contact, terms)
    unclear = assessed.outcome == "insufficient" and contact.exchange == "unclear"
    return "possible" if credit and unclear else credit


def waits_for_a_role(contact: InteractiveCommunication, assessed: AssessedContact, terms: Terms) -> bool:
    """Whether work beside no exchange is not credited only because nobody's role is known."""
    levels = {credit for credit, _ in credited([(contact, assessed)], terms)}
    return assessed.outcome == "excluded" and "possible" in levels


def _credit_of_work(contact: InteractiveCommunication, assessed: AssessedContact, terms: Terms) -> Credit | None:
    """Review work told beside an exchange counts like a data review, even beside an attempt that does not."""
    return None if assessed.reason in ("not_done", "automated") else _credit_of_staff(contact, terms)


def _credit_of_staff(contact: InteractiveCommunication, terms: Terms) -> Credit | None:
    clinical = terms.is_clinical(contact)
    if clinical is False or terms.is_visit(contact) or terms.other_programmes_of(contact):
        return None
    return "certain" if clinical else "possible"


def credited(contacts: Iterable[Judged], terms: Terms) -> Iterator[tuple[Credit, Stretch]]:
    """Every stretch of time that counts, and whether it does on the record as it stands."""
    for contact, assessed in contacts:
        if contact.seconds is not None and (credit := _credit_of(contact, assessed, terms)):
            yield from ((credit, stretch) for stretch in _stretches(contact))
        if contact.work_seconds is not None and (credit := _credit_of_work(contact, assessed, terms)):
            yield credit, timedelta(seconds=max(0, contact.work_seconds))


def _stretches(contact: InteractiveCommunication) -> Iterator[Stretch]:
    """Where the recorded length lies; should the intervals be longer than it, the smaller counts, from the start."""
    left = timedelta(seconds=max(0, contact.seconds or 0))
    placed = [interval for interval in union_of(contact.intervals) if interval.end > interval.start]
    if not placed:
        yield left
    for interval in placed:
        end = min(interval.end, interval.start + left)
        left -= end - interval.start
        yield Interval(interval.start, end)


def _within(month: BillingMonth, stretch: Stretch) -> Stretch:
    return stretch.clipped(month.start, month.end) if isinstance(stretch, Interval) else stretch


def _whole_minutes(stretches: Iterable[Stretch]) -> int:
    """Intervals united, then everything added, then floored once."""
    every = list(stretches)
    total = sum((bare for bare in every if isinstance(bare, timedelta)), timedelta())
    for interval in union_of(placed for placed in every if isinstance(placed, Interval)):
        total += interval.end - interval.start
    return total // timedelta(minutes=1)
