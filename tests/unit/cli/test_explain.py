"""`explain` and `patient`: why, in words that stay within 80 columns, and as data."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fhir_rpm
from fhir_rpm.cli import cli
from fhir_rpm.cli.keys import KEY_ID, demo_key
from fhir_rpm.sandbox import Sandbox

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "months"
READY = GOLDEN / "generic-03-one-call-recorded-three-times" / "bundle.json"
HELD = GOLDEN / "medplum-03-patient-wrote-first-nurse-answered" / "bundle.json"
SEED = GOLDEN / "epic-01-seed-good-note-no-duration" / "bundle.json"
MAY = ("--month", "2026-05", "--time-zone", "America/New_York")
CASES = sorted(path.parent for path in GOLDEN.glob("*/expected.json"))


def _explain(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["explain", *map(str, arguments)], standalone_mode=False)
    assert done.exception is None
    assert done.return_value == code
    return done.stdout


def test_the_fix_of_the_source_documents_good_note_is_said_in_words() -> None:
    said = " ".join(_explain(SEED, *MAY, "--vendor", "epic").split())
    assert "To make the month ready - Add how long the call of 2026-05-14 lasted" in said
    assert "10 minutes or more would support 99470." in said


def test_the_words_name_code_requirement_resource_path_rule_and_source() -> None:
    said = " ".join(_explain(READY, *MAY).split())
    for words in (
        "99470 supported (1 unit) under rpm-us-strict: the same",
        "interactive communication, met: needs 1 qualifying contact; 1 on record, 0 incomplete",
        "minutes: 12 (Encounter.period of Encounter/enc-103)",
        "codes.99470 = 10 to 19 (since 2026-01-01; policies/rpm-us.toml)",
        "(read 2026-11-23)",
        "Sources differ:",
    ):
        assert words in said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_piped_lines_stay_within_80_columns_and_carry_no_color(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    options = [f"--{key.replace('_', '-')}={expected[key]}" for key in ("month", "time_zone", "vendor", "policy")]
    done = CliRunner().invoke(cli, ["explain", str(case / "bundle.json"), *options])
    assert done.exception is None
    assert "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and " " in line.strip()] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_explanation_carries_the_assessment_byte_for_byte(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    settings: dict[str, Any] = {key: expected[key] for key in ("month", "time_zone", "vendor", "policy")}
    bundle = json.loads((case / "bundle.json").read_text())
    assert fhir_rpm.explain(bundle, **settings).assessment.to_json() == fhir_rpm.assess(bundle, **settings).to_json()


def test_json_is_the_explanation_with_its_fixes_as_data() -> None:
    found = json.loads(_explain(SEED, *MAY, "--vendor", "epic", "--json"))
    assert found["schema"] == "fhir-rpm/explanation/1"
    assert found["assessment"]["schema"] == "fhir-rpm/assessment/1"
    (fix,) = found["fixes"]
    assert (fix["kind"], fix["elements"], fix["minutes"], fix["code"]) == ("complete", ["minutes"], 10, "99470")
    assert fix["text"] == found["assessment"]["actions"][0]


def test_several_patients_and_exit_codes_are_as_for_assess() -> None:
    lines = _explain(READY, HELD, *MAY, "--ndjson").splitlines()
    array = json.loads(_explain(READY, HELD, *MAY, "--json"))
    assert [json.loads(line)["assessment"]["patient"] for line in lines] == [
        item["assessment"]["patient"] for item in array
    ]
    _explain(HELD, *MAY, "--exit-code", code=3)
    _explain(GOLDEN / "epic-07-59204-nothing-found" / "bundle.json", *MAY, "--vendor", "epic", code=4)


def test_patient_prints_the_same_explanation_and_json_the_assessment_alone(tmp_path: Path) -> None:
    key, public = demo_key(tmp_path)
    with Sandbox("generic", "2026-05", tmp_path) as ehr:
        ehr.register(ehr.client_id, public)
        access = ("--client-id", ehr.client_id, "--private-key", str(key), "--key-id", KEY_ID)
        common = ["patient", "sbx-no-minutes", "--base-url", ehr.base_url, *access, *MAY]
        said, data = (CliRunner().invoke(cli, [*common, *form]) for form in ((), ("--json",)))
    assert "To make the month ready" in said.stdout, said.output
    assert json.loads(data.stdout)["schema"] == "fhir-rpm/assessment/1"
