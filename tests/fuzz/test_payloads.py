"""Whatever an EHR answers, whole or broken, is judged: nothing raises, nothing hangs, and no contact is invented."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.model import Assessment
from tests.builders import encounter
from tests.fuzz.effort import GOLDEN, LONG, SAMPLES, SEED, bounded, chance
from tests.fuzz.huge import payloads
from tests.fuzz.mutations import mutated, weakened

VENDORS = ("generic", "epic", "oracle", "medplum", "meditech")
ROUNDS = 20 if LONG else 1
FOLDERS = sorted({path.parent for path in SAMPLES.glob("*/*.json")})
CAPTURED = ("mockhealth", "ronin", "fasten", "capability")
"""How the names of folders begin that hold captures of real servers, none of which holds a qualifying contact."""

MONTHS = sorted(path.parent for path in (GOLDEN / "months").glob("*/expected.json"))
with_samples = pytest.mark.skipif(not FOLDERS, reason="../shared/data/samples is not here")


def resources_in(value: Any) -> Iterator[Any]:
    """The resources of a payload, HTTP wrappers around them left out."""
    if isinstance(value, dict) and "resourceType" in value:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from resources_in(inner)


def judged(payload: Any, label: str, vendor: str, month: str = "2026-05", zone: str = "America/New_York") -> Assessment:
    """The assessment of a payload that may be anything, written out in full."""
    with bounded(f"{label} as {vendor}"):
        try:
            found = assess(payload, month=month, time_zone=zone, vendor=vendor)
            assert json.loads(found.to_json().encode())["month"] == month
        except Exception as error:
            error.add_note(f"{label} as {vendor}, seed {SEED}")
            raise
    return found


def billed(found: Assessment) -> set[str]:
    """The sources of qualifying contacts."""
    return {source for item in found.contacts if item.outcome == "qualifies" for source in item.sources}


@with_samples
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_sample_broken_in_places_is_swallowed_and_no_capture_qualifies(folder: Path) -> None:
    for path in sorted(folder.glob("*.json")):
        payload = list(resources_in(json.loads(path.read_text(encoding="utf-8"))))
        dates = chance(path.name).choice(("2023-12", "2026-05", "2026-10"))
        for vendor in VENDORS:
            random = chance(path.name, vendor)
            for _ in range(ROUNDS):
                broken = mutated(payload, random, random.choice((1, 2, 5)))
                found = judged(broken, f"{folder.name}/{path.name}", vendor, dates)
                assert not folder.name.startswith(CAPTURED) or not billed(found), path


@with_samples
def test_there_are_as_many_samples_as_were_promised() -> None:
    assert len(list(SAMPLES.glob("*/*.json"))) == 350


def test_a_lone_surrogate_reaches_no_output() -> None:
    odd = "x\ud800"
    who = {"reference": f"Patient/{odd}"}
    call = encounter(odd, "2026-05-14", subject=who, participant=[{"individual": {"display": f"Ana {odd}, RN"}}])
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": odd}]}
    found = judged([call, outcome], "lone surrogates", "generic")
    assert (found.patient, found.gaps[0].code) == ("Patient/x\ufffd", "x\ufffd")
    assert [(item.sources, item.staff[0].name) for item in found.contacts] == [(("Encounter/x\ufffd",), "Ana x\ufffd")]


def test_huge_payloads_are_judged_within_a_gigabyte() -> None:
    program = [sys.executable, "-m", "tests.fuzz.huge"]
    done = subprocess.run(program, cwd=GOLDEN.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines()} == payloads().keys()


def golden(case: Path) -> tuple[list[Any], dict[str, str]]:
    expected = json.loads((case / "expected.json").read_text())
    settings = {"month": expected["month"], "zone": expected["time_zone"]}
    return list(resources_in(json.loads((case / "bundle.json").read_text()))), settings


@pytest.mark.parametrize("case", MONTHS, ids=lambda case: case.name)
def test_a_golden_month_broken_in_places_is_swallowed(case: Path) -> None:
    payload, settings = golden(case)
    for vendor in VENDORS:
        random = chance(case.name, vendor)
        for _ in range(2 * ROUNDS):
            judged(mutated(payload, random, random.choice((1, 2, 5))), case.name, vendor, **settings)


@pytest.mark.parametrize("case", MONTHS, ids=lambda case: case.name)
def test_weaker_evidence_never_makes_a_contact_qualify(case: Path) -> None:
    payload, settings = golden(case)
    for vendor in VENDORS:
        random, held = chance(case.name, "weakened", vendor), billed(judged(payload, case.name, vendor, **settings))
        for _ in range(3 * ROUNDS):
            found = judged(weakened(payload, random, random.choice((1, 2, 5))), case.name, vendor, **settings)
            assert billed(found) <= held, f"seed {SEED}"
