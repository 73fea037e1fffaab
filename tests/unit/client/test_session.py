"""A session against the sandbox EHR, over real HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.client import EhrSession
from fhir_rpm.config import load_settings
from fhir_rpm.errors import AccessError, ConfigurationError, FhirRpmError, WriteUncertainError
from fhir_rpm.month import BillingMonth
from fhir_rpm.sandbox import Sandbox
from tests.hostile import Hostile, Reply

MAY = BillingMonth.parse("2026-05", "America/New_York")


def _key_file(folder: Path, kind: str) -> tuple[Path, dict[str, Any]]:
    key: Any = ec.generate_private_key(ec.SECP384R1()) if kind == "ES384" else rsa.generate_private_key(65537, 2048)
    algorithm: Any = jwt.algorithms.ECAlgorithm if kind == "ES384" else jwt.algorithms.RSAAlgorithm
    path = folder / f"{kind}.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path, {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kind}


@pytest.fixture(scope="module", params=["generic", "epic", "oracle"])
def ehr(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, str]]:
    with Sandbox(request.param) as sandbox:
        yield sandbox, request.param


def _session(sandbox: Sandbox, vendor: str, **more: Any) -> EhrSession:
    return EhrSession.open(load_settings(None, {"base_url": sandbox.base_url, "vendor": vendor, **more}, {}))


@pytest.mark.parametrize("kind", ["ES384", "RS384"])
def test_backend_services_authenticate_and_a_month_is_pulled(
    ehr: tuple[Sandbox, str], tmp_path: Path, kind: str
) -> None:
    sandbox, vendor = ehr
    path, public = _key_file(tmp_path, kind)
    sandbox.register("app", public)
    with _session(sandbox, vendor, client_id="app", private_key=path, key_id=kind) as session:
        pull = session.pull_month("sbx-heavy", MAY)
    kinds = [resource["resourceType"] for resource in pull.resources]
    assert pull.gaps == ()
    assert kinds.count("Patient") == 1
    assert kinds.count("Encounter") == 3
    assert kinds.count("DocumentReference") == 3
    assert kinds.count("Observation") == 20
    assert kinds.count("Practitioner") >= 2
    assert kinds.count("Binary") == (0 if vendor == "generic" else 3)


def test_a_client_secret_authenticates(ehr: tuple[Sandbox, str]) -> None:
    sandbox, vendor = ehr
    sandbox.register_secret("basic", "s3cret")
    settings = load_settings(
        None,
        {"base_url": sandbox.base_url, "vendor": vendor, "client_id": "basic"},
        {"FHIR_RPM_CLIENT_SECRET": "s3cret"},
    )
    assert sandbox.group_id
    assert len(EhrSession.open(settings).read(f"Group/{sandbox.group_id}")["member"]) == len(sandbox.patients)


def test_a_key_that_is_not_registered_is_refused_with_the_named_cause(ehr: tuple[Sandbox, str], tmp_path: Path) -> None:
    sandbox, vendor = ehr
    path, _ = _key_file(tmp_path, "ES384")
    with pytest.raises(AccessError, match=r"invalid_client.*key_id"):
        _session(sandbox, vendor, client_id="nobody", private_key=path, key_id="x").authenticate()


def test_withheld_notes_are_a_gap(ehr: tuple[Sandbox, str], tmp_path: Path) -> None:
    sandbox, vendor = ehr
    path, public = _key_file(tmp_path, "ES384")
    sandbox.register("app2", public)
    pull = _session(sandbox, vendor, client_id="app2", private_key=path, key_id="ES384").pull_month("sbx-withheld", MAY)
    assert [(gap.resource_type, gap.code) for gap in pull.gaps] == [("DocumentReference", "59204")]


def _open(sandbox: Sandbox, vendor: str) -> EhrSession:
    sandbox.register_secret("secret", "s3cret")
    settings = load_settings(
        None,
        {"base_url": sandbox.base_url, "vendor": vendor, "client_id": "secret"},
        {"FHIR_RPM_CLIENT_SECRET": "s3cret"},
    )
    return EhrSession.open(settings)


@pytest.mark.parametrize("patient", ["sbx-messages", "sbx-no-note", "sbx-not-done"])
def test_a_month_that_was_read_in_full_leaves_no_gap(ehr: tuple[Sandbox, str], patient: str) -> None:
    assert _open(*ehr).pull_month(patient, MAY).gaps == ()


def test_a_patient_who_is_not_there_is_an_error(ehr: tuple[Sandbox, str]) -> None:
    with pytest.raises(FhirRpmError, match="no Patient/nobody"):
        _open(*ehr).pull_month("nobody", MAY)


def test_staff_messages_of_oracle_are_found_by_recipient() -> None:
    message = {
        "resourceType": "Communication",
        "id": "m1",
        "status": "completed",
        "category": [{"coding": [{"code": "notification"}]}],
        "subject": {"reference": "Patient/sbx-phone"},
        "recipient": [{"reference": "Practitioner/sbx-rn"}],
        "sent": "2026-05-05T14:00:00Z",
        "received": "2026-05-05T14:00:00Z",
        "extension": [{"url": "http://example.org/email-status", "valueCode": "received"}],
        "payload": [{"contentString": "Patient asked for a call back."}],
    }
    other = message | {"id": "m2", "subject": {"reference": "Patient/sbx-heavy"}}
    late = message | {"id": "m3", "received": "2026-07-05T14:00:00Z", "sent": "2026-07-05T14:00:00Z"}
    with Sandbox("oracle") as sandbox:
        held = sandbox._server.store._held
        held["Communication"] = {item["id"]: item for item in (message, other, late)}
        pull = _open(sandbox, "oracle").pull_month("sbx-phone", MAY)
    assert [item["id"] for item in pull.resources if item["resourceType"] == "Communication"] == ["m1"]
    assert pull.gaps == ()


@pytest.mark.parametrize("vendor", ["epic", "generic", "oracle"])
def test_a_search_session_that_the_server_ends_is_begun_anew(vendor: str) -> None:
    with Sandbox(vendor) as sandbox:
        server, page, ended = sandbox._server, sandbox._server._next_page, []

        def ending(request: Any, session: str, **how: Any) -> Any:
            if not ended:
                ended.append(session)
                server._sessions.clear()
            return page(request, session, **how)

        server._next_page = ending  # type: ignore[method-assign]
        pull = _open(sandbox, vendor).pull_month("sbx-heavy", MAY)
    assert len(ended) == 1
    assert pull.gaps == ()
    assert len([item for item in pull.resources if item["resourceType"] == "Observation"]) == 20


def test_a_key_that_is_no_key_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "no.pem"
    path.write_text("hello")
    settings = load_settings(
        None, {"base_url": "https://ehr.example.org/r4", "client_id": "a", "private_key": path}, {}
    )
    with pytest.raises(ConfigurationError, match="PEM"):
        EhrSession.open(settings)


def test_an_authorised_fhirclient_is_taken_over() -> None:
    with Hostile(lambda seen: Reply(200, {"resourceType": "Group", "id": "g", "member": []})) as server:
        auth = SimpleNamespace(access_token="handed-over")
        client = SimpleNamespace(ready=True, server=SimpleNamespace(base_uri=server.base + "/", auth=auth))
        assert EhrSession.from_fhirclient(client).read("Group/g")["id"] == "g"
        assert server.seen[0].headers["Authorization"] == "Bearer handed-over"
        assert "handed-over" not in repr(EhrSession.from_fhirclient(client))


def test_a_fhirclient_that_is_not_authorised_is_refused() -> None:
    with pytest.raises(AccessError, match="not authorised"):
        EhrSession.from_fhirclient(SimpleNamespace(ready=False, server=None))


@pytest.mark.parametrize(
    ("location", "reference"),
    [
        ("DocumentReference/d1", "DocumentReference/d1"),
        ("https://ehr.example.org/r4/DocumentReference/d1", "DocumentReference/d1"),
        ("https://ehr.example.org/r4/DocumentReference/d1/_history/1", "DocumentReference/d1"),
    ],
)
def test_a_create_is_known_by_its_location_even_with_an_empty_body(location: str, reference: str) -> None:
    with Hostile(lambda seen: Reply(201, None, {"Location": location})) as server:
        session = EhrSession.open(load_settings(None, {"base_url": server.base}, {}))
        assert session.create({"resourceType": "DocumentReference"}).reference == reference


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(500, None), Reply(503, None)])
def test_a_lost_answer_to_a_create_is_uncertain_and_never_repeated(reply: Reply) -> None:
    with Hostile(lambda seen: reply) as server:
        session = EhrSession.open(load_settings(None, {"base_url": server.base}, {}))
        with pytest.raises(WriteUncertainError):
            session.create({"resourceType": "DocumentReference"})
        assert len(server.seen) == 1
