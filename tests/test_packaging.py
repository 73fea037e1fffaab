"""What is shipped: the wheel carries its data and works away from the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("folder", ["mappings", "policies", "profiles"])
def test_the_wheel_carries_every_data_file(wheel: zipfile.ZipFile, folder: str) -> None:
    files = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / folder).rglob("*.*")) if path.is_file()]
    assert files
    assert {f"fhir_rpm/_data/{name}" for name in files} <= set(wheel.namelist())


def test_the_wheel_holds_the_package_alone(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fhir_rpm"}
    assert "fhir_rpm/py.typed" in wheel.namelist()


def test_the_unpacked_wheel_judges_a_month_without_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = (
        "import fhir_rpm, fhir_rpm.data_files as data;"
        "assert '_data' in str(data.data_folder('mappings'));"
        "print(fhir_rpm.assess([], month='2026-05', time_zone='America/Chicago', vendor='epic').status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout == "not_met\n", done.stderr


def test_the_unpacked_wheel_makes_a_ledger(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = "from fhir_rpm.store import open_ledger; print(open_ledger('ledger.sqlite3').listed())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout == "()\n", done.stderr
