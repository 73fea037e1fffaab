import json
from pathlib import Path
from typing import get_args

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_rpm.data_files import data_folder
from fhir_rpm.model import terms

FILES = sorted(data_folder("profiles").rglob("*.json"))
VOCABULARIES = {"outcome": terms.Outcome, "reason": terms.Reason, "element": terms.Element}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_valid_r4(path: Path) -> None:
    resource = json.loads(path.read_text())
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "examples"], ids=lambda path: path.stem)
def test_a_file_is_named_after_its_resource(path: Path) -> None:
    resource = json.loads(path.read_text())
    assert path.stem == f"{resource['resourceType']}-{resource['id']}"
    assert resource["url"].endswith(f"{resource['resourceType']}/{resource['id']}")


@pytest.mark.parametrize("group", VOCABULARIES)
def test_the_code_system_holds_the_vocabularies_of_the_contract(group: str) -> None:
    system = json.loads((data_folder("profiles") / "CodeSystem-rpm-assessment.json").read_text())
    values = json.loads((data_folder("profiles") / f"ValueSet-rpm-{group}.json").read_text())
    wanted = {f"{group}-{code}".replace("_", "-") for code in get_args(VOCABULARIES[group])}
    assert {item["code"] for item in system["concept"] if item["code"].startswith(f"{group}-")} == wanted
    assert {item["code"] for item in values["compose"]["include"][0]["concept"]} == wanted


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "examples"], ids=lambda path: path.stem)
def test_an_example_has_every_element_that_its_profile_requires(path: Path) -> None:
    example = json.loads(path.read_text())
    (url,) = example["meta"]["profile"]
    profile = json.loads((data_folder("profiles") / f"StructureDefinition-{url.rpartition('/')[2]}.json").read_text())
    required = [item["path"] for item in profile["differential"]["element"] if item.get("min") == 1]
    assert required
    for element in required:
        node = example
        for key in element.split(".")[1:]:
            node = node[0] if isinstance(node, list) else node
            found = [name for name in node if name == key or (key.endswith("[x]") and name.startswith(key[:-3]))]
            assert found, element
            node = node[found[0]]
