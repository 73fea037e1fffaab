"""§2, opening and rules 1 to 3: what is read, what is dropped, what is one event, and which month it belongs to."""

import base64
from typing import Any

import pytest

from tests.builders import NURSE, PATIENT, SPOKE, Json, concept, encounter, message, note, reading
from tests.contract.month import (
    CALL,
    LIVE,
    PHONE,
    TALK,
    VIDEO,
    VOICEMAIL,
    call,
    contact,
    contacts,
    each_vendor,
    judged,
    outcome,
    thread,
)
from tests.contract.sentences import sentence

EVIDENCE = (
    "Evidence: `Encounter`, `Communication`, `DocumentReference` notes with their `Binary` bodies, `Observation`;"
)
PEOPLE = "and, to name people, `Patient`, `Practitioner`, `PractitionerRole`, `RelatedPerson`, `CareTeam`"
FORMS = "References may be relative, absolute, versioned, `#contained`, `urn:uuid`, identifier-only or display-only."
BASE = "https://ehr.example.org/r4"
URN = "urn:uuid:5f2a2b8e-0000-4000-8000-000000000001"


def _practitioner(**more: Any) -> Json:
    return {
        "resourceType": "Practitioner",
        "id": "n1",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999984"}],
        "name": [{"family": "Ruiz", "given": ["Ana"]}],
        "qualification": [{"code": concept("Registered Nurse")}],
    } | more


def _bundle(*entries: tuple[str, Json]) -> Json:
    return {"resourceType": "Bundle", "entry": [{"fullUrl": url, "resource": item} for url, item in entries]}


@sentence("2", EVIDENCE)
@each_vendor
def test_a_note_body_behind_a_binary_is_read(vendor: str) -> None:
    body = {
        "resourceType": "Binary",
        "id": "b1.a-2",
        "contentType": "text/html",
        "data": base64.b64encode(f"<html><body><p>{TALK}</p></body></html>".encode()).decode(),
    }
    for url in ("Binary/b1.a-2", f"{BASE}/Binary/b1.a-2"):
        document = note("d1", "", about="e1", content=[{"attachment": {"contentType": "text/html", "url": url}}])
        assert outcome(encounter("e1", *CALL), document, body, vendor=vendor) == "qualifies"


@sentence("2", EVIDENCE)
@each_vendor
def test_each_type_of_evidence_counts(vendor: str) -> None:
    phone = message("c1", CALL[0], TALK, medium=PHONE, received=CALL[1])
    assert outcome(phone, vendor=vendor) == "qualifies"
    assert contact(encounter("e1", *CALL), vendor=vendor)["sources"] == ["Encounter/e1"]
    assert judged(reading("o1", "2026-05-02T08:00:00-04:00"), vendor=vendor)["device_days"]["certain"] == 1


