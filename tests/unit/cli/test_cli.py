"""The command line as a user meets it: results, one clear line for what is wrong, documented exit codes."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "months"
CALL = str(GOLDEN / "generic-03-one-call-recorded-three-times" / "bundle.json")
HELD = str(GOLDEN / "medplum-03-patient-wrote-first-nurse-answered" / "bundle.json")
MAY = ("--month", "2026-05", "--time-zone", "America/New_York")


def _run(*arguments: str, cwd: Path | None = None, text: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_RPM_")}
    return subprocess.run(
        [sys.executable, "-m", "fhir_rpm.cli", *arguments],
        cwd=cwd,
        input=text,
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_assess_prints_the_json_of_the_contract_alone() -> None:
    done = _run("assess", CALL, *MAY, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["codes"]["99470"]["verdict"] == "supported"


def test_assess_explains_in_words() -> None:
    done = _run("assess", CALL, *MAY)
    assert all(words in done.stdout for words in ("99470", "supported", "Ana Ruiz (rn)", "Encounter/enc-103"))


def test_several_patients_give_an_array_or_one_object_a_line() -> None:
    array = json.loads(_run("assess", CALL, HELD, *MAY, "--json").stdout)
    lines = _run("assess", CALL, HELD, *MAY, "--ndjson").stdout.splitlines()
    assert [item["patient"] for item in array] == [json.loads(line)["patient"] for line in lines]
    assert len(array) == 2


def test_ndjson_gzip_and_standard_input_are_read(tmp_path: Path) -> None:
    resources = [entry["resource"] for entry in json.loads(Path(CALL).read_text())["entry"]]
    text = "\n".join(map(json.dumps, resources))
    packed = tmp_path / "month.ndjson.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    expected = _run("assess", CALL, *MAY, "--json").stdout
    assert _run("assess", str(packed), *MAY, "--json").stdout == expected
    assert _run("assess", "-", *MAY, "--json", text=text).stdout == expected


def test_not_ready_is_an_exit_code_only_when_asked() -> None:
    assert _run("assess", HELD, *MAY).returncode == 0
    assert _run("assess", HELD, *MAY, "--exit-code").returncode == 3


def test_incomplete_data_is_an_exit_code() -> None:
    withheld = str(GOLDEN / "epic-07-59204-nothing-found" / "bundle.json")
    assert _run("assess", withheld, *MAY, "--vendor", "epic").returncode == 4


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.json", None, "cannot be read"),
        ("empty.json", "", "is empty"),
        ("text.txt", "hello", "line 1"),
        ("other.json", '{"a": 1}', "no FHIR resource"),
        ("cut.ndjson", '{"resourceType":"Patient","id":"p"}\n{"resourceType":"Enc', "line 2"),
        ("nobody.json", '{"resourceType":"Practitioner","id":"p"}', "no patient"),
        ("binary.json", None, "cannot be read"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    done = _run("assess", name, *MAY, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--month", "2026-13", "--time-zone", "America/New_York"), "2026-13"),
        (("--month", "2026-05", "--time-zone", "Mars/Olympus"), "Mars/Olympus"),
        (("--month", "2026-05"), "time zone"),
        ((*MAY, "--vendor", "unheard-of"), "unheard-of"),
        ((*MAY, "--policy", "unheard-of"), "unheard-of"),
        (("--month", "2015-01", "--time-zone", "America/New_York"), "2015-01"),
    ],
)
def test_an_unknown_setting_is_one_clear_line(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = _run("assess", CALL, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_ehr_and_an_unreachable_one_are_clear(tmp_path: Path) -> None:
    assert _run("patient", "p1", *MAY, cwd=tmp_path).returncode == 2
    done = _run("patient", "p1", *MAY, "--base-url", "http://127.0.0.1:9/fhir", cwd=tmp_path)
    assert done.returncode == 4
    assert "could not be reached" in done.stderr


def test_note_shows_the_words_behind_each_fact() -> None:
    text = "RN spoke with patient by phone 1402-1414. BP 148/92. Dr. Moss notified, no medication change."
    done = _run("note", "-", "--json", text=text)
    facts = json.loads(done.stdout)
    assert (facts["verdict"], facts["minutes"], facts["staff_role"]) == ("qualifies", 12, "rn")
    assert all(span["text"] == text[span["start"] : span["end"]] for span in facts["spans"])
    shown = _run("note", "-", text=text).stdout
    assert "1402-1414" in shown
    assert "Not in this text: date, staff_name. A contact needs them" in shown


def test_note_asks_nothing_beside_a_text_that_tells_of_no_contact() -> None:
    assert "Not in this text" not in _run("note", "-", text="Left voicemail for patient, no answer.").stdout


def test_an_unexpected_failure_shows_its_place_and_no_data(tmp_path: Path) -> None:
    program = (
        "import fhir_rpm.api, fhir_rpm.cli\n"
        "def broken(*a, **k): raise ValueError('canary-patient-name')\n"
        "fhir_rpm.api.assess = broken\n"
        f"fhir_rpm.cli.main(['assess', {CALL!r}, '--month', '2026-05', '--time-zone', 'America/New_York'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_help_and_version_start_without_the_heavy_rooms() -> None:
    program = (
        "import sys, fhir_rpm.cli\n"
        "try: fhir_rpm.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('fhir.resources', 'starlette', 'fhirclient', 'rich', 'requests')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
    assert _run("--version").stdout.startswith("fhir-rpm")
