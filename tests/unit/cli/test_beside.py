"""Roster, staff directory and call log on the command line: used, told by line where not read, and never silent."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhir_rpm.cli import cli
from fhir_rpm.errors import ConfigurationError, InputError
from tests.builders import SPOKE, encounter, note, reading

EXAMPLES = Path(__file__).parent.parent.parent.parent / "docs" / "examples"
MAY = ("--month", "2026-05", "--time-zone", "America/Chicago")
LOG = ("--call-log", str(EXAMPLES / "calls.csv"), "--call-columns", str(EXAMPLES / "call-columns.toml"))


def _invoke(*arguments: str, **environ: str) -> Result:
    cleared = dict.fromkeys(("FHIR_RPM_BASE_URL", "FHIR_RPM_TIME_ZONE"))
    return CliRunner().invoke(cli, arguments, env=cleared | environ, standalone_mode=False)


def _file(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def _month(folder: Path, *resources: dict[str, Any], patient: str = "p1") -> str:
    every = [{"resourceType": "Patient", "id": patient}, *resources]
    return _file(folder, f"{patient}.ndjson", "\n".join(map(json.dumps, every)))


def test_the_documented_example_makes_a_month_ready(tmp_path: Path) -> None:
    done = _invoke("assess", _month(tmp_path, patient="p-ready"), *MAY, *LOG, "--json")
    found = json.loads(done.stdout)
    assert [contact["outcome"] for contact in found["contacts"]] == ["excluded", "qualifies"]
    assert (found["status"], done.return_value) == ("ready", 0)
    assert "call log: 3 rows read, 1 of other patients, 0 not read" in done.stderr


def test_the_documented_roster_and_staff_directory_are_read(tmp_path: Path) -> None:
    beside = ("--roster", str(EXAMPLES / "roster.csv"), "--staff", str(EXAMPLES / "staff.csv"))
    done = _invoke("explain", _month(tmp_path, patient="p-ready"), *MAY, *beside)
    assert (done.return_value, done.stderr) == (0, "")
    assert "2026-04-12 to 2026-05-11" in done.stdout


def test_a_row_of_the_log_that_cannot_be_read_makes_the_month_incomplete(tmp_path: Path) -> None:
    rows = (EXAMPLES / "calls.csv").read_text() + "c-9,p-ready,yesterday,00:01:00,Out,Connected,Kim Lee,,,\n"
    log = ("--call-log", _file(tmp_path, "calls.csv", rows), *LOG[2:])
    done = _invoke("assess", _month(tmp_path, patient="p-ready"), *MAY, *log, "--json")
    assert done.return_value == 4
    assert "not read: calls.csv line 5: start:" in done.stderr
    assert not [word for word in ("yesterday", "Kim", "Ruiz") if word in done.stderr]
    elsewhere = _invoke("assess", _month(tmp_path), *MAY, *log, "--json")
    assert elsewhere.return_value == 0


def test_a_log_without_a_column_map_is_an_error(tmp_path: Path) -> None:
    done = _invoke("assess", _month(tmp_path), *MAY, *LOG[:2])
    assert isinstance(done.exception, ConfigurationError)
    assert "--call-columns" in str(done.exception)


def test_the_staff_directory_completes_a_role_and_its_unread_rows_are_told(tmp_path: Path) -> None:
    plain = {"reference": "Practitioner/n1", "display": "Ana Ruiz"}
    held = encounter(
        "e1", "2026-05-14T14:00:00-05:00", "2026-05-14T14:12:00-05:00", participant=[{"individual": plain}]
    )
    month = _month(tmp_path, held, note("d1", SPOKE, about="e1", author=[plain]))
    staff = _file(tmp_path, "staff.csv", "name,role\nAna Ruiz,RN\nKim Lee,wizard\n")
    assert json.loads(_invoke("assess", month, *MAY, "--json").stdout)["status"] == "hold"
    done = _invoke("assess", month, *MAY, "--staff", staff, "--json")
    assert json.loads(done.stdout)["status"] == "ready"
    assert done.return_value == 4
    assert f"not read: {staff} line 3: role:" in done.stderr
    assert "Kim" not in done.stderr


def test_the_roster_gives_a_patient_its_zone_and_start(tmp_path: Path) -> None:
    readings = [reading(f"o{day}", f"2026-04-{day}T08:00:00-07:00") for day in range(12, 30)]
    roster = _file(tmp_path, "roster.csv", "patient,monitoring_start,time_zone\np1,2026-04-12,America/Los_Angeles\n")
    done = _invoke("assess", _month(tmp_path, *readings), *MAY, "--roster", roster, "--json")
    found = json.loads(done.stdout)
    assert (found["time_zone"], found["codes"]["99454"]["verdict"]) == ("America/Los_Angeles", "supported")


def test_settings_name_the_files_beside_the_configuration(tmp_path: Path) -> None:
    _file(tmp_path, "roster.csv", "patient,time_zone\np1,America/Denver\n")
    names = 'roster = "roster.csv"\nstaff = "staff.csv"\ncall_log = "calls.csv"\ncall_columns = "call-columns.toml"\n'
    config = _file(tmp_path, "fhir-rpm.toml", names)
    for name in ("staff.csv", "calls.csv", "call-columns.toml"):
        _file(tmp_path, name, (EXAMPLES / name).read_text())
    done = _invoke("assess", _month(tmp_path), *MAY, "--config", config, "--json")
    assert json.loads(done.stdout)["time_zone"] == "America/Denver"
    assert "3 rows read, 3 of other patients" in done.stderr


def _records(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sync_checks_a_csv_roster_and_says_who_could_not_be_read(connection: dict[str, str], tmp_path: Path) -> None:
    rows = "patient;monitoring_start;name\nsbx-phone;2026-04-12;Alma Roth\nsbx-phone;2026-04-12;\nAlma Roth;;\n"
    done = _invoke("sync", *MAY, "--roster", _file(tmp_path, "r.csv", rows), "--json", **connection)
    first, summary = _records(done)
    assert first["patient"] == "Patient/sbx-phone"
    assert "device_periods" in {finding["code"] for finding in first["assessment"]["findings"]}
    assert (summary["summary"]["patients"], summary["summary"]["not_read"]) == (1, 1)
    assert done.return_value == 4
    assert "r.csv line 4: patient:" in done.stderr
    assert "note: Patient/sbx-phone is named more than once." in done.stderr
    assert "Alma" not in done.stderr + done.stdout


def test_sync_takes_the_configured_roster_and_completes_it_from_a_csv(
    connection: dict[str, str], tmp_path: Path
) -> None:
    config = _file(tmp_path, "group.toml", 'roster = "Group/rpm-demo"\n')
    assert _records(_invoke("sync", *MAY, "--config", config, "--json", **connection))[-1]["summary"]["patients"] == 25
    _file(tmp_path, "r.csv", "patient,time_zone\nsbx-phone,America/Denver\n")
    config = _file(tmp_path, "csv.toml", 'roster = "r.csv"\n')
    listed = _file(tmp_path, "ids.txt", "sbx-phone\nsbx-voicemail\n")
    done = _invoke("sync", *MAY, "--config", config, "--patients", listed, "--json", **connection)
    zones = [record["assessment"]["time_zone"] for record in _records(done)[:-1]]
    assert zones == ["America/Denver", "America/Chicago"]


def test_sync_merges_logged_calls_of_its_patients(connection: dict[str, str], tmp_path: Path) -> None:
    columns = _file(tmp_path, "map.toml", '[calls]\npatient = "p"\nstart = "s"\nduration = "d"\n')
    log = _file(tmp_path, "calls.csv", "p,s,d\nsbx-phone,2026-05-29T23:00,300\nsomebody,2026-05-29T23:00,300\n")
    listed = _file(tmp_path, "ids.txt", "sbx-phone\n")
    beside = ("--call-log", log, "--call-columns", columns)
    done = _invoke("sync", *MAY, "--patients", listed, *beside, "--json", **connection)
    sources = [source for contact in _records(done)[0]["assessment"]["contacts"] for source in contact["sources"]]
    assert "call-log:calls.csv#2" in sources
    assert "2 rows read, 1 of other patients" in done.stderr
    alone = _invoke("patient", "sbx-phone", *MAY, *beside, "--json", **connection)
    assert "call-log:calls.csv#2" in alone.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--roster FILE"),
        (("--group", "g", "--orders"), "one of"),
        (("--roster", "r.csv", "--patients", "ids.txt"), "one of"),
        (("--orders",), "declares no search"),
        (("--list", "nobody"), "List/nobody"),
    ],
)
def test_sync_wants_one_roster_that_it_can_read(
    connection: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    done = _invoke("sync", *MAY, *arguments, **connection)
    assert done.exception is not None
    assert says in str(getattr(done.exception, "message", done.exception))


def test_a_roster_of_nobody_stops_the_run(connection: dict[str, str], tmp_path: Path) -> None:
    done = _invoke("sync", *MAY, "--roster", _file(tmp_path, "r.csv", "patient\n"), **connection)
    assert isinstance(done.exception, InputError)
