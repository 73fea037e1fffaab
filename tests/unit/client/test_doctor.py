"""The examination: every failure by its name, on real servers on loopback."""

import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fhir_rpm.client.doctor import CHECKS, Order, Step, examine, exit_code_of, network
from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.client.keys import public_jwk
from fhir_rpm.config import load_settings
from fhir_rpm.sandbox import Sandbox
from fhir_rpm.vendor import about, shipped_vendors
from tests.hostile import Hostile, Reply, Seen, bundle

CANARY = "Canary-Quimby"
HTML = b"<!DOCTYPE html><html><body>Please sign in, Canary-Quimby</body></html>"
Steps = dict[str, Step]


def _pem(path: Path, key: Any) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


@pytest.fixture
def key_file(tmp_path: Path) -> tuple[Path, Any]:
    key = ec.generate_private_key(ec.SECP384R1())
    return _pem(tmp_path / "key.pem", key), key


def _examine(base: str, patient: str | None = None, group: str | None = None, **settings: Any) -> Steps:
    values = {"base_url": base, "time_zone": "America/New_York", "connect_timeout": 2, "read_timeout": 2, **settings}
    secret = {"FHIR_RPM_CLIENT_SECRET": str(values.pop("secret"))} if "secret" in values else {}
    order = Order(patient=patient, group=group, month="2026-05", seconds=20)
    return {step.name: step for step in examine(lambda: load_settings(None, values, secret), order)}


def _codes(steps: Steps) -> int:
    return exit_code_of(list(steps.values()))


def _statement(**more: Any) -> dict[str, Any]:
    kinds = ("Patient", "Encounter", "Communication", "DocumentReference", "Observation", "CareTeam", "Group", "Binary")
    interactions = [{"code": code} for code in ("read", "search-type")]
    resources = [{"type": kind, "interaction": interactions} for kind in kinds]
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"resource": resources}]}
    return statement | more


Handler = Callable[[Seen], Reply | None]


class Ehr(Hostile):
    """An open server that works, but for what `special` answers."""

    def __init__(self, special: Handler = lambda seen: None) -> None:
        super().__init__(lambda seen: special(seen) or self._usual(seen))

    def _usual(self, seen: Seen) -> Reply:
        path = seen.path.partition("?")[0].removeprefix("/r4/")
        if path == "metadata":
            return Reply(200, _statement())
        if path.startswith(".well-known"):
            return Reply(200, {"token_endpoint": f"{self.base}/token"})
        if path == "token":
            return Reply(200, {"access_token": "canary-token", "expires_in": 300, "scope": "system/*.cruds"})
        if path.startswith("Patient/"):
            return Reply(200, {"resourceType": "Patient", "id": "p1", "name": [{"family": CANARY}]})
        return Reply(200, bundle())


def at(path: str, reply: Reply) -> Handler:
    """Answer so at a path."""
    return lambda seen: reply if seen.path.partition("?")[0] == f"/r4/{path}" else None


# The whole


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_the_sandbox_is_well_with_each_vendors_manners(vendor: str, key_file: tuple[Path, Any]) -> None:
    path, key = key_file
    with Sandbox(vendor) as ehr:
        ehr.register("app", public_jwk(key, "k1"))
        credentials = {"client_id": "app", "private_key": path, "key_id": "k1", "vendor": vendor}
        steps = _examine(ehr.base_url, "sbx-heavy", ehr.group_id, **credentials)
    bad = {name: step for name, step in steps.items() if step.status == "failed"}
    assert not bad
    assert list(steps) == ["configuration", *(check.name for check in CHECKS)]
    assert {
        steps[name].status for name in ("key", "token", "read Patient", "search Encounter", "paging", "roster")
    } == {"ok"}
    assert steps["read Binary"].status == ("skipped" if vendor == "generic" else "ok")
    assert steps["read Practitioner"].status == "ok"


def test_an_open_server_needs_no_credentials() -> None:
    with Ehr() as server:
        steps = _examine(server.base, "p1")
    assert _codes(steps) == 0
    assert steps["token"].status == "skipped"
    assert "open" in steps["token"].detail
    assert steps["read Patient"].status == "ok"


