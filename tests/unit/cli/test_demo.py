"""The whole job over real HTTP, as the README promises it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir_rpm.cli import cli

MAY = ("--month", "2026-05", "--time-zone", "America/New_York")


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger of whoever runs the tests is left alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))


def _invoke(*arguments: str, **environ: str) -> Result:
    cleared = dict.fromkeys(("FHIR_RPM_BASE_URL", "FHIR_RPM_TIME_ZONE"))
    return CliRunner().invoke(cli, arguments, env=cleared | environ, standalone_mode=False)


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_a_second_demo_writes_no_second_document(vendor: str, tmp_path: Path) -> None:
    runs = [_invoke("demo", "--vendor", vendor, "--state", str(tmp_path), "--json") for _ in range(2)]
    records = [json.loads(run.stdout) for run in runs]
    assert [len(found) for found in records] == [25, 25]
    assert {item["document"]["status"] for item in records[0]} == {"written", "needs_person"}
    assert {item["document"]["status"] for item in records[1]} == {"unchanged", "needs_person"}
    written = [item for item in records[0] if item["document"]["status"] == "written"]
    assert len(list((tmp_path / vendor).glob("*.json"))) == len(written) >= 23
    assert (tmp_path / "private-key.pem").stat().st_mode & 0o077 == 0


def test_the_demo_table_explains_each_verdict(tmp_path: Path) -> None:
    done = _invoke("demo", "--state", str(tmp_path))
    for words in (
        "sbx-voicemail",
        "voicemail excluded: voicemail",
        "ready",
        "hold",
        "not_met",
        "written",
        "patients 25",
    ):
        assert words in done.stdout


def test_patient_prints_the_assessment_and_writes_back_once(connection: dict[str, str]) -> None:
    arguments = ("patient", "sbx-phone", *MAY, "--json")
    assert json.loads(_invoke(*arguments, **connection).stdout)["status"] == "ready"
    first = _invoke(*arguments, "--write-back", **connection)
    again = _invoke(*arguments, "--write-back", **connection)
    assert "Document written" in first.stderr
    assert "Document unchanged" in again.stderr


def test_a_dry_run_shows_the_request(connection: dict[str, str]) -> None:
    done = _invoke("patient", "sbx-phone", *MAY, "--dry-run", **connection)
    assert "Document dry_run" in done.stderr
    assert '"DocumentReference"' in done.stderr


def test_sync_goes_on_after_a_bad_patient_and_says_so(connection: dict[str, str], tmp_path: Path) -> None:
    listed = tmp_path / "ids.txt"
    listed.write_text("# RPM patients\nPatient/sbx-phone\nnobody\n\nsbx-withheld\nsbx-phone\n")
    done = _invoke("sync", *MAY, "--patients", str(listed), "--json", **connection)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("patient") for line in lines] == [
        "Patient/sbx-phone",
        "Patient/nobody",
        "Patient/sbx-withheld",
        None,
    ]
    assert "There is no Patient/nobody" in lines[1]["error"]
    assert lines[-1]["summary"]["failed"] == 1
    assert done.return_value == 2
    assert "[3/3] Patient/sbx-withheld hold" in done.stderr


def test_sync_of_a_group_reports_incomplete_data(connection: dict[str, str]) -> None:
    done = _invoke("sync", *MAY, "--group", "rpm-demo", **connection)
    assert done.return_value == 4
    assert "patients 25" in done.stdout


def test_a_refused_token_is_exit_code_5(connection: dict[str, str]) -> None:
    done = _invoke("sync", *MAY, "--group", "rpm-demo", **connection | {"FHIR_RPM_CLIENT_ID": "nobody"})
    assert getattr(done.exception, "exit_code", None) == 5
