"""A month's record and the terms in force → the assessment; and what the strict policy would say."""

from collections.abc import Iterable, Iterator

from fhir_rpm.billing.advice import actions_for, event_of
from fhir_rpm.billing.codes import Management, management_codes
from fhir_rpm.billing.days import device_codes, device_days_of
from fhir_rpm.billing.minutes import Judged, minutes_of
from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import Assessment, CodeVerdict, Finding, Gap, InteractiveCommunication, MonthRecord
from fhir_rpm.model.terms import MonthStatus, Severity
from fhir_rpm.month import BillingMonth

_MANAGEMENT = {"Encounter", "Communication", "DocumentReference", "Binary"}
_DEVICES = {"Observation"}
_PEOPLE = {"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "CareTeam", "Device", "Group"}


def judge(record: MonthRecord, month: BillingMonth, terms: Terms) -> Assessment:
    """Judge a month by the terms in force; pure, and equal input gives equal bytes.

    `strict_differs` is left False: `compare_strict` sets it.
    """
    listed = _judged(record.contacts, terms)
    minutes = minutes_of(listed, _judged(record.carried, terms), month, terms)
    days = device_days_of(record)
    assessed = tuple(result for _, result in listed)
    facts = Management.of(assessed, minutes, _touched(record.gaps, _MANAGEMENT))
    codes = management_codes(facts, terms) | device_codes(days, terms, _touched(record.gaps, _DEVICES))
    relevant = [gap for gap in record.gaps if gap.resource_type not in _PEOPLE]
    return Assessment(
        patient=record.patient,
        month=str(month),
        time_zone=month.zone.key,
        policy=terms.name,
        status=_status(codes),
        contacts=assessed,
        minutes=minutes,
        device_days=days,
        codes=codes,
        findings=(*record.findings, *_findings(record, listed, month, terms, relevant)),
        actions=actions_for(listed, facts, relevant, month, terms),
        gaps=record.gaps,
        citations=terms.citations,
        not_checked=terms.not_checked,
    )


def compare_strict(assessment: Assessment, strict: Assessment) -> Assessment:
    """The assessment, saying whether the strict policy would change a verdict, its units or the status (§6)."""
    changes = list(_changes(assessment, strict))
    if not changes:
        return assessment.model_copy(update={"strict_differs": False})
    message = f"Under {strict.policy} {'; '.join(changes)}."
    finding = _finding("strict_differs", "warning", message)
    return assessment.model_copy(update={"strict_differs": True, "findings": (*assessment.findings, finding)})


def _judged(contacts: Iterable[InteractiveCommunication], terms: Terms) -> tuple[Judged, ...]:
    return tuple((contact, assess_contact(contact, terms)) for contact in contacts)


def _touched(gaps: Iterable[Gap], types: set[str]) -> bool:
    """Whether missing data could hold such resources; a gap of unknown type could hold any (assessment §6)."""
    others = (_MANAGEMENT | _DEVICES | _PEOPLE) - types
    return any(gap.resource_type not in others for gap in gaps)


def _status(codes: dict[str, CodeVerdict]) -> MonthStatus:
    verdicts = {codes["99457"].verdict, codes["99470"].verdict}
    return "ready" if "supported" in verdicts else "hold" if "hold" in verdicts else "not_met"


def _findings(
    record: MonthRecord, listed: tuple[Judged, ...], month: BillingMonth, terms: Terms, gaps: list[Gap]
) -> Iterator[Finding]:
    for contact, assessed in listed:
        sources = contact.sources
        if codes := terms.other_programmes_of(contact):
            message = f"The time of the {event_of(contact)} was recorded for {', '.join(codes)} and is not credited."
            yield _finding("other_programme", "warning", message, sources)
        if terms.is_visit(contact):
            message = f"The {event_of(contact)} is an evaluation-and-management visit; its time is not credited."
            yield _finding("visit", "information", message, sources)
        if contact.modality == "unknown" and assessed.outcome == "qualifies":
            message = f"The record does not show by which channel the {event_of(contact)} was held."
            yield _finding("modality_unknown", "warning", message, sources)
    if gaps:
        message = "Part of the data could not be read; what it could change is on hold."
        yield _finding("incomplete_data", "warning", message)
    if not record.device_days | record.other_days:
        yield _finding("no_readings", "warning", "The month shows no reading of a device.")
    message = (
        "The start of monitoring is not known, so device days are judged on the calendar month, capped at 30 days."
    )
    yield _finding("device_period_unknown", "information", message.replace("30", str(terms.period_days)))
    if month.last_day > terms.checked_through:
        message = f"The policy {terms.name} was checked for months through {terms.checked_through} only."
        yield _finding("policy_not_checked", "warning", message)


def _changes(assessment: Assessment, strict: Assessment) -> Iterator[str]:
    for code, verdict in assessment.codes.items():
        other = strict.codes.get(code, CodeVerdict(verdict="not_supported"))
        if (verdict.verdict, verdict.units) != (other.verdict, other.units):
            yield f"{code} would be {_said(other)} instead of {_said(verdict)}"
    if assessment.status != strict.status:
        yield f"the month would be {_plain(strict.status)} instead of {_plain(assessment.status)}"


def _said(verdict: CodeVerdict) -> str:
    units = f" ({verdict.units} units)" if verdict.units > 1 else ""
    return _plain(verdict.verdict) + units


def _plain(word: str) -> str:
    return {"hold": "on hold"}.get(word, word.replace("_", " "))


def _finding(code: str, severity: Severity, message: str, sources: tuple[str, ...] = ()) -> Finding:
    return Finding(code=code, severity=severity, sources=sources, message=message)
