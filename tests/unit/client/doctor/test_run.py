"""The whole examination: in order, in time, and without a word too much."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.client.doctor import CHECKS, Order, examine, exit_code_of
from fhir_rpm.client.keys import public_jwk
from fhir_rpm.config import load_settings
from fhir_rpm.sandbox import Sandbox
from fhir_rpm.vendor import about
from tests.hostile import Reply, Seen
from tests.unit.client.doctor.ehr import CANARY, Ehr, examined, exit_code


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_the_sandbox_is_well_with_each_vendors_manners(vendor: str, key_file: tuple[Path, Any]) -> None:
    path, key = key_file
    with Sandbox(vendor) as ehr:
        ehr.register("app", public_jwk(key, "k1"))
        credentials = {"client_id": "app", "private_key": path, "key_id": "k1", "vendor": vendor}
        steps = examined(ehr.base_url, "sbx-heavy", ehr.group_id, **credentials)
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
        steps = examined(server.base, "p1")
    assert exit_code(steps) == 0
    assert steps["token"].status == "skipped"
    assert "open" in steps["token"].detail
    assert steps["read Patient"].status == "ok"


def test_without_a_patient_reads_are_skipped_with_the_way_to_give_one() -> None:
    with Ehr() as server:
        steps = examined(server.base)
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
        examined(server.base, "p1", "g1", client_id="app", private_key=key_file[0], key_id="k")
        assert {(seen.method, seen.path) for seen in server.seen if seen.method != "GET"} == {("POST", "/r4/token")}


def test_no_name_text_or_token_is_shown(key_file: tuple[Path, Any]) -> None:
    def leaky(seen: Seen) -> Reply | None:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": CANARY}]}
        if "Encounter" in seen.path:
            return Reply(403, outcome)
        return Reply(500, {"error": CANARY}) if "Observation" in seen.path else None

    with Ehr(leaky) as server:
        steps = examined(server.base, "p1", client_id="app", private_key=key_file[0], key_id="k")
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
        steps = examined(server.base, "p1/../../admin?x")
        assert not server.seen
    assert steps["configuration"].cause == "settings_wrong"


def test_an_answer_that_makes_no_sense_is_a_step_and_not_an_exception() -> None:
    nonsense = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": [1], "rest": {"a": 1}}
    with Ehr(lambda seen: Reply(200, nonsense)) as server:
        steps = examined(server.base, "p1", "g1")
    assert list(steps) == ["configuration", *(check.name for check in CHECKS)]


def test_the_json_of_a_step_has_its_six_fields() -> None:
    with Ehr() as server:
        step = examined(server.base)["metadata"]
    assert list(step.to_json()) == ["name", "status", "cause", "remedy", "detail", "seconds"]