def test_without_a_patient_reads_are_skipped_with_the_way_to_give_one() -> None:
    with Ehr() as server:
        steps = _examine(server.base)
        assert not [seen for seen in server.seen if "Patient" in seen.path]
    assert {steps[name].status for name in ("read Patient", "search Encounter", "paging")} == {"skipped"}
    assert "--patient" in steps["read Patient"].remedy


def test_a_test_patient_is_read_at_the_vendors_sandbox_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from fhir_rpm.client.doctor import run

    epic = about("epic").sandbox
    assert epic is not None
    assert (
        run._patient(load_settings(None, {"base_url": epic.base_url, "vendor": "epic"}, {}), None)
        == epic.patients[0].id
    )
    own = load_settings(None, {"base_url": "https://epic.example.org/api/FHIR/R4", "vendor": "epic"}, {})
    assert run._patient(own, None) is None


def test_nothing_is_ever_posted_but_the_token_request(key_file: tuple[Path, Any]) -> None:
    with Ehr() as server:
        _examine(server.base, "p1", "g1", client_id="app", private_key=key_file[0], key_id="k")
        assert {(seen.method, seen.path) for seen in server.seen if seen.method != "GET"} == {("POST", "/r4/token")}


def test_no_name_text_or_token_is_shown(key_file: tuple[Path, Any]) -> None:
    def leaky(seen: Seen) -> Reply | None:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": CANARY}]}
        if "Encounter" in seen.path:
            return Reply(403, outcome)
        return Reply(500, {"error": CANARY}) if "Observation" in seen.path else None

    with Ehr(leaky) as server:
        steps = _examine(server.base, "p1", client_id="app", private_key=key_file[0], key_id="k")
    shown = json.dumps([step.to_json() for step in steps.values()])
    assert CANARY not in shown
    assert "canary-token" not in shown
    assert steps["search Encounter"].cause == "forbidden"


def test_a_step_that_hangs_ends_in_time() -> None:
    over = threading.Event()

    def hanging(seen: Seen) -> Reply | None:
        if "metadata" in seen.path:
            over.wait(10)
        return None

    with Ehr(hanging) as server:
        order = Order(seconds=0.5)
        steps = list(examine(lambda: load_settings(None, {"base_url": server.base}, {}), order))
        over.set()
    assert {step.name: step.cause for step in steps}["metadata"] == "took_too_long"
    assert exit_code_of(steps) == 4
    assert sum(step.seconds for step in steps) < 5
    assert sum(step.status == "failed" for step in steps) == 1


def test_an_id_that_is_none_is_never_sent() -> None:
    with Ehr() as server:
        steps = _examine(server.base, "p1/../../admin?x")
        assert not server.seen
    assert steps["configuration"].cause == "settings_wrong"


def test_an_answer_that_makes_no_sense_is_a_step_and_not_an_exception() -> None:
    nonsense = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": [1], "rest": {"a": 1}}
    with Ehr(lambda seen: Reply(200, nonsense)) as server:
        steps = _examine(server.base, "p1", "g1")
    assert list(steps) == ["configuration", *(check.name for check in CHECKS)]


def test_the_json_of_a_step_has_its_six_fields() -> None:
    with Ehr() as server:
        step = _examine(server.base)["metadata"]
    assert list(step.to_json()) == ["name", "status", "cause", "remedy", "detail", "seconds"]


# Our side


def test_a_wrong_setting_is_the_first_failure_and_all_else_is_skipped() -> None:
    steps = list(examine(lambda: load_settings(None, {"base_url": "nonsense"}, {}), Order()))
    assert (steps[0].cause, steps[0].exit_code) == ("settings_wrong", 2)
    assert {step.status for step in steps[1:]} == {"skipped"}


def test_no_base_url_is_a_wrong_setting() -> None:
    steps = list(examine(lambda: load_settings(None, {}, {}), Order()))
    assert steps[0].cause == "settings_wrong"
    assert "base_url" in steps[0].remedy


