"""Recorded Epic- and Oracle-shaped sessions: the same work on the same answers, offline, and no secret on the tape."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_rpm.sync import PatientResult
from tests.cassettes.job import VENDORS, new_key, work
from tests.cassettes.tape import HERE, HOST, SECRET, ReadableYaml, recorder

LARGEST = 300_000


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """vcrpy can let real connections through; here they fail."""

    def refuse(*_where: object) -> None:
        raise AssertionError("a replay went out to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def _replay(vendor: str, folder: Path) -> tuple[PatientResult, Any]:
    with recorder("none").use_cassette(f"{vendor}.yaml", allow_playback_repeats=False) as cassette:
        return work(vendor, f"{HOST}/fhir/R4", new_key(folder), folder / "ledger.sqlite3"), cassette


def _recorded(vendor: str) -> list[dict[str, Any]]:
    interactions: list[dict[str, Any]] = yaml.safe_load((HERE / f"{vendor}.yaml").read_text())["interactions"]
    return interactions


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_replay_asks_for_what_was_recorded_and_for_nothing_else(vendor: str, tmp_path: Path) -> None:
    result, cassette = _replay(vendor, tmp_path)
    assert (result.error, result.broken) == (None, None)
    assert cassette.all_played, "something recorded was not asked for: record anew with `make record`"
    assert cassette.play_count == len(_recorded(vendor))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_replayed_month_is_judged_and_its_document_filed(vendor: str, tmp_path: Path) -> None:
    result, _ = _replay(vendor, tmp_path)
    assert result.assessment is not None
    assert result.published is not None
    assert (result.assessment.status, result.assessment.gaps) == ("ready", ())
    assert len(result.assessment.contacts) == 3
    assert result.assessment.device_days.possible == 20
    assert result.published.status == "written"
    assert str(result.published.reference).startswith("DocumentReference/filed-")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_cassette_shows_a_token_several_pages_notes_and_one_create(vendor: str) -> None:
    asked = [(item["request"]["method"], item["request"]["uri"]) for item in _recorded(vendor)]
    paging = {"epic": "sessionID=", "oracle": "-pageContext="}[vendor]
    assert sum(method == "POST" and uri.endswith("/oauth2/token") for method, uri in asked) == 1
    assert sum(method == "POST" and uri.endswith("/DocumentReference") for method, uri in asked) == 1
    assert sum(paging in uri for _, uri in asked) >= 1
    assert sum("/Binary/" in uri for _, uri in asked) >= 3


def test_cassettes_are_small_and_each_has_a_replay() -> None:
    files = sorted(HERE.glob("*.yaml"))
    assert [path.stem for path in files] == sorted(VENDORS)
    assert sum(path.stat().st_size for path in files) < LARGEST


LEAKS = {
    "a JWT": r"eyJ[\w-]{6,}\.",
    "an Authorization header": r"(?i)authorization",
    "a bearer token": r"Bearer [\w.~+/-]{8,}",
    "a cookie": r"(?i)cookie",
    "a key": r"PRIVATE KEY",
    "a loopback address": r"127\.0\.0\.1|localhost|\[::1\]",
    "a path of the machine": r"/home/|/root/|/tmp/|/Users/",
    "a token": r"(?:access_token|client_assertion|client_secret|refresh_token): (?!scrubbed$)",
    "an unknown host": r"https?://(?!ehr\.example\.org/|hl7\.org/|terminology\.hl7\.org/|loinc\.org|snomed\.info/"
    r"|fhir-registry\.smarthealthit\.org/|open\.epic\.com/|unitsofmeasure\.org|fhir-rpm\.)",
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("leak", LEAKS)
def test_a_cassette_holds_no_secret(vendor: str, leak: str) -> None:
    text = (HERE / f"{vendor}.yaml").read_text()
    found = re.search(LEAKS[leak], text, re.MULTILINE)
    assert found is None, f"{leak} at {found and found.start()}"
    assert socket.gethostname() not in text


def _exchange(body: str | bytes, answer: Any, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    request = {"method": "PUT", "uri": "http://127.0.0.1:8103/x?page=1", "body": body, "headers": headers or {}}
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"Set-Cookie": ["session=canary-cookie"], "Location": ["http://localhost:8103/fhir/R4/D/1"]},
        "body": {"string": json.dumps(answer).encode()},
    }
    return {"interactions": [{"request": request, "response": response}]}


JWT = "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJhcHAifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"resourceType": "Basic", "nested": [{"client_secret": "canary-secret", "text": f"see {JWT}"}]}),
        f"grant_type=client_credentials&client_assertion={JWT}&client_secret=canary-secret",
        f"grant_type=client_credentials&client_assertion={JWT}&client_secret=canary-secret".encode(),
        f"some text with {JWT}",
    ],
    ids=["fhir", "form", "form_of_bytes", "text"],
)
def test_what_is_planted_does_not_reach_the_tape(body: str | bytes) -> None:
    headers = {"Authorization": ["Basic canary-basic"], "Cookie": ["canary-cookie"], "X-Key": ["canary-key"]}
    answer = {"access_token": "canary-token", "id_token": JWT, "next": "http://127.0.0.1:8103/fhir/R4?x=1"}
    text = ReadableYaml.serialize(_exchange(body, answer, headers | {"Content-Type": ["application/fhir+json"]}))
    assert not [word for word in ("canary", "eyJ", "127.0.0.1", "localhost", "8103") if word in text]
    assert SECRET in text


def test_a_body_comes_back_as_it_was_sent() -> None:
    resource = {"resourceType": "Basic", "id": "ü1", "n": 1.50, "list": [None, True, "2026-05-01"]}
    body = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    played = ReadableYaml.deserialize(ReadableYaml.serialize(_exchange(body, resource)))["interactions"][0]
    assert json.loads(played["request"]["body"]) == json.loads(played["response"]["body"]["string"]) == resource
    empty = ReadableYaml.deserialize(ReadableYaml.serialize(_exchange("", resource)))["interactions"][0]
    assert empty["request"]["body"] is None
