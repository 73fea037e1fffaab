"""The Python door: a patient's resources in, an assessment out, with the reasons behind it when asked."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from fhir_rpm.billing import Terms, compare_strict, explain_month, judge, load_policy
from fhir_rpm.mapping import read_month
from fhir_rpm.model import Assessment, Call, CallLog, Explanation, Gap, MonthRecord, StaffMember
from fhir_rpm.month import BillingMonth

Resources = Mapping[str, Any] | Iterable[Mapping[str, Any]]


def assess(
    resources: Resources,
    *,
    month: str,
    time_zone: str,
    vendor: str = "generic",
    policy: str = "rpm-us",
    unread: Iterable[Gap] = (),
    calls: CallLog | Iterable[Call] = (),
    staff: Iterable[StaffMember] = (),
    monitoring_start: date | None = None,
) -> Assessment:
    """Judge one patient's month.

    Pure and deterministic: equal input gives equal output, and malformed resources never raise.

    Args:
        resources: a FHIR R4 Bundle, or any iterable of resources, of one patient; other months do no harm.
        month: the calendar month, `YYYY-MM`.
        time_zone: the practice's IANA zone, in which months and days are counted.
        vendor: how the EHR says things: `epic`, `oracle`, `medplum`, `meditech`, `generic`, or a path to a file.
        policy: what the payer demands: `rpm-us`, `rpm-us-strict`, `rtm-us`, or a path to a policy file.
        unread: what the caller knows could not be read; it can keep a verdict on hold, never support one.
        calls: logged calls beside the record, of this patient or of many; a `CallLog` tells of unread rows too.
        staff: the practice's staff directory, for roles that the record does not tell.
        monitoring_start: first day of monitoring; the supply codes are then judged on periods from it.

    Raises:
        ConfigurationError: the month, zone, vendor or policy is unknown, or no policy was in force in that month.
    """
    reading = _Reading(resources, BillingMonth.parse(month, time_zone), vendor, unread, calls, staff, monitoring_start)
    terms = load_policy(policy).in_force(reading.month)
    return _compared(reading.judged(terms), reading.strict(terms))


def explain(
    resources: Resources,
    *,
    month: str,
    time_zone: str,
    vendor: str = "generic",
    policy: str = "rpm-us",
    unread: Iterable[Gap] = (),
    calls: CallLog | Iterable[Call] = (),
    staff: Iterable[StaffMember] = (),
    monitoring_start: date | None = None,
) -> Explanation:
    """Judge one patient's month and say why: what met each requirement of each code, and the fewest fixes.

    Its `assessment` is what `assess` gives; arguments and errors as there.
    """
    reading = _Reading(resources, BillingMonth.parse(month, time_zone), vendor, unread, calls, staff, monitoring_start)
    terms = load_policy(policy).in_force(reading.month)
    record, strict = reading.record(terms), reading.strict(terms)
    assessment = _compared(judge(record, reading.month, terms), strict)
    return explain_month(record, reading.month, terms, assessment, strict)


class _Reading:
    """One patient's resources, read and judged under the terms of one policy or another."""

    def __init__(
        self,
        resources: Resources,
        month: BillingMonth,
        vendor: str,
        unread: Iterable[Gap],
        calls: CallLog | Iterable[Call],
        staff: Iterable[StaffMember],
        monitoring_start: date | None,
    ) -> None:
        self.month = month
        self._records: dict[timedelta, MonthRecord] = {}
        self._read = partial(
            read_month,
            resources if isinstance(resources, Mapping) else list(resources),
            month,
            vendor=vendor,
            unread=tuple(unread),
            calls=calls if isinstance(calls, CallLog) else CallLog(calls=tuple(calls)),
            staff=tuple(staff),
            monitoring_start=monitoring_start,
        )

    def record(self, terms: Terms) -> MonthRecord:
        """The month's contacts and readings; the policy says how soon an answer must come."""
        gap = terms.max_reply_gap
        if gap not in self._records:  # the strict policy mostly shares the gap, and reading is the larger half
            self._records[gap] = self._read(max_reply_gap=gap)
        return self._records[gap]

    def judged(self, terms: Terms) -> Assessment:
        """The month under these terms."""
        return judge(self.record(terms), self.month, terms)

    def strict(self, terms: Terms) -> Assessment | None:
        """The month under the strict policy that the terms name, or None when they are strict themselves."""
        return None if terms.strict is None else self.judged(load_policy(terms.strict).in_force(self.month))


def _compared(assessment: Assessment, strict: Assessment | None) -> Assessment:
    return assessment if strict is None else compare_strict(assessment, strict)
