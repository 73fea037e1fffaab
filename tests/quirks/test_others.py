"""What MEDITECH, Medplum and FHIR itself do that breaks naive clients (docs/vendors, quirks 76 to 95)."""

import json
from decimal import Decimal

import pytest

from fhir_rpm.client.clock import Clock
from fhir_rpm.client.transport import Transport, same_origin
from tests.builders import NURSE, concept, encounter, message, note, reading
from tests.hostile import Hostile, Reply, Seen, bundle
from tests.quirks.ehr import CALL, Json, contact, ids, pulled, query, record

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
        {"code": {"coding": [{"system": "http://loinc.org", "code": "96607-7"}]}},
        {"code": concept("Average systolic blood pressure")},
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


@pytest.mark.quirk(76)
def test_an_error_that_is_no_operation_outcome_says_what_it_is_about() -> None:
    refused = Reply(403, {"resource": "Observation", "detail": "Insufficient scope: patient/Observation.read"})
    pull, _ = pulled({"Observation": refused}, "meditech")
    assert {(gap.resource_type, gap.code) for gap in pull.gaps} == {("Observation", "insufficient_scope")}


@pytest.mark.quirk(76)
def test_a_link_that_spells_out_the_default_port_is_on_the_same_server() -> None:
    assert same_origin("https://ehr.example.org:443/r4/Encounter?continue=2", "https://ehr.example.org/r4")
    assert not same_origin("https://ehr.example.org:8443/r4/Encounter", "https://ehr.example.org/r4")


@pytest.mark.quirk(77)
@pytest.mark.parametrize("name", ["_maxresults", "cursor", "page", "continue", "_getpages", "_page_token"])
def test_pages_go_on_by_the_next_link_however_it_is_spelled(name: str) -> None:
    def answer(seen: Seen) -> Reply:
        if f"{name}=" in seen.path:
            return Reply(200 if seen.path == f"/r4?{name}=Zm9v%3D" else 400, bundle(encounter("e2", *CALL)))
        return Reply(200, bundle(encounter("e1", *CALL), following=f"../r4?{name}=Zm9v%3D"))

    pull, _ = pulled({"Encounter": answer, "": answer}, "generic")
    assert (ids(pull, "Encounter"), pull.gaps) == (["e1", "e2"], ())


@pytest.mark.quirk(79, 80)
def test_messages_that_only_their_thread_header_ties_to_the_patient_are_read() -> None:
    header, *messages = _thread()

    def answer(seen: Seen) -> Reply:
        params = dict(query(seen))
        return Reply(200, bundle(*messages) if params.get("part-of") == "Communication/h" else bundle(header))

    pull, _ = pulled({"Communication": answer}, "medplum")
    assert (ids(pull, "Communication"), pull.gaps) == (["c1", "c2", "h"], ())


@pytest.mark.quirk(89)
def test_a_cached_search_that_is_gone_is_begun_anew() -> None:
    starts: list[str] = []

    def answer(seen: Seen) -> Reply:
        if "_getpages=1" in seen.path:
            return Reply(410)
        if "_getpages" in seen.path:
            return Reply(200, bundle(encounter("e2", *CALL)))
        starts.append(seen.path)
        return Reply(200, bundle(encounter("e1", *CALL), following=f"Encounter?_getpages={len(starts)}"))

    pull, _ = pulled({"Encounter": answer}, "generic")
    assert (ids(pull, "Encounter"), len(starts), pull.gaps) == (["e1", "e2"], 2, ())


@pytest.mark.quirk(92)
def test_the_token_goes_to_no_other_origin() -> None:
    with Hostile(lambda seen: Reply(200, bundle(encounter("e2", *CALL)))) as stranger:
        body = {"attachment": {"contentType": "text/plain", "url": f"{stranger.base}/Binary/b"}}
        answers = {
            "Encounter": bundle(encounter("e1", *CALL), following=f"{stranger.base}/Encounter?page=2"),
            "DocumentReference": bundle(note("d1", "", content=[body])),
            "Practitioner/n1": Reply(307, None, {"Location": f"{stranger.base}/Practitioner/n1"}),
        }
        pull, _ = pulled(answers, "generic")
        assert not any("Authorization" in request.headers for request in stranger.seen)
        assert not any("Encounter" in request.path or "Binary" in request.path for request in stranger.seen)
    assert {"Encounter", "Binary"} <= {gap.resource_type for gap in pull.gaps}


@pytest.mark.quirk(93)
def test_what_a_search_includes_is_no_match() -> None:
    page = bundle(encounter("e1", *CALL))
    page["entry"].append({"resource": {"resourceType": "Location", "id": "l1"}, "search": {"mode": "include"}})
    stranger = encounter("e2", *CALL, subject={"reference": "Patient/p2"})
    page["entry"].append({"resource": stranger, "search": {"mode": "include"}})
    pull, _ = pulled({"Encounter": page}, "generic")
    assert ids(pull, "Encounter") == ["e1"]
    assert ids(pull, "Location") == []


@pytest.mark.quirk(78)
def test_a_second_429_that_does_not_say_how_long_waits_for_the_minutes_edge() -> None:
    waits: list[float] = []
    twenty_before_the_minute = 1_000_000_000.0
    clock = Clock(now=lambda: twenty_before_the_minute, sleep=waits.append)
    replies = iter((Reply(429), Reply(429), Reply(200, bundle())))
    with Hostile(lambda seen: next(replies)) as server:
        assert Transport(server.base, clock=clock).get(f"{server.base}/Encounter").status == 200
    assert 20 <= sum(waits) < 60
