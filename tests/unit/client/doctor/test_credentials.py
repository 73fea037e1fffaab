"""Our own side: settings, key and published key set."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fhir_rpm.client.doctor import CHECKS, Order, Step, examine, network
from fhir_rpm.client.keys import public_jwk
from fhir_rpm.config import load_settings
from tests.hostile import Reply
from tests.unit.client.doctor.ehr import HTML, Ehr, at, examined, exit_code, no_such_name, pem


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
        steps = examined(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert (steps["configuration"].status, steps["configuration"].cause) == ("warning", "secret_readable_by_others")
    assert f"chmod 600 {key_file[0]}" in steps["configuration"].remedy


@pytest.mark.parametrize("kind", ["absent", "p256", "text"])
def test_a_key_that_cannot_be_used_fails_and_independent_steps_go_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key.pem"
    if kind == "p256":
        pem(path, ec.generate_private_key(ec.SECP256R1()))
    elif kind == "text":
        path.write_text("hello")
        path.chmod(0o600)
    with Ehr() as server:
        steps = examined(server.base, "p1", client_id="app", private_key=path, key_id="k")
    assert (steps["key"].status, steps["key"].exit_code) == ("failed", 2)
    assert {steps[name].status for name in ("jwks", "token", "scopes", "read Patient")} == {"skipped"}
    assert "key" in steps["token"].detail
    assert steps["metadata"].status == "ok"
    assert exit_code(steps) == 2


def test_a_small_rsa_key_and_a_missing_kid_are_warned_of(tmp_path: Path, key_file: tuple[Path, Any]) -> None:
    small = pem(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048))
    with Ehr() as server:
        assert examined(server.base, client_id="app", private_key=small, key_id="k")["key"].cause == "key_weak"
        assert examined(server.base, client_id="app", private_key=key_file[0])["key"].cause == "no_key_id"


def test_no_time_zone_is_warned_of() -> None:
    with Ehr() as server:
        assert examined(server.base, time_zone=None)["configuration"].cause == "no_time_zone"


def _jwks(key_file: tuple[Path, Any], reply: Reply, **settings: Any) -> Step:
    with Ehr(at("jwks.json", reply)) as server:
        more = {"client_id": "app", "private_key": key_file[0], "key_id": "k1", "jwks_url": f"{server.base}/jwks.json"}
        return examined(server.base, **(more | settings))["jwks"]


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
    monkeypatch.setattr(network.socket, "getaddrinfo", no_such_name)
    more = {"client_id": "app", "private_key": key_file[0], "key_id": "k1", "jwks_url": url}
    assert examined("https://ehr.example.org/r4", **more)["jwks"].cause == cause