def test_an_unknown_vendor_is_a_wrong_setting() -> None:
    steps = list(examine(lambda: load_settings(None, {"base_url": "https://x.example", "vendor": "acme"}, {}), Order()))
    assert (steps[0].cause, len(steps)) == ("settings_wrong", len(CHECKS) + 1)


def test_a_key_that_others_can_read_is_warned_of(key_file: tuple[Path, Any]) -> None:
    key_file[0].chmod(0o644)
    with Ehr() as server:
        steps = _examine(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert (steps["configuration"].status, steps["configuration"].cause) == ("warning", "secret_readable_by_others")
    assert f"chmod 600 {key_file[0]}" in steps["configuration"].remedy


@pytest.mark.parametrize("kind", ["absent", "p256", "text"])
def test_a_key_that_cannot_be_used_fails_and_independent_steps_go_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key.pem"
    if kind == "p256":
        _pem(path, ec.generate_private_key(ec.SECP256R1()))
    elif kind == "text":
        path.write_text("hello")
        path.chmod(0o600)
    with Ehr() as server:
        steps = _examine(server.base, "p1", client_id="app", private_key=path, key_id="k")
    assert (steps["key"].status, steps["key"].exit_code) == ("failed", 2)
    assert {steps[name].status for name in ("jwks", "token", "scopes", "read Patient")} == {"skipped"}
    assert "key" in steps["token"].detail
    assert steps["metadata"].status == "ok"
    assert _codes(steps) == 2


def test_a_small_rsa_key_and_a_missing_kid_are_warned_of(tmp_path: Path, key_file: tuple[Path, Any]) -> None:
    small = _pem(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048))
    with Ehr() as server:
        assert _examine(server.base, client_id="app", private_key=small, key_id="k")["key"].cause == "key_weak"
        assert _examine(server.base, client_id="app", private_key=key_file[0])["key"].cause == "no_key_id"


def test_no_time_zone_is_warned_of() -> None:
    with Ehr() as server:
        assert _examine(server.base, time_zone=None)["configuration"].cause == "no_time_zone"


# The key set


def _jwks(key_file: tuple[Path, Any], reply: Reply, **settings: Any) -> Step:
    with Ehr(at("jwks.json", reply)) as server:
        more = {"client_id": "app", "private_key": key_file[0], "key_id": "k1", "jwks_url": f"{server.base}/jwks.json"}
        return _examine(server.base, **(more | settings))["jwks"]


def test_our_key_under_our_kid_is_found(key_file: tuple[Path, Any]) -> None:
    keys = [public_jwk(ec.generate_private_key(ec.SECP384R1()), "k0"), public_jwk(key_file[1], "k1")]
    assert _jwks(key_file, Reply(200, {"keys": keys})).status == "ok"


@pytest.mark.parametrize(
    ("cause", "keys"),
    [
        ("jwks_kid_unknown", lambda ours, other: [public_jwk(other, "k0")]),
        ("jwks_kid_unknown", lambda ours, other: []),
        ("jwks_other_key", lambda ours, other: [public_jwk(other, "k1")]),
        ("jwks_other_kid", lambda ours, other: [public_jwk(ours, "k0")]),
        ("jwks_other_kid", lambda ours, other: [public_jwk(ours, "k0"), public_jwk(other, "k1")]),
        ("jwks_private", lambda ours, other: [public_jwk(ours, "k1") | {"d": "AAAA"}]),
        ("jwks_private", lambda ours, other: [public_jwk(ours, "k1"), {"kty": "oct", "k": "c2VjcmV0"}]),
        ("jwks_kid_twice", lambda ours, other: [public_jwk(ours, "k1"), public_jwk(other, "k1")]),
    ],
)
def test_a_key_set_that_is_not_ours_is_named(key_file: tuple[Path, Any], cause: str, keys: Any) -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    step = _jwks(key_file, Reply(200, {"keys": keys(key_file[1], other)}))
    assert step.cause == cause
    assert step.remedy


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(302, None, {"Location": "https://login.example.org/x?secret=1"}), "jwks_redirects"),
        (Reply(404, None), "jwks_unreachable"),
        (Reply(200, HTML), "jwks_not_json"),
        (Reply(200, {"key": []}), "jwks_not_json"),
    ],
)
def test_a_key_set_that_cannot_be_read_is_named(key_file: tuple[Path, Any], reply: Reply, cause: str) -> None:
    step = _jwks(key_file, reply)
    assert step.cause == cause
    assert "secret=1" not in step.detail


