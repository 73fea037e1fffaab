"""A file in the place of another: whole, readable by whom it should be, or not at all."""

import json
import os
from pathlib import Path

import pytest

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.files import write_json


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    write_json(path, {"new": True}, mode=0o600)
    assert json.loads(path.read_text()) == {"new": True}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(*_arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigurationError, match=r"a\.json cannot be written: No space left"):
        write_json(path, {})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
