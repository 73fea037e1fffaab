"""What Oracle Health does that breaks naive clients (docs/vendors/oracle.md, quirks 42 to 75)."""

import base64
from typing import Any

import pytest

from fhir_rpm.client.credentials import ClientCredentials
from fhir_rpm.client.transport import Transport
from fhir_rpm.config import load_settings
from fhir_rpm.errors import AccessError
from tests.builders import NURSE, SPOKE, concept, encounter, message, note, reading
from tests.hostile import Hostile, Reply, Seen, bundle
from tests.quirks.ehr import (
    CALL,
    EVIDENCE,
    Json,
    below_base,
    contact,
    form,
    ids,
    pulled,
    query,
    record,
    searches,
    serving,
    token,
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


def _dated(seen: list[Seen]) -> list[list[str]]:
    """The values of each date parameter of each request."""
    found = []
    for request in seen:
        for name in ("date", "period", "received"):
            values = [value for key, value in query(request) if key == name]
            found += [values] if values else []
    return found


@pytest.mark.quirk(42, 43)
def test_messages_are_asked_for_by_recipient_with_all_four_parameters() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    asked = searches(seen, "Communication")
    assert {value for params in asked for value in params["recipient"]} == {"Practitioner/n1"}
    for params in asked:
        assert {"category", "recipient", "received", "-email-status"} <= set(params)
        assert {"patient", "subject", "sender"}.isdisjoint(params)
        assert sorted(value[:2] for value in params["received"]) == ["ge", "le"]


@pytest.mark.quirk(42)
def test_a_staff_message_about_somebody_else_is_left_out() -> None:
    inbox = bundle(message("c1", CALL[0], "About p1"), message("c2", CALL[0], "x", subject={"reference": "Patient/p2"}))
    pull, _ = pulled({"Encounter": bundle(encounter("e1", *CALL)), "Communication": inbox}, "oracle")
    assert ids(pull, "Communication") == ["c1"]


@pytest.mark.quirk(44)
def test_the_body_of_a_message_is_read_by_its_odd_id() -> None:
    sent = message("c1", CALL[0], None, payload=[{"contentReference": {"reference": "Binary/489580643.0.-4.prsnl"}}])
    body = {"resourceType": "Binary", "id": "489580643.0.-4.prsnl", "contentType": "text/html", "data": "eA=="}
    answers = {"Encounter": bundle(encounter("e1", *CALL)), "Communication": bundle(sent)}
    pull, _ = pulled(answers | {"Binary/489580643.0.-4.prsnl": body}, "oracle")
    assert (ids(pull, "Binary"), pull.gaps) == (["489580643.0.-4.prsnl"], ())


@pytest.mark.quirk(45)
def test_roles_are_not_asked_for_where_there_are_none() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    assert not any("PractitionerRole" in request.path for request in seen)


@pytest.mark.quirk(46)
def test_dates_are_closed_pairs_with_time() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    ranges = _dated(seen)
    assert ranges
    for values in ranges:
        assert [value[:2] for value in sorted(values)] in (["ge", "lt"], ["ge", "le"])
        assert all("T" in value for value in values)
    for params in searches(seen, "DocumentReference"):
        assert [value[:2] for value in sorted(params.get("period", ["ge", "lt"]))] == ["ge", "lt"]


@pytest.mark.quirk(47)
def test_dates_of_two_kinds_are_never_combined() -> None:
    _, seen = pulled({}, "oracle")
    for kind in EVIDENCE:
        for params in searches(seen, kind):
            assert len({"date", "period", "_lastUpdated"} & set(params)) == 1


@pytest.mark.quirk(48)
def test_pages_are_as_long_as_they_may_be() -> None:
    _, seen = pulled({}, "oracle")
    for kind, count in (("DocumentReference", "100"), ("Observation", "200")):
        assert searches(seen, kind)
        assert all(params["_count"] == [count] for params in searches(seen, kind))


CONTEXT = "-pageContext=H4sIAAAA%2FE1Ou07DMBT9l7t2cGw%3D&-pageDirection=NEXT"


@pytest.mark.quirk(48, 49, 51)
def test_pages_without_total_are_followed_by_their_link_as_it_stands() -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path == f"/r4/Encounter?{CONTEXT}":
            return Reply(200, bundle(encounter("e1", *CALL)))
        if "pageContext" in seen.path:
            return Reply(400)
        return Reply(200, bundle(encounter("e2", *CALL), following=f"/r4/Encounter?{CONTEXT}"))

    pull, _ = pulled({"Encounter": answer}, "oracle")
    assert (ids(pull, "Encounter"), pull.gaps) == (["e1", "e2"], ())


@pytest.mark.quirk(50)
@pytest.mark.parametrize("order", [("1", "2"), ("2", "1"), ("9", "10")])
def test_of_an_id_that_comes_twice_the_newest_version_counts(order: tuple[str, str]) -> None:
    newest = max(order, key=int)

    def answer(seen: Seen) -> Reply:
        second = "pageContext" in seen.path
        page = bundle(encounter("e1", *CALL, meta={"versionId": order[second]}))
        link = [{"relation": "next", "url": "Encounter?-pageContext=2"}]
        return Reply(200, page if second else page | {"link": link})

    pull, _ = pulled({"Encounter": answer}, "oracle")
    versions = [item["meta"]["versionId"] for item in pull.resources if item["resourceType"] == "Encounter"]
    assert versions == [newest]


@pytest.mark.quirk(52)
def test_no_search_asks_for_component_codes() -> None:
    _, seen = pulled({}, "oracle")
    asked = " ".join(request.path for request in seen)
    assert not any(code in asked for code in ("8480-6", "8462-4"))


@pytest.mark.quirk(56)
def test_a_document_without_status_is_read_and_its_missing_body_is_a_gap() -> None:
    link = [{"attachment": {"contentType": "text/html", "url": "Binary/XR-1"}}]
    plain = note("d1", "", content=link)
    document = {key: value for key, value in plain.items() if key != "status"} | {"_status": ABSENT}
    pull, _ = pulled({"DocumentReference": bundle(document), "Binary/XR-1": Reply(404)}, "oracle")
    assert (ids(pull, "DocumentReference"), [gap.resource_type for gap in pull.gaps]) == (["d1"], ["Binary"])


@pytest.mark.quirk(57)
def test_encounters_without_period_are_looked_for_as_well() -> None:
    def answer(seen: Seen) -> Reply:
        return Reply(200, bundle() if "date=" in seen.path else bundle(encounter("e1", None)))

    document = note("d1", SPOKE, about="e1")
    pull, _ = pulled(
        {"Encounter": answer, "Encounter/e1": encounter("e1", None), "DocumentReference": bundle(document)}, "oracle"
    )
    assert ids(pull, "Encounter") == ["e1"]


@pytest.mark.quirk(65)
def test_a_406_without_body_is_a_gap_not_an_empty_result() -> None:
    pull, seen = pulled({"Observation": Reply(406)}, "oracle")
    assert "Observation" in {gap.resource_type for gap in pull.gaps}
    assert all("json" in request.headers["Accept"] for request in seen)


@pytest.mark.quirk(66)
def test_a_500_is_permanent_and_not_asked_for_again() -> None:
    required = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "required"}]}
    pull, seen = pulled({"Encounter": Reply(500, required)}, "oracle")
    assert "Encounter" in {gap.resource_type for gap in pull.gaps}
    asked = [request.path for request in seen if below_base(request) == "Encounter"]
    assert len(asked) == len(set(asked))


