"""What a person can do next, in plain words: resource ids and dates only, never a name or the text of a note."""

from collections.abc import Iterable, Iterator, Mapping

from fhir_rpm.billing.codes import Management
from fhir_rpm.billing.findings import NOUNS, event_of, named, occasion_of
from fhir_rpm.billing.minutes import Judged, waits_for_a_role
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import Bounds, CodeVerdict, Gap
from fhir_rpm.model.terms import Element
from fhir_rpm.month import BillingMonth

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


def actions_for(
    contacts: Iterable[Judged], facts: Management, gaps: Iterable[Gap], month: BillingMonth, terms: Terms
) -> tuple[str, ...]:
    """Every next step, in order: complete records, check other programmes, add a contact, add time, read the rest."""
    judged = tuple(contacts)
    steps = [*_completions(judged), *_roles_of_workers(judged, terms), *_other_programmes(judged, terms)]
    steps += [*_missing_contact(facts, month, terms), *_missing_minutes(facts, month, terms)]
    steps += [f"See that {named(gap)} can be read in full, then judge the month again: {gap.reason}" for gap in gaps]
    return tuple(dict.fromkeys(steps))


def device_actions(days: Bounds, codes: Mapping[str, CodeVerdict]) -> tuple[str, ...]:
    """What would settle a supply code that is on hold for readings of unknown origin."""
    waiting = [code for code in ("99454", "99445") if codes[code].verdict == "hold"]
    unknown = (days.possible or 0) - days.certain
    if not waiting or unknown <= 0:
        return ()
    step = f"Show which device took the readings of unknown origin ({unknown} days): {' and '.join(waiting)}"
    return (f"{step} {'waits' if len(waiting) == 1 else 'wait'} for it.",)


def _completions(judged: Iterable[Judged]) -> Iterator[str]:
    for _, assessed in judged:
        if assessed.missing == ("minutes",):
            yield f"Add how long the {occasion_of(assessed)} lasted ({assessed.sources[0]})."
        elif assessed.missing:
            wanted = "; ".join(_TO_ADD[element] for element in assessed.missing)
            yield f"Add to the record of the {event_of(assessed)}: {wanted}."


def _roles_of_workers(judged: Iterable[Judged], terms: Terms) -> Iterator[str]:
    for contact, assessed in judged:
        if waits_for_a_role(contact, assessed, terms):
            yield f"Add the role of who did the work to the {event_of(assessed)}; its minutes wait for it."


def _other_programmes(judged: Iterable[Judged], terms: Terms) -> Iterator[str]:
    for contact, assessed in judged:
        if codes := terms.other_programmes_of(contact):
            yield f"Check that the {event_of(assessed)} belongs to {', '.join(codes)}; its minutes are not credited."


def _missing_contact(facts: Management, month: BillingMonth, terms: Terms) -> Iterator[str]:
    if facts.shown(terms.contacts_needed) == "none":
        channels = ", ".join(NOUNS[channel] for channel in terms.channels)
        yield (
            f"Hold and document an exchange with the patient or a caregiver by {month.last_day} ({channels}): "
            "without one no minutes support a code."
        )


def _missing_minutes(facts: Management, month: BillingMonth, terms: Terms) -> Iterator[str]:
    """Minutes left to the next tier, unless completing a record that is to be completed anyway may bring them."""
    short = terms.short_minutes
    steps = [("99470", short.least if short else None), ("99457", terms.base_minutes)]
    code, need = next(
        ((code, need) for code, need in steps if need is not None and need > facts.minutes.certain), ("", None)
    )
    shown, possible = facts.shown(terms.contacts_needed), facts.minutes.possible
    if need is not None and (shown == "certain" or (possible is not None and possible < need)):
        more = need - facts.minutes.certain
        verb = "would support" if shown == "certain" else "would also be needed for"
        minutes = "minute" if more == 1 else "minutes"
        yield f"{more} more creditable {minutes} by {month.last_day} {verb} {code}."
