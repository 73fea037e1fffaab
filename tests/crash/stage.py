"""What crash tests play on: an EHR and a runner, each in a process of its own, and a ledger between them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir_rpm.model import Assessment
from fhir_rpm.model.write import Write
from fhir_rpm.store import open_ledger
from fhir_rpm.writeback import content_hash
from tests.crash.ehr import MONTH, SECRET, Sandbox

Json = dict[str, Any]
VENDORS = ("epic", "oracle", "generic")
AT_LENGTH = "FHIR_RPM_CRASH_KILLS" in os.environ
"""Whether everything is tried, as `make test-crash` does, or the suite's small part of it."""

ROOT = Path(__file__).parents[2]


class Process:
    """A module of ours that answers one JSON line with one."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_RPM_")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._popen = subprocess.Popen(command, cwd=ROOT, env=environ, text=True, bufsize=1, **pipes)  # type: ignore[call-overload]

    def say(self, **request: Any) -> None:
        self._popen.stdin.write(json.dumps(request) + "\n")

    def hear(self) -> Json:
        line = self._popen.stdout.readline()
        assert line, f"{self._popen.args} has ended with {self._popen.wait(5)}"
        answer: Json = json.loads(line)
        return answer

    def close(self) -> None:
        self._popen.stdin.close()
        self._popen.wait(30)
        self._popen.stdout.close()


class Charts(Process):
    """The EHR."""

    def __init__(self, vendor: str) -> None:
        super().__init__("tests.crash.ehr", vendor)
        self.vendor = vendor
        self.base_url: str = self.hear()["base_url"]

    def ask(self, do: str, **request: Any) -> Json:
        self.say(do=do, **request)
        return self.hear()


@dataclass(frozen=True)
class Run:
    """How a run of the command ended; `exit` is None when it was killed."""

    exit: int | None
    steps: tuple[str, ...]
    out: str
    err: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.exit is None

    @property
    def lines(self) -> list[Json]:
        """The patients' lines of `sync --json`."""
        return [line for line in map(json.loads, self.out.splitlines()) if "patient" in line]

    @property
    def document(self) -> Json:
        found: Json = self.lines[0]["document"] or {}
        return found

    @property
    def wanted(self) -> str:
        """The content hash of the month as the run saw it."""
        return content_hash(Assessment.model_validate(self.lines[0]["assessment"]))


class Runner(Process):
    """Where the command runs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        super().__init__("tests.crash.zygote", str(folder))
        self.folder = folder

    def begin(self, argv: list[str], environ: dict[str, str], **how: Any) -> None:
        self.say(argv=argv, env=environ, cwd=str(self.folder), **how)

    def end(self) -> Run:
        ended = self.hear()
        steps = tuple(ended["steps"].splitlines())
        return Run(ended["exit"], steps, ended["out"], ended["err"], ended["seconds"])


@dataclass
class Office:
    """A practice that syncs one patient's month; `ahead` is how far its clock has been moved, in seconds."""

    charts: Charts
    runner: Runner
    ledger: str
    patient: str = "crash-1"
    ahead: float = 0
    runs: list[Run] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "FHIR_RPM_BASE_URL": self.charts.base_url,
            "FHIR_RPM_VENDOR": self.charts.vendor,
            "FHIR_RPM_CLIENT_ID": Sandbox.client_id,
            "FHIR_RPM_CLIENT_SECRET": SECRET,
            "FHIR_RPM_TIME_ZONE": "America/New_York",
            "FHIR_RPM_LEDGER": self.ledger,
            "FHIR_RPM_MAX_CONCURRENCY": "2",
        }

    def begin(self, *patients: str, **how: Any) -> None:
        """Start `sync --write-back`, killed or disturbed as told."""
        roster = self.runner.folder / "patients.txt"
        roster.write_text("\n".join(patients or [self.patient]))
        argv = ["sync", "--month", MONTH, "--patients", str(roster), "--write-back", "--json"]
        self.runner.begin(argv, self.environ, ahead=self.ahead, **how)

    def end(self) -> Run:
        self.runs.append(self.runner.end())
        return self.runs[-1]

    def sync(self, *patients: str, **how: Any) -> Run:
        self.begin(*patients, **how)
        return self.end()

    def writes(self, *arguments: str) -> Run:
        """`fhir-rpm writes …`."""
        self.runner.begin(["writes", *arguments], self.environ, ahead=self.ahead)
        return self.end()

    def attempts(self) -> list[Write]:
        with open_ledger(self.ledger) as ledger:
            return [write for write in ledger.listed() if write.patient == self.patient]

    def chart(self) -> Json:
        return self.charts.ask("chart", patient=self.patient)

    def later(self, minutes: float) -> None:
        self.ahead += 60 * minutes


Opened = Callable[..., Office]
