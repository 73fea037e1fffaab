"""What a person should know about the month, in words that name nobody: resource ids, codes and dates only."""

from collections.abc import Iterable, Iterator

from fhir_rpm.billing.minutes import Judged
from fhir_rpm.billing.periods import periods_of
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, Finding, Gap, InteractiveCommunication, MonthRecord
from fhir_rpm.model.terms import Modality
from fhir_rpm.month import BillingMonth

NOUNS: dict[Modality, str] = {
    "phone": "call",
    "video": "video visit",
    "secure_message": "message exchange",
    "in_person": "visit",
    "chart_review": "review",
    "internal": "discussion",
}


def findings_of(
    record: MonthRecord, judged: Iterable[Judged], gaps: Iterable[Gap], month: BillingMonth, terms: Terms
) -> Iterator[Finding]:
    """What billing adds to the record's own findings: on contacts first, then on the month.

    Args:
        record: whose readings are looked at.
        judged: the contacts of the month with their outcomes.
        gaps: those that can change a verdict.
        month: the calendar month.
        terms: in force in it.
    """
    judged = tuple(judged)
    for contact, assessed in judged:
        yield from _on_contact(contact, assessed, terms)
    if kinds := ", ".join(dict.fromkeys(named(gap) for gap in gaps)):
        message = f"Part of the data could not be read, and what it could change is on hold: {kinds}."
        yield warning("incomplete_data", message)
    if terms.tiers.full_days or terms.tiers.short_days:
        yield from _on_device_days(record, month, terms)
    yield from _before_the_start(record, judged, month)
    if month.last_day > terms.checked_through:
        message = f"The policy {terms.name} was checked for months through {terms.checked_through} only."
        yield warning("policy_not_checked", message)


def _before_the_start(record: MonthRecord, judged: Iterable[Judged], month: BillingMonth) -> Iterator[Finding]:
    """What lies before monitoring began; the contract judges it as any other, so a person has to look."""
    start = record.monitoring_start
    if start is None or start <= month.first_day:
        return
    if start > month.last_day:
        message = f"The month lies before the start of monitoring, {start}: check that anything in it may be billed."
        yield warning("before_monitoring_start", message)
        return
    early = [
        source
        for contact, assessed in judged
        if assessed.outcome != "excluded" and contact.start and contact.start.day and contact.start.day < start
        for source in contact.sources
    ]
    if early:
        message = f"These contacts lie before the start of monitoring, {start}: check that they belong to it."
        yield warning("before_monitoring_start", message, tuple(early))


def _on_device_days(record: MonthRecord, month: BillingMonth, terms: Terms) -> Iterator[Finding]:
    if not record.device_days | record.other_days:
        yield warning("no_readings", "The month shows no reading of a device.")
    periods = periods_of(record, month, terms.period_days)
    if periods is not None:
        judged = f"those that end in this month: {', '.join(map(str, periods)) or 'none'}"
        message = (
            f"Device days are judged on periods of {terms.period_days} days from the start of monitoring; {judged}."
        )
        yield information("device_periods", message)
        return
    yield information(
        "device_period_unknown",
        "The start of monitoring is not known, so device days are judged on the calendar month, "
        f"capped at {terms.period_days} days.",
    )


def _on_contact(contact: InteractiveCommunication, assessed: AssessedContact, terms: Terms) -> Iterator[Finding]:
    event = event_of(assessed)
    if codes := terms.other_programmes_of(contact):
        message = f"The time of the {event} was recorded for {', '.join(codes)} and is not credited."
        yield warning("other_programme", message, contact.sources)
    if barred := [code for code in contact.programmes if code in terms.exclusive_programmes]:
        message = f"The {event} carries {', '.join(barred)}, which is not billed beside {terms.tiers.base} in a month."
        yield warning("exclusive_programme", message, contact.sources)
    if terms.is_visit(contact):
        message = f"The {event} is an evaluation-and-management visit; its time is not credited."
        yield information("visit", message, contact.sources)
    accepted = terms.unknown_modality_accepted and assessed.outcome != "excluded"
    if accepted and contact.modality == "unknown" and contact.exchange == "two_way":
        message = f"The record does not show how the {event} was held; any live channel is accepted."
        yield warning("modality_unknown", message, contact.sources)


def event_of(contact: AssessedContact) -> str:
    """A contact in words: what it was, its day and its first resource."""
    return f"{occasion_of(contact)} ({contact.sources[0]})"


def occasion_of(contact: AssessedContact) -> str:
    """What a contact was, and its day as far as it is stated."""
    day = "without a date" if contact.start is None else f"of {contact.start[:10]}"
    return f"{NOUNS.get(contact.modality, 'contact')} {day}"


def named(gap: Gap) -> str:
    """What could not be read, and the code that says why."""
    return f"{gap.resource_type or 'data'} ({gap.code})"


def information(code: str, message: str, sources: tuple[str, ...] = ()) -> Finding:
    """A finding that explains."""
    return Finding(code=code, severity="information", sources=sources, message=message)


def warning(code: str, message: str, sources: tuple[str, ...] = ()) -> Finding:
    """A finding that a person should look into."""
    return Finding(code=code, severity="warning", sources=sources, message=message)
