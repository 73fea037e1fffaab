"""One run of the real command over all patients of a fault server, and all that it let out."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.cli.app import main
from fhir_rpm.client.clock import Clock
from tests.faults.ehr import BASE, PATIENTS
from tests.faults.server import FaultServer

Json = dict[str, Any]

LONGEST = 30.0
"""Seconds after which a run counts as hung; a run takes a tenth of one, or a few timeouts."""

PATIENT, HASTY = 10.0, 0.4
"""Seconds to wait for a server: long where it answers, for a busy machine is no fault; short where it never does."""

SETTINGS = """
vendor = "{vendor}"
time_zone = "America/New_York"
client_id = "app"
private_key = "key.pem"
key_id = "k1"
base_url = "{base_url}"
connect_timeout = {patience}
read_timeout = {patience}
total_timeout = {longest}
max_response_bytes = 1000000
max_attempts = {attempts}
"""


def settings_of(vendor: str, base_url: str, *, hasty: bool) -> str:
    """The configuration file of a run."""
    patience, attempts = (HASTY, 3) if hasty else (PATIENT, 2)
    values = {"patience": patience, "longest": patience * 2, "attempts": attempts}
    return SETTINGS.format(vendor=vendor, base_url=base_url, **values)


@dataclass(frozen=True)
class Ran:
    """What a run came to.

    Attributes:
        code: the exit code.
        records: each patient's line of `sync --json`, by patient.
        said: everything but standard output: standard error, logs at every level, warnings.
    """

    code: int
    records: dict[str, Json]
    said: str

    def assessment(self, patient: str) -> Json | None:
        """One patient's assessment, if there is one."""
        record = self.records.get(patient) or {}
        found: Json | None = record.get("assessment")
        return found


class SwiftClock(Clock):
    """A clock whose waits take no time, but move it on, for the thread that waits."""

    def __init__(self) -> None:
        ahead = threading.local()

        def waited() -> float:
            return float(getattr(ahead, "seconds", 0.0))

        def wait(seconds: float) -> None:
            ahead.seconds = waited() + seconds

        super().__init__(lambda: time.monotonic() + waited(), lambda: time.time() + waited(), wait)


def app_folder(folder: Path) -> Path:
    """A folder, with the app's private key put into it."""
    key = ec.generate_private_key(ec.SECP384R1())
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return folder


class Runner:
    """Runs `fhir-rpm sync` in a thread of its own, so that a run that hangs fails and does not stop the suite."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._folder = folder
        self._capture = request.getfixturevalue("capsys")
        self._log = request.getfixturevalue("caplog")
        clock = SwiftClock()
        for module in ("transport", "politeness"):
            request.getfixturevalue("monkeypatch").setattr(f"fhir_rpm.client.{module}.Clock", lambda: clock)

    def run(
        self, server: FaultServer, vendor: str, *, base_url: str | None = None, more: str = "", hasty: bool = False
    ) -> Ran:
        """Judge May of every patient."""
        file = self._folder / "fhir-rpm.toml"
        file.write_text(settings_of(vendor, base_url or f"{server.origin}{BASE}", hasty=hasty) + more, encoding="utf-8")
        patients = self._folder / "patients.txt"
        patients.write_text("\n".join(PATIENTS[vendor]), encoding="utf-8")
        arguments = ["sync", "--month", "2026-05", "--patients", str(patients), "--config", str(file), "--json"]
        self._log.set_level(logging.DEBUG)
        self._log.clear()
        self._capture.readouterr()
        code = _exit_code(lambda: main(arguments))
        out, err = self._capture.readouterr()
        lines = [json.loads(line) for line in out.splitlines()]
        records = {line["patient"].removeprefix("Patient/"): line for line in lines if "patient" in line}
        return Ran(code, records, f"{err}\n{self._log.text}")


def _exit_code(call: Callable[[], object]) -> int:
    left: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at in the test's own thread
            left.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LONGEST)
    assert not thread.is_alive(), "the run hung"
    assert isinstance(left[0], SystemExit), repr(left)
    return int(str(left[0].code))
