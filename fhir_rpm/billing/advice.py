"""What a person can do next, as data and in plain words: resource ids and dates only, never a name or a note's text."""

from collections.abc import Iterator

from fhir_rpm.billing.case import Case
from fhir_rpm.billing.findings import NOUNS, event_of, named, occasion_of
from fhir_rpm.billing.repair import Repair, smallest_repair
from fhir_rpm.model import Bounds, CodeVerdict, Fix, Gap
from fhir_rpm.model.base import Frozen
from fhir_rpm.model.terms import Element

_TO_ADD: dict[Element, str] = {
    "contact": "whether anyone was reached",
    "date": "on which day it took place",
    "staff_name": "who held it",
    "staff_role": "the role of who held it",
    "participant": "who took part on the patient's side",
    "minutes": "how long it lasted",
    "content": "what was discussed",
    "decision": "what was decided, even if nothing changes",
    "modality": "whether it was a call or a video visit",
}


class Advice(Frozen):
    """The fewest acts that make the month ready, and what may be done besides."""

    fixes: tuple[Fix, ...]
    next_steps: tuple[Fix, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """Everything in plain words, what matters most first."""
        return tuple(dict.fromkeys(fix.text for fix in (*self.fixes, *self.next_steps)))


def advice_on(case: Case, days: Bounds, codes: dict[str, CodeVerdict]) -> Advice:
    """What people can do for the month.

    Args:
        case: the month as judged.
        days: device days of the month.
        codes: every verdict, those on device supply included.
    """
    repair = smallest_repair(case)
    unread = case.contact_gaps if case.status != "ready" else ()
    fixes = (*map(_reread, dict.fromkeys(unread)), *(_acts(case, repair) if repair else ()))
    done = repair.complete if repair else ()
    others = (
        *_completions(case, done),
        *_checks(case),
        *_next_tier(case),
        *(_reread(gap) for gap in dict.fromkeys(case.gaps) if gap not in unread),
        *_devices(case, days, codes),
    )
    return Advice(fixes=fixes, next_steps=others)


def _acts(case: Case, repair: Repair) -> Iterator[Fix]:
    """The acts of the repair: records first, then what is still to be held or worked by the month's end."""
    for place in repair.complete:
        yield _completion(case, place, repair.lasted.get(place), repair.code)
    last_day = case.month.last_day
    for minutes in repair.exchanges:
        channels = ", ".join(NOUNS[channel] for channel in case.terms.channels)
        text = (
            f"Hold and document an exchange of {_minutes(minutes)} or more with the patient or a caregiver by "
            f"{last_day} ({channels}) to support {repair.code}."
        )
        yield Fix(kind="contact", text=text, minutes=minutes, deadline=last_day, code=repair.code)
    if repair.work:
        yield _work(case, repair.work, repair.code, then=bool(repair.complete))


def _completions(case: Case, done: tuple[int, ...]) -> Iterator[Fix]:
    for place, missing in enumerate(case.lacking):
        if missing and place not in done:
            yield _completion(case, place)


def _completion(case: Case, place: int, lasted: int | None = None, code: str | None = None) -> Fix:
    """The record of one contact, completed; `lasted` is how long it must have been for the month to be ready."""
    assessed, missing = case.judged[place][1], case.lacking[place]
    if assessed.outcome == "excluded":
        text = f"Add the role of who did the work to the {event_of(assessed)}; its minutes wait for it."
    elif missing == ("minutes",):
        enough = f"; {_minutes(lasted)} or more would support {code}" if lasted else ""
        text = f"Add how long the {occasion_of(assessed)} lasted ({assessed.sources[0]}){enough}."
    else:
        wanted = "; ".join(_TO_ADD[element] for element in missing)
        enough = f" ({_minutes(lasted)} or more would support {code})" if lasted else ""
        text = f"Add to the record of the {event_of(assessed)}: {wanted}{enough}."
    return Fix(kind="complete", text=text, sources=assessed.sources, elements=missing, minutes=lasted, code=code)


def _work(case: Case, minutes: int, code: str, *, then: bool) -> Fix:
    last_day = case.month.last_day
    more = f"{minutes} more creditable {'minute' if minutes == 1 else 'minutes'}"
    text = f"{more} by {last_day} would {'then ' if then else ''}support {code}."
    return Fix(kind="work", text=text, minutes=minutes, deadline=last_day, code=code)


def _checks(case: Case) -> Iterator[Fix]:
    """Records whose coding decides whether their minutes, or the code itself, can stand."""
    terms = case.terms
    for contact, assessed in case.judged:
        if codes := terms.other_programmes_of(contact):
            text = f"Check that the {event_of(assessed)} belongs to {', '.join(codes)}; its minutes are not credited."
            yield Fix(kind="check", text=text, sources=assessed.sources)


def _next_tier(case: Case) -> Iterator[Fix]:
    """In a month that is ready by the short tier, the minutes left to the base code."""
    need, certain = case.terms.base_minutes, case.facts.minutes.certain
    if case.status == "ready" and need is not None and certain < need:
        yield _work(case, need - certain, case.terms.tiers.base, then=False)


def _reread(gap: Gap) -> Fix:
    text = f"See that {named(gap)} can be read in full, then judge the month again: {gap.reason}"
    return Fix(kind="reread", text=text, gap=gap)


def _devices(case: Case, days: Bounds, codes: dict[str, CodeVerdict]) -> Iterator[Fix]:
    """What would settle a supply code that is on hold for readings of unknown origin."""
    supply = (case.terms.tiers.full_days, case.terms.tiers.short_days)
    waiting = [code for code in supply if code is not None and codes[code].verdict == "hold"]
    unknown = (days.possible or 0) - days.certain
    if waiting and unknown > 0:
        step = f"Show which device took the readings of unknown origin ({unknown} days): {' and '.join(waiting)}"
        yield Fix(kind="device", text=f"{step} {'waits' if len(waiting) == 1 else 'wait'} for it.")


def _minutes(number: int) -> str:
    return f"{number} {'minute' if number == 1 else 'minutes'}"
