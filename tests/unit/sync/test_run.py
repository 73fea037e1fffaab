"""A run over roster entries: each in its practice's zone, with its own calls and the readings that its periods need."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from fhir_rpm.client import Pull
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.model import Call, CallLog, StaffMember, UnreadCall
from fhir_rpm.month import BillingMonth
from fhir_rpm.roster import RosterEntry
from fhir_rpm.sync import PatientResult, RunPlan, run_months
from fhir_rpm.sync.run import run_month
from tests.builders import SPOKE, reading

MAY = BillingMonth.parse("2026-05", "America/Chicago")


class _Ehr:
    """What a run asks of a session: months and readings, one patient each."""

    def __init__(self, in_force: str | None = None) -> None:
        self.in_force = in_force
        self.asked: list[tuple[str, str, str]] = []

    def authenticate(self) -> None:
        return None

    def pull_month(self, patient: str, month: BillingMonth) -> Pull:
        self.asked.append((patient, str(month), month.zone.key))
        return Pull(({"resourceType": "Patient", "id": self.in_force or patient},))

    def pull_readings(self, patient: str, month: BillingMonth) -> Pull:
        self.asked.append((patient, str(month), "readings"))
        days = (date(2026, 4, 12) + timedelta(days=place) for place in range(16))
        return Pull(tuple(reading(f"o{day}", f"{day}T08:00:00-05:00") for day in days))


def _run(ehr: _Ehr, *entries: str | RosterEntry, **more: Any) -> list[PatientResult]:
    plan = RunPlan(MAY, ConnectionSettings(max_concurrency=1), datetime(2026, 6, 1, tzinfo=UTC), **more)
    return list(run_months(ehr, entries, plan))  # type: ignore[arg-type]


def _call(patient: str, line: int = 2) -> Call:
    at = datetime(2026, 5, 14, 19, 2, tzinfo=UTC)
    named = {"staff_name": "Ana Ruiz", "note": SPOKE, "outcome": "answered"}
    return Call.model_validate(
        {"source": f"call-log:c.csv#{line}", "patient": patient, "start": at, "seconds": 720} | named
    )


def _sources(result: PatientResult) -> list[str]:
    assert result.assessment is not None
    return [source for contact in result.assessment.contacts for source in contact.sources]


def test_each_entry_is_judged_in_its_own_zone() -> None:
    ehr = _Ehr()
    results = _run(ehr, "Patient/p1", RosterEntry(patient="p2", time_zone="America/Denver"))
    assert ehr.asked == [("p1", "2026-05", "America/Chicago"), ("p2", "2026-05", "America/Denver")]
    assert [item.assessment.time_zone for item in results if item.assessment] == ["America/Chicago", "America/Denver"]


def test_the_month_before_is_read_only_for_a_period_that_began_in_it() -> None:
    ehr = _Ehr()
    starts = (date(2026, 4, 12), date(2026, 5, 1), None)
    results = _run(ehr, *(RosterEntry(patient="p1", monitoring_start=start) for start in starts))
    assert [asked for asked in ehr.asked if asked[2] == "readings"] == [("p1", "2026-04", "readings")]
    verdicts = [item.assessment.codes["99454"].verdict for item in results if item.assessment]
    assert verdicts == ["supported", "not_supported", "not_supported"]


def test_each_patient_has_the_calls_of_its_own_and_the_staff_directory() -> None:
    log = CallLog(calls=(_call("p1"), _call("Patient/p2", 3)))
    results = _run(_Ehr(), "p1", "p2", calls=log, staff=(StaffMember(role="rn", name="Ana Ruiz"),))
    assert [_sources(item) for item in results] == [["call-log:c.csv#2"], ["call-log:c.csv#3"]]
    assert [item.assessment.status for item in results if item.assessment] == ["ready", "ready"]


def test_calls_and_unread_rows_under_a_merged_patient_s_former_id_are_kept() -> None:
    lost = UnreadCall(source="call-log:c.csv#4", field="start", problem="no time.", patient="Patient/old")
    (result,) = _run(_Ehr(in_force="new"), "old", calls=CallLog(calls=(_call("old"), _call("new", 3)), unread=(lost,)))
    assert sorted(_sources(result)) == ["call-log:c.csv#2"]  # the same words at the same time are one call
    assert result.assessment is not None
    assert [gap.code for gap in result.assessment.gaps] == ["call_log_row_unread"]
    assert result.assessment.patient == "Patient/old"


def test_nothing_is_written_for_a_patient_whose_record_was_merged() -> None:
    plan = RunPlan(MAY, ConnectionSettings(max_concurrency=1), datetime(2026, 6, 1, tzinfo=UTC), write_back=True)
    desk: Any = object()  # touching it would fail
    result = run_month(_Ehr("survivor"), "p1", plan, desk)  # type: ignore[arg-type]
    assert result.published is not None
    assert result.published.status == "needs_person"
    assert "Patient/survivor" in result.published.detail
