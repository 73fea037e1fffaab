"""What Oracle Health does that breaks naive clients (docs/vendors/oracle.md, quirks 42 to 75)."""

import base64
from typing import Any

import pytest

from tests.builders import NURSE, SPOKE, concept, encounter, message, note, reading
from tests.quirks.ehr import (
    CALL,
    Json,
    contact,
    record,
)

TENANT = "https://fhir.cerner.com/ec2458f2-1e24-41c8-b71b-0e701af7583d"
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def _oracle(*resources: Json) -> Any:
    return contact(*resources, vendor="oracle")


def _participant(text: str, code: str = "PART", display: str = "Ruiz, Ana") -> Json:
    coding = [
        {"system": f"{TENANT}/codeSet/333", "code": "4199", "display": text, "userSelected": True},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": code, "userSelected": False},
    ]
    individual = {"reference": "Practitioner/n1", "display": display}
    return {"type": [{"coding": coding, "text": text}], "individual": individual}


@pytest.mark.quirk(44)
def test_a_body_is_found_by_an_id_with_dots_and_a_minus() -> None:
    body = base64.b64encode(f"<p>{SPOKE}</p>".encode()).decode()
    binary = {"resourceType": "Binary", "id": "489580643.0.-4.prsnl", "contentType": "text/html", "data": body}
    call = message("c1", CALL[0], None, medium=[concept("telephone", "PHONE")])
    call["payload"] = [{"contentReference": {"reference": "Binary/489580643.0.-4.prsnl"}}]
    assert _oracle(call, binary).exchange == "two_way"


@pytest.mark.quirk(45)
@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Registered Nurse", "rn"),
        ("Attending Physician", "physician"),
        ("Registration Clerk", "non_clinical"),
        ("Database Coordinator", "non_clinical"),
        ("Other", None),
    ],
)
def test_the_role_stands_in_the_type_of_participation(text: str, role: str | None) -> None:
    found = _oracle(encounter("e1", *CALL, participant=[_participant(text)]))
    assert [(person.name, person.role) for person in found.staff] == [("Ruiz, Ana", role)]


@pytest.mark.quirk(45)
@pytest.mark.parametrize(("text", "code"), [("Referring Physician", "REF"), ("Chart Review", "PART")])
def test_who_referred_or_only_read_the_chart_did_not_call(text: str, code: str) -> None:
    found = _oracle(encounter("e1", *CALL, participant=[_participant(text, code), {"individual": NURSE}]))
    assert [person.name for person in found.staff] == ["Ana Ruiz"]


PANEL = [
    {"code": concept(name, code, "http://loinc.org"), "valueQuantity": {"value": value, "unit": "mmHg"}}
    for name, code, value in (("Systolic", "8480-6", 138), ("Diastolic", "8462-4", 84))
]


def _without_value(**more: Any) -> Json:
    return {key: value for key, value in reading("o1", CALL[0], **more).items() if key != "valueQuantity"}


@pytest.mark.quirk(52)
def test_a_panel_whose_values_stand_in_its_components_is_a_reading() -> None:
    panel = _without_value(code=concept("Blood pressure", "85354-9", "http://loinc.org"))
    assert len(record(panel | {"component": PANEL}, vendor="oracle").device_days) == 1
    assert record(panel, vendor="oracle").device_days == set()


@pytest.mark.quirk(53)
def test_a_vital_with_a_proprietary_code_alone_is_a_reading() -> None:
    proprietary = {"system": f"{TENANT}/codeSet/72", "code": "4154126", "userSelected": True}
    vital = reading("o1", CALL[0], code={"coding": [proprietary], "text": "Weight Measured"})
    assert len(record(vital, vendor="oracle").device_days) == 1


@pytest.mark.quirk(53)
def test_a_code_counts_wherever_it_stands_among_the_codings() -> None:
    proprietary = {"system": f"{TENANT}/codeSet/72", "code": "4154126", "userSelected": True}
    loinc = {"system": "http://loinc.org", "code": "29463-7", "userSelected": False}
    assert len(record(reading("o1", CALL[0], code={"coding": [proprietary, loinc]}, category=[])).device_days) == 1


