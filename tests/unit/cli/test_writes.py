"""`writes`: the ledger on the command line, over the sandbox and real HTTP."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhir_rpm.cli import cli
from fhir_rpm.cli.keys import KEY_ID, demo_key
from fhir_rpm.errors import FhirRpmError
from fhir_rpm.sandbox import Sandbox

MAY = ("--month", "2026-05", "--time-zone", "America/New_York")
WRITE = ("patient", "sbx-phone", *MAY, "--json", "--write-back")


class Site:
    """A sandbox EHR, and a practice with a ledger that connects to it."""

    def __init__(self, ehr: Sandbox, vendor: str, folder: Path) -> None:
        key, public = demo_key(folder)
        ehr.register(ehr.client_id, public)
        self.ehr = ehr
        self.folder = folder
        self.ledger = folder / "ledger.sqlite3"
        self.environ = {
            "FHIR_RPM_BASE_URL": ehr.base_url,
            "FHIR_RPM_VENDOR": vendor,
            "FHIR_RPM_CLIENT_ID": ehr.client_id,
            "FHIR_RPM_PRIVATE_KEY": str(key),
            "FHIR_RPM_KEY_ID": KEY_ID,
            "FHIR_RPM_LEDGER": str(self.ledger),
        }

    def run(self, *arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli, arguments, env=self.environ | environ, standalone_mode=False)

    def writes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("writes", "list", "--json").stdout)
        return found

    def summaries(self) -> list[dict[str, Any]]:
        """The documents of ours in the EHR, those entered in error too."""
        return [item for item in self.ehr.documents() if item["id"].startswith("filed-")]

    def hours_pass(self, hours: int = 2) -> None:
        """Let everything in the ledger have happened that much earlier."""
        with sqlite3.connect(self.ledger) as database:
            for column in ("lease_until", "sent_at"):
                moved = f"strftime('%Y-%m-%dT%H:%M:%S', {column}, '-{hours} hours') || '.000000+00:00'"
                database.execute(f"UPDATE writes SET {column} = {moved} WHERE {column} IS NOT NULL")
        database.close()


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    running: list[Sandbox] = []

    def make(vendor: str) -> Site:
        running.append(Sandbox(vendor).__enter__())
        return Site(running[-1], vendor, tmp_path)

    yield make
    for ehr in running:
        ehr.__exit__(None, None, None)


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_what_was_written_is_listed_and_shown_with_its_history(vendor: str, open_site: Callable[[str], Site]) -> None:
    site = open_site(vendor)
    assert "Document written" in site.run(*WRITE).stderr
    (write,) = site.writes()
    assert (write["patient"], write["month"], write["state"]) == ("sbx-phone", "2026-05", "written")
    assert write["reference"] == f"DocumentReference/{site.summaries()[0]['id']}"
    shown = json.loads(site.run("writes", "show", "1", "--json").stdout)
    steps = [(step["after"], step["reason"]) for step in shown["history"]]
    assert steps == [("planned", "planned"), ("sending", "intent"), ("written", "answered"), ("written", "read_back")]
    assert "planned -> sending (intent)" in site.run("writes", "show", "1").stdout
    assert "sbx-phone" in site.run("writes", "list").stdout
    assert json.loads(site.run("writes", "list", "--state", "unknown", "--json").stdout) == []


def test_the_ledger_is_private_and_holds_no_name_no_text_and_no_address(open_site: Callable[[str], Site]) -> None:
    site = open_site("generic")
    site.run(*WRITE)
    held = b"".join(path.read_bytes() for path in site.folder.glob("ledger.sqlite3*"))
    patient = next(item for item in site.ehr._server.store.of_type("Patient") if item["id"] == "sbx-phone")
    words = [patient["name"][0]["family"], "Spoke", "lisinopril", "http", "127.0.0.1", "RN", "Bearer", "eyJ"]
    assert [word for word in words if word.encode() in held] == []
    assert {path.stat().st_mode & 0o777 for path in site.folder.glob("ledger.sqlite3*")} == {0o600}


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
@pytest.mark.parametrize("fault", ["lost_answer", "failed_answer"])
def test_a_write_whose_answer_is_lost_is_found(vendor: str, fault: Any, open_site: Callable[[str], Site]) -> None:
    site = open_site(vendor)
    site.ehr.faults.of_next_writes(fault)
    assert "Document written" in site.run(*WRITE).stderr
    assert "Document unchanged" in site.run(*WRITE).stderr
    assert len(site.summaries()) == 1
    assert site.writes()[0]["reason"] == "found_by_search"


def test_a_lost_request_is_surfaced_until_a_person_has_looked(open_site: Callable[[str], Site]) -> None:
    site = open_site("epic")
    site.ehr.faults.of_next_writes("lost_request")
    first = site.run(*WRITE)
    assert (first.return_value, site.writes()[0]["state"]) == (6, "unknown")
    site.hours_pass()
    second = site.run("sync", *MAY, "--patients", _ids(site, "sbx-phone"), "--write-back")
    assert second.return_value == 6
    assert "writes resolve 1" in second.stderr
    assert site.writes()[0]["content_hash"] in second.stderr
    assert "--not-written" in site.run("writes", "show", "1").stdout
    assert site.run("writes", "resolve", "1", "--not-written").exit_code == 0
    assert "Document written" in site.run(*WRITE).stderr
    assert len(site.summaries()) == 1


def test_a_person_says_which_document_it_is(open_site: Callable[[str], Site]) -> None:
    site = open_site("epic")
    site.ehr.faults.of_next_writes("lost_request")
    site.run(*WRITE)
    site.run("writes", "resolve", "1", "--written", "DocumentReference/by-hand")
    assert (site.writes()[0]["state"], site.writes()[0]["reference"]) == ("written", "DocumentReference/by-hand")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "9"), "There is no write 9"),
        (("resolve", "1", "--written", "DocumentReference/x"), "nothing to resolve"),
        (("resolve", "1"), "Give either"),
        (("resolve", "1", "--written", "Patient/p1"), "--written takes a reference"),
        (("list", "--ledger", "/nowhere/ledger.sqlite3"), "There is no ledger"),
    ],
)
def test_a_wrong_request_is_told(arguments: tuple[str, ...], words: str, open_site: Callable[[str], Site]) -> None:
    site = open_site("generic")
    site.run(*WRITE)
    assert words in str(site.run("writes", *arguments).exception)


@pytest.mark.parametrize("vendor", ["generic", "oracle"])
def test_a_document_is_retracted_once_and_an_equal_one_not_written_again(
    vendor: str, open_site: Callable[[str], Site]
) -> None:
    site = open_site(vendor)
    site.run(*WRITE)
    shown = site.run("writes", "retract", "1", "--dry-run")
    assert '"If-Match": "W/\\"1\\""' in shown.stderr
    assert site.summaries()[0]["status"] == "current"
    assert site.run("writes", "retract", "1").return_value == 0
    assert site.summaries()[0]["status"] == "entered-in-error"
    assert "already" in site.run("writes", "retract", "1").stderr
    assert len(site.writes()) == 2
    again = site.run(*WRITE)
    assert "retracted" in again.stderr
    assert len(site.summaries()) == 1
    site.run("writes", "resolve", "2", "--not-written")
    assert site.writes()[1]["state"] == "failed"


def test_a_retraction_whose_answer_is_lost_is_settled_by_the_next_run(open_site: Callable[[str], Site]) -> None:
    site = open_site("oracle")
    site.run(*WRITE)
    site.ehr.faults.of_next_writes("lost_answer")
    assert site.run("writes", "retract", "1").return_value == 6
    assert "retracted" in site.run(*WRITE).stderr
    assert [write["state"] for write in site.writes()] == ["written", "written"]


def test_epic_tells_who_can_retract(open_site: Callable[[str], Site]) -> None:
    site = open_site("epic")
    site.run(*WRITE)
    done = site.run("writes", "retract", "1")
    assert done.return_value == 6
    assert "entered in error" in done.stderr


def test_a_write_of_another_connection_is_not_retracted(open_site: Callable[[str], Site]) -> None:
    site = open_site("oracle")
    site.run(*WRITE)
    settings = site.folder / "other.toml"
    settings.write_text('connection = "elsewhere"\n')
    assert "another connection" in str(site.run("writes", "retract", "1", "--config", str(settings)).exception)
    assert site.summaries()[0]["status"] == "current"


def test_a_dry_run_shows_what_would_be_sent_and_makes_no_ledger(open_site: Callable[[str], Site]) -> None:
    site = open_site("generic")
    shown = site.run("patient", "sbx-phone", *MAY, "--dry-run", "--json")
    request = json.loads(shown.stderr[shown.stderr.index("{") :])
    assert (request["method"], request["url"]) == ("POST", f"{site.ehr.base_url}/DocumentReference")
    assert request["headers"]["Content-Type"] == "application/fhir+json"
    assert "Authorization" not in request["headers"]
    listed = site.run("sync", *MAY, "--patients", _ids(site, "sbx-phone"), "--dry-run", "--json")
    assert json.loads(listed.stdout.splitlines()[0])["document"]["request"]["body"] == request["body"] | {
        "date": json.loads(listed.stdout.splitlines()[0])["document"]["request"]["body"]["date"]
    }
    assert not site.ledger.exists()
    assert site.summaries() == []


def test_a_chart_that_may_be_real_is_not_written_to_unless_the_file_says_so(tmp_path: Path) -> None:
    environ = {"FHIR_RPM_LEDGER": str(tmp_path / "ledger.sqlite3"), "FHIR_RPM_BEARER_TOKEN": "t"}
    arguments = ("patient", "p1", *MAY, "--write-back", "--base-url", "https://ehr.hospital.invalid/fhir")
    done = CliRunner().invoke(cli, arguments, env=environ, standalone_mode=False)
    assert isinstance(done.exception, FhirRpmError)
    assert done.exception.exit_code == 2
    assert "write_back = true" in str(done.exception)
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_two_processes_at_once_write_one_document_for_each_patient(open_site: Callable[[str], Site]) -> None:
    site = open_site("epic")
    patients = ("sbx-phone", "sbx-video", "sbx-heavy")
    command = [sys.executable, "-m", "fhir_rpm.cli", "sync", *MAY, "--patients", _ids(site, *patients), "--write-back"]
    runners = [subprocess.Popen(command, env=os.environ | site.environ, stderr=subprocess.PIPE) for _ in range(2)]
    told = [runner.communicate(timeout=60)[1].decode() for runner in runners]
    assert {runner.returncode for runner in runners} <= {0, 4}, told
    subjects = [item["subject"]["reference"] for item in site.summaries()]
    assert sorted(subjects) == sorted(f"Patient/{patient}" for patient in patients)
    assert [write["state"] for write in site.writes()] == ["written"] * 3


def test_many_threads_at_once_write_one_document(open_site: Callable[[str], Site]) -> None:
    from datetime import UTC, datetime

    from fhir_rpm.client import EhrSession
    from fhir_rpm.config import load_settings
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.sync import RunPlan
    from fhir_rpm.sync.run import run_month

    site = open_site("oracle")
    settings = load_settings(None, {}, site.environ)
    plan = RunPlan(BillingMonth.parse("2026-05", "America/New_York"), settings, datetime.now(UTC), write_back=True)
    statuses: list[str] = []
    start = threading.Barrier(6)

    def runner() -> None:
        with EhrSession.open(settings) as session:
            start.wait()
            published = run_month(session, "sbx-phone", plan).published
            assert published is not None
            statuses.append(published.status)

    threads = [threading.Thread(target=runner) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(statuses) == 6
    assert statuses.count("written") == 1
    assert set(statuses) <= {"written", "in_progress", "unchanged"}
    assert len(site.summaries()) == 1


def _ids(site: Site, *patients: str) -> str:
    listed = site.folder / "ids.txt"
    listed.write_text("\n".join(patients) + "\n")
    return str(listed)
