"""The client against FHIR servers that nobody here wrote: what it reads and writes there is what it should be."""

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.api import assess
from fhir_rpm.errors import AccessError, FhirRpmError
from fhir_rpm.month import BillingMonth
from fhir_rpm.sandbox.patients import synthetic_resources
from fhir_rpm.sync import PatientResult, RunPlan, run_months
from tests.builders import reading
from tests.servers.ehr import Server, given, medplum

MAY = BillingMonth.parse("2026-05", "America/New_York")
PATIENTS = ("sbx-phone", "sbx-heavy", "sbx-messages", "sbx-no-reply", "sbx-empty")
WATCHED = "sbx-watched"
NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)

Json = dict[str, Any]


def _is_of(resource: Json, patient: str) -> bool:
    subject = (resource.get("subject") or {}).get("reference")
    return resource["id"] == patient or subject == f"Patient/{patient}"


def _month_of(patient: str) -> list[Json]:
    """The sandbox's patient with the people and devices of everybody."""
    everything = synthetic_resources("generic", "2026-05")
    shared = [item for item in everything if item["resourceType"] in ("Practitioner", "Device")]
    return shared + [item for item in everything if _is_of(item, patient)]


def _readings() -> list[Json]:
    """More readings than two pages hold."""
    subject = {"reference": f"Patient/{WATCHED}"}
    times = [f"2026-05-{1 + number % 28:02}T{number // 28:02}:30:00Z" for number in range(50)]
    readings = [reading(f"sbx-watched-{place}", time, subject=subject) for place, time in enumerate(times)]
    return [{"resourceType": "Patient", "id": WATCHED}, *readings]


SERVERS = [medplum, *([given] if os.environ.get("FHIR_RPM_SERVERS_URL") else [])]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda opened: opened.__name__)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    opened: Callable[[Path], AbstractContextManager[Server]] = request.param
    with opened(tmp_path_factory.mktemp("servers")) as running:
        session = running.session()
        token = session._auth.header(False)  # the loader needs what only the session knows
        resources = {f"{item['resourceType']}/{item['id']}": item for name in PATIENTS for item in _month_of(name)}
        running.put([*resources.values(), *_readings()], {"Authorization": token} if token else {})
        yield running


def _run(server: Server, *patients: str, **how: Any) -> list[PatientResult]:
    return list(run_months(server.session(), patients, RunPlan(MAY, server.settings(), NOW, **how)))


@pytest.mark.parametrize("patient", PATIENTS)
def test_a_month_read_from_the_server_is_judged_as_the_same_month_from_files(server: Server, patient: str) -> None:
    (result,) = _run(server, patient)
    assert result.assessment is not None, result.error or result.broken
    told = assess(
        _month_of(patient), month="2026-05", time_zone="America/New_York", vendor=server.settings().vendor
    ).model_copy(update={"patient": f"Patient/{patient}"})
    assert result.assessment == told
    assert result.assessment.gaps == ()


def test_every_page_is_read(server: Server) -> None:
    pull = server.session().pull_month(WATCHED, MAY)
    found = {item["id"] for item in pull.resources if item["resourceType"] == "Observation"}
    assert (len(found), pull.gaps) == (50, ())


def test_a_search_that_finds_nothing_is_complete(server: Server) -> None:
    pull = server.session().search("Encounter", {"patient": WATCHED})
    assert (pull.resources, pull.gaps) == ((), ())


def test_the_server_says_what_it_can_do(server: Server) -> None:
    capability = server.session().capability
    assert capability.is_known
    assert capability.declares("DocumentReference", "create")
    assert not capability.declares("NoSuchType")


def test_a_patient_who_is_not_there_is_an_error(server: Server) -> None:
    (result,) = _run(server, "sbx-nobody")
    assert isinstance(result.error, FhirRpmError)
    assert "sbx-nobody" in str(result.error)


def test_a_month_is_written_once_found_again_and_holds_what_was_sent(server: Server) -> None:
    (first,) = _run(server, "sbx-phone", write_back=True)
    (again,) = _run(server, "sbx-phone", write_back=True)
    assert first.published is not None, first.error or first.broken
    assert again.published is not None, again.error or again.broken
    assert (first.published.status, again.published.status) in {("written", "unchanged"), ("unchanged", "unchanged")}
    assert first.published.reference == again.published.reference is not None
    stored = server.session().read(str(first.published.reference))
    text = base64.b64decode(stored["content"][0]["attachment"]["data"]).decode()
    assert stored["subject"]["reference"] == "Patient/sbx-phone"
    assert "2026-05" in text


def test_a_conditional_create_finds_what_is_there(server: Server) -> None:
    session, identifier = server.session(), {"system": "urn:fhir-rpm:test", "value": "once"}
    note = {"resourceType": "DocumentReference", "status": "current", "identifier": [identifier]}
    note["content"] = [{"attachment": {"contentType": "text/plain", "data": "eA=="}}]
    condition = {"If-None-Exist": "identifier=urn:fhir-rpm:test|once"}
    if not session.capability.declares_conditional_create("DocumentReference"):
        pytest.skip("This server declares no conditional create.")
    made = [session.create(note, condition).reference for _ in range(2)]
    assert made[0] == made[1] is not None


def test_a_wrong_secret_is_refused_with_the_named_cause(server: Server) -> None:
    if server.settings().client_secret is None:
        pytest.skip("This server is reached without a client secret.")
    wrong = Server(server.base_url, server.options, {"FHIR_RPM_CLIENT_SECRET": "wrong"})
    with pytest.raises(AccessError, match="invalid_client"):
        wrong.session().authenticate()
