import json

import pytest
from pydantic import ValidationError

from fhir_rpm import assess
from fhir_rpm.model import Assessment, Bounds, InteractiveCommunication
from tests.builders import SPOKE, encounter, note

RESOURCES = [
    encounter("e1", "2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00"),
    note("d1", SPOKE, about="e1"),
]


def _assessment() -> Assessment:
    return assess(RESOURCES, month="2026-05", time_zone="America/New_York")


def test_the_json_has_the_fields_of_the_contract_in_its_order() -> None:
    written = json.loads(_assessment().to_json())
    contract = [
        "schema",
        "patient",
        "month",
        "time_zone",
        "policy",
        "status",
        "contacts",
        "minutes",
        "device_days",
        "codes",
    ]
    assert list(written)[: len(contract)] == contract
    assert written["schema"] == "fhir-rpm/assessment/1"
    assert list(written["codes"]) == ["99457", "99458", "99470", "99454", "99445"]
    assert set(written["contacts"][0]) == {
        "sources",
        "modality",
        "start",
        "minutes",
        "staff",
        "participant",
        "outcome",
        "reason",
        "missing",
        "evidence",
    }
    assert {"strict_differs", "findings", "actions"} <= set(written)


def test_dumping_to_python_uses_the_same_names() -> None:
    assert _assessment().model_dump(mode="json") == json.loads(_assessment().to_json())


def test_written_json_is_read_back() -> None:
    assessment = _assessment()
    assert Assessment.model_validate_json(assessment.to_json()) == assessment


def test_equal_input_gives_equal_bytes() -> None:
    assert _assessment().to_json() == assess(iter(RESOURCES), month="2026-05", time_zone="America/New_York").to_json()


def test_unknown_is_null_never_an_empty_string() -> None:
    written = json.loads(
        assess([encounter("e1", "2026-05-14")], month="2026-05", time_zone="America/New_York").to_json()
    )
    (contact,) = written["contacts"]
    assert (contact["minutes"], contact["participant"], contact["reason"]) == (None, None, None)
    assert written["minutes"]["possible"] is None


def test_values_cannot_be_changed_or_misspelled() -> None:
    with pytest.raises(ValidationError):
        Bounds(certain=1, posible=2)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        _assessment().status = "ready"


@pytest.mark.parametrize(("seconds", "minutes"), [(None, None), (0, 0), (59, 0), (60, 1), (1199, 19)])
def test_minutes_are_rounded_down(seconds: int | None, minutes: int | None) -> None:
    contact = InteractiveCommunication(
        sources=("Encounter/e1",), modality="phone", start=None, exchange="two_way", seconds=seconds
    )
    assert contact.minutes == minutes
