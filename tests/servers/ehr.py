"""Servers that are not ours: Medplum's router from npm, and whichever one `FHIR_RPM_SERVERS_URL` names."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fhir_rpm.client import EhrSession
from fhir_rpm.config import ConnectionSettings, load_settings
from tests.outside import node_for

HERE = Path(__file__).parent
CLIENT, SECRET = "fhir-rpm-test", "test-secret"
_NEEDED_FIRST = ("Patient", "Practitioner", "Device", "Encounter")


@dataclass(frozen=True)
class Server:
    """A running FHIR server and how to reach it."""

    base_url: str
    options: dict[str, Any]
    environ: dict[str, str]

    def settings(self, **more: Any) -> ConnectionSettings:
        """Settings of a connection to it."""
        own = {"base_url": self.base_url, "time_zone": "America/New_York", **self.options}
        return load_settings(None, own | more, self.environ)

    def session(self) -> EhrSession:
        """A session with it."""
        return EhrSession.open(self.settings())

    def put(self, resources: list[dict[str, Any]], headers: dict[str, str]) -> None:
        """Load resources under their own ids, referenced ones first; plain requests, so that nothing of ours helps."""
        ranked = sorted(resources, key=lambda item: item["resourceType"] not in _NEEDED_FIRST)
        with requests.Session() as http:
            for resource in ranked:
                url = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
                answer = http.put(url, json=resource, headers=headers, timeout=30)
                assert answer.status_code in (200, 201), f"{url}: {answer.status_code}"


@contextmanager
def medplum(folder: Path) -> Iterator[Server]:
    """Medplum's router in a Node process of its own."""
    node = _node()
    command = [node, str(HERE / "medplum.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        assert base, "the server did not start"
        options = {"vendor": "medplum", "client_id": CLIENT, "ledger": str(folder / "ledger.sqlite3")}
        yield Server(base, options, {"FHIR_RPM_CLIENT_SECRET": SECRET})
        process.stdin.close()
        process.wait(timeout=30)


@contextmanager
def given(folder: Path) -> Iterator[Server]:
    """A scratch server that is running already, such as HAPI: `FHIR_RPM_SERVERS_URL`, and a bearer token if it asks."""
    base = os.environ["FHIR_RPM_SERVERS_URL"]
    token = os.environ.get("FHIR_RPM_SERVERS_TOKEN")
    environ = {"FHIR_RPM_BEARER_TOKEN": token} if token else {}
    vendor = os.environ.get("FHIR_RPM_SERVERS_VENDOR", "generic")
    ledger = str(folder / "ledger.sqlite3")
    yield Server(base, {"vendor": vendor, "ledger": ledger, "write_back": True}, environ)


def _node() -> str:
    return node_for("server", "FHIR_RPM_SERVERS", HERE, "test-servers")
