"""Assessment §4 and §6: days with a reading."""

from typing import Any

import pytest

from fhir_rpm.mapping import read_month
from fhir_rpm.month import BillingMonth
from tests.builders import NURSE, concept, encounter, reading

MAY = BillingMonth.parse("2026-05", "America/New_York")
WHEN = "2026-05-14T08:00:00-04:00"


def _days(*observations: dict[str, Any]) -> tuple[int, int]:
    record = read_month(observations, MAY)
    return len(record.device_days), len(record.device_days | record.other_days)


def _without_device(**more: Any) -> dict[str, Any]:
    return {key: value for key, value in reading("o1", WHEN, **more).items() if key != "device"}


def test_a_reading_that_names_a_device_is_certain() -> None:
    assert _days(reading("o1", WHEN)) == (1, 1)


@pytest.mark.parametrize(
    "device", [{"reference": "Device/d"}, {"display": "Cuff"}, {"identifier": {"value": "urn:imei:1"}}]
)
def test_a_device_is_named_by_reference_display_or_identifier(device: dict[str, Any]) -> None:
    assert _days(reading("o1", WHEN, device=device)) == (1, 1)


def test_a_reading_of_unknown_origin_is_only_possible() -> None:
    assert _days(_without_device()) == (0, 1)
    assert _days(_without_device(performer=[{"display": "User Interconnect", "reference": "Practitioner/u"}])) == (0, 1)


def test_several_readings_of_a_local_day_are_one_day() -> None:
    late = reading("o2", "2026-06-01T02:45:00Z")
    assert _days(reading("o1", "2026-05-31T08:00:00-04:00"), late) == (1, 1)


@pytest.mark.parametrize(
    "when",
    [
        {"effectivePeriod": {"start": WHEN}},
        {"effectiveInstant": WHEN},
        {"effectiveTiming": {"event": [WHEN]}},
        {"effectiveDateTime": "2026-05-14"},
    ],
)
def test_every_form_of_effective_is_read(when: dict[str, Any]) -> None:
    bare = {key: value for key, value in reading("o1", WHEN).items() if key != "effectiveDateTime"}
    assert _days(bare | when) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "entered-in-error "},
        {"status": "cancelled"},
        {"valueQuantity": {}},
        {"valueQuantity": {"value": 1}, "dataAbsentReason": concept("Error")},
        {"code": concept("Mean blood pressure", "96607-7", "http://loinc.org")},
        {"code": concept("Average weight")},
        {"method": concept("Manual entry by patient")},
        {"note": [{"text": "Typed in by hand in the app"}]},
        {"category": [concept("Laboratory", "laboratory")]},
        {"category": [], "code": concept("Potassium", "2823-3", "http://loinc.org")},
        {"effectiveDateTime": "2026-05"},
        {"effectiveDateTime": "unknown"},
        {"effectiveDateTime": "2026-06-01T08:00:00-04:00"},
    ],
)
def test_what_is_no_reading_of_the_month_never_counts(changes: dict[str, Any]) -> None:
    assert _days(reading("o1", WHEN) | changes) == (0, 0)


def test_what_the_patient_supplied_without_a_device_never_counts() -> None:
    tagged = {"meta": {"tag": [{"code": "PATAST"}]}}
    assert _days(_without_device(**tagged)) == (0, 0)
    assert _days(reading("o1", WHEN, **tagged)) == (1, 1)


def test_vitals_that_staff_took_during_a_visit_never_count() -> None:
    assert _days(_without_device(performer=[NURSE])) == (0, 0)
    visit = encounter("e1", WHEN, type=[concept("Office Visit")], **{"class": {"code": "AMB"}})
    assert _days(reading("o1", WHEN, encounter={"reference": "Encounter/e1"}), visit) == (0, 0)


def test_a_panel_counts_by_its_components() -> None:
    panel = {key: value for key, value in reading("o1", WHEN).items() if key != "valueQuantity"}
    assert _days(panel | {"component": [{"valueQuantity": {"value": 139}}]}) == (1, 1)
    assert _days(panel | {"component": [{"dataAbsentReason": concept("Error")}]}) == (0, 0)
