"""Raw FHIR of one patient + a mapping table → the month's record of contacts."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from fhir_rpm.mapping.bundles import gaps_in_bundles
from fhir_rpm.mapping.call_events import with_calls
from fhir_rpm.mapping.calls import CallReader, foreign_calls, unread_calls
from fhir_rpm.mapping.contacts import contact_of
from fhir_rpm.mapping.encounters import EncounterReader
from fhir_rpm.mapping.fragment import Fragment
from fhir_rpm.mapping.grouping import Group, group_events
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.messages import MessageReader
from fhir_rpm.mapping.notes import NoteReader
from fhir_rpm.mapping.people import People
from fhir_rpm.mapping.readings import ReadingReader
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.model import CallLog, Finding, Gap, InteractiveCommunication, MonthRecord, StaffMember
from fhir_rpm.month import BillingMonth, FhirTime
from fhir_rpm.outcome import OutcomeCodes, gaps_in
from fhir_rpm.vendor import vendor_section

_NO_CALLS = CallLog()


def read_month(
    resources: Mapping[str, Any] | Iterable[Any],
    month: BillingMonth,
    *,
    vendor: str = "generic",
    max_reply_gap: timedelta = timedelta(minutes=30),
    unread: Iterable[Gap] = (),
    calls: CallLog = _NO_CALLS,
    staff: Iterable[StaffMember] = (),
    monitoring_start: date | None = None,
) -> MonthRecord:
    """Map one patient's resources to the contacts of a month.

    Args:
        resources: a Bundle, or resources of one patient in any order; what is malformed is passed over, never raised.
        month: the month and the practice's zone.
        vendor: the EHR's mapping, or a path to a site's own.
        max_reply_gap: how soon an answer must come to be real-time (policy value).
        unread: what the caller already knows could not be read.
        calls: logged calls beside the record; those of other patients are left out and counted.
        staff: the practice's staff directory.
        monitoring_start: first day of monitoring, when it is known.

    Raises:
        ConfigurationError: the mapping is unknown or wrong.
    """
    table = vendor_section(vendor, "mapping", MappingTable)
    kept = resources if isinstance(resources, Mapping) else list(resources)
    record = Resources(kept)
    patient = record.patient() or _only_caller(calls)
    mine, foreign = record.of_patient(patient)
    people = People(mine, table, patient, staff)
    encounters = _encounters(mine, EncounterReader(table, people, month.zone))
    told = MessageReader(table, people, mine, month.zone, max_reply_gap).read_all()
    told = [*told, *NoteReader(table, people, mine, month.zone).read_all()]
    mine_called = calls.of(patient) if patient is not None else CallLog()
    logged, said = CallReader(table, people, month.zone).read_all(mine_called)
    groups, uncounted = with_calls(group_events(encounters, told), logged)
    contacts, carried, findings, gaps = _contacts_of(month, groups, people)
    lost, remarks = _unread_of(month, encounters, told, mine_called)
    findings += [*remarks, *said, *uncounted, *foreign, *foreign_calls(calls, mine_called)]
    readings = ReadingReader(table, people, mine, month.zone, encounters)
    device_days, other_days = readings.days(month)
    earlier = readings.days_before(month) if monitoring_start is not None else (frozenset(), frozenset())
    gaps = [*unread, *gaps_in_bundles(kept), *_refused(record, vendor), *gaps, *lost]
    return MonthRecord(
        patient=patient,
        contacts=tuple(contacts),
        carried=tuple(carried),
        device_days=device_days,
        other_days=other_days,
        gaps=tuple(sorted(set(gaps), key=lambda gap: (gap.resource_type or "", gap.code, gap.reason))),
        findings=tuple(findings),
        monitoring_start=monitoring_start,
        earlier_device_days=earlier[0],
        earlier_other_days=earlier[1],
    )


def _encounters(resources: Resources, reader: EncounterReader) -> dict[str, Fragment]:
    """Encounters by their key; a contained one has the resource that holds it for its source."""
    found = [(key, key, item) for key, item in resources.of_type("Encounter")]
    read = [(key, reader.read(source, item)) for key, source, item in (*found, *resources.contained("Encounter"))]
    return {key: fragment for key, fragment in read if fragment is not None}


def _refused(record: Resources, vendor: str) -> list[Gap]:
    """What the server's own outcomes among the resources say is missing."""
    codes = vendor_section(vendor, "outcome", OutcomeCodes)
    return [gap for outcome in record.outcomes for gap in gaps_in(outcome, codes)]


def _only_caller(calls: CallLog) -> str | None:
    """The patient of a log that speaks of one patient alone."""
    subjects = {call.subject for call in calls.calls}
    return subjects.pop() if len(subjects) == 1 else None


def _contacts_of(
    month: BillingMonth, groups: list[Group], people: People
) -> tuple[list[InteractiveCommunication], list[InteractiveCommunication], list[Finding], list[Gap]]:
    contacts, carried, findings, gaps = [], [], [], []
    for group in groups:
        contact, remarks = contact_of(group, people.listed)
        if contact.start is None or contact.start.precision == "year":
            findings.append(_undated(contact))
            if contact.modality in ("phone", "video") and contact.barred is None:
                reason = "A phone or video contact has no date, so its month is not known."
                gaps.append(Gap(resource_type=group[0].kind, code="undated", reason=reason))
        elif month.holds(contact.start):
            contacts.append(contact)
            findings += remarks
        elif _runs_into(month, contact):
            carried.append(contact)
    contacts.sort(key=lambda contact: (contact.start.earliest.isoformat() if contact.start else "", contact.sources))
    return contacts, carried, findings, gaps


def _unread_of(
    month: BillingMonth, encounters: dict[str, Fragment], others: list[Fragment], calls: CallLog
) -> tuple[list[Gap], list[Finding]]:
    """What of the month's texts and logged calls could not be read, and which notes are not signed yet."""
    gaps = [gap for note in others if (gap := _unreadable(note, month, encounters)) is not None]
    findings = [_preliminary(note) for note in others if note.preliminary and _within(note.start, month)]
    lost, told = unread_calls(calls, month)
    return gaps + lost, findings + told


def _runs_into(month: BillingMonth, contact: InteractiveCommunication) -> bool:
    """Whether what began in an earlier month was held, at least in part, in this one."""
    begun = contact.start is not None and contact.start.earliest < month.start
    return begun and any(interval.start < month.end and month.start < interval.end for interval in contact.intervals)


def _within(start: FhirTime | None, month: BillingMonth) -> bool:
    return start is None or month.holds(start)


def _unreadable(note: Fragment, month: BillingMonth, encounters: dict[str, Fragment]) -> Gap | None:
    encounter = next((encounters[key] for key in note.encounters if key in encounters), None)
    start = encounter.start if encounter is not None and encounter.start is not None else note.start
    if not note.unreadable or not _within(start, month):
        return None
    return Gap(resource_type="Binary", code="unreadable_body", reason="No body of a note could be read.")


def _undated(contact: InteractiveCommunication) -> Finding:
    message = "This evidence has no date and is listed in no month; add its date."
    return Finding(code="undated_evidence", severity="warning", sources=contact.sources, message=message)


def _preliminary(note: Fragment) -> Finding:
    message = "This note is not signed yet; sign it before billing."
    return Finding(code="preliminary_note", severity="warning", sources=note.sources, message=message)
