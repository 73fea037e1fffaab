"""The sandbox behaves as the vendors do: tokens, searches, paging, creates."""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from fhir.resources.R4B import get_fhir_model_class

from fhir_rpm import assess
from fhir_rpm.model.terms import REASONS
from fhir_rpm.sandbox import Sandbox
from fhir_rpm.sandbox.patients import scenarios, synthetic_resources

KEY = ec.generate_private_key(ec.SECP384R1())
JWK = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())), "kid": "k"}
VENDORS = ("generic", "epic", "oracle")
JSON = {"Accept": "application/fhir+json"}
INBOX = "Communication?recipient=Practitioner/sbx-rn&category=reminder&-email-status=received"


@pytest.fixture(scope="module", params=VENDORS)
def ehr(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, str, dict[str, str]]]:
    with Sandbox(request.param) as sandbox:
        sandbox.register("app", JWK)
        reply = _token(sandbox)
        yield sandbox, request.param, JSON | {"Authorization": f"Bearer {reply.json()['access_token']}"}


def _token(sandbox: Sandbox, key: Any = KEY, kid: str = "k", **changes: Any) -> requests.Response:
    now = int(time.time())
    claims = {
        "iss": "app",
        "sub": "app",
        "aud": sandbox.token_url,
        "jti": str(uuid.uuid4()),
        "exp": now + 240,
    } | changes
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, "ES384", {"kid": kid}),
    }
    return requests.post(sandbox.token_url, data=form, timeout=5)


def test_a_good_assertion_gets_a_token(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, vendor, _ = ehr
    reply = _token(sandbox).json()
    assert reply["token_type"] == "Bearer"
    assert reply["expires_in"] == {"generic": 300, "epic": 3600, "oracle": 570}[vendor]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ec.generate_private_key(ec.SECP384R1())},
        {"kid": "other"},
        {"aud": "https://elsewhere.example.org"},
        {"exp": int(time.time()) - 10},
        {"exp": int(time.time()) + 3600},
        {"sub": "somebody"},
        {"iss": "nobody", "sub": "nobody"},
    ],
)
def test_a_bad_assertion_is_refused(ehr: tuple[Sandbox, str, dict[str, str]], changes: dict[str, Any]) -> None:
    reply = _token(ehr[0], **changes)
    assert reply.status_code in (400, 401)
    assert reply.json()["error"] == "invalid_client"


