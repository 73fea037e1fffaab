"""What came is held against what was asked for."""

from datetime import timedelta
from typing import Any

import pytest

from fhir_rpm.client.extent import Extent, patient_of
from fhir_rpm.month import BillingMonth

MAY = BillingMonth.parse("2026-05", "America/Chicago")
EXTENT = Extent(("new", "old"), MAY, timedelta(days=7))


@pytest.mark.parametrize(
    ("reference", "patient"),
    [
        ("Patient/new", "new"),
        ("https://ehr.example.org/r4/Patient/new/_history/3", "new"),
        (" Patient/new ", "new"),
        ("Patient/new/", "new"),
        ("urn:uuid:5", None),
        ("#p", None),
        ("Group/g", None),
        (None, None),
        (5, None),
    ],
)
def test_the_patient_is_known_however_the_reference_is_written(reference: Any, patient: str | None) -> None:
    assert patient_of({"subject": {"reference": reference}}) == patient
    assert patient_of({"subject": "x", "patient": {"reference": reference}}) == patient


@pytest.mark.parametrize(("patient", "standing"), [("new", "mine"), ("old", "mine"), ("other", "foreign")])
def test_resources_of_others_are_foreign(patient: str, standing: str) -> None:
    assert EXTENT.standing({"resourceType": "Encounter", "subject": {"reference": f"Patient/{patient}"}}) == standing


def test_what_names_nobody_is_kept_and_anybody_is_whom_nobody_was_asked_for() -> None:
    assert EXTENT.standing({"resourceType": "Communication", "payload": [1]}) == "mine"
    assert Extent((), MAY).standing({"subject": {"reference": "Patient/other"}}) == "mine"


def test_what_still_stands_under_a_merged_id_is_claimed() -> None:
    claimed = EXTENT.claimed({"subject": {"reference": "Patient/old", "display": "X"}})
    assert claimed == {"subject": {"reference": "Patient/new", "display": "X"}}
    foreign = {"subject": {"reference": "Patient/other"}}
    assert EXTENT.claimed(foreign) is foreign


@pytest.mark.parametrize(
    ("resource", "standing"),
    [
        ({"resourceType": "Encounter"}, "mine"),
        ({"resourceType": "Encounter", "period": {"start": "2026-05-03"}}, "mine"),
        ({"resourceType": "Encounter", "period": {"start": "2019-05-03", "end": "2019-05-03"}}, "far"),
        ({"resourceType": "Encounter", "period": {"start": "2019-05-03"}}, "mine"),
        ({"resourceType": "Encounter", "period": {"start": "2019-05-03", "end": "2027"}}, "mine"),
        ({"resourceType": "Encounter", "period": {"start": "2027-01-01"}}, "far"),
        ({"resourceType": "Encounter", "period": {"start": "nonsense", "end": "2019"}}, "far"),
        ({"resourceType": "Observation", "effectiveDateTime": "2026"}, "mine"),
        ({"resourceType": "Observation", "effectiveDateTime": "2025"}, "far"),
        ({"resourceType": "Observation", "effectiveInstant": "2020-05-01T00:00:00Z"}, "far"),
        ({"resourceType": "Observation", "effectivePeriod": {"start": "2020-01", "end": "2020-02"}}, "far"),
        ({"resourceType": "Observation", "effectiveTiming": {"event": ["2020-01-01"]}}, "mine"),
        ({"resourceType": "Observation", "effectiveDateTime": "0001"}, "far"),
        ({"resourceType": "Observation", "effectiveDateTime": "9999-12-31"}, "far"),
        ({"resourceType": "DocumentReference", "date": "2020", "context": {"period": {"end": "2026-05-02"}}}, "mine"),
        ({"resourceType": "DocumentReference", "date": "2020-01-01", "context": "x"}, "far"),
        ({"resourceType": "DocumentReference", "date": "2026-06-06"}, "mine"),
        ({"resourceType": "Communication", "sent": "2020-01-01", "payload": [{}]}, "far"),
        ({"resourceType": "Communication", "sent": "2020-01-01"}, "mine"),
        ({"resourceType": "CareTeam", "period": {"start": "2020", "end": "2020"}}, "mine"),
    ],
)  # fmt: skip
def test_what_is_dated_far_from_the_month_is_left_out_and_the_undated_never(
    resource: dict[str, Any], standing: str
) -> None:
    assert EXTENT.standing(resource) == standing
