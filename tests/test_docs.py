"""Docs that fail the build: what README and docs promise exists."""

import re
import sys
from pathlib import Path

import pytest

from fhir_rpm.cli.app import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_cli_reference_is_what_the_commands_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    sys.modules.pop("cli_reference", None)
    from cli_reference import reference  # type: ignore[import-not-found]

    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "run python tools/cli_reference.py"


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert targets == {"demo", "test"}
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_ci_runs_the_checks_then_exactly_the_readmes_test_command_then_what_needs_more_than_python() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    targets = re.findall(r"^make ([\w-]+)", script, re.MULTILINE)
    assert targets == ["lint", "test", "test-oracle", "test-servers", "validate-hl7"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"fhir-rpm {command}" in README or f"make {command}" in README


@pytest.mark.parametrize(
    "page", ["README.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