def test_a_key_set_that_is_no_json_by_its_type_is_warned_of(key_file: tuple[Path, Any]) -> None:
    body = json.dumps({"keys": [public_jwk(key_file[1], "k1")]}).encode()
    assert _jwks(key_file, Reply(200, body)).cause == "jwks_content_type"


def test_epic_is_warned_without_a_key_set_url_and_others_are_not(key_file: tuple[Path, Any]) -> None:
    assert _jwks(key_file, Reply(), jwks_url=None, vendor="epic").cause == "jwks_missing"
    assert _jwks(key_file, Reply(), jwks_url=None).status == "skipped"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://keys.example.org/jwks.json", "jwks_not_https"),
        ("https://localhost/jwks.json", "jwks_not_public"),
        ("https://10.0.0.4/jwks.json", "jwks_not_public"),
        ("https://keys.internal/jwks.json", "jwks_not_public"),
    ],
)
def test_a_key_set_the_ehr_cannot_fetch_is_named(
    key_file: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch, url: str, cause: str
) -> None:
    monkeypatch.setattr(network.socket, "getaddrinfo", _no_such_name)
    more = {"client_id": "app", "private_key": key_file[0], "key_id": "k1", "jwks_url": url}
    assert _examine("https://ehr.example.org/r4", **more)["jwks"].cause == cause


# The way there


def _no_such_name(*_args: Any, **_more: Any) -> Any:
    raise network.socket.gaierror(-2, "Name or service not known")


def test_a_name_that_does_not_resolve_is_named_and_all_that_needs_it_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network.socket, "getaddrinfo", _no_such_name)
    steps = _examine("https://ehr.example.org/r4", "p1")
    assert (steps["dns"].cause, _codes(steps)) == ("name_unknown", 4)
    assert {steps[name].status for name in ("tls", "metadata", "token", "read Patient", "paging")} == {"skipped"}


def test_a_closed_port_is_named() -> None:
    with Ehr() as server:
        base = server.base
    assert _examine(base)["dns"].cause == "connection_refused"


def test_a_proxy_of_the_environment_resolves_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    steps = _examine("https://ehr.example.org/r4")
    assert steps["dns"].status == "skipped"
    assert steps["tls"].cause == "no_answer"


class Secure(Ehr):
    """The same server behind TLS."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def base(self) -> str:
        return super().base.replace("http://", "https://")


@pytest.fixture
def issue(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Makes a server certificate with its key, and the CA that signed it; PEM files of both."""

    def make(
        ends: timedelta = timedelta(days=90),
        host: str = "127.0.0.1",
        issuer: str = "Clinic CA",
        self_signed: bool = False,
        begins: timedelta = timedelta(days=-1),
    ) -> tuple[Path, Path]:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        signer = _name("server") if self_signed else _name(issuer)
        names = x509.SubjectAlternativeName(
            [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)]
        )
        leaf = _certificate(_name("server"), signer, key, key if self_signed else ca_key, begins, ends, names)
        ca = _certificate(_name(issuer), _name(issuer), ca_key, ca_key, timedelta(days=-9), timedelta(days=999), None)
        file, ca_file = tmp_path / "server.pem", tmp_path / "ca.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(pem + leaf.public_bytes(Encoding.PEM))
        ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        return file, ca_file

    return make


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Any, signer: Any, begins: timedelta, ends: timedelta, names: Any
) -> x509.Certificate:
    now = datetime.now(UTC)
    public = key.public_key()
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), now + begins, now + ends)
    is_ca = names is None
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(authority, critical=False)
    if is_ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
        )
        usage |= {"key_agreement": False, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), critical=True)
    else:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256())