@pytest.mark.quirk(54)
@pytest.mark.parametrize("changes", [{"status": "entered-in-error "}, {"status": " Entered-In-Error"}])
def test_what_was_entered_in_error_is_no_reading(changes: Json) -> None:
    assert record(reading("o1", CALL[0], **changes), vendor="oracle").device_days == set()


@pytest.mark.quirk(54)
def test_what_was_entered_in_error_is_no_note_and_no_call() -> None:
    retracted = note("d1", SPOKE, status="entered-in-error ")
    never = encounter("e1", *CALL, status="entered-in-error ")
    assert _oracle(retracted, never).barred == "not_done"


@pytest.mark.quirk(55)
def test_a_combined_encounter_is_nothing_and_breaks_nothing() -> None:
    merged = {"resourceType": "Encounter", "id": "97865451", "status": "unknown", "class": ABSENT, "type": [ABSENT]}
    merged |= {"subject": ABSENT, "partOf": {"reference": "Encounter/e1"}}
    found = _oracle(merged, encounter("e1", *CALL), note("d1", SPOKE, about="e1"))
    assert found.sources == ("Encounter/e1", "DocumentReference/d1")


@pytest.mark.quirk(55)
def test_a_note_of_a_combined_encounter_belongs_to_the_encounter_it_was_combined_into() -> None:
    merged = {"resourceType": "Encounter", "id": "97865451", "status": "unknown", "class": ABSENT, "type": [ABSENT]}
    merged |= {"subject": ABSENT, "partOf": {"reference": "Encounter/e1"}}
    found = _oracle(merged, encounter("e1", *CALL), note("d1", SPOKE, "2026-05-15", about="97865451"))
    assert (found.sources, found.minutes) == (("Encounter/e1", "DocumentReference/d1"), 12)


@pytest.mark.quirk(56)
def test_a_document_whose_status_is_absent_still_tells() -> None:
    document = {key: value for key, value in note("d1", SPOKE).items() if key != "status"} | {"_status": ABSENT}
    assert _oracle(document).exchange == "two_way"


@pytest.mark.quirk(57)
def test_a_call_without_period_is_dated_by_its_note() -> None:
    call = encounter("e1", None, status="in-progress")
    found = _oracle(call, note("d1", SPOKE, about="e1"))
    assert (found.sources, found.start.day.isoformat()) == (("Encounter/e1", "DocumentReference/d1"), "2026-05-14")


@pytest.mark.quirk(57)
def test_a_call_that_nothing_dates_is_missing_data_not_none() -> None:
    found = record(encounter("e1", None, status="in-progress"), vendor="oracle")
    assert [(gap.resource_type, gap.code) for gap in found.gaps] == [("Encounter", "undated")]
    assert [finding.code for finding in found.findings] == ["undated_evidence"]


@pytest.mark.quirk(58)
@pytest.mark.parametrize(
    ("text", "modality"), [("Phone Message", "phone"), ("Outpatient Phone Message", "phone"), ("Telehealth", "unknown")]
)
def test_a_clients_own_type_is_told_by_its_text(text: str, modality: str) -> None:
    own = {"coding": [{"system": f"{TENANT}/codeSet/71", "code": "3774", "display": text, "userSelected": True}]}
    assert _oracle(encounter("e1", *CALL, type=[own], **{"class": {"code": "AMB"}})).modality == modality


def _performed(function: str, reference: str = "Practitioner/n9", display: str | None = None) -> Json:
    extension = [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/event-performerFunction",
            "valueCodeableConcept": {"coding": [{"display": function}], "text": function},
        }
    ]
    performer = {"extension": extension, "reference": reference} | ({"display": display} if display else {})
    plain = reading("o1", CALL[0], performer=[performer])
    return {key: value for key, value in plain.items() if key != "device"}


@pytest.mark.quirk(74)
def test_a_reading_that_a_nurse_performed_is_none_of_the_patients() -> None:
    found = record(_performed("Registered Nurse"), vendor="oracle")
    assert found.device_days | found.other_days == set()


@pytest.mark.quirk(74)
@pytest.mark.parametrize(
    "performed",
    [_performed("legal authenticator"), _performed("legal authenticator", "Practitioner/1", "SYSTEM, SYSTEM Cerner")],
)
def test_a_reading_that_the_system_filed_is_of_unknown_origin(performed: Json) -> None:
    found = record(performed, vendor="oracle")
    assert (len(found.device_days), len(found.other_days)) == (0, 1)
