"""Reads, searches, paging, create and roster."""

from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.client.doctor import Order, examine
from fhir_rpm.config import load_settings
from tests.hostile import Reply, Seen, bundle
from tests.unit.client.doctor.ehr import CANARY, HTML, Ehr, Handler, at, examined, outcome, statement


@pytest.mark.parametrize(
    ("vendor", "reply", "cause", "code"),
    [
        ("generic", Reply(401, None), "credentials_needed", 5),
        ("generic", Reply(403, None), "credentials_needed", 5),
        ("generic", Reply(404, {"resourceType": "OperationOutcome"}), "patient_unknown", 2),
        ("epic", Reply(404, b"<html>404 - File or directory not found.</html>"), "type_unknown", 4),
        ("epic", Reply(404, outcome("59008")), "patient_unknown", 2),
        ("epic", Reply(403, outcome("4130")), "restricted", 5),
        ("epic", Reply(400, outcome("4107")), "merged", 2),
        ("epic", Reply(400, outcome("4135")), "daily_ceiling", 4),
        ("epic", Reply(400, outcome("40000")), "site_mapping", 4),
        ("epic", Reply(400, outcome("59159")), "request_refused", 2),
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
        steps = examined(server.base, "p1", vendor=vendor)
    step = steps["read Patient"]
    assert (step.cause, step.exit_code) == (cause, code)
    assert CANARY not in step.detail
    assert steps["search Encounter"].status == "skipped"
    assert "read Patient" in steps["search Encounter"].detail


def test_an_empty_403_with_a_token_names_the_missing_api(key_file: tuple[Path, Any]) -> None:
    with Ehr(at("Encounter", Reply(403, None))) as server:
        steps = examined(server.base, "p1", client_id="a", private_key=key_file[0], key_id="k", vendor="epic")
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


def test_an_unknown_error_beside_the_matches_is_warned_of() -> None:
    page = bundle({"resourceType": "Encounter", "id": "e1"}, outcome("77777"))
    with Ehr(at("Encounter", Reply(200, page))) as server:
        step = examined(server.base, "p1")["search Encounter"]
    assert (step.status, step.cause) == ("warning", "withheld")


def test_a_search_that_withholds_a_sub_type_is_warned_of() -> None:
    page = bundle({"resourceType": "DocumentReference", "id": "d1"}, outcome("59204"))
    with Ehr(at("DocumentReference", Reply(200, page))) as server:
        step = examined(server.base, "p1", vendor="epic")["search DocumentReference"]
    assert (step.status, step.cause) == ("warning", "subtype_unregistered")


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
        (Reply(400, outcome("4113")), "session_expired"),
        (Reply(200, HTML), "html"),
    ],
)
def test_one_next_link_is_followed(second: Reply, cause: str | None) -> None:
    with Ehr(_pages(second, "Encounter?page=2")) as server:
        step = examined(server.base, "p1", vendor="epic")["paging"]
    assert step.cause == cause


def test_a_next_link_to_another_host_is_named_and_never_followed() -> None:
    with Ehr() as stranger:
        link = stranger.base.replace("127.0.0.1", "localhost") + "/Encounter?page=2"
        with Ehr(_pages(Reply(), link)) as server:
            step = examined(server.base, "p1")["paging"]
        assert not stranger.seen
    assert (step.cause, step.exit_code) == ("foreign_link", 2)


def test_create_is_looked_up_and_never_tried() -> None:
    declared = statement()
    declared["rest"][0]["resource"][3] = {"type": "DocumentReference", "interaction": [{"code": "create"}]}
    with Ehr() as server:
        assert examined(server.base)["create DocumentReference"].cause == "create_not_declared"
    with Ehr(at("metadata", Reply(200, declared))) as server:
        step = examined(server.base)["create DocumentReference"]
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
        step = examined(server.base, group="g1")["roster"]
    assert (step.status, step.cause) == (status, cause)
