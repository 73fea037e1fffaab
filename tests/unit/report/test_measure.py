"""Totals of a practice: each month counts once, and only where the Measure says so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_rpm.model import AssessedContact, Assessment, CodeVerdict, Finding, Gap
from fhir_rpm.month import BillingMonth
from fhir_rpm.report import measure_report

MONTH = BillingMonth.parse("2026-05", "America/Chicago")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CODES = ("99457", "99458", "99470", "99454", "99445")
CONTACT = AssessedContact(
    sources=("Encounter/1",),
    modality="phone",
    start=None,
    minutes=None,
    staff=(),
    participant=None,
    outcome="qualifies",
)
NOT_IN_FORCE = Finding(code="not_in_force", severity="information", message="")


def month(status: str, verdicts: dict[str, str], **more: Any) -> Assessment:
    codes = {code: CodeVerdict(verdict=verdicts.get(code, "not_supported")) for code in CODES}
    common = {"patient": "Patient/1", "month": "2026-05", "time_zone": "America/Chicago", "policy": "rpm-us"}
    return Assessment.model_validate({**common, "status": status, "codes": codes, "contacts": (CONTACT,), **more})


def populations(report: dict[str, Any], group: str) -> dict[str, int]:
    (found,) = [item for item in report["group"] if item["code"]["coding"][0]["code"].removeprefix("group-") == group]
    return {item["code"]["coding"][0]["code"]: item["count"] for item in found["population"]}


def test_a_month_on_hold_counts_neither_for_nor_against() -> None:
    held = month("hold", {"99457": "hold", "99470": "supported"})
    report = measure_report([month("ready", {"99457": "supported"}), held], MONTH, created=NOW)
    assert populations(report, "99457") == {
        "initial-population": 2,
        "denominator": 2,
        "numerator": 1,
        "denominator-exception": 1,
    }
    assert populations(report, "month")["numerator"] == 1
    assert report["group"][0]["measureScore"] == {"value": 1.0}


def test_a_code_not_yet_in_force_is_excluded() -> None:
    early = month("not_met", {}).model_copy(
        update={"codes": {"99457": CodeVerdict(verdict="not_supported"), "99470": _not_in_force()}}
    )
    found = populations(measure_report([early], MONTH, created=NOW), "99470")
    assert (found["denominator-exclusion"], found["numerator"]) == (1, 0)


def _not_in_force() -> CodeVerdict:
    return CodeVerdict(verdict="not_supported", findings=(NOT_IN_FORCE,))


def test_a_month_without_a_trace_of_monitoring_is_no_month() -> None:
    empty = month("not_met", {}, contacts=())
    report = measure_report([empty], MONTH, created=NOW)
    assert populations(report, "month")["initial-population"] == 0
    assert "measureScore" not in report["group"][0]


@pytest.mark.parametrize(
    "trace", [{"device_days": {"certain": 0, "possible": 3}}, {"gaps": (Gap(resource_type=None, code="x", reason=""),)}]
)
def test_days_in_doubt_and_gaps_are_traces(trace: dict[str, Any]) -> None:
    report = measure_report([month("hold", {}, contacts=(), **trace)], MONTH, created=NOW)
    assert populations(report, "month")["denominator-exception"] == 1


def test_unread_patients_make_the_totals_pending() -> None:
    assert measure_report([], MONTH, created=NOW)["status"] == "complete"
    assert measure_report([], MONTH, created=NOW, unread=1)["status"] == "pending"


def test_the_period_is_the_month_in_the_practices_zone() -> None:
    assert measure_report([], MONTH, created=NOW)["period"] == {
        "start": "2026-05-01T00:00:00-05:00",
        "end": "2026-05-31T23:59:59-05:00",
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ready", "hold", "not_met"]), st.sampled_from(["supported", "hold", "not_supported"])
        )
    )
)
def test_no_population_is_larger_than_the_one_around_it(months: list[tuple[str, str]]) -> None:
    report = measure_report([month(status, {"99457": verdict}) for status, verdict in months], MONTH, created=NOW)
    for group in ("99457", "month"):
        found = populations(report, group)
        assert found["initial-population"] == found["denominator"] == len(months)
        assert found["numerator"] + found["denominator-exception"] <= found["denominator"]
