"""`sync --measure-report`: the practice's totals as a FHIR resource."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir_rpm.cli import cli
from fhir_rpm.errors import ConfigurationError, InputError


def sync(connection: dict[str, str], patients: Path, *arguments: str) -> Result:
    asked = ("sync", "--month", "2026-05", "--time-zone", "America/Chicago", "--patients", str(patients), *arguments)
    return CliRunner().invoke(cli, asked, env=connection, standalone_mode=False)


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    file = tmp_path / "ids.txt"
    file.write_text("sbx-phone\nsbx-voicemail\nsbx-no-minutes\n")
    return file


def counts(report: dict, code: str) -> dict[str, int]:  # type: ignore[type-arg]
    (group,) = [item for item in report["group"] if item["code"]["coding"][0]["code"] == code]
    return {item["code"]["coding"][0]["code"]: item["count"] for item in group["population"]}


def test_the_totals_are_those_of_the_table(connection: dict[str, str], patients: Path, tmp_path: Path) -> None:
    out = tmp_path / "totals.json"
    done = sync(connection, patients, "--measure-report", str(out), "--json")
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    report = json.loads(out.read_text())
    month = counts(report, "group-month")
    assert report["status"] == "complete"
    assert (month["numerator"], month["denominator-exception"]) == (summary["ready"], summary["hold"]) == (1, 1)
    assert month["denominator"] == summary["patients"] == 3
    assert [path.name for path in tmp_path.glob(".totals*")] == []


def test_a_patient_that_could_not_be_judged_makes_them_pending(
    connection: dict[str, str], patients: Path, tmp_path: Path
) -> None:
    patients.write_text("sbx-phone\nnobody\n")
    out = tmp_path / "totals.json"
    sync(connection, patients, "--measure-report", str(out))
    assert json.loads(out.read_text())["status"] == "pending"


def test_a_place_that_cannot_be_written_is_named(connection: dict[str, str], patients: Path, tmp_path: Path) -> None:
    done = sync(connection, patients, "--measure-report", str(tmp_path / "absent" / "totals.json"))
    assert isinstance(done.exception, ConfigurationError)
    assert "totals.json cannot be written" in str(done.exception)


def test_other_programmes_have_no_such_totals(connection: dict[str, str], patients: Path, tmp_path: Path) -> None:
    done = sync(connection, patients, "--policy", "rtm-us", "--measure-report", str(tmp_path / "totals.json"))
    assert isinstance(done.exception, InputError)
