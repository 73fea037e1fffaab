"""Files on the command line: whose is what, and what a Bundle says beside its resources."""

import json
from pathlib import Path

import pytest

from fhir_rpm.cli.inputs import read_patients
from fhir_rpm.errors import InputError

PATIENT = {"resourceType": "Patient", "id": "p1"}
OTHER = {"resourceType": "Patient", "id": "p2"}
NEXT = [{"relation": "next", "url": "https://ehr.example/Encounter?page=2"}]


def _written(folder: Path, value: object) -> str:
    path = folder / "bundle.json"
    path.write_text(json.dumps(value))
    return str(path)


def _bundle(*resources: dict) -> dict:
    entries = [{"fullUrl": f"urn:uuid:{place}", "resource": resource} for place, resource in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "searchset", "link": NEXT, "entry": entries}


def test_a_bundle_keeps_its_links_and_full_urls(tmp_path: Path) -> None:
    bundle = _bundle(PATIENT)
    assert read_patients([_written(tmp_path, bundle)]) == [[bundle]]


def test_each_of_many_patients_gets_what_is_theirs_and_what_is_nobodys(tmp_path: Path) -> None:
    mine = {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/p1"}}
    nobodys = {"resourceType": "Practitioner", "id": "n1"}
    [first], [second] = read_patients([_written(tmp_path, _bundle(PATIENT, OTHER, mine, nobodys))])
    assert [entry["resource"]["id"] for entry in first["entry"]] == ["p1", "e1", "n1"]
    assert [entry["resource"]["id"] for entry in second["entry"]] == ["p2", "n1"]
    assert first["link"] == second["link"] == NEXT


@pytest.mark.parametrize("text", ["[" * 100_000, '{"resourceType": "Bundle", "entry": 5}'])
def test_what_is_no_fhir_is_a_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_patients([str(path)])