def test_a_certificate_of_the_sites_own_ca_is_taken_with_ca_bundle(issue: Callable[..., tuple[Path, Path]]) -> None:
    file, ca = issue()
    with Secure(file) as server:
        steps = _examine(server.base, "p1", ca_bundle=ca)
    assert steps["tls"].status == "ok", steps["tls"]
    assert steps["metadata"].status == "ok"
    assert _codes(steps) == 0


@pytest.mark.parametrize(
    ("made", "trusted", "cause"),
    [
        ({"self_signed": True}, False, "tls_self_signed"),
        ({}, False, "tls_unknown_issuer"),
        ({"issuer": "Zscaler Intermediate Root CA"}, False, "tls_intercepted"),
        ({"begins": timedelta(days=-9), "ends": timedelta(hours=-1)}, True, "tls_expired"),
        ({"begins": timedelta(days=1)}, True, "tls_not_yet_valid"),
        ({"host": "other.example.org"}, True, "tls_wrong_host"),
        ({"host": "127.0.0.9"}, True, "tls_wrong_host"),
    ],
)
def test_a_certificate_that_is_refused_is_named(
    issue: Callable[..., tuple[Path, Path]], made: dict[str, Any], trusted: bool, cause: str
) -> None:
    file, ca = issue(**made)
    with Secure(file) as server:
        steps = _examine(server.base, "p1", ca_bundle=ca if trusted else None)
        assert not server.seen
    assert steps["tls"].cause == cause
    assert steps["metadata"].status == "skipped"


def test_a_certificate_that_ends_soon_is_warned_of(issue: Callable[..., tuple[Path, Path]]) -> None:
    file, ca = issue(ends=timedelta(days=10))
    with Secure(file) as server:
        steps = _examine(server.base, ca_bundle=ca)
    assert (steps["tls"].status, steps["tls"].cause) == ("warning", "tls_expires_soon")
    assert steps["metadata"].status == "ok"


def test_a_port_without_tls_is_named() -> None:
    with Ehr() as server:
        assert _examine(server.base.replace("http:", "https:"))["tls"].cause == "not_tls"


# What the server says of itself


@pytest.mark.parametrize(
    ("reply", "cause", "code"),
    [
        (Reply(302, None, {"Location": "https://login.example.org/saml?x=1"}), "redirected", 2),
        (Reply(200, HTML), "html", 2),
        (Reply(404, b"<html>404 - File or directory not found.</html>"), "wrong_base", 2),
        (Reply(200, {"resourceType": "Patient"}), "wrong_base", 2),
        (Reply(200, {"hello": 1}), "not_fhir", 4),
        (Reply(200, b"<CapabilityStatement xmlns='http://hl7.org/fhir'/>"), "xml", 2),
        (Reply(200, _statement(fhirVersion="1.0.2", resourceType="Conformance")), "dstu2", 2),
        (Reply(200, _statement(fhirVersion="3.0.1")), "stu3", 2),
        (Reply(200, _statement(fhirVersion="5.0.0")), "other_version", 2),
        (Reply(406, None), "not_acceptable", 4),
        (Reply(500, None), "server_error", 4),
        (Reply(403, b"Tenant not valid or accessible"), "wrong_tenant", 2),
    ],
)
def test_a_base_that_is_no_r4_server_is_named(reply: Reply, cause: str, code: int) -> None:
    with Ehr(at("metadata", reply)) as server:
        steps = _examine(server.base, vendor="oracle")
    assert (steps["metadata"].cause, steps["metadata"].exit_code) == (cause, code)
    assert steps["create DocumentReference"].status == "skipped"
    assert _codes(steps) == code


