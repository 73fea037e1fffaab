"""A month's record and the terms in force → the assessment."""

from collections.abc import Iterable

from fhir_rpm.billing.advice import actions_for, device_actions
from fhir_rpm.billing.codes import Management, management_codes
from fhir_rpm.billing.days import device_codes, device_days_of
from fhir_rpm.billing.findings import findings_of
from fhir_rpm.billing.minutes import Judged, minutes_of
from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import Assessment, CodeVerdict, Gap, InteractiveCommunication, MonthRecord
from fhir_rpm.model.terms import MonthStatus
from fhir_rpm.month import BillingMonth

_MANAGEMENT = {"Encounter", "Communication", "DocumentReference", "Binary"}
_DEVICES = {"Observation"}
_PEOPLE = {"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "CareTeam", "Device", "Group"}
"""What gaps can touch (assessment §6); resources that only name people can complete a record, never add to it."""


def judge(record: MonthRecord, month: BillingMonth, terms: Terms) -> Assessment:
    """Judge a month by the terms in force; pure, and equal input gives equal bytes.

    `strict_differs` is left False: `compare_strict` sets it.
    """
    judged = _judged(record.contacts, terms)
    contacts = tuple(assessed for _, assessed in judged)
    minutes = minutes_of(judged, _judged(record.carried, terms), month, terms)
    days = device_days_of(record)
    facts = Management.of(contacts, minutes, incomplete=_touched(record.gaps, _MANAGEMENT))
    codes = management_codes(facts, terms) | device_codes(days, terms, incomplete=_touched(record.gaps, _DEVICES))
    gaps = [gap for gap in record.gaps if gap.resource_type not in _PEOPLE]
    return Assessment(
        patient=record.patient,
        month=str(month),
        time_zone=month.zone.key,
        policy=terms.name,
        status=_status(codes),
        contacts=contacts,
        minutes=minutes,
        device_days=days,
        codes=codes,
        findings=(*record.findings, *findings_of(record, judged, gaps, month, terms)),
        actions=(*actions_for(judged, facts, gaps, month, terms), *device_actions(days, codes)),
        gaps=record.gaps,
        citations=terms.citations,
        not_checked=terms.not_checked,
    )


def _judged(contacts: Iterable[InteractiveCommunication], terms: Terms) -> tuple[Judged, ...]:
    return tuple((contact, assess_contact(contact, terms)) for contact in contacts)


def _touched(gaps: Iterable[Gap], types: set[str]) -> bool:
    """Whether missing data could hold such resources; a gap of unknown type could hold any."""
    others = (_MANAGEMENT | _DEVICES | _PEOPLE) - types
    return any(gap.resource_type not in others for gap in gaps)


def _status(codes: dict[str, CodeVerdict]) -> MonthStatus:
    verdicts = {codes["99457"].verdict, codes["99470"].verdict}
    return "ready" if "supported" in verdicts else "hold" if "hold" in verdicts else "not_met"