@pytest.mark.quirk(67)
def test_a_binary_is_asked_for_as_it_is_stored() -> None:
    def answer(seen: Seen) -> Reply:
        fitting = seen.headers["Accept"] == "text/html"
        return Reply(200, b"<p>x</p>", {"Content-Type": "text/html"}) if fitting else Reply(406)

    document = note("d1", "", content=[{"attachment": {"contentType": "text/html", "url": "Binary/TR-1"}}])
    pull, _ = pulled({"DocumentReference": bundle(document), "Binary/TR-1": answer}, "oracle")
    assert (ids(pull, "Binary"), pull.gaps) == (["TR-1"], ())


@pytest.mark.quirk(70)
def test_a_wrong_tenant_is_a_refusal_that_names_the_patient() -> None:
    refused = Reply(403, b"Tenant not valid or accessible", {"Content-Type": "text/plain"})
    with pytest.raises(AccessError, match=r"Patient/p1.*403"):
        pulled({"Patient/p1": refused}, "oracle")


@pytest.mark.quirk(71)
@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_to_another_host_goes_without_the_token(status: int) -> None:
    with Hostile(lambda seen: Reply(200, {"resourceType": "Binary", "id": "b", "data": "eA=="})) as elsewhere:
        document = note("d1", "", content=[{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}])
        moved = Reply(status, None, {"Location": f"{elsewhere.base}/file"})
        _, seen = pulled({"DocumentReference": bundle(document), "Binary/b": moved}, "oracle")
        assert any(request.headers.get("Authorization") == "Bearer granted" for request in seen)
        assert not any("Authorization" in request.headers for request in elsewhere.seen)