@sentence("2", PEOPLE)
@each_vendor
def test_staff_is_named_by_practitioner_role_by_qualification_or_by_care_team(vendor: str) -> None:
    plain = _practitioner(qualification=[])
    role = {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "practitioner": {"reference": "Practitioner/n1"},
        "code": [concept("Registered Nurse")],
    }
    team = {
        "resourceType": "CareTeam",
        "id": "ct1",
        "participant": [{"member": {"reference": "Practitioner/n1"}, "role": [concept("Registered nurse")]}],
    }
    bare = {"reference": "Practitioner/n1"}
    month = [encounter("e1", *CALL, participant=[{"individual": bare}]), note("d1", TALK, about="e1", author=[bare])]
    assert outcome(*month, plain, vendor=vendor) == "staff_role"
    for helper in ([_practitioner()], [plain, role], [plain, team]):
        assert contact(*month, *helper, vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    by_role = [
        encounter("e1", *CALL, participant=[]),
        note("d1", TALK, about="e1", author=[{"reference": "PractitionerRole/r1"}]),
    ]
    assert contact(*by_role, plain, role, vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]


@sentence("2", PEOPLE)
@each_vendor
def test_a_related_person_is_a_caregiver_and_a_group_or_device_is_nobody(vendor: str) -> None:
    daughter = {"reference": "RelatedPerson/rp1", "display": "Eva Cole"}
    turns = [(when, text, daughter if sender == "patient" else sender) for when, text, sender in LIVE]
    assert contact(*thread(*turns), vendor=vendor)["participant"] == "caregiver"
    for other in ({"reference": "Device/hub"}, {"reference": "Group/nurses", "display": "Nurse pool"}):
        turns = [(when, text, other if sender == "patient" else sender) for when, text, sender in LIVE]
        assert contact(*thread(*turns), vendor=vendor)["participant"] is None


@sentence("2", FORMS)
@each_vendor
@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Practitioner/n1"},
        {"reference": f"{BASE}/Practitioner/n1"},
        {"reference": "Practitioner/n1/_history/2"},
        {"reference": f"{BASE}/Practitioner/n1/_history/2"},
        {"reference": URN},
        {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999984"}},
        {"type": "Practitioner", "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999984"}},
    ],
    ids=lambda reference: str(reference.get("reference", "identifier")),
)
def test_staff_is_found_however_the_reference_is_written(reference: Json, vendor: str) -> None:
    document = note("d1", TALK, about="e1", author=[reference])
    bundle = _bundle(
        (f"{BASE}/Encounter/e1", encounter("e1", *CALL, participant=[])),
        (f"{BASE}/DocumentReference/d1", document),
        (URN, _practitioner()),
    )
    assert contact(bundle, vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]


@sentence("2", FORMS)
def test_an_identifier_shared_by_a_practitioner_and_a_role_names_the_same_person_in_any_order() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "a-role",
        "identifier": _practitioner()["identifier"],
        "practitioner": {"reference": "Practitioner/n1"},
        "code": [concept("Registered Nurse")],
    }
    author = {"identifier": _practitioner()["identifier"][0]}
    month = [encounter("e1", *CALL, participant=[]), note("d1", TALK, about="e1", author=[author])]
    helpers = [_practitioner(qualification=[]), role]
    for resources in ([*month, *helpers], [*helpers[::-1], *month]):
        assert contact(*resources)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]


@sentence("2", FORMS)
def test_an_identifier_without_a_value_names_nobody() -> None:
    empty = {"resourceType": "Practitioner", "id": "x9", "identifier": [{}], "name": [{"text": "Wrong Person, RN"}]}
    document = note("d1", TALK, about="e1", author=[{"identifier": {}}])
    assert contact(encounter("e1", *CALL, participant=[]), document, empty)["staff"] == []


@sentence("2", FORMS)
@each_vendor
@pytest.mark.parametrize(
    "link",
    [
        {"reference": "Encounter/e1"},
        {"reference": f"{BASE}/Encounter/e1"},
        {"reference": "Encounter/e1/_history/7"},
        {"reference": URN},
        {"identifier": {"system": "urn:csn", "value": "31415"}},
    ],
    ids=lambda link: str(link.get("reference", "identifier")),
)
def test_a_note_finds_its_encounter_however_the_reference_is_written(link: Json, vendor: str) -> None:
    event = encounter("e1", *CALL, identifier=[{"system": "urn:csn", "value": "31415"}])
    document = note("d1", TALK, date="2026-05-14T16:40:00-04:00", context={"encounter": [link]})
    bundle = _bundle((URN, event), (f"{BASE}/DocumentReference/d1", document))
    assert contact(bundle, vendor=vendor)["sources"] == ["Encounter/e1", "DocumentReference/d1"]


@sentence("2", FORMS)
@each_vendor
def test_contained_and_display_only_people_are_read(vendor: str) -> None:
    inside = note("d1", TALK, about="e1", author=[{"reference": "#a"}], contained=[_practitioner(id="a")])
    assert outcome(encounter("e1", *CALL, participant=[]), inside, vendor=vendor) == "qualifies"
    shown = note("d1", TALK, about="e1", author=[{"display": "Ruiz, RN, Ana"}])
    assert outcome(encounter("e1", *CALL, participant=[]), shown, vendor=vendor) == "qualifies"


