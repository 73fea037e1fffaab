"""Who may import whom (docs/architecture.md): the build fails when a room reaches upwards."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fhir_rpm

PACKAGE = Path(fhir_rpm.__file__).parent

GROUND = {"errors", "month", "model", "data_files", "files"}
LOWER = GROUND | {"vendor", "outcome"}
MAY_IMPORT = {
    "errors": set(),
    "data_files": {"errors"},
    "files": {"errors"},
    "month": {"errors"},
    "model": {"errors", "month"},
    "vendor": GROUND,
    "outcome": GROUND,
    "tables": {"errors"},
    "roster": GROUND | {"tables"},
    "config": LOWER,
    "narrative": LOWER,
    "billing": LOWER,
    "client": LOWER | {"config", "roster", "tables"},
    "mapping": LOWER | {"narrative", "tables"},
    "api": LOWER | {"narrative", "mapping", "billing"},
    "writeback": LOWER | {"client", "config", "billing"},
    "store": LOWER | {"config"},
    "report": LOWER,
    "sync": LOWER | {"config", "client", "api", "roster", "mapping", "billing", "writeback", "store", "report"},
    "sandbox": {"errors", "data_files"},
    "cli": None,
    "__init__": {"api", "narrative", "client", "model", "errors"},
}
"""Room → the rooms it may import; None is everything."""

NO_CLOCK_NO_NETWORK = ("mapping", "billing", "narrative", "model", "month.py")
FORBIDDEN_THERE = {"requests", "urllib", "socket", "http", "sqlite3", "sqlalchemy", "time", "random"}


def _modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def _room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            yield node.module or ""


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_downwards(path: Path) -> None:
    room = _room(path)
    assert room in MAY_IMPORT, f"{room} is no room of the house"
    allowed = MAY_IMPORT[room]
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "fhir_rpm" or allowed is None:
            continue
        target = parts[1] if len(parts) > 1 else "__init__"
        assert target == room or target in allowed, f"{room} must not import {name}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if _room(path) == "cli":
        return
    assert not {"click", "rich"} & {name.split(".")[0] for name in _imports(path)}
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "exit")]


@pytest.mark.parametrize("room", NO_CLOCK_NO_NETWORK)
def test_judgement_knows_no_network_no_clock_and_no_database(room: str) -> None:
    paths = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
    assert paths
    for path in paths:
        assert not FORBIDDEN_THERE & {name.split(".")[0] for name in _imports(path)}, path
        attributes = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not {"now", "today", "utcnow"} & attributes, path