def test_a_jti_is_used_once(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    jti = str(uuid.uuid4())
    assert _token(ehr[0], jti=jti).status_code == 200
    assert _token(ehr[0], jti=jti).json()["error"] == "invalid_client"


def test_nothing_is_read_without_a_token(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    reply = requests.get(f"{ehr[0].base_url}/Patient/sbx-phone", headers=JSON, timeout=5)
    assert reply.status_code == 401
    assert "invalid_token" in reply.headers["WWW-Authenticate"]


def test_pages_hold_every_match_once(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, _, headers = ehr
    url: str | None = f"{sandbox.base_url}/Observation?patient=sbx-heavy&category=vital-signs"
    found, pages = [], 0
    while url is not None:
        page = requests.get(url, headers=headers, timeout=5).json()
        found += [entry["resource"]["id"] for entry in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        pages += 1
    assert (len(found), len(set(found)), pages) == (20, 20, 2)


@pytest.mark.parametrize(
    ("vendor", "query", "status", "code"),
    [
        ("epic", "Encounter?date=ge2026-05-01", 400, "59159"),
        ("epic", "Observation?patient=sbx-heavy", 400, "59108"),
        ("epic", "Nothing?patient=sbx-heavy", 404, None),
        ("oracle", "Communication?patient=sbx-heavy", 400, None),
        ("oracle", "Encounter?patient=sbx-heavy&date=ge2026-05-01T00:00:00Z", 400, None),
        ("oracle", "Encounter?date=ge2026-05-01T00:00:00Z", 400, None),
        ("generic", "Encounter?patient=sbx-heavy&unknown=1", 200, None),
    ],
)
def test_searches_follow_the_vendors_rules(
    ehr: tuple[Sandbox, str, dict[str, str]], vendor: str, query: str, status: int, code: str | None
) -> None:
    sandbox, served, headers = ehr
    if served != vendor:
        pytest.skip(f"a rule of {vendor}")
    reply = requests.get(f"{sandbox.base_url}/{query}", headers=headers, timeout=5)
    assert reply.status_code == status
    assert code is None or code in reply.text


def test_an_empty_epic_search_has_one_remark(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, vendor, headers = ehr
    page = requests.get(f"{sandbox.base_url}/Encounter?patient=nobody", headers=headers, timeout=5).json()
    modes = [entry["search"]["mode"] for entry in page["entry"]]
    assert modes == (["outcome"] if vendor == "epic" else [])
    assert ("total" in page) is (vendor != "oracle")


def _document(**changes: Any) -> dict[str, Any]:
    attachment = {"contentType": "text/plain;charset=utf-8", "data": base64.b64encode(b"Hello").decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "identifier": [{"system": "urn:x", "value": "1"}],
        "subject": {"reference": "Patient/sbx-phone"},
        "content": [{"attachment": attachment}],
        "context": {
            "period": {"start": "2026-05-01T00:00:00Z", "end": "2026-05-31T23:59:59Z"},
            "encounter": [{"reference": "Encounter/sbx-phone-1-enc"}],
        },
    } | changes


def _plain(document: dict[str, Any], vendor: str) -> dict[str, Any]:
    if vendor == "epic":
        document["content"][0]["attachment"]["contentType"] = "text/plain"
    return document


def test_a_document_is_filed_and_kept_for_the_next_run(tmp_path: Path) -> None:
    for vendor in VENDORS:
        for run in (1, 2):
            with Sandbox(vendor, state=tmp_path / vendor) as sandbox:
                sandbox.register("app", JWK)
                headers = JSON | {"Authorization": f"Bearer {_token(sandbox).json()['access_token']}"}
                if run == 1:
                    made = requests.post(
                        f"{sandbox.base_url}/DocumentReference",
                        json=_plain(_document(), vendor),
                        headers=headers,
                        timeout=5,
                    )
                    assert made.status_code == 201
                    assert made.content == b""
                    location = made.headers["Location"]
                    assert location.startswith("DocumentReference/") is (vendor == "epic")
                kept = requests.get(
                    f"{sandbox.base_url}/{'/'.join(location.split('/')[-2:])}", headers=headers, timeout=5
                ).json()
                assert ("identifier" in kept) is (vendor == "generic")
                assert ("data" in kept["content"][0]["attachment"]) is (vendor == "generic")


@pytest.mark.parametrize(
    ("vendor", "changes"),
    [
        ("generic", {"status": "superseded"}),
        ("generic", {"content": []}),
        ("epic", {"context": {}}),
        ("epic", {"context": {"encounter": [{"reference": "Encounter/sbx-video-1-enc"}]}}),
        ("epic", {"content": [{"attachment": {"contentType": "text/html", "data": "SGVsbG8="}}]}),
        ("oracle", {"context": {"period": {"end": "2026-05-31"}}}),
        ("oracle", {"content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}]}),
    ],
)
def test_a_document_against_the_vendors_rules_is_refused(
    ehr: tuple[Sandbox, str, dict[str, str]], vendor: str, changes: dict[str, Any]
) -> None:
    sandbox, served, headers = ehr
    if served != vendor:
        pytest.skip(f"a rule of {vendor}")
    reply = requests.post(
        f"{sandbox.base_url}/DocumentReference", json=_document(**changes), headers=headers, timeout=5
    )
    assert reply.status_code in (400, 422)


def test_if_none_exist_is_honoured_where_it_is_declared(tmp_path: Path) -> None:
    with Sandbox("generic") as sandbox:
        sandbox.register("app", JWK)
        headers = JSON | {
            "Authorization": f"Bearer {_token(sandbox).json()['access_token']}",
            "If-None-Exist": "identifier=urn:x|1",
        }
        codes = [
            requests.post(
                f"{sandbox.base_url}/DocumentReference", json=_document(), headers=headers, timeout=5
            ).status_code
            for _ in range(2)
        ]
    assert codes == [201, 200]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_resource_is_valid_r4(vendor: str) -> None:
    for resource in synthetic_resources(vendor, "2026-02"):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_the_patients_show_every_outcome_and_reason() -> None:
    shown = {patient["shows"] for patient in scenarios()["patient"]}
    assert {"qualifies", "insufficient", *REASONS} <= shown


@pytest.mark.parametrize("patient", scenarios()["patient"], ids=lambda patient: patient["id"])
def test_each_patient_comes_to_what_it_is_meant_to_show(patient: dict[str, Any]) -> None:
    resources = synthetic_resources("generic", "2026-05")
    shared = ("Practitioner", "Device")
    mine = [item for item in resources if item["id"].startswith(patient["id"]) or item["resourceType"] in shared]
    assessment = assess(mine, month="2026-05", time_zone="America/New_York")
    assert assessment.status == ("not_met" if patient.get("withheld") else patient["status"])
    told = {contact.reason or contact.outcome for contact in assessment.contacts}
    assert patient["shows"] not in {"insufficient", *REASONS} or patient["shows"] in told


@pytest.mark.parametrize(
    ("vendor", "query", "status", "code"),
    [
        ("epic", "Encounter?patient=sbx-heavy,sbx-phone", 400, "4112"),
        ("epic", "Encounter?patient=sbx-heavy&class=AMB", 400, "59111"),
        ("epic", "Encounter?patient=sbx-heavy&date=sa2026-05-01", 400, "59111"),
        ("epic", "Encounter?patient=sbx-heavy&_count=1000", 400, "59111"),
        ("epic", "Encounter?patient=sbx-heavy&_lastUpdated=ge2026-05-30", 200, "59100"),
        ("epic", "Encounter?sessionID=gone", 400, "4113"),
        ("oracle", "Encounter?patient=sbx-heavy&-pageContext=gone", 410, None),
        ("oracle", "Encounter?patient=sbx-heavy&bogus=1", 400, None),
        ("oracle", "PractitionerRole?practitioner=sbx-rn", 404, None),
        ("oracle", "DocumentReference?patient=p&period=ge2026-05-01T00:00Z&period=le2026-06-01T00:00Z", 400, None),
        ("oracle", "DocumentReference?patient=p&period=ge2026-05-01T00:00Z&period=lt2026-06-01T00:00Z", 200, None),
        ("oracle", "Encounter?patient=sbx-heavy&date=ge2026-05-01&date=lt2026-06-01", 400, None),
        ("oracle", "Observation?patient=p&date=ge2026-05-01T00:00Z&date=lt2026-06-01T00:00Z&_lastUpdated=1", 400, None),
        ("oracle", f"{INBOX}&received=lt2026-05-01T00:00:00Z", 400, None),
        ("oracle", f"{INBOX}&received=ge2026-05-01T00:00:00Z", 200, None),
    ],
)  # fmt: skip
def test_what_a_vendor_does_not_take_is_refused_or_passed_over(
    ehr: tuple[Sandbox, str, dict[str, str]], vendor: str, query: str, status: int, code: str | None
) -> None:
    test_searches_follow_the_vendors_rules(ehr, vendor, query, status, code)


def test_a_session_of_epic_takes_nothing_besides_its_id(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, vendor, headers = ehr
    if vendor != "epic":
        pytest.skip("a rule of epic")
    url = f"{sandbox.base_url}/Observation?patient=sbx-heavy&category=vital-signs"
    following = requests.get(url, headers=headers, timeout=5).json()["link"][1]["url"]
    assert requests.get(following, headers=headers, timeout=5).status_code == 200
    assert "4113" in requests.get(f"{following}&_count=5", headers=headers, timeout=5).text


def test_oracle_gives_encounters_oldest_and_observations_newest_first(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, vendor, headers = ehr
    if vendor != "oracle":
        pytest.skip("a rule of oracle")
    pages = [
        requests.get(f"{sandbox.base_url}/{query}", headers=headers, timeout=5).json()["entry"]
        for query in ("Encounter?patient=sbx-heavy", "Observation?patient=sbx-heavy")
    ]
    starts = [entry["resource"]["period"]["start"] for entry in pages[0]]
    times = [entry["resource"]["effectiveDateTime"] for entry in pages[1]]
    assert (starts, times) == (sorted(starts), sorted(times, reverse=True))


def test_the_statement_lists_what_the_vendor_lists(ehr: tuple[Sandbox, str, dict[str, str]]) -> None:
    sandbox, vendor, headers = ehr
    statement = requests.get(f"{sandbox.base_url}/metadata", headers=headers, timeout=5).json()
    listed = {
        entry["type"]: {param["name"] for param in entry.get("searchParam", [])}
        for entry in statement["rest"][0]["resource"]
    }
    assert ("-email-status" in listed.get("Communication", ())) is (vendor == "oracle")
    assert ("_lastupdated" in listed["DocumentReference"]) is (vendor == "epic")
