"""Device days → verdicts on the supply codes, for RPM 99454 and 99445 (assessment §4 and §6)."""

from fhir_rpm.billing.codes import code_verdict, not_in_force
from fhir_rpm.billing.findings import information
from fhir_rpm.billing.periods import Period, periods_of
from fhir_rpm.billing.terms import Span, Terms
from fhir_rpm.model import Bounds, CodeVerdict, MonthRecord
from fhir_rpm.model.terms import Verdict
from fhir_rpm.month import BillingMonth


def device_days_of(record: MonthRecord) -> Bounds:
    """Distinct local dates with a device's reading; possible adds the dates of readings of unknown origin."""
    return Bounds(certain=len(record.device_days), possible=len(record.device_days | record.other_days))


def days_judged(record: MonthRecord, month: BillingMonth, terms: Terms) -> Bounds:
    """The days that the supply codes rest on: the month's, or those of all periods that end in it."""
    periods = periods_of(record, month, terms.period_days)
    if periods is None:
        return device_days_of(record)
    certain = sum(period.days.certain for period in periods)
    return Bounds(certain=certain, possible=sum(period.days.possible or 0 for period in periods))


def device_codes(days: Bounds, terms: Terms, incomplete: bool) -> dict[str, CodeVerdict]:
    """The verdicts on the long and the short supply code, judged on the month for want of a start of monitoring.

    A programme that names no supply codes has no such verdicts.

    Args:
        days: device days of the calendar month; no more of them count than the period has.
        terms: the spans of days, and the length of the period.
        incomplete: whether data that could not be read may hold further readings.
    """
    certain = min(days.certain, terms.period_days)
    possible = max(certain, min(days.possible or 0, terms.period_days))
    tiers = ((terms.tiers.full_days, terms.full_days), (terms.tiers.short_days, terms.short_days))
    return {code: _supply(code, span, certain, possible, incomplete) for code, span in tiers if code is not None}


def period_codes(periods: tuple[Period, ...], terms: Terms, incomplete: bool) -> dict[str, CodeVerdict]:
    """The verdicts on the supply codes, judged on the periods that end in the month; the best of several counts.

    Without such a period nothing is due yet, whatever data is missing.
    """
    judged = [(period, device_codes(period.days, terms, incomplete=incomplete)) for period in periods]
    return {code: _of_periods(code, judged, terms) for code in device_codes(Bounds(), terms, incomplete=False)}


def _of_periods(code: str, judged: list[tuple[Period, dict[str, CodeVerdict]]], terms: Terms) -> CodeVerdict:
    verdicts = [(period, codes[code]) for period, codes in judged]
    if not verdicts:
        message = f"No period of {terms.period_days} days from the start of monitoring ends in this month."
        return CodeVerdict(verdict="not_supported", findings=(information("no_period_ends", message),))
    best = min((found.verdict for _, found in verdicts), key=_BEST_FIRST.index)
    findings = tuple(
        finding.model_copy(update={"message": f"{period}: {finding.message}"})
        for period, found in verdicts
        for finding in found.findings
    )
    return CodeVerdict(verdict=best, findings=findings)


_BEST_FIRST: tuple[Verdict, ...] = ("supported", "hold", "not_supported")


def _supply(code: str, span: Span | None, certain: int, possible: int, incomplete: bool) -> CodeVerdict:
    """One tier, without units (§6); certain days beyond it are the other's, and missing data cannot take them away."""
    if span is None:
        return not_in_force(code)
    verdict: Verdict = "hold"
    if certain in span:
        verdict = "supported"
    elif certain > span.most or possible < span.least:
        verdict = "not_supported"
    message = f"{span} device days are needed, {certain} are certain and {possible} possible."
    reasons = (information("days_needed", message),)
    return code_verdict(verdict, reasons, incomplete and certain <= span.most, units=0)
