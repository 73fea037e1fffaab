"""`fhir-rpm sandbox`: what it says is enough to connect, and keeps its traces in its own folder."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhir_rpm.cli.app import cli
from fhir_rpm.config import load_settings
from fhir_rpm.sandbox import Sandbox


def _once(sandbox: Sandbox, say: Callable[[Sandbox], None]) -> None:
    with sandbox:
        say(sandbox)


def test_what_it_prints_connects_and_keeps_the_ledger_beside_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "wait", _once)
    done = CliRunner().invoke(cli, ["sandbox", "--vendor", "epic", "--port", "0", "--state", str(tmp_path)])
    environ = dict(re.findall(r"^export (\w+)=(.+)$", done.stdout, re.MULTILINE))
    settings = load_settings(None, {}, environ)
    assert (settings.vendor, settings.time_zone) == ("epic", "America/New_York")
    assert settings.private_key is not None
    assert settings.private_key.is_file()
    assert settings.ledger is not None
    assert settings.ledger.get_secret_value() == str(tmp_path / "epic" / "ledger.sqlite3")
    assert "doctor --patient sbx-phone --month 2026-05" in done.stdout