def test_another_product_than_vendor_says_is_warned_of() -> None:
    with Ehr(at("metadata", Reply(200, _statement(software={"name": "Epic", "version": "May 2026"})))) as server:
        assert _examine(server.base, vendor="oracle")["metadata"].cause == "vendor_mismatch"
        assert _examine(server.base, vendor="epic")["metadata"].status == "ok"


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, "ok"), (50, "ok"), (100, "warning"), (-100, "warning"), (400, "failed")]
)
def test_clock_skew_is_measured(seconds: int, status: str) -> None:
    """The server's own Date header is right; our clock is told to be off."""
    import time

    order = Order(clock=lambda: time.time() + seconds)
    with Ehr() as server:
        steps = {step.name: step for step in examine(lambda: load_settings(None, {"base_url": server.base}, {}), order)}
    assert steps["clock"].status == status
    assert steps["clock"].cause == (None if status == "ok" else "clock_off")


@pytest.mark.parametrize(
    ("smart", "status", "cause"),
    [
        ({"token_endpoint": "http://ehr.example.org/token"}, "failed", "token_endpoint_insecure"),
        (
            {"token_endpoint": "https://e.org/t", "grant_types_supported": ["authorization_code"]},
            "warning",
            "grant_not_offered",
        ),
        (
            {"token_endpoint": "https://e.org/t", "token_endpoint_auth_methods_supported": ["client_secret_post"]},
            "warning",
            "method_not_offered",
        ),
        (
            {"token_endpoint": "https://e.org/t", "token_endpoint_auth_signing_alg_values_supported": ["RS384"]},
            "warning",
            "algorithm_not_offered",
        ),
    ],
)
def test_what_the_smart_configuration_lacks_is_named(
    key_file: tuple[Path, Any], smart: dict[str, Any], status: str, cause: str
) -> None:
    with Ehr(at(".well-known/smart-configuration", Reply(200, smart))) as server:
        token = f"{server.base}/token" if status == "warning" else None
        more = {"client_id": "app", "private_key": key_file[0], "key_id": "k", "token_url": token}
        step = _examine(server.base, **more)["smart"]
    assert (step.status, step.cause) == (status, cause)


def test_no_token_endpoint_anywhere_is_named_and_the_token_skipped(key_file: tuple[Path, Any]) -> None:
    with Ehr(at(".well-known/smart-configuration", Reply(404, None))) as server:
        steps = _examine(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert steps["smart"].cause == "no_token_endpoint"
    assert steps["token"].status == "skipped"


# The token


@pytest.mark.parametrize("vendor", ["epic", "oracle", "generic"])
@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_grant"])
def test_a_refused_token_has_the_vendors_remedy(key_file: tuple[Path, Any], vendor: str, code: str) -> None:
    with Ehr(at("token", Reply(400, {"error": code, "error_description": CANARY}))) as server:
        steps = _examine(server.base, "p1", client_id="app", private_key=key_file[0], key_id="k", vendor=vendor)
    step = steps["token"]
    assert (step.cause, step.exit_code, _codes(steps)) == (code, 5, 5)
    assert step.remedy == Knowledge.of(vendor).causes[code].remedy
    assert steps["read Patient"].status == "skipped"
    assert steps["create DocumentReference"].status == "warning"


def test_a_token_endpoint_that_refuses_in_plain_text_points_to_the_tenant(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("token", Reply(403, b"Tenant not valid"))) as server:
        steps = _examine(server.base, client_id="app", private_key=key_file[0], key_id="k", vendor="oracle")
    assert steps["token"].cause == "token_refused"
    assert "tenant" in steps["token"].remedy


def test_a_server_that_wants_a_pause_is_not_waited_for(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("Patient/p1", Reply(429, None, {"Retry-After": "18000"}))) as server:
        steps = _examine(server.base, "p1")
    assert (steps["read Patient"].cause, steps["read Patient"].exit_code) == ("throttled", 4)


def test_epics_remedies_tell_of_ids_keys_and_delay() -> None:
    remedy = Knowledge.of("epic").causes["invalid_client"].remedy
    assert all(word in remedy for word in ("production", "key_id", "jwks_url", "hour", "12 hours"))
    assert "v2" in Knowledge.of("oracle").causes["invalid_scope"].remedy


@pytest.mark.parametrize(
    ("scope", "status", "cause"),
    [
        ("system/*.read system/DocumentReference.write", "ok", None),
        ("system/*.rs system/DocumentReference.c", "ok", None),
        ("system/*.r system/DocumentReference.c", "failed", "scope_without_search"),
        ("system/Patient.rs system/Encounter.rs", "failed", "scopes_lacking"),
        ("system/*.rs", "warning", "scope_without_create"),
        (
            "system/Patient.rs system/Encounter.rs system/Communication.rs system/DocumentReference.crs "
            "system/Observation.rs system/Binary.rs",
            "warning",
            "scopes_optional_lacking",
        ),
        ("", "skipped", None),
    ],
)
def test_granted_scopes_are_held_against_what_is_needed(
    key_file: tuple[Path, Any], scope: str, status: str, cause: str | None
) -> None:
    with Ehr(at("token", Reply(200, {"access_token": "canary-token", "scope": scope}))) as server:
        steps = _examine(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert (steps["scopes"].status, steps["scopes"].cause) == (status, cause)


# Reads


def _outcome(code: str) -> dict[str, Any]:
    issue = {"severity": "fatal", "code": "x", "details": {"coding": [{"code": code}], "text": CANARY}}
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "y"}, issue]}


