"""`init`: every file it writes can be read, and explains every setting."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from fhir_rpm.cli.init import init
from fhir_rpm.cli.settings_text import SECRETS, configuration_text, explained
from fhir_rpm.config import ConnectionSettings, load_settings
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.vendor import about, shipped_vendors

VENDORS = ("epic", "oracle", "meditech", "medplum", "generic")


def _written(folder: Path, vendor: str, *more: str) -> Path:
    path = folder / f"{vendor}.toml"
    done = CliRunner().invoke(init, ["--vendor", vendor, "--out", str(path), *more], catch_exceptions=False)
    assert done.exit_code == 0
    return path


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_written_can_be_loaded_and_points_to_the_sandbox(tmp_path: Path, vendor: str) -> None:
    settings = load_settings(_written(tmp_path, vendor), {}, {})
    sandbox = about(vendor).sandbox
    assert sandbox is not None
    assert (settings.vendor, settings.base_url) == (vendor, sandbox.base_url)
    assert settings == ConnectionSettings(vendor=vendor, base_url=sandbox.base_url)


@pytest.mark.parametrize("vendor", VENDORS)
def test_test_patients_and_sources_stand_in_comments(vendor: str) -> None:
    text, known = configuration_text(vendor), about(vendor)
    assert known.sandbox is not None
    assert all(f"# test patient {patient.id}" in re.sub(" +", " ", text) for patient in known.sandbox.patients)
    assert known.sandbox.source in re.sub(r"\s*\n# ", " ", text)
    assert max(map(len, text.splitlines())) <= 120


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_setting_is_explained_and_nothing_else() -> None:
    assert set(explained()) == set(_fields(ConnectionSettings))


def test_every_setting_stands_in_the_file() -> None:
    text = configuration_text("epic")
    for name in explained():
        assert re.search(rf"^(#|# )?{name.rpartition('.')[2]} (=|is never)", text, re.MULTILINE), name


def test_what_is_commented_out_is_the_default_or_an_example_that_is_accepted() -> None:
    """Without the marks the file is TOML; values without an example are the defaults."""
    values = tomllib.loads(re.sub(r"^#(?=\w+ = )", "", configuration_text("epic"), flags=re.MULTILINE))
    plain = ConnectionSettings().model_dump(mode="json")
    for name, item in explained().items():
        if name in SECRETS or name in ("base_url", "vendor"):
            continue
        table, _, field = name.rpartition(".")
        shown, default = (values[table][field], plain[table][field]) if table else (values[field], plain[field])
        assert item.example is not None or shown == default, name
        assert ConnectionSettings.model_validate(_with(name, shown)), name


def _with(name: str, value: object) -> dict[str, object]:
    table, _, field = name.rpartition(".")
    needed: dict[str, object] = {"client_id": "app", "base_url": "https://ehr.example.org/r4", "time_zone": "UTC"}
    if name == "client_key":
        needed["client_cert"] = "client.pem"
    return needed | ({table: {field: value}} if table else {field: value})


def test_secrets_are_never_in_the_file() -> None:
    values = tomllib.loads(re.sub(r"^# ?(?=\w+ = )", "", configuration_text("generic"), flags=re.MULTILINE))
    assert not set(SECRETS) & set(values)


def test_a_file_is_never_overwritten_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "epic.toml"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="--force") as refused:
        CliRunner().invoke(init, ["--vendor", "epic", "--out", str(path)], catch_exceptions=False)
    assert refused.value.exit_code == 2
    assert path.read_text() == "mine"
    _written(tmp_path, "epic", "--force")
    assert "vendor" in path.read_text()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        CliRunner().invoke(init, ["--vendor", "epic", "--out", str(tmp_path / "no" / "x.toml")], catch_exceptions=False)


def test_a_dash_prints() -> None:
    done = CliRunner().invoke(init, ["--vendor", "oracle", "--out", "-"], catch_exceptions=False)
    assert done.stdout == configuration_text("oracle")


def test_every_shipped_vendor_can_be_chosen() -> None:
    assert set(shipped_vendors()) == set(VENDORS)
