"""The token and its scopes."""

from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.client.doctor.knowledge import Knowledge
from tests.hostile import Reply
from tests.unit.client.doctor.ehr import CANARY, Ehr, at, examined, exit_code


@pytest.mark.parametrize("vendor", ["epic", "oracle", "generic"])
@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_grant"])
def test_a_refused_token_has_the_vendors_remedy(key_file: tuple[Path, Any], vendor: str, code: str) -> None:
    with Ehr(at("token", Reply(400, {"error": code, "error_description": CANARY}))) as server:
        steps = examined(server.base, "p1", client_id="app", private_key=key_file[0], key_id="k", vendor=vendor)
    step = steps["token"]
    assert (step.cause, step.exit_code, exit_code(steps)) == (code, 5, 5)
    assert step.remedy == Knowledge.of(vendor).causes[code].remedy
    assert steps["read Patient"].status == "skipped"
    assert steps["create DocumentReference"].status == "warning"


def test_a_token_endpoint_that_refuses_in_plain_text_points_to_the_tenant(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("token", Reply(403, b"Tenant not valid"))) as server:
        steps = examined(server.base, client_id="app", private_key=key_file[0], key_id="k", vendor="oracle")
    assert steps["token"].cause == "token_refused"
    assert "tenant" in steps["token"].remedy


def test_a_server_that_wants_a_pause_is_not_waited_for(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("Patient/p1", Reply(429, None, {"Retry-After": "18000"}))) as server:
        steps = examined(server.base, "p1")
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
        steps = examined(server.base, client_id="app", private_key=key_file[0], key_id="k")
    assert (steps["scopes"].status, steps["scopes"].cause) == (status, cause)
