"""The fewest acts of people that make a month ready, found by trying them and judging the month again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from fhir_rpm.billing.case import Case
from fhir_rpm.billing.minutes import Judged
from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.model import InteractiveCommunication, Participant
from fhir_rpm.model.terms import Element
from fhir_rpm.month import FhirTime

MOST_TRIED = 8
"""Incomplete records of a kind that are tried, the longest first: a bound on the search, far above real months."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Acts that together make the month ready.

    Attributes:
        complete: places of the contacts whose records are completed, in order.
        lasted: least minutes for those whose length is not on record, where any length will not do.
        exchanges: least minutes of each exchange to be held.
        work: minutes to be worked besides; 0 when none are needed.
        code: the code that is then supported.
    """

    complete: tuple[int, ...]
    lasted: dict[int, int]
    exchanges: tuple[int, ...]
    work: int
    code: str

    @property
    def acts(self) -> int:
        """How many acts it takes."""
        return len(self.complete) + len(self.exchanges) + bool(self.work)


def smallest_repair(case: Case) -> Repair | None:
    """The repair of fewest acts; None when there is none.

    Of equally few acts, less new work comes first, then what is surest on record, then the earliest contacts. A new
    exchange is asked for only where no record could become one, and while data is unread neither work nor an exchange
    is: it may be on record already.
    """
    missing = max(0, case.terms.contacts_needed - case.facts.qualifying)
    exchanges = max(0, missing - case.facts.insufficient)
    if case.status == "ready" or (exchanges and case.contact_gaps):
        return None
    candidates = _candidates(case)
    best: Repair | None = None
    for size in (missing - exchanges, missing - exchanges + 1):
        tried = (_repair(case, chosen, exchanges) for chosen in combinations(candidates, size))
        found = [repair for repair in (best, *tried) if repair is not None]
        best = min(found, key=lambda repair: _cost(case, repair), default=None)
        if best is not None and best.acts <= size + exchanges:
            break
    return best


def _candidates(case: Case) -> list[int]:
    """Places worth completing: records of exchanges, then of work, those first that could bring most minutes."""
    open_places = [place for place, missing in enumerate(case.lacking) if missing]

    def by_length(place: int) -> float:
        seconds = case.judged[place][0].seconds
        return float("-inf") if seconds is None else -seconds

    exchanges = [place for place in open_places if case.judged[place][1].outcome == "insufficient"]
    work = [place for place in open_places if place not in exchanges]
    return sorted([*sorted(exchanges, key=by_length)[:MOST_TRIED], *sorted(work, key=by_length)[:MOST_TRIED]])


def _cost(case: Case, repair: Repair) -> tuple[object, ...]:
    missing = [case.lacking[place] for place in repair.complete]
    unsure = sum("contact" in elements for elements in missing)
    return (repair.acts, repair.work, unsure, sum(repair.lasted.values()), sum(map(len, missing)), repair.complete)


def _repair(case: Case, chosen: tuple[int, ...], exchanges: int) -> Repair | None:
    """The least minutes that make the month ready once the records chosen are complete."""
    short = case.terms.short_minutes
    needs = (short.least if short else None, case.terms.base_minutes)
    for need in sorted(need for need in needs if need is not None):
        for extra in _ways(case, chosen, exchanges, need):
            repaired = repaired_case(case, extra)
            if repaired.status == "ready":
                code = next(code for code, found in repaired.codes.items() if found.verdict == "supported")
                return Repair(extra.complete, extra.lasted, extra.exchanges, extra.work, code)
    return None


def _ways(case: Case, chosen: tuple[int, ...], exchanges: int, need: int) -> Iterator[Repair]:
    """Where the minutes still needed could come from: an exchange to be held, a length not on record, or work."""
    plain = Repair(chosen, {}, (1,) * exchanges, 0, "")
    short = need - repaired_case(case, plain).facts.minutes.certain
    if short <= 0:
        yield plain
    elif exchanges:
        yield Repair(chosen, {}, (1 + short, *plain.exchanges[1:]), 0, "")
    else:
        unknown = [place for place in chosen if "minutes" in case.judged[place][1].missing]
        for place in unknown:
            yield Repair(chosen, {place: 1 + short}, (), 0, "")
        if not case.contact_gaps:
            yield Repair(chosen, {}, (), short, "")


def repaired_case(case: Case, repair: Repair) -> Case:
    """The month as it would be after these acts; a length that is not on record is taken as a minute at the least."""
    judged: list[Judged] = list(case.judged)
    for place in repair.complete:
        contact = case.judged[place][0]
        done = _completed(contact, case.lacking[place], case, repair.lasted.get(place, 1))
        judged[place] = (done, assess_contact(done, case.terms))
    judged += _new(case, repair)
    return case.having(judged)


def _new(case: Case, repair: Repair) -> Iterator[Judged]:
    roles, channels = case.terms.roles, case.terms.channels
    held = [(channels[0], minutes) for minutes in repair.exchanges] if channels else []
    worked = [("chart_review", repair.work)] if repair.work else []
    for modality, minutes in (*held, *worked) if roles else ():
        contact = InteractiveCommunication.model_validate(
            {
                "sources": (),
                "modality": modality,
                "start": FhirTime(case.month.start, "day"),
                "exchange": "none" if modality == "chart_review" else "two_way",
                "staff": (Participant(name="-", role=roles[0]),),
                "participant": "patient",
                "seconds": 60 * minutes,
                "content": True,
                "decision": True,
                "barred": "data_review" if modality == "chart_review" else None,
            }
        )
        yield contact, assess_contact(contact, case.terms)


def _completed(
    contact: InteractiveCommunication, missing: Iterable[Element], case: Case, minutes: int
) -> InteractiveCommunication:
    """The contact as a complete record of an exchange by clinical staff would show it."""
    named = tuple(person.model_copy(update={"name": person.name or "-"}) for person in contact.staff)
    first, *others = named or (Participant(name="-"),)
    role = next(iter(case.terms.roles), None)
    channel = next(iter(case.terms.channels), "unknown")
    added: dict[Element, dict[str, object]] = {
        "contact": {"exchange": "two_way"},
        "date": {"start": FhirTime(case.month.start, "day")},
        "staff_name": {"staff": named},
        "staff_role": {"staff": (first.model_copy(update={"role": role}), *others)},
        "participant": {"participant": "patient"},
        "minutes": {"seconds": 60 * minutes, "intervals": ()},
        "content": {"content": True},
        "decision": {"decision": True},
        "modality": {"modality": channel},
    }
    changes: dict[str, object] = {}
    for element in missing:
        changes |= added[element]
    return contact.model_copy(update=changes)
