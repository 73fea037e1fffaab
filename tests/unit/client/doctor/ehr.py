"""An open EHR that works, but for what a test makes it answer; and how to examine it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.client.doctor import Order, Step, examine, exit_code_of, network
from fhir_rpm.config import load_settings
from tests.hostile import Hostile, Reply, Seen, bundle

CANARY = "Canary-Quimby"
HTML = b"<!DOCTYPE html><html><body>Please sign in, Canary-Quimby</body></html>"
Steps = dict[str, Step]


def pem(path: Path, key: Any) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


def examined(base: str, patient: str | None = None, group: str | None = None, **settings: Any) -> Steps:
    values = {"base_url": base, "time_zone": "America/New_York", "connect_timeout": 2, "read_timeout": 2, **settings}
    order = Order(patient=patient, group=group, month="2026-05", seconds=20)
    return {step.name: step for step in examine(lambda: load_settings(None, values, {}), order)}


def exit_code(steps: Steps) -> int:
    return exit_code_of(list(steps.values()))


def statement(**more: Any) -> dict[str, Any]:
    kinds = ("Patient", "Encounter", "Communication", "DocumentReference", "Observation", "CareTeam", "Group", "Binary")
    interactions = [{"code": code} for code in ("read", "search-type")]
    resources = [{"type": kind, "interaction": interactions} for kind in kinds]
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"resource": resources}]}
    return statement | more


Handler = Callable[[Seen], Reply | None]


class Ehr(Hostile):
    """An open server that works, but for what `special` answers."""

    def __init__(self, special: Handler = lambda seen: None) -> None:
        super().__init__(lambda seen: special(seen) or self._usual(seen))

    def _usual(self, seen: Seen) -> Reply:
        path = seen.path.partition("?")[0].removeprefix("/r4/")
        if path == "metadata":
            return Reply(200, statement())
        if path.startswith(".well-known"):
            return Reply(200, {"token_endpoint": f"{self.base}/token"})
        if path == "token":
            return Reply(200, {"access_token": "canary-token", "expires_in": 300, "scope": "system/*.cruds"})
        if path.startswith("Patient/"):
            return Reply(200, {"resourceType": "Patient", "id": "p1", "name": [{"family": CANARY}]})
        return Reply(200, bundle())


def at(path: str, reply: Reply) -> Handler:
    """Answer so at a path."""
    return lambda seen: reply if seen.path.partition("?")[0] == f"/r4/{path}" else None


def outcome(code: str) -> dict[str, Any]:
    issue = {"severity": "fatal", "code": "x", "details": {"coding": [{"code": code}], "text": CANARY}}
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "y"}, issue]}


def no_such_name(*_args: Any, **_more: Any) -> Any:
    raise network.socket.gaierror(-2, "Name or service not known")
