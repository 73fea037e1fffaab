"""What the server says of itself."""

from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.client.doctor import Order, examine
from fhir_rpm.config import load_settings
from tests.hostile import Reply
from tests.unit.client.doctor.ehr import HTML, Ehr, at, examined, exit_code, statement


@pytest.mark.parametrize(
    ("reply", "cause", "code"),
    [
        (Reply(302, None, {"Location": "https://login.example.org/saml?x=1"}), "redirected", 2),
        (Reply(200, HTML), "html", 2),
        (Reply(404, b"<html>404 - File or directory not found.</html>"), "wrong_base", 2),
        (Reply(200, {"resourceType": "Patient"}), "wrong_base", 2),
        (Reply(200, {"hello": 1}), "not_fhir", 4),
        (Reply(200, b"<CapabilityStatement xmlns='http://hl7.org/fhir'/>"), "xml", 2),
        (Reply(200, statement(fhirVersion="1.0.2", resourceType="Conformance")), "dstu2", 2),
        (Reply(200, statement(fhirVersion="3.0.1")), "stu3", 2),
        (Reply(200, statement(fhirVersion="5.0.0")), "other_version", 2),
        (Reply(406, None), "not_acceptable", 4),
        (Reply(500, None), "server_error", 4),
        (Reply(403, b"Tenant not valid or accessible"), "wrong_tenant", 2),
    ],
)
def test_a_base_that_is_no_r4_server_is_named(reply: Reply, cause: str, code: int) -> None:
    with Ehr(at("metadata", reply)) as server:
        steps = examined(server.base, vendor="oracle")
    assert (steps["metadata"].cause, steps["metadata"].exit_code) == (cause, code)
    assert steps["create DocumentReference"].status == "skipped"
    assert exit_code(steps) == code


def test_another_product_than_vendor_says_is_warned_of() -> None:
    with Ehr(at("metadata", Reply(200, statement(software={"name": "Epic", "version": "May 2026"})))) as server:
        assert examined(server.base, vendor="oracle")["metadata"].cause == "vendor_mismatch"
        assert examined(server.base, vendor="epic")["metadata"].status == "ok"


def test_what_a_server_says_of_itself_cannot_steer_the_terminal() -> None:
    software = {"name": "HAPI \x1b[2J\ud800", "version": "7"}
    with Ehr(at("metadata", Reply(200, statement(software=software)))) as server:
        detail = examined(server.base)["metadata"].detail
    assert "HAPI" in detail
    assert detail.isprintable()


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
        step = examined(server.base, **more)["smart"]
    assert (step.status, step.cause) == (status, cause)


def test_no_token_endpoint_anywhere_is_named_and_the_token_skipped(key_file: tuple[Path, Any]) -> None:
    with Ehr(at(".well-known/smart-configuration", Reply(404, None))) as server:
        steps = examined(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert steps["smart"].cause == "no_token_endpoint"
    assert steps["token"].status == "skipped"
