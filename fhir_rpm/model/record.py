"""A patient's month as read from the record: what billing judges, and what could not be read."""

import datetime

from fhir_rpm.model.base import Frozen, Reference
from fhir_rpm.model.contact import InteractiveCommunication
from fhir_rpm.model.terms import Severity


class Finding(Frozen):
    """Something a person should know about the month; never a verdict by itself."""

    code: str
    severity: Severity
    sources: tuple[Reference, ...] = ()
    message: str


class Gap(Frozen):
    """Data that could not be read. Absence behind a gap proves nothing (assessment §4).

    Attributes:
        resource_type: what was to be read, e.g. `DocumentReference`; None when any type may be missing.
        code: the server's or our own code for the cause, e.g. `59204`.
        reason: the cause in plain words, without names or note text.
    """

    resource_type: str | None
    code: str
    reason: str


class MonthRecord(Frozen):
    """The outcome of mapping one patient's resources for one month.

    Attributes:
        patient: `Patient/id`, or None when no resource tells.
        contacts: contacts that start in the month, in order of start.
        carried: contacts of the day before whose minutes run into the month; credited, not listed (assessment §6).
        device_days: local dates with a reading known to come from a device.
        other_days: local dates with a reading of unknown origin.
        gaps: what could not be read.
        findings: what the mapping noticed.
        monitoring_start: first day of monitoring; None when it is not known.
        earlier_device_days, earlier_other_days: the like of the 31 days before the month, when the start is known.
    """

    patient: Reference | None
    contacts: tuple[InteractiveCommunication, ...] = ()
    carried: tuple[InteractiveCommunication, ...] = ()
    device_days: frozenset[datetime.date] = frozenset()
    other_days: frozenset[datetime.date] = frozenset()
    gaps: tuple[Gap, ...] = ()
    findings: tuple[Finding, ...] = ()
    monitoring_start: datetime.date | None = None
    earlier_device_days: frozenset[datetime.date] = frozenset()
    earlier_other_days: frozenset[datetime.date] = frozenset()
