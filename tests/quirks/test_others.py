"""What MEDITECH, Medplum and FHIR itself do that breaks naive clients (docs/vendors, quirks 76 to 95)."""

import json
from decimal import Decimal

import pytest

from tests.builders import NURSE, concept, encounter, message, reading
from tests.quirks.ehr import CALL, Json, contact, record

ASKED, ANSWERED = "2026-05-14T14:02:00-04:00", "2026-05-14T14:09:00-04:00"
QUESTION = "Your BP was 152/94 this morning. Any dizziness?"
ANSWER = "No dizziness. Should I keep taking 20 mg?"


def _bare(resource: Json, *without: str) -> Json:
    return {key: value for key, value in resource.items() if key not in without}


def _thread(begun: str | None = None) -> list[Json]:
    """A header without payload, and two messages that only name it."""
    part = {"partOf": [{"reference": "Communication/h"}], "status": "in-progress"}
    header = message("h", begun, None, status="in-progress", topic={"text": "BP"})
    asked = _bare(message("c1", ASKED, QUESTION, **part), "subject", "recipient")
    answered = _bare(message("c2", ANSWERED, ANSWER, "patient", **part), "subject", "recipient")
    return [header, asked, answered]


@pytest.mark.quirk(79)
def test_messages_that_only_name_their_thread_are_one_live_exchange() -> None:
    found = contact(*_thread(), vendor="medplum")
    assert (found.sources, found.modality) == (("Communication/c1", "Communication/c2"), "secure_message")
    assert (found.exchange, found.minutes) == ("two_way", 7)


@pytest.mark.quirk(80)
def test_a_thread_header_is_no_interaction() -> None:
    header, *_ = _thread(ASKED)
    assert record(header, vendor="medplum").contacts == ()


@pytest.mark.quirk(81)
def test_one_message_is_one_way_and_an_opposite_answer_makes_it_two() -> None:
    assert contact(message("c1", ASKED, QUESTION), vendor="generic").exchange == "one_way"
    reply = message("c2", ANSWERED, ANSWER, "patient", inResponseTo=[{"reference": "Communication/c1"}])
    assert contact(message("c1", ASKED, QUESTION), reply, vendor="generic").exchange == "two_way"


@pytest.mark.quirk(81)
@pytest.mark.parametrize(
    "automatic",
    [
        message("c2", ANSWERED, "Automatic reply: thank you for your message.", "patient"),
        message("c2", ANSWERED, "Time to measure.", {"reference": "Device/d1"}),
    ],
)
def test_an_automatic_message_is_no_answer(automatic: Json) -> None:
    linked = automatic | {"inResponseTo": [{"reference": "Communication/c1"}]}
    assert contact(message("c1", ASKED, QUESTION), linked, vendor="generic").exchange == "one_way"


@pytest.mark.quirk(82)
@pytest.mark.parametrize(("medium", "minutes"), [("PHONE", 7), ("VIDEOCONF", 7), ("WRITTEN", None), (None, None)])
def test_the_time_a_message_takes_to_arrive_is_no_length(medium: str | None, minutes: int | None) -> None:
    said = {"medium": [concept("x", medium)]} if medium else {}
    assert contact(message("c1", ASKED, QUESTION, received=ANSWERED, **said), vendor="generic").minutes == minutes


@pytest.mark.quirk(83)
@pytest.mark.parametrize("proxy", [{"reference": "RelatedPerson/r1"}, {"reference": "Patient/p2"}])
def test_a_proxy_who_writes_is_a_caregiver(proxy: Json) -> None:
    reply = message("c2", ANSWERED, ANSWER, proxy, recipient=[NURSE], inResponseTo=[{"reference": "Communication/c1"}])
    found = contact(message("c1", ASKED, QUESTION), reply, vendor="generic")
    assert (found.exchange, found.participant) == ("two_way", "caregiver")


@pytest.mark.quirk(84)
@pytest.mark.parametrize("kind", ["Group", "CareTeam", "PractitionerRole", "HealthcareService", "Organization"])
def test_a_message_to_a_team_is_among_staff_and_its_answer_is_no_patients(kind: str) -> None:
    sent = message("c1", ASKED, QUESTION, recipient=[{"reference": f"{kind}/t1"}])
    assert contact(sent, vendor="generic").barred == "internal"
    asked = message("c1", ASKED, ANSWER, "patient", recipient=[{"reference": f"{kind}/t1"}])
    assert contact(asked, vendor="generic").barred == "no_reply"


@pytest.mark.quirk(84)
def test_a_message_to_a_device_reaches_nobody() -> None:
    sent = message("c1", ASKED, QUESTION, recipient=[{"reference": "Device/d1"}])
    assert contact(sent, vendor="generic").exchange in ("none", "one_way")