@sentence("2", FORMS)
@each_vendor
@pytest.mark.parametrize(
    ("sender", "side"),
    [
        ({"reference": f"{BASE}/Patient/p1"}, "patient"),
        ({"reference": "#me"}, "patient"),
        ({"type": "Patient", "identifier": {"system": "urn:mrn", "value": "77"}}, "patient"),
        ({"identifier": {"system": "urn:mrn", "value": "77"}}, "patient"),
        ({"type": "Patient", "display": "Rosa Cole"}, "patient"),
        ({"display": "Rosa Cole"}, "patient"),
        ({"display": "Cole, Rosa"}, "patient"),
        ({"type": "RelatedPerson", "display": "Eva Cole"}, "caregiver"),
        ({"display": "Eva Cole"}, "caregiver"),
        ({"reference": "Patient/proxy"}, "caregiver"),
    ],
    ids=str,
)
def test_the_patient_side_is_found_however_the_sender_is_written(sender: Json, side: str, vendor: str) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "urn:mrn", "value": "77"}],
        "name": [{"family": "Cole", "given": ["Rosa"]}],
    }
    daughter = {
        "resourceType": "RelatedPerson",
        "id": "rp1",
        "patient": PATIENT,
        "name": [{"family": "Cole", "given": ["Eva"]}],
    }
    turns = [(when, text, sender if who == "patient" else who) for when, text, who in LIVE]
    more = {"contained": [{"resourceType": "Patient", "id": "me"}]} if sender.get("reference") == "#me" else {}
    found = contact(*thread(*turns, **more), patient, daughter, vendor=vendor)
    assert (found["participant"], found["outcome"]) == (side, "qualifies")


@sentence("2.1", "Drop what was never so: status `entered-in-error`;")
@sentence("2.1", "Encounter `cancelled` or `planned`;")
@sentence("2.1", "List them as `excluded/not_done` when they would have been a contact.")
@sentence("2.1", "Compare codes trimmed.")
@each_vendor
@pytest.mark.parametrize("status", ["entered-in-error", "entered-in-error ", "cancelled", " planned", "Cancelled"])
def test_an_encounter_that_never_was_is_not_done(status: str, vendor: str) -> None:
    found = contact(*call("1", *CALL, status=status), vendor=vendor)
    assert (found["outcome"], found["reason"], found["minutes"]) == ("excluded", "not_done", None)
    silent = encounter("e2", *CALL, status=status, type=[concept("Orders Only")])
    assert contacts(silent, vendor=vendor) == []


@sentence("2.1", "Communication `preparation`, `not-done`, `stopped` or `on-hold`.")
@sentence("2.1", "List them as `excluded/not_done` when they would have been a contact.")
@each_vendor
@pytest.mark.parametrize("status", ["preparation", "not-done", "stopped ", "on-hold", "entered-in-error"])
def test_a_communication_that_never_was_is_not_done(status: str, vendor: str) -> None:
    phone = message("c1", CALL[0], TALK, medium=PHONE, received=CALL[1], status=status)
    assert outcome(phone, vendor=vendor) == "not_done"
    assert outcome(message("c2", CALL[0], SPOKE, status=status), vendor=vendor) == "not_done"
    assert contacts(message("h", CALL[0], None, status=status), vendor=vendor) == []


@sentence("2.1", "Epic leaves finished calls `in-progress` or `unknown`, and Medplum messages stay `in-progress`")
@each_vendor
@pytest.mark.parametrize("status", ["in-progress", "unknown", "arrived", "triaged", "finished", ""])
def test_other_statuses_do_not_disqualify(status: str, vendor: str) -> None:
    assert outcome(*call("1", *CALL, status=status), vendor=vendor) == "qualifies"
    assert outcome(*thread(*LIVE, status=status), vendor=vendor) == "qualifies"


