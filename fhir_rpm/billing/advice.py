"""What a person can do next, in plain words: resource ids and dates only, never a name or the text of a note."""

from collections.abc import Iterable, Iterator

from fhir_rpm.billing.codes import Management
from fhir_rpm.billing.minutes import Judged
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, Assessment, Gap, InteractiveCommunication
from fhir_rpm.model.terms import Element, Modality
from fhir_rpm.month import BillingMonth

_NOUN: dict[Modality, str] = {
    "phone": "call",
    "video": "video visit",
    "secure_message": "message exchange",
    "in_person": "visit",
    "chart_review": "review",
    "internal": "discussion",
}
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
    steps = [*_completions(judged), *_other_programmes(judged, terms)]
    steps += [*_missing_contact(facts, month, terms), *_missing_minutes(facts, month, terms)]
    steps += [f"Ask for access to {_named(gap)}; part of the data could not be read ({gap.code})." for gap in gaps]
    return tuple(dict.fromkeys(steps))


def event_of(contact: InteractiveCommunication | AssessedContact) -> str:
    """A contact in words that name nobody: what, when and which resource."""
    day = "without a date" if contact.start is None else f"of {str(contact.start)[:10]}"
    return f"{_NOUN.get(contact.modality, 'contact')} {day} ({contact.sources[0]})"


def _completions(judged: Iterable[Judged]) -> Iterator[str]:
    for _, assessed in judged:
        if assessed.missing == ("minutes",):
            noun, _, rest = event_of(assessed).partition(" (")
            yield f"Add how long the {noun} lasted ({rest}."
        elif assessed.missing:
            wanted = "; ".join(_TO_ADD[element] for element in assessed.missing)
            yield f"Add to the record of the {event_of(assessed)}: {wanted}."


def _other_programmes(judged: Iterable[Judged], terms: Terms) -> Iterator[str]:
    for contact, _ in judged:
        if codes := terms.other_programmes_of(contact):
            yield f"Check that the {event_of(contact)} belongs to {', '.join(codes)}; its minutes are not credited."


def _missing_contact(facts: Management, month: BillingMonth, terms: Terms) -> Iterator[str]:
    if facts.shown(terms.contacts_needed) == "none":
        channels = ", ".join(_NOUN[channel] for channel in terms.channels if channel in _NOUN)
        yield (
            f"Hold and document an exchange with the patient or a caregiver by {month.last_day} ({channels}): "
            "without one no minutes support a code."
        )


def _missing_minutes(facts: Management, month: BillingMonth, terms: Terms) -> Iterator[str]:
    short = terms.short_minutes
    steps = [("99470", short.least if short else None), ("99457", terms.base_minutes)]
    code, need = next(
        ((code, need) for code, need in steps if need is not None and need > facts.minutes.certain), ("", None)
    )
    if need is not None:
        more = need - facts.minutes.certain
        verb = "would support" if facts.shown(terms.contacts_needed) == "certain" else "are also needed for"
        yield f"{more} more creditable minutes by {month.last_day} {verb} {code}."


def _named(gap: Gap) -> str:
    return gap.resource_type or "the whole record"


__all__ = ["Assessment", "actions_for", "event_of"]
