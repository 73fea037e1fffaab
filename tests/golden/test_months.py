"""Golden patient-months: each judged exactly as the assessment contract says."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess

MONTHS = Path(__file__).parent / "months"
CASES = sorted(path.parent for path in MONTHS.glob("*/expected.json"))
MANAGEMENT = ("99457", "99458", "99470")


def _judged(case: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    expected = json.loads((case / "expected.json").read_text())
    bundle = json.loads((case / "bundle.json").read_text())
    settings = {key: expected[key] for key in ("month", "time_zone", "vendor", "policy")}
    return expected, assess(bundle, **settings).model_dump(mode="json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_month_is_judged_exactly(case: Path) -> None:
    expected, got = _judged(case)
    for key in ("status", "strict_differs", "minutes", "device_days"):
        assert got[key] == expected[key], key
    for code in MANAGEMENT:
        verdict = {key: got["codes"][code][key] for key in ("verdict", "units")}
        assert verdict == expected["codes"][code], code
    found = {frozenset(contact["sources"]): contact for contact in got["contacts"]}
    assert set(found) == {frozenset(contact["sources"]) for contact in expected["contacts"]}
    for want in expected["contacts"]:
        have = found[frozenset(want["sources"])]
        facts = ["modality", "outcome", "reason"] + (["minutes"] if want["outcome"] != "excluded" else [])
        assert {key: have[key] for key in facts} == {key: want[key] for key in facts}
        assert sorted(have["missing"]) == sorted(want["missing"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_order_of_resources_changes_no_byte(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    settings = {key: expected[key] for key in ("month", "time_zone", "vendor", "policy")}
    bundle = json.loads((case / "bundle.json").read_text())
    straight = assess(bundle, **settings).to_json()
    bundle["entry"].reverse()
    assert assess(bundle, **settings).to_json() == straight
