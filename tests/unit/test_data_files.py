from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from fhir_rpm.data_files import data_folder, read_layers
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.vendor import vendor_section


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: dict[str, str] = {}
    limit: int = 3


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("folder", ["mappings", "policies", "profiles"])
def test_shipped_data_is_found(folder: str) -> None:
    assert any(data_folder(folder).rglob("*.*"))


def test_a_layer_adds_keys_and_replaces_values_of_what_it_extends(tmp_path: Path) -> None:
    _write(tmp_path, "below.toml", "[a]\nx = 1\ny = [1, 2]\n")
    top = _write(tmp_path, "top.toml", 'extends = "below.toml"\n[a]\ny = [3]\nz = 4\n')
    assert read_layers("mappings", top) == {"a": {"x": 1, "y": [3], "z": 4}}


def test_a_sites_own_file_extends_a_shipped_one(tmp_path: Path) -> None:
    site = _write(tmp_path, "site.toml", 'extends = "epic"\n[mapping.encounter.words]\n"rpm touch base" = "phone"\n')
    words = read_layers("mappings", site)["mapping"]["encounter"]["words"]
    assert words["rpm touch base"] == "phone"
    assert words["telephone"] == "phone"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('extends = "top.toml"', "circle"),
        ('extends = "nowhere.toml"', "nowhere.toml"),
        ('extends = "unknown-vendor"', "unknown-vendor"),
        ("[a\n", "line 1"),
        ("[a]\nx = 1\nx = 2\n", "line 3"),
        ("[a]\nread = 2026-02-31\n", "line 2"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_layers("mappings", _write(tmp_path, "top.toml", text))


def test_an_unknown_vendor_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"epic, generic, meditech, medplum, oracle"):
        vendor_section("allscripts", "mapping", Section)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mapping]\nlimit = 'many'\n", r"mapping\.limit"),
        ("[mapping]\nlimits = 3\n", r"mapping\.limits"),
        ("[maping]\nlimit = 3\n", r"\[maping\]"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        vendor_section(_write(tmp_path, "site.toml", text), "mapping", Section)