@sentence("2.2", "One event, one contact.")
@sentence("2.2", "Merge resources that speak of the same event: a note or Communication that references an Encounter;")
@each_vendor
def test_what_references_an_encounter_is_one_contact_with_it(vendor: str) -> None:
    phone = message("c1", "2026-05-14T16:00:00-04:00", "Call documented.", medium=PHONE, sender={"display": "Kay Long"})
    linked = phone | {"encounter": {"reference": "Encounter/e1"}}
    found = contact(*call("1", *CALL), note("d2", TALK, date="2026-05-16", about="e1"), linked, vendor=vendor)
    assert found["sources"] == ["Encounter/e1", "Communication/c1", "DocumentReference/d1", "DocumentReference/d2"]
    assert len(contacts(*call("1", *CALL), phone, vendor=vendor)) == 2


@sentence("2.2", "messages of one thread (`partOf`, `inResponseTo`) that belong to the same sitting;")
@each_vendor
@pytest.mark.parametrize("link", ["partOf", "inResponseTo"])
def test_messages_of_one_sitting_are_one_contact(link: str, vendor: str) -> None:
    turns = [
        message(f"m{place}", f"2026-05-14T{when}:00-04:00", text, sender)
        | ({link: [{"reference": "Communication/m1"}]} if place > 1 else {})
        for place, (when, text, sender) in enumerate(LIVE, 1)
    ]
    assert contact(*turns, vendor=vendor)["sources"] == [f"Communication/m{place}" for place in (1, 2, 3)]
    unlinked = [{key: value for key, value in turn.items() if key != link} for turn in turns]
    assert len(contacts(*unlinked, vendor=vendor)) == 3


@sentence("2.2", "messages of one thread (`partOf`, `inResponseTo`) that belong to the same sitting;")
def test_a_chain_of_answers_is_one_thread() -> None:
    turns = [
        message(f"m{place}", f"2026-05-14T{when}:00-04:00", text, sender)
        | ({"inResponseTo": [{"reference": f"{BASE}/Communication/m{place - 1}"}]} if place > 1 else {})
        for place, (when, text, sender) in enumerate(LIVE, 1)
    ]
    assert len(contact(*turns)["sources"]) == 3


@sentence("2.2", "otherwise same modality, same staff member and start times at most 15 minutes apart.")
@each_vendor
@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),
        ({"sent": "2026-05-14T18:17:00Z"}, 1),
        ({"sent": "2026-05-14T13:47:00-04:00"}, 1),
        ({"sent": "2026-05-14T14:17:01-04:00"}, 2),
        ({"sender": {"display": "Ruiz, Ana RN"}}, 1),
        ({"sender": {"reference": "Practitioner/n2", "display": "Bea Lund, RN"}}, 2),
        ({"sender": {"reference": "PractitionerRole/r7", "display": "Ana Ruiz, RN"}}, 1),
        ({"medium": VIDEO, "payload": [{"contentString": TALK.replace("by phone", "on video visit")}]}, 2),
    ],
    ids=str,
)
def test_unlinked_records_of_one_call_are_one_contact(changes: Json, count: int, vendor: str) -> None:
    phone = message("c1", "2026-05-14T14:05:00-04:00", TALK, medium=PHONE) | changes
    assert len(contacts(*call("1", *CALL), phone, vendor=vendor)) == count


@sentence("2.2", "A thread header without payload is no contact.")
@each_vendor
def test_a_header_is_no_contact(vendor: str) -> None:
    assert contacts(message("h", CALL[0], None), vendor=vendor) == []
    found = contact(*thread(*LIVE), vendor=vendor)
    assert found["sources"] == ["Communication/t1", "Communication/t2", "Communication/t3"]


@sentence("2.2", "An Encounter that only bills, orders or refills (Epic types 115, 111, 117, 107 and their texts)")
@pytest.mark.parametrize("code", ["115", "111", "117", "107"])
def test_epics_paperwork_is_no_contact_by_code(code: str) -> None:
    kind = {"coding": [{"system": f"urn:oid:1.2.840.114350.1.13.{code}9.2.7.10.698084.30", "code": code}]}
    bare = encounter("e1", *CALL, type=[kind], **{"class": {"code": "13"}})
    assert contacts(bare, vendor="epic") == []
    assert outcome(bare, note("d1", TALK + " Call took 9 minutes.", about="e1"), vendor="epic") == "qualifies"


