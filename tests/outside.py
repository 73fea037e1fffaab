"""What some tests need beyond Python: they are skipped with a reason without it, or fail where it is required."""

import os
import shutil
from pathlib import Path

import pytest


def need(what: str, variable: str, missing: str) -> None:
    """Skip the test, or fail it where the variable is `required`, when something is missing."""
    if missing and os.environ.get(variable) == "required":
        pytest.fail(f"The {what} cannot run: {missing}.")
    if missing:
        pytest.skip(f"The {what} cannot run: {missing}.")


def node_for(what: str, variable: str, folder: Path, target: str) -> str:
    """The path of Node, with the packages that `make <target>` fetches into the folder."""
    program = shutil.which("node")
    fetched = (folder / "node_modules").is_dir()
    unfetched = "" if fetched else f"run `make {target}`, which fetches its packages"
    need(what, variable, "Node is not installed" if program is None else unfetched)
    return str(program)
