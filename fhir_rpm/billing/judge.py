"""A month's record and the terms in force → the assessment."""

from fhir_rpm.billing.advice import advice_on
from fhir_rpm.billing.case import Case
from fhir_rpm.billing.days import days_judged, device_codes, device_days_of, period_codes
from fhir_rpm.billing.findings import findings_of
from fhir_rpm.billing.periods import periods_of
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import Assessment, MonthRecord
from fhir_rpm.month import BillingMonth


def judge(record: MonthRecord, month: BillingMonth, terms: Terms) -> Assessment:
    """Judge a month by the terms in force; pure, and equal input gives equal bytes.

    `strict_differs` is left False: `compare_strict` sets it.
    """
    case = Case.of(record, month, terms)
    days = device_days_of(record)
    periods, unread = periods_of(record, month, terms.period_days), bool(case.reading_gaps)
    supply = device_codes(days, terms, unread) if periods is None else period_codes(periods, terms, unread)
    codes = case.codes | supply
    return Assessment(
        patient=record.patient,
        month=str(month),
        time_zone=month.zone.key,
        policy=terms.name,
        status=case.status,
        contacts=tuple(assessed for _, assessed in case.judged),
        minutes=case.facts.minutes,
        device_days=days,
        codes=codes,
        findings=(*record.findings, *findings_of(record, case.judged, case.gaps, month, terms)),
        actions=advice_on(case, days_judged(record, month, terms), codes).actions,
        gaps=record.gaps,
        citations=terms.citations,
        not_checked=terms.not_checked,
    )