@pytest.mark.parametrize(
    ("vendor", "reply", "cause", "code"),
    [
        ("generic", Reply(401, None), "credentials_needed", 5),
        ("generic", Reply(403, None), "credentials_needed", 5),
        ("generic", Reply(404, {"resourceType": "OperationOutcome"}), "patient_unknown", 2),
        ("epic", Reply(404, b"<html>404 - File or directory not found.</html>"), "type_unknown", 4),
        ("epic", Reply(404, _outcome("59008")), "patient_unknown", 2),
        ("epic", Reply(403, _outcome("4130")), "restricted", 5),
        ("epic", Reply(400, _outcome("4107")), "merged", 2),
        ("epic", Reply(400, _outcome("4135")), "daily_ceiling", 4),
        ("epic", Reply(400, _outcome("40000")), "site_mapping", 4),
        ("epic", Reply(400, _outcome("59159")), "request_refused", 2),
        ("oracle", Reply(403, b"Tenant not valid or accessible"), "wrong_tenant", 2),
        ("oracle", Reply(406, None), "not_acceptable", 4),
        ("meditech", Reply(403, {"resource": "Patient", "detail": "missing scope"}), "insufficient_scope", 5),
        (
            "generic",
            Reply(403, None, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
            "insufficient_scope",
            5,
        ),
        ("generic", Reply(500, None), "server_error", 4),
        ("generic", Reply(200, HTML), "html", 2),
        ("generic", Reply(200, {"resourceType": "Person"}), "not_fhir", 4),
    ],
)
def test_a_refused_read_is_named(vendor: str, reply: Reply, cause: str, code: int) -> None:
    with Ehr(at("Patient/p1", reply)) as server:
        steps = _examine(server.base, "p1", vendor=vendor)
    step = steps["read Patient"]
    assert (step.cause, step.exit_code) == (cause, code)
    assert CANARY not in step.detail
    assert steps["search Encounter"].status == "skipped"
    assert "read Patient" in steps["search Encounter"].detail


def test_an_empty_403_with_a_token_names_the_missing_api(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("Encounter", Reply(403, None))) as server:
        steps = _examine(server.base, "p1", client_id="a", private_key=key_file[0], key_id="k", vendor="epic")
    assert steps["search Encounter"].cause == "forbidden_empty"
    assert "API" in steps["search Encounter"].remedy
    assert steps["search Observation"].status == "ok"


def test_a_ready_made_token_that_is_refused_is_named() -> None:
    with Ehr(at("Patient/p1", Reply(401, None))) as server:
        values = {"base_url": server.base}
        load = lambda: load_settings(None, values, {"FHIR_RPM_BEARER_TOKEN": "canary-token"})  # noqa: E731
        steps = {step.name: step for step in examine(load, Order(patient="p1"))}
    assert steps["token"].status == "ok"
    assert steps["read Patient"].cause == "token_not_accepted"


def test_a_search_that_withholds_a_sub_type_is_warned_of() -> None:
    page = bundle({"resourceType": "DocumentReference", "id": "d1"}, _outcome("59204"))
    with Ehr(at("DocumentReference", Reply(200, page))) as server:
        step = _examine(server.base, "p1", vendor="epic")["search DocumentReference"]
    assert (step.status, step.cause) == ("warning", "subtype_unregistered")


# Paging, create, roster


def _pages(second: Reply, link: str) -> Handler:
    def answer(seen: Seen) -> Reply | None:
        if not seen.path.startswith("/r4/Encounter"):
            return None
        if "page=2" in seen.path:
            return second
        return Reply(200, bundle({"resourceType": "Encounter", "id": "e1"}, following=link))

    return answer


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (Reply(200, bundle({"resourceType": "Encounter", "id": "e2"})), None),
        (Reply(200, bundle({"resourceType": "Encounter", "id": "e1"})), "page_repeats"),
        (Reply(410, None), "session_expired"),
        (Reply(400, _outcome("4113")), "session_expired"),
        (Reply(200, HTML), "html"),
    ],
)
def test_one_next_link_is_followed(second: Reply, cause: str | None) -> None:
    with Ehr(_pages(second, "Encounter?page=2")) as server:
        step = _examine(server.base, "p1", vendor="epic")["paging"]
    assert step.cause == cause


