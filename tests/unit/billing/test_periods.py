"""Supply codes judged on periods from the start of monitoring: the contract's §6."""

from datetime import date, timedelta
from typing import Any

import pytest

from fhir_rpm.billing import explain_month, judge
from fhir_rpm.billing.periods import periods_of
from fhir_rpm.model import Gap, MonthRecord
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import MAY, contact, days, finding_codes, terms


def _record(start: str | None, earlier: int = 0, **more: Any) -> MonthRecord:
    """Monitoring since `start`, with readings on the last `earlier` days of April."""
    before = frozenset(date(2026, 4, 30) - timedelta(days=place) for place in range(earlier))
    begun = date.fromisoformat(start) if start else None
    return MonthRecord(patient="Patient/p1", monitoring_start=begun, earlier_device_days=before, **more)


def _verdicts(record: MonthRecord) -> tuple[str, str]:
    codes = judge(record, MAY, terms()).codes
    return codes["99454"].verdict, codes["99445"].verdict


@pytest.mark.parametrize(
    ("start", "month", "expected"),
    [
        ("2026-04-12", "2026-05", ["2026-04-12 to 2026-05-11"]),
        ("2026-04-02", "2026-05", ["2026-04-02 to 2026-05-01", "2026-05-02 to 2026-05-31"]),
        ("2026-04-01", "2026-05", ["2026-05-01 to 2026-05-30"]),
        ("2026-01-12", "2026-05", ["2026-04-12 to 2026-05-11"]),
        ("2026-05-02", "2026-05", ["2026-05-02 to 2026-05-31"]),
        ("2026-05-03", "2026-05", []),
        ("2026-06-03", "2026-05", []),
        ("2026-01-31", "2026-02", []),
        ("2025-12-30", "2026-03", ["2026-02-28 to 2026-03-29"]),
    ],
)
def test_a_month_s_periods_are_those_that_end_in_it(start: str, month: str, expected: list[str]) -> None:
    found = periods_of(_record(start), BillingMonth.parse(month, "America/Chicago"), 30)
    assert found is not None
    assert list(map(str, found)) == expected


def test_days_before_the_month_count_in_their_period() -> None:
    assert _verdicts(_record("2026-04-12", 10, device_days=days(1, 2, 3, 4, 5, 6))) == ("supported", "not_supported")


def test_days_after_the_period_do_not_count_in_it() -> None:
    late = _record("2026-04-12", device_days=days(*range(12, 30)))
    assert _verdicts(late) == ("not_supported", "not_supported")
    assert judge(late, MAY, terms()).device_days.certain == 18


def test_days_before_the_period_do_not_count_in_it() -> None:
    assert _verdicts(_record("2026-04-25", 30)) == ("not_supported", "supported")


def test_without_a_start_days_before_the_month_do_not_count() -> None:
    assert _verdicts(_record(None, 30)) == ("not_supported", "not_supported")


def test_a_month_in_which_no_period_ends_owes_nothing_whatever_is_missing() -> None:
    gap = Gap(resource_type="Observation", code="403", reason="Refused.")
    record = _record("2026-05-10", device_days=days(*range(10, 30)), gaps=(gap,))
    assert _verdicts(record) == ("not_supported", "not_supported")
    assert judge(record, MAY, terms()).codes["99454"].findings[0].code == "no_period_ends"


def test_of_two_periods_each_code_has_its_best() -> None:
    record = _record("2026-04-02", 29, device_days=days(2, 3))
    assert _verdicts(record) == ("supported", "supported")
    messages = [finding.message for finding in judge(record, MAY, terms()).codes["99454"].findings]
    assert [message[:10] for message in messages] == ["2026-04-02", "2026-05-02"]


def test_missing_readings_hold_what_they_could_change() -> None:
    gap = Gap(resource_type="Observation", code="403", reason="Refused.")
    assert _verdicts(_record("2026-04-12", gaps=(gap,))) == ("hold", "hold")


def test_the_finding_says_which_periods_were_judged() -> None:
    month = judge(_record("2026-04-12"), MAY, terms())
    assert "device_period_unknown" not in finding_codes(month)
    message = next(finding.message for finding in month.findings if finding.code == "device_periods")
    assert "2026-04-12 to 2026-05-11" in message


def test_the_explanation_rests_on_the_days_of_the_period() -> None:
    record = _record("2026-04-12", 2, device_days=days(1, 20))
    explanation = explain_month(record, MAY, terms(), judge(record, MAY, terms()), None)
    (requirement,) = explanation.codes["99445"].requirements
    assert (requirement.met, requirement.found) == ("met", "3 days certain, 3 possible")
    assert "2026-05-20" not in requirement.basis[0].words
    waiting = explain_month(_record("2026-05-10"), MAY, terms(), judge(_record("2026-05-10"), MAY, terms()), None)
    assert waiting.codes["99454"].requirements[0].met == "not_met"


@pytest.mark.parametrize(
    ("start", "sources"),
    [("2026-06-01", ()), ("2026-05-15", ("Encounter/e1",)), ("2026-05-14", None), ("2026-04-01", None), (None, None)],
)
def test_what_lies_before_the_start_is_reported_and_judged_as_any_other(start: str | None, sources: Any) -> None:
    call = contact(25)
    month = judge(_record(start, contacts=(call,)), MAY, terms())
    found = [finding.sources for finding in month.findings if finding.code == "before_monitoring_start"]
    assert found == ([] if sources is None else [sources])
    assert month.codes["99457"].verdict == "supported"
