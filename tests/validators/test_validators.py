"""What fhir-rpm writes, held against validators that nobody here wrote: each misses what another finds."""

import copy
import json
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from tests.outside import need, node_for
from tests.validators.documents import examples, written

Json = dict[str, Any]

HERE = Path(__file__).parent
PROFILES = HERE.parents[1] / "profiles"
REQUIRED = "FHIR_RPM_VALIDATORS"
KNOWN_WARNINGS = ("CodeSystem is unknown and can't be validated", "Constraint failed: dom-6", "The Measure '")
"""LOINC, CPT and US Core ship with no validator, a narrative is a recommendation, and HAPI looks no Measure up."""


@cache
def resources() -> dict[str, Json]:
    return {f"example-{name}": item for name, item in examples()} | dict(written())


def damaged() -> dict[str, Json]:
    """Resources with one planted error each, that at least one validator has to find."""
    (document,) = [item for name, item in examples() if name == "DocumentReference-month"]
    (entry,) = [item for name, item in examples() if name == "Observation-time-entry"]
    (call,) = [item for name, item in examples() if name == "Communication-call"]
    no_period, bad_code, own_field, two_values, hours, no_medium = (
        copy.deepcopy(item) for item in (document, document, document, entry, entry, call)
    )
    del no_period["context"]["period"]
    bad_code["docStatus"] = "signed"
    own_field["billable"] = True
    two_values["valueString"] = "12 minutes"
    hours["valueQuantity"]["code"] = "h"
    del no_medium["medium"]
    return {
        "no-period": no_period,
        "bad-code": bad_code,
        "own-field": own_field,
        "two-values": two_values,
        "hours": hours,
        "no-medium": no_medium,
    }


def by_node(told: dict[str, Json]) -> dict[str, dict[str, list[str]]]:
    """The errors that @medplum/core and lantana's fhir find, by resource."""
    program = node_for("validator", REQUIRED, HERE, "validate-hl7")
    asked = "".join(json.dumps(item) + "\n" for item in told.values())
    done = subprocess.run(
        [program, "validate.mjs"], cwd=HERE, input=asked, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(told, map(json.loads, done.stdout.splitlines()), strict=True))


def by_hl7(told: dict[str, Json], folder: Path) -> dict[str, list[str]]:
    """The errors and unexpected warnings of HL7's own validator against R4 and our profiles, by resource."""
    classpath, java = HERE / "hl7" / "classpath", shutil.which("java")
    unfetched = "" if classpath.exists() else "run `make validate-hl7`, which fetches its packages"
    need("validator", REQUIRED, "Java is not installed" if java is None else unfetched)
    folder.mkdir(exist_ok=True)
    for name, item in told.items():
        (folder / f"{name}.json").write_text(json.dumps(item))
    command = [str(java), "-classpath", classpath.read_text().strip(), "Validate.java", str(PROFILES), str(folder)]
    done = subprocess.run(command, cwd=HERE / "hl7", capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        file, severity, *rest = line.split("\t")
        problems = found.setdefault(Path(file).stem, [])
        if severity in ("ERROR", "FATAL") or (severity == "WARNING" and not rest[-1].startswith(KNOWN_WARNINGS)):
            problems.append(": ".join(rest))
    assert found.keys() == told.keys()
    return found


def test_the_months_reach_every_kind_of_document() -> None:
    kinds = Counter(f"{name.partition('-')[0]} {item['resourceType']}" for name, item in resources().items())
    assert all(kinds[f"{vendor} DocumentReference"] >= 40 for vendor in ("epic", "oracle", "generic"))
    assert kinds["totals MeasureReport"] >= 2


def test_fhir_resources_accepts_what_we_write() -> None:
    for item in resources().values():
        get_fhir_model_class(item["resourceType"]).model_validate(item)


def test_medplum_and_lantana_accept_what_we_write() -> None:
    assert {name: told for name, told in by_node(resources()).items() if told["medplum"] or told["lantana"]} == {}


def test_hl7_accepts_what_we_write_against_r4_and_our_profiles(tmp_path: Path) -> None:
    assert {name: told for name, told in by_hl7(resources(), tmp_path).items() if told} == {}


def test_hl7_accepts_our_profiles(tmp_path: Path) -> None:
    ours = {path.stem: json.loads(path.read_text()) for path in PROFILES.glob("*.json")}
    assert {name: told for name, told in by_hl7(ours, tmp_path).items() if told} == {}


def test_each_planted_error_is_found(tmp_path: Path) -> None:
    node, hl7 = by_node(damaged()), by_hl7(damaged(), tmp_path)
    for name, item in damaged().items():
        assert hl7[name], name
        try:
            get_fhir_model_class(item["resourceType"]).model_validate(item)
        except ValidationError:
            node[name]["lantana"].append("refused by fhir.resources")
    assert node["bad-code"]["lantana"]
    assert node["own-field"]["medplum"]