def test_a_next_link_to_another_host_is_named_and_never_followed() -> None:
    with Ehr() as stranger:
        link = stranger.base.replace("127.0.0.1", "localhost") + "/Encounter?page=2"
        with Ehr(_pages(Reply(), link)) as server:
            step = _examine(server.base, "p1")["paging"]
        assert not stranger.seen
    assert (step.cause, step.exit_code) == ("foreign_link", 2)


def test_create_is_looked_up_and_never_tried() -> None:
    statement = _statement()
    statement["rest"][0]["resource"][3] = {"type": "DocumentReference", "interaction": [{"code": "create"}]}
    with Ehr() as server:
        assert _examine(server.base)["create DocumentReference"].cause == "create_not_declared"
    with Ehr(at("metadata", Reply(200, statement))) as server:
        step = _examine(server.base)["create DocumentReference"]
        assert all(seen.method == "GET" for seen in server.seen)
    assert step.status == "ok"
    assert "nothing was written" in step.detail


@pytest.mark.parametrize(
    ("reply", "status", "cause"),
    [
        (Reply(200, {"resourceType": "Group", "member": [{"entity": {"reference": "Patient/p1"}}]}), "ok", None),
        (Reply(200, {"resourceType": "Group"}), "failed", "roster_empty"),
        (Reply(404, None), "failed", "roster_unread"),
    ],
)
def test_the_roster_is_read(reply: Reply, status: str, cause: str | None) -> None:
    with Ehr(at("Group/g1", reply)) as server:
        step = _examine(server.base, group="g1")["roster"]
    assert (step.status, step.cause) == (status, cause)


# The data


@pytest.mark.parametrize("vendor", shipped_vendors())
def test_every_code_and_text_leads_to_a_cause(vendor: str) -> None:
    known = Knowledge.of(vendor)
    assert {*known.codes.values(), *known.texts.values()} <= known.causes.keys()
    assert all(cause.says and cause.remedy for cause in known.causes.values())


def test_every_cause_that_the_code_names_is_in_the_data() -> None:
    import re

    from fhir_rpm.client import doctor

    folder = Path(str(doctor.__file__)).parent
    known = Knowledge.of("generic").causes
    named = set()
    for file in folder.glob("*.py"):
        named |= set(re.findall(r'(?:failed|warning)\(\s*"(\w+)"', file.read_text()))
    assert len(named) > 30
    assert named <= known.keys()
