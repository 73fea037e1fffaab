"""What Epic does that breaks naive clients (docs/vendors/epic.md, quirks 1 to 41)."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.errors import AccessError, FhirRpmError
from tests.builders import NURSE, SPOKE, concept, encounter, note, reading
from tests.hostile import Reply, Seen, bundle
from tests.quirks.ehr import (
    CALL,
    EVIDENCE,
    below_base,
    contact,
    epic_outcome,
    form,
    ids,
    outcome_entry,
    pulled,
    query,
    record,
    searches,
    serving,
    token,
)

CLASS_13 = {"system": "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260", "code": "13"}
TYPE_OID = "urn:oid:1.2.840.114350.1.13.{}.2.7.10.698084.30"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def _typed(code: str, text: str, customer: str = "0.1") -> dict[str, Any]:
    return concept(text, code, TYPE_OID.format(customer))


@pytest.mark.quirk(2)
def test_a_withheld_kind_of_note_in_a_saved_bundle_is_a_gap() -> None:
    page = {"resourceType": "Bundle", "type": "searchset", "entry": [outcome_entry(("warning", "59204"))]}
    assert [gap.code for gap in record(page).gaps] == ["59204"]


@pytest.mark.quirk(4)
def test_what_a_wider_answer_brings_along_is_filtered_again() -> None:
    other_patient = encounter("e2", *CALL, subject={"reference": "Patient/p2"})
    other_month = encounter("e3", "2026-03-14T14:02:00-04:00", "2026-03-14T14:14:00-04:00")
    laboratory = reading("o1", CALL[0], category=[concept("Laboratory", "laboratory")])
    found = record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), other_patient, other_month, laboratory)
    assert [contact.sources[0] for contact in found.contacts] == ["Encounter/e1"]
    assert found.device_days | found.other_days == set()


@pytest.mark.quirk(11)
def test_class_13_tells_no_modality_and_is_no_contact_by_itself() -> None:
    support = encounter("e1", *CALL, type=[], **{"class": CLASS_13})
    assert record(support).contacts == ()
    assert contact(support, note("d1", SPOKE, about="e1")).modality == "phone"


@pytest.mark.quirk(12)
def test_a_period_of_one_bare_date_is_no_length() -> None:
    call = encounter("e1", "2026-05-14", "2026-05-14", **{"class": CLASS_13})
    assert (contact(call).seconds, contact(call).intervals) == (None, ())
    assert contact(call, note("d1", f"{SPOKE} Call lasted 14 minutes.", about="e1")).minutes == 14


@pytest.mark.quirk(13)
@pytest.mark.parametrize("status", ["in-progress", "unknown"])
def test_an_old_visit_that_was_never_closed_still_counts(status: str) -> None:
    found = contact(encounter("e1", *CALL, status=status), note("d1", SPOKE, about="e1"))
    assert (found.exchange, found.barred) == ("two_way", None)


@pytest.mark.quirk(14)
@pytest.mark.parametrize(
    "kind",
    [
        _typed("115", "Resolute Professional Billing Hospital Prof Fee"),
        _typed("111", "Orders Only"),
        _typed("117", "Ancillary Orders"),
        _typed("107", "Refill"),
        _typed("160", "Care Coordination"),
        _typed("201", "Social Work Encounter"),
    ],
)
def test_an_encounter_that_may_be_paperwork_is_no_contact_by_existing(kind: dict[str, Any]) -> None:
    for known_by in (kind, {"text": kind["text"]}, {"coding": kind["coding"]}):
        assert record(encounter("e1", *CALL, type=[known_by], **{"class": CLASS_13})).contacts == ()


@pytest.mark.quirk(14)
@pytest.mark.parametrize("text", ["Care Coordination", "Social Work Encounter"])
def test_care_coordination_is_a_contact_where_its_note_tells_of_one(text: str) -> None:
    assert contact(encounter("e1", *CALL, type=[concept(text)]), note("d1", SPOKE, about="e1")).exchange == "two_way"


@pytest.mark.quirk(15)
@pytest.mark.parametrize(
    "kind",
    [
        {"coding": [{"system": PARTICIPATION, "code": "REF"}]},
        {"coding": [{"system": "http://hl7.org/fhir/v3/ParticipationType", "code": "REF"}]},
        {"coding": [{"code": "losAuthorizingPhysician"}]},
        {"text": "referrer"},
    ],
)
def test_a_referrer_listed_first_is_not_who_called(kind: dict[str, Any]) -> None:
    referrer = {"type": [kind], "individual": {"reference": "Practitioner/d9", "display": "Otto Referrer, MD"}}
    found = contact(encounter("e1", *CALL, participant=[referrer, {"individual": NURSE}]))
    assert [(person.name, person.role) for person in found.staff] == [("Ana Ruiz", "rn")]


@pytest.mark.quirk(15)
@pytest.mark.parametrize("display", ["EMH X-RAY 1", "RPM NURSE POOL", "Family Med Room 2"])
def test_rooms_and_machines_are_nobody(display: str) -> None:
    assert contact(encounter("e1", *CALL, participant=[{"individual": {"display": display}}])).staff == ()


@pytest.mark.quirk(16)
@pytest.mark.parametrize("customer", ["0.1", "377", "288.3.99"])
def test_a_code_means_the_same_at_every_customer(customer: str) -> None:
    call = encounter("e1", *CALL, type=[{"coding": [{"system": TYPE_OID.format(customer), "code": "70"}]}])
    assert contact(call).modality == "phone"
    elsewhere = encounter("e1", *CALL, type=[{"coding": [{"system": "urn:oid:1.2.3", "code": "70"}]}])
    assert contact(elsewhere).modality == "unknown"


def _binary(identity: str, kind: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "Binary",
        "id": identity,
        "contentType": kind,
        "data": base64.b64encode(text.encode()).decode(),
    }


@pytest.mark.quirk(17)
def test_two_renderings_of_a_note_are_one_text() -> None:
    shown = f"<html><body><p>{SPOKE} RN spent 11 minutes.</p></body></html>"
    links = [
        {"attachment": {"contentType": kind, "url": f"Binary/{name}"}}
        for kind, name in (("text/rtf", "rtf"), ("text/html", "html"))
    ]
    html, rtf = _binary("html", "text/html", shown), _binary("rtf", "text/rtf", r"{\rtf1 Left voicemail, no answer.}")
    found = contact(encounter("e1", "2026-05-14"), note("d1", "", about="e1", content=links), html, rtf)
    assert found.exchange == "two_way"
    assert [item.words for item in found.evidence if item.element == "contact"].count(None) == 0
    assert not any("voicemail" in str(item.words) for item in found.evidence)


@pytest.mark.quirk(17)
def test_a_note_whose_binary_was_not_read_is_a_gap() -> None:
    link = [{"attachment": {"contentType": "text/html", "url": "Binary/refused"}}]
    found = record(encounter("e1", *CALL), note("d1", "", about="e1", content=link))
    assert [(gap.resource_type, gap.code) for gap in found.gaps] == [("Binary", "unreadable_body")]


@pytest.mark.quirk(18)
@pytest.mark.parametrize("attachment", [{}, {"title": "Scan"}, {"url": "Binary/x"}, {"contentType": "text/html"}])
def test_an_attachment_without_type_or_url_is_passed_over(attachment: dict[str, Any]) -> None:
    information = note("d2", "", type=concept("Consent Form"), content=[{"attachment": attachment}], about="e9")
    found = record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), information)
    assert [contact.sources for contact in found.contacts] == [("Encounter/e1", "DocumentReference/d1")]


@pytest.mark.quirk(19)
@pytest.mark.parametrize("family", ["document-information", "summary-document", "imaging-result"])
def test_families_that_are_no_clinical_notes_tell_of_no_contact(family: str) -> None:
    system = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
    document = note(
        "d1", SPOKE, type=concept("x"), category=[concept(family.replace("-", " ").title(), family, system)]
    )
    assert record(document).contacts == ()


@pytest.mark.quirk(20)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "text/html",
            "<div><h2>PROGRESS NOTE</h2><p>RN called patient. Call&nbsp;lasted&nbsp;12&#160;minutes.</p></div>",
        ),
        ("text/rtf", r"{\rtf1\ansi RN called patient. Call\~lasted\~12\~minutes.\par}"),
        ("text/plain", "RN called patient. Call\u00a0lasted\u00a012\u00a0minutes."),
    ],
)
def test_rendered_text_reads_like_plain_text(kind: str, body: str) -> None:
    attachment = {"contentType": kind, "data": base64.b64encode(body.encode()).decode()}
    found = contact(encounter("e1", "2026-05-14"), note("d1", "", about="e1", content=[{"attachment": attachment}]))
    assert found.minutes == 12


@pytest.mark.quirk(31)
@pytest.mark.parametrize(
    ("start", "inside"),
    [
        ("2026-05-01T03:30:00Z", False),  # 23:30 on 30 April in New York
        ("2026-06-01T03:30:00Z", True),  # 23:30 on 31 May
        ("2026-05-01", True),  # a local date
        ("2026-05-31T23:30:00", True),  # without zone: the practice's clock
        ("2026-06-01T00:30:00", False),
    ],
)
def test_a_month_ends_at_the_practices_midnight(start: str, inside: bool) -> None:
    assert bool(record(encounter("e1", start)).contacts) is inside


BLOOD_PRESSURE = {
    "text": "BP",
    "coding": [
        {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.707679", "code": "5"},
        {"system": "http://loinc.org", "code": "55284-4"},
        {"system": "http://loinc.org", "code": "85354-9"},
        {"system": "http://loinc.org", "code": "8716-3"},
    ],
}


@pytest.mark.quirk(33)
def test_a_vital_with_several_codings_is_one_reading_of_its_day() -> None:
    found = record(reading("o1", CALL[0], code=BLOOD_PRESSURE), reading("o2", CALL[1], code=BLOOD_PRESSURE))
    assert len(found.device_days) == 1


@pytest.mark.quirk(33)
def test_the_code_that_stands_on_every_vital_tells_nothing() -> None:
    bare = reading("o1", CALL[0], code=concept("Vital signs", "8716-3", "http://loinc.org"), category=[])
    assert record(bare).device_days == set()


@pytest.mark.quirk(34)
def test_a_vital_without_device_is_no_proof_of_a_device() -> None:
    filed = {key: value for key, value in reading("o1", CALL[0]).items() if key != "device"}
    filed["performer"] = [{"reference": "Practitioner/eUI", "display": "User Interconnect"}]
    found = record(filed)
    assert (len(found.device_days), len(found.other_days)) == (0, 1)


@pytest.mark.quirk(34)
def test_the_background_user_is_never_the_member_of_staff() -> None:
    background = {"reference": "Practitioner/eUI", "display": "User Interconnect"}
    found = contact(
        encounter("e1", *CALL, participant=[]),
        note("d1", "Spoke with patient by phone, BP 148/92.", about="e1", author=[background]),
    )
    assert all(person.name is None for person in found.staff)


NOBODY = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [outcome_entry(("information", "4101"))]}


@pytest.mark.quirk(1)
def test_a_search_without_hits_is_empty_and_complete() -> None:
    pull, _ = pulled(dict.fromkeys(("Encounter", "DocumentReference", "Observation"), NOBODY))
    assert ([item["resourceType"] for item in pull.resources], pull.gaps) == (["Patient"], ())


@pytest.mark.quirk(2)
def test_a_sub_type_left_out_with_http_200_is_a_gap() -> None:
    page = bundle(note("d1", SPOKE))
    page["entry"].append(outcome_entry(("warning", "59204"), diagnostics="Clinical Notes"))
    pull, _ = pulled({"DocumentReference": page})
    assert ids(pull, "DocumentReference") == ["d1"]
    assert [(gap.resource_type, gap.code) for gap in pull.gaps] == [("DocumentReference", "59204")]


@pytest.mark.quirk(3)
@pytest.mark.parametrize("status", [200, 400])
def test_the_fatal_issue_is_found_behind_an_information(status: int) -> None:
    issues = epic_outcome(("information", "59100"), ("fatal", "59108"))
    body = issues if status == 400 else {"resourceType": "Bundle", "entry": [{"resource": issues}]}
    pull, _ = pulled({"Observation": Reply(status, body)})
    assert {gap.resource_type for gap in pull.gaps} == {"Observation"}


@pytest.mark.quirk(4)
def test_a_wider_answer_is_narrowed_to_the_patient_who_was_asked_for() -> None:
    other = encounter("e2", *CALL, subject={"reference": "Patient/p2"})
    pull, _ = pulled({"Encounter": bundle(encounter("e1", *CALL), other)})
    assert ids(pull, "Encounter") == ["e1"]


@pytest.mark.quirk(5)
def test_nothing_is_asked_for_by_last_updated() -> None:
    _, seen = pulled({})
    names = {name.lower() for request in seen for name, _ in query(request)}
    assert "_lastupdated" not in names
    assert all("date" in params for params in (*searches(seen, "Encounter"), *searches(seen, "Observation")))


def _paged(*pages: dict[str, Any]) -> Callable[[Seen], Reply]:
    """Pages that name each other by a sessionID alone; anything else in the query is refused."""

    def answer(seen: Seen) -> Reply:
        params = dict(query(seen))
        place = int(params.get("sessionID", 0))
        if place and len(params) > 1:
            return Reply(400, epic_outcome(("fatal", "59100")))
        page = dict(pages[place])
        if place + 1 < len(pages):
            page["link"] = [{"relation": "next", "url": f"Encounter?sessionID={place + 1}"}]
        return Reply(200, page)

    return answer


@pytest.mark.quirk(6, 7)
def test_pages_are_followed_by_their_session_alone_whatever_the_total_says() -> None:
    pages = [bundle(encounter(f"e{place}", *CALL)) | {"total": 1} for place in range(3)]
    pull, _ = pulled({"Encounter": _paged(*pages)})
    assert (ids(pull, "Encounter"), pull.gaps) == (["e0", "e1", "e2"], ())


@pytest.mark.quirk(7)
def test_a_search_session_that_ended_is_begun_anew() -> None:
    walks: list[str] = []

    def answer(seen: Seen) -> Reply:
        session = dict(query(seen)).get("sessionID")
        walks.append(session or "start")
        if session is None:
            return Reply(200, bundle(encounter("e1", *CALL), following=f"Encounter?sessionID=s{len(walks)}"))
        if session == "s1":
            return Reply(400, epic_outcome(("fatal", "4113")))
        return Reply(200, bundle(encounter("e1", *CALL), encounter("e2", *CALL)))

    pull, _ = pulled({"Encounter": answer})
    assert (ids(pull, "Encounter"), walks.count("start"), pull.gaps) == (["e1", "e2"], 2, ())


@pytest.mark.quirk(7)
def test_a_search_session_that_always_ends_is_a_gap() -> None:
    def answer(seen: Seen) -> Reply:
        ended = Reply(400, epic_outcome(("fatal", "4113")))
        return ended if "session" in seen.path else Reply(200, bundle(following="Encounter?sessionID=s"))

    pull, _ = pulled({"Encounter": answer})
    assert {gap.resource_type for gap in pull.gaps} == {"Encounter"}


@pytest.mark.quirk(8)
def test_every_search_of_evidence_says_how_many_entries_a_page() -> None:
    _, seen = pulled({})
    counts = [params["_count"] for kind in EVIDENCE for params in searches(seen, kind)]
    assert counts
    assert all(0 < int(count) <= 999 for (count,) in counts)


@pytest.mark.quirk(9, 10)
def test_a_search_asks_for_one_patient_and_observations_by_category_or_code() -> None:
    _, seen = pulled({})
    for kind in EVIDENCE:
        for params in searches(seen, kind):
            assert params["patient"] == ["p1"]
            assert "_id" not in params
            assert kind != "Observation" or "category" in params or "code" in params
    assert [params["category"] for params in searches(seen, "Observation") if "category" in params] == [["vital-signs"]]


@pytest.mark.quirk(11, 13)
def test_encounters_are_asked_for_in_every_class_and_status() -> None:
    _, seen = pulled({})
    assert searches(seen, "Encounter")
    assert all({"class", "status"}.isdisjoint(params) for params in searches(seen, "Encounter"))


@pytest.mark.quirk(17)
def test_one_rendering_of_a_body_is_read_and_a_refused_one_is_a_gap() -> None:
    links = [
        {"attachment": {"contentType": kind, "url": f"Binary/{name}"}}
        for kind, name in (("text/rtf", "rtf"), ("text/html", "html"))
    ]
    document = bundle(note("d1", "", content=links))
    html = _binary("html", "text/html", f"<p>{SPOKE}</p>")
    pull, seen = pulled({"DocumentReference": document, "Binary/html": html})
    assert (ids(pull, "Binary"), pull.gaps) == (["html"], ())
    assert not any("Binary/rtf" in request.path for request in seen)
    refused, _ = pulled({"DocumentReference": document, "Binary/html": Reply(403), "Binary/rtf": Reply(403)})
    assert [gap.resource_type for gap in refused.gaps] == ["Binary"]


@pytest.mark.quirk(19)
def test_clinical_notes_alone_are_asked_for() -> None:
    _, seen = pulled({})
    assert [params["category"] for params in searches(seen, "DocumentReference")] == [["clinical-note"]]


@pytest.mark.quirk(26)
def test_every_request_asks_for_json() -> None:
    _, seen = pulled({"DocumentReference": bundle(note("d1", "", content=[LINK])), "Binary/b": _binary("b", "x", "x")})
    assert seen
    assert all(request.headers["Accept"].startswith("application/fhir+json") for request in seen)


LINK = {"attachment": {"contentType": "text/html", "url": "Binary/b"}}
IIS = b"<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head><body/></html>"


@pytest.mark.quirk(27)
@pytest.mark.parametrize("reply", [Reply(404, IIS), Reply(403), Reply(403, b""), Reply(200, IIS)])
def test_an_answer_that_is_no_fhir_is_a_gap_of_its_type(reply: Reply) -> None:
    pull, _ = pulled({"Encounter": reply, "Observation": bundle(reading("o1", CALL[0]))})
    assert [gap.resource_type for gap in pull.gaps] == ["Encounter"]
    assert ids(pull, "Observation") == ["o1"]


@pytest.mark.quirk(27)
@pytest.mark.parametrize(("reply", "error"), [(Reply(404, IIS), FhirRpmError), (Reply(403), AccessError)])
def test_a_patient_who_cannot_be_read_is_a_named_error(reply: Reply, error: type[FhirRpmError]) -> None:
    with pytest.raises(error, match="Patient/p1"):
        pulled({"Patient/p1": reply})


@pytest.mark.quirk(30, 40)
def test_searches_are_gets_and_none_asks_for_provenance() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))})
    assert {request.method for request in seen} == {"GET"}
    assert all(request.body == b"" and "_search" not in request.path for request in seen)
    assert not any("Provenance" in request.path for request in seen)


@pytest.mark.quirk(32)
@pytest.mark.parametrize("vendor", ["epic", "oracle", "meditech", "medplum", "generic"])
def test_dates_are_asked_for_by_prefixes_that_every_vendor_knows(vendor: str) -> None:
    _, seen = pulled({}, vendor)
    dates = [value for request in seen for name, value in query(request) if name in ("date", "period", "received")]
    assert dates
    assert {value[:2] for value in dates} <= {"ge", "gt", "le", "lt", "eq"}


@pytest.mark.quirk(36)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_merged_patient_is_followed_and_the_new_id_is_told(status: int) -> None:
    moved = Reply(status, epic_outcome(("information", "4107")), {"Location": "/r4/Patient/p9"})
    new = {"resourceType": "Patient", "id": "p9"}
    mine = bundle(encounter("e1", *CALL, subject={"reference": "Patient/p9"}))
    pull, seen = pulled({"Patient/p1": moved, "Patient/p9": new, "Encounter": mine})
    assert (ids(pull, "Patient"), ids(pull, "Encounter")) == (["p9"], ["e1"])
    assert {params["patient"][0] for params in searches(seen, "Encounter")} == {"p9"}
    assert any("p1" in gap.reason or "p9" in gap.reason or gap.code == "merged_patient" for gap in pull.gaps)


@pytest.mark.quirk(37)
@pytest.mark.parametrize("code", ["4130", "4131"])
def test_a_restricted_patient_is_reported_and_not_asked_for_again(code: str) -> None:
    refusal = Reply(403, epic_outcome(("fatal", code)))
    pull, seen = pulled({"DocumentReference": refusal})
    assert {(gap.resource_type, gap.code) for gap in pull.gaps} >= {("DocumentReference", code)}
    assert len(searches(seen, "DocumentReference")) == 1
    with pytest.raises(AccessError, match=r"[Bb]reak-the-glass"):
        pulled({"Patient/p1": refusal})


@pytest.mark.quirk(39)
@pytest.mark.parametrize("status", [200, 400])
def test_the_days_ceiling_is_a_gap_and_not_pressed_against(status: int) -> None:
    issue = epic_outcome(("fatal", "4135"))
    body = issue if status == 400 else {"resourceType": "Bundle", "entry": [{"resource": issue}]}
    pull, seen = pulled({"DocumentReference": Reply(status, body)})
    assert ("DocumentReference", "4135") in {(gap.resource_type, gap.code) for gap in pull.gaps}
    assert len(searches(seen, "DocumentReference")) == 1


@pytest.mark.quirk(28)
def test_the_granted_scopes_count_whatever_was_asked_for() -> None:
    granted = "system/Patient.read system/Encounter.read"
    with serving({"token": token(scope=granted)}, client_id="app") as (session, _):
        session.authenticate()
        assert session.granted is not None
        assert session.granted.allows("Encounter", "search")
        assert session.granted.lacks("DocumentReference", "search")


@pytest.mark.quirk(28)
def test_a_registration_that_has_not_spread_yet_is_named_as_a_cause() -> None:
    refusal = Reply(400, {"error": "invalid_client"})
    with serving({"token": refusal}, client_id="app") as (session, _), pytest.raises(AccessError, match="12 hours"):
        session.authenticate()


@pytest.mark.quirk(29)
def test_each_assertion_has_a_jti_of_its_own_and_lives_under_five_minutes(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    public_url = "https://practice.example.org/jwks.json"
    own = {"client_id": "app", "private_key": path, "key_id": "k1", "jwks_url": public_url}
    with serving({"token": Reply(400, {"error": "invalid_client"})}, **own) as (session, server):
        for _ in range(2):
            with pytest.raises(AccessError):
                session.authenticate()
        sent = [form(request) for request in server.seen if below_base(request) == "token"]
    assertions = [fields["client_assertion"] for fields in sent]
    claims = [jwt.decode(text, options={"verify_signature": False}) for text in assertions]
    assert len({item["jti"] for item in claims}) == len(claims) >= 2
    assert all(0 < item["exp"] - item["iat"] <= 300 and len(item["jti"]) <= 151 for item in claims)
    headers = [jwt.get_unverified_header(text) for text in assertions]
    assert all((item["alg"], item["kid"], item["jku"]) == ("ES384", "k1", public_url) for item in headers)
