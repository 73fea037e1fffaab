"""What Epic answers and refuses that breaks naive clients (docs/vendors/epic.md), over real HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.client.doctor import Order, examine
from fhir_rpm.config import load_settings
from fhir_rpm.errors import AccessError, FhirRpmError
from tests.builders import SPOKE, encounter, note, reading
from tests.hostile import Hostile, Reply, Seen, bundle
from tests.quirks.ehr import (
    CALL,
    EVIDENCE,
    below_base,
    binary,
    epic_outcome,
    form,
    ids,
    outcome_entry,
    pulled,
    query,
    searches,
    serving,
    token,
)

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
    html = binary("html", "text/html", f"<p>{SPOKE}</p>")
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
    _, seen = pulled({"DocumentReference": bundle(note("d1", "", content=[LINK])), "Binary/b": binary("b", "x", "x")})
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


def _key_file(folder: Path) -> Path:
    path = folder / "key.pem"
    key = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


@pytest.mark.quirk(29)
def test_each_assertion_has_a_jti_of_its_own_and_lives_under_five_minutes(tmp_path: Path) -> None:
    path = _key_file(tmp_path)
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


@pytest.mark.quirk(29)
@pytest.mark.parametrize(("published", "cause"), [(False, "jwks_missing"), (True, "jwks_redirects")])
def test_the_doctor_finds_a_key_set_that_is_not_published_or_redirects(
    published: bool, cause: str, tmp_path: Path
) -> None:
    with Hostile(lambda seen: Reply(302, None, {"Location": "/elsewhere"})) as server:
        given = {"base_url": server.base, "vendor": "epic", "client_id": "app", "private_key": _key_file(tmp_path)}
        given |= {"jwks_url": f"{server.base}/jwks.json"} if published else {}
        steps = examine(lambda: load_settings(None, given, {}), Order(patient="p1"))
        assert {step.name: step.cause for step in steps}["jwks"] == cause