@pytest.mark.quirk(85)
@pytest.mark.parametrize(
    ("start", "listed"),
    [("2026", False), ("2026-05", True), ("2026-05-14", True), ("2026-05-14T23:59:60-04:00", True), (None, False)],
)
def test_a_time_counts_as_far_as_it_is_stated(start: str | None, listed: bool) -> None:
    found = record(encounter("e1", start), vendor="generic")
    assert bool(found.contacts) is listed
    assert bool(found.gaps) is not listed


@pytest.mark.quirk(85)
def test_a_primitive_that_is_only_an_extension_is_absent() -> None:
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}]}
    found = record(message("c1", None, QUESTION, _sent=absent), vendor="generic")
    assert (found.contacts, [finding.code for finding in found.findings]) == ((), ["undated_evidence"])


RN = {
    "resourceType": "Practitioner",
    "id": "n1",
    "identifier": [{"system": "http://npi", "value": "7"}],
    "name": [{"text": "Ana Ruiz"}],
    "qualification": [{"code": concept("Registered Nurse")}],
}


@pytest.mark.quirk(86)
@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Practitioner/n1"},
        {"reference": "https://ehr.example.org/fhir/Practitioner/n1"},
        {"reference": "Practitioner/n1/_history/2"},
        {"reference": "urn:uuid:0c1b"},
        {"reference": "#rn"},
        {"type": "Practitioner", "identifier": {"system": "http://npi", "value": "7"}},
        {"display": "Ana Ruiz, Registered Nurse"},
    ],
)
def test_whoever_is_referred_to_is_found_in_any_form_of_reference(reference: Json) -> None:
    call = encounter("e1", *CALL, participant=[{"individual": reference}])
    if reference.get("reference") == "#rn":
        call["contained"] = [RN | {"id": "rn"}]
    page = {
        "resourceType": "Bundle",
        "entry": [{"resource": call}, {"fullUrl": "urn:uuid:0c1b", "resource": RN}],
    }
    (found,) = record(page, vendor="generic").contacts
    assert [(person.name, person.role) for person in found.staff] == [("Ana Ruiz", "rn")]


@pytest.mark.quirk(87)
@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"valueQuantity": None, "dataAbsentReason": concept("Unknown")},
        {"code": concept("Average blood pressure", "96607-7", "http://loinc.org")},
        {"valueQuantity": None, "component": [{"code": concept("Systolic"), "dataAbsentReason": concept("Unknown")}]},
    ],
)
def test_what_measures_nothing_is_no_reading(changes: Json) -> None:
    found = record({key: value for key, value in reading("o1", ASKED, **changes).items() if value}, vendor="generic")
    assert found.device_days | found.other_days == set()


@pytest.mark.quirk(88)
@pytest.mark.parametrize(
    ("effective", "day"),
    [
        ({"effectiveDateTime": "2026-05-15T03:30:00Z"}, 14),
        ({"effectiveInstant": "2026-05-15T03:30:00.000Z"}, 14),
        ({"effectivePeriod": {"start": "2026-05-15T03:30:00Z", "end": "2026-05-15T05:00:00Z"}}, 14),
        ({"effectiveDateTime": "2026-05-14"}, 14),
    ],
)
def test_a_device_day_is_the_patients_calendar_day(effective: Json, day: int) -> None:
    found = record(_bare(reading("o1", ASKED), "effectiveDateTime") | effective, vendor="generic")
    assert [date.day for date in found.device_days] == [day]


@pytest.mark.quirk(93)
def test_an_included_resource_is_no_contact() -> None:
    location = {"resourceType": "Location", "id": "l1", "name": "Telehealth"}
    provenance = {"resourceType": "Provenance", "id": "v1", "target": [{"reference": "Encounter/e1"}]}
    matches = [{"resource": encounter("e1", *CALL), "search": {"mode": "match"}}]
    includes = [{"resource": item, "search": {"mode": "include"}} for item in (location, provenance)]
    page = {"resourceType": "Bundle", "type": "searchset", "total": 3, "entry": matches + includes}
    assert len(record(page, vendor="generic").contacts) == 1


@pytest.mark.quirk(94)
@pytest.mark.parametrize("read", [float, Decimal])
def test_a_decimal_length_loses_no_second(read: type) -> None:
    text = json.dumps(encounter("e1", "2026-05-14", length={"value": "@", "code": "min"})).replace('"@"', "8.20")
    assert 8.2 * 60 < 492
    assert contact(json.loads(text, parse_float=read), vendor="generic").seconds == 492
