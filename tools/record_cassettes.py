"""Record the cassettes of `tests/cassettes` anew, each against a sandbox in a process of its own.

.venv/bin/python tools/record_cassettes.py
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.cassettes.job import VENDORS, work  # noqa: E402 - after the path
from tests.cassettes.tape import HERE, recorder  # noqa: E402


@contextmanager
def sandbox(vendor: str, folder: Path) -> Iterator[dict[str, str]]:
    """A sandbox process; gives what it says one must export to connect to it."""
    command = [
        sys.executable,
        "-m",
        "fhir_rpm.cli",
        "sandbox",
        "--vendor",
        vendor,
        "--port",
        "0",
        "--state",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        said: dict[str, str] = {}
        for line in process.stdout or ():
            if line.startswith("#"):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            said[name] = value
        yield said
        process.terminate()


def main() -> None:
    """Record every vendor's cassette, and say how large it is."""
    for vendor in VENDORS:
        path = HERE / f"{vendor}.yaml"
        path.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as folder, sandbox(vendor, Path(folder)) as said:
            key, base = Path(said["FHIR_RPM_PRIVATE_KEY"]), said["FHIR_RPM_BASE_URL"]
            with recorder("all").use_cassette(path.name):
                ledger = Path(folder) / "ledger.sqlite3"
                result = work(vendor, base, key, ledger, said["FHIR_RPM_CLIENT_ID"], said["FHIR_RPM_KEY_ID"])
        if result.assessment is None or result.published is None or result.published.status != "written":
            sys.exit(
                f"{vendor}: nothing worth keeping was recorded: {result.error or result.broken or result.published}"
            )
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