@pytest.mark.quirk(73)
def test_a_server_that_asks_for_hours_is_left_alone_at_once() -> None:
    pull, seen = pulled({"Encounter": Reply(429, None, {"Retry-After": "18000"})}, "oracle")
    assert "Encounter" in {gap.resource_type for gap in pull.gaps}
    assert len(searches(seen, "Encounter")) == 1


@pytest.mark.quirk(68)
def test_a_token_is_renewed_before_its_570_seconds_are_over() -> None:
    now = [1_000_000.0]
    tokens = iter(("t1", "t2"))

    def answer(seen: Seen) -> Reply:
        return Reply(200, token(next(tokens))) if below_base(seen) == "token" else Reply(404)

    with Hostile(answer) as server:
        given = {"base_url": server.base, "vendor": "oracle", "client_id": "app", "token_url": f"{server.base}/token"}
        settings = load_settings(None, given, {"FHIR_RPM_CLIENT_SECRET": "s"})
        credentials = ClientCredentials(settings, Transport(server.base), lambda: now[0])
        headers = []
        for later in (0, 500, 69):
            now[0] += later
            headers.append(credentials.header(False))
    assert headers == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.quirk(68)
def test_a_token_refused_in_mid_run_is_renewed_once() -> None:
    tokens = iter(("t1", "t2"))

    def answer(seen: Seen) -> Reply:
        live = seen.headers["Authorization"] == "Bearer t2"
        return Reply(200, bundle(encounter("e1", *CALL))) if live else Reply(401)

    answers = {"token": lambda _seen: Reply(200, token(next(tokens))), "Encounter": answer}
    pull, _ = pulled(answers, "oracle", client_id="app")
    assert ids(pull, "Encounter") == ["e1"]


@pytest.mark.quirk(69)
def test_scopes_are_asked_for_in_v2_with_search_and_without_wildcard() -> None:
    with serving({"token": token()}, "oracle", client_id="app") as (session, server):
        session.authenticate()
        scopes = [form(request)["scope"].split() for request in server.seen if below_base(request) == "token"]
    assert scopes
    for asked in scopes:
        assert {"system/Encounter.rs", "system/DocumentReference.rs", "system/Observation.rs"} <= set(asked)
        assert not any("*" in scope or scope.endswith((".read", ".write")) for scope in asked)


@pytest.mark.quirk(69)
def test_a_refused_scope_is_named_with_its_remedy() -> None:
    refusal = Reply(400, {"error": "invalid_scope"})
    with (
        serving({"token": refusal}, "oracle", client_id="app") as (session, _),
        pytest.raises(AccessError, match=r"invalid_scope.*v1 or v2"),
    ):
        session.authenticate()
