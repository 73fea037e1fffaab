"""Writes that go wrong on demand: before the commit, after it, twice, and late."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.sandbox import Sandbox, WriteFault

JSON = {"Accept": "application/fhir+json"}
DOCUMENT = {
    "resourceType": "DocumentReference",
    "status": "current",
    "subject": {"reference": "Patient/sbx-phone"},
    "content": [{"attachment": {"contentType": "text/plain;charset=utf-8", "data": "SGVsbG8="}}],
    "context": {"period": {"end": "2026-05-31T23:59:59Z"}},
}


class Client:
    """A client of one sandbox."""

    def __init__(self, ehr: Sandbox) -> None:
        ehr.register_secret("app", "secret")
        form = {"grant_type": "client_credentials", "scope": "system/DocumentReference.crus"}
        token = requests.post(ehr.token_url, data=form, auth=("app", "secret"), timeout=5).json()["access_token"]
        self._headers = JSON | {"Authorization": f"Bearer {token}"}
        self._url = f"{ehr.base_url}/DocumentReference"

    def create(self) -> requests.Response:
        return requests.post(self._url, json=DOCUMENT, headers=self._headers, timeout=5)

    def update(self, identity: str, version: str | None, **changes: Any) -> requests.Response:
        condition = {} if version is None else {"If-Match": f'W/"{version}"'}
        body = DOCUMENT | {"id": identity} | changes
        return requests.put(f"{self._url}/{identity}", json=body, headers=self._headers | condition, timeout=5)

    def found(self) -> int:
        page = requests.get(self._url, params={"patient": "sbx-phone"}, headers=self._headers, timeout=5).json()
        return sum(entry["resource"]["id"].startswith("filed-") for entry in page["entry"])


@pytest.fixture
def ehr() -> Iterator[Sandbox]:
    with Sandbox("oracle") as running:
        yield running


@pytest.fixture
def client(ehr: Sandbox) -> Client:
    return Client(ehr)


@pytest.mark.parametrize(
    ("fault", "told", "filed"),
    [
        ("lost_request", "cut", 0),
        ("lost_answer", "cut", 1),
        ("failed_request", "503", 0),
        ("failed_answer", "500", 1),
        ("filed_twice", "201", 2),
        ("filed_late", "201", 1),
        (None, "201", 1),
    ],
)
def test_a_write_goes_wrong_once_and_as_told(
    fault: WriteFault | None, told: str, filed: int, ehr: Sandbox, client: Client
) -> None:
    ehr.faults.of_next_writes(fault)
    before = len(ehr.documents())
    try:
        answer = str(client.create().status_code)
    except requests.ConnectionError:
        answer = "cut"
    assert (answer, len(ehr.documents()) - before) == (told, filed)
    assert client.create().status_code == 201


def test_a_late_document_is_there_by_its_id_and_found_after_a_while(ehr: Sandbox, client: Client) -> None:
    ehr.faults.of_next_writes("filed_late")
    client.create()
    assert [client.found() for _ in range(4)] == [0, 0, 1, 1]


def test_faults_can_be_drawn(ehr: Sandbox, client: Client) -> None:
    ehr.faults.draw = lambda: "failed_request"
    assert [client.create().status_code for _ in range(2)] == [503, 503]


def test_an_unknown_fault_is_refused(ehr: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="filed_twice"):
        ehr.faults.of_next_writes("explode")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("version", "changes", "status"),
    [
        ("1", {}, 200),
        (None, {}, 400),
        ("0", {}, 409),
        ("1", {"subject": {"reference": "Patient/sbx-video"}}, 422),
        ("1", {"context": DOCUMENT["context"] | {"encounter": [{"reference": "Encounter/x"}]}}, 422),  # type: ignore[operator]
        ("1", {"status": "entered-in-error"}, 200),
    ],
)
def test_an_update_needs_the_version_and_keeps_patient_and_encounter(
    version: str | None, changes: dict[str, Any], status: int, client: Client
) -> None:
    identity = client.create().headers["Location"].rpartition("/")[2]
    answer = client.update(identity, version, **changes)
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["ETag"] == 'W/"2"'
        assert client.update(identity, version, **changes).status_code == 409