@sentence("2.2", "An Encounter that only bills, orders or refills (Epic types 115, 111, 117, 107 and their texts)")
@each_vendor
@pytest.mark.parametrize("text", ["Orders Only", "Refill", "Ancillary Orders", "Professional Billing", "REFILL"])
def test_paperwork_is_no_contact_by_its_text(text: str, vendor: str) -> None:
    assert contacts(encounter("e1", *CALL, type=[concept(text)]), vendor=vendor) == []


START = "A contact belongs to the month in which it **starts**, in the practice's time zone."


@sentence("2.3", START)
@sentence("2.3", "Contacts of other months are not listed.")
@each_vendor
@pytest.mark.parametrize(
    ("start", "zone", "month"),
    [
        ("2026-06-01T03:59:59Z", "America/New_York", "2026-05"),
        ("2026-06-01T04:00:00Z", "America/New_York", "2026-06"),
        ("2026-06-01T04:30:00Z", "America/Chicago", "2026-05"),
        ("2026-05-31T23:00:00+00:00", "Pacific/Auckland", "2026-06"),
        ("2026-11-01T04:30:00Z", "America/New_York", "2026-11"),
        ("2026-11-01T03:59:00Z", "America/New_York", "2026-10"),
        ("2026-12-01T04:59:00Z", "America/New_York", "2026-11"),
        ("2026-03-01T05:00:00Z", "America/New_York", "2026-03"),
        ("2026-04-01T03:59:00Z", "America/New_York", "2026-03"),
        ("2026-05-31T23:59:00-07:00", "America/Phoenix", "2026-05"),
        ("2026-05-31T23:59:00-07:00", "America/New_York", "2026-06"),
    ],
)
def test_the_local_start_decides_the_month(start: str, zone: str, month: str, vendor: str) -> None:
    event = [encounter("e1", start), note("d1", TALK, date="2026-07-09", about="e1")]
    months = [f"2026-{number:02}" for number in range(1, 13)]
    assert [m for m in months if contacts(*event, month=m, time_zone=zone, vendor=vendor)] == [month]


@sentence("2.3", "A date without a time is a local date.")
@sentence("2.3", "A time without a zone is local time.")
@each_vendor
@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "America/New_York", "Asia/Tokyo"])
def test_bare_dates_and_times_are_local(zone: str, vendor: str) -> None:
    for start in ("2026-05-31", "2026-05-31T23:59:59", "2026-05-01", "2026-05-01T00:00:00"):
        found = contact(encounter("e1", start), note("d1", TALK, about="e1"), time_zone=zone, vendor=vendor)
        assert found["start"].startswith(start)


@sentence("2.3", "A time without a zone is local time.")
def test_a_local_time_and_an_instant_make_a_length() -> None:
    for start, end in ((CALL[0][:19], "2026-05-14T18:14:00Z"), ("2026-05-14T18:02:00Z", CALL[1][:19])):
        assert contact(*call("1", start, end))["minutes"] == 12


@sentence("2.3", START)
def test_lengths_are_elapsed_time_when_the_clocks_change() -> None:
    spring = call("1", "2026-03-08T01:50:00-05:00", "2026-03-08T03:10:00-04:00")
    autumn = call("1", "2026-11-01T01:50:00-04:00", "2026-11-01T01:10:00-05:00")
    assert contact(*spring, month="2026-03")["minutes"] == 20
    assert contact(*autumn, month="2026-11")["minutes"] == 20


@sentence("2.2", "One event, one contact.")
def test_a_voicemail_and_a_call_ten_minutes_later_are_two_events() -> None:
    first = call("1", "2026-05-14T14:02:00-04:00", None, VOICEMAIL)
    second = call("2", "2026-05-14T14:12:00-04:00", "2026-05-14T14:24:00-04:00")
    assert [found["modality"] for found in contacts(*first, *second)] == ["voicemail", "phone"]
    assert NURSE in first[1]["author"]
