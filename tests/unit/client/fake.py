"""A transport that answers from a function, without a network."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.errors import UnavailableError
from tests.hostile import Reply

BASE = "https://ehr.example.org/r4"


class Fake:
    """Answers each URL, relative to the base, by a handler; `cut` stands for a server that cannot be reached."""

    def __init__(self, handler: Callable[[str], Reply], base: str = BASE) -> None:
        self.base_url = base
        self.seen: list[str] = []
        self.accepted: list[str] = []
        self._handler = handler

    def url(self, reference: str) -> str:
        return Transport(self.base_url).url(reference)

    def get(self, url: str, accept: str = "", params: Mapping[str, Any] | None = None) -> Answer:
        asked = f"{url}?{urlencode(params, doseq=True)}" if params else url
        self.seen.append(asked.removeprefix(f"{self.base_url}/"))
        self.accepted.append(accept)
        reply = self._handler(self.seen[-1])
        if reply.cut:
            raise UnavailableError("The server could not be reached.", "Try again.")
        body = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else _json(reply.body)
        return Answer(reply.status, reply.headers, body)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def by_marker(pages: Mapping[str, Reply]) -> Callable[[str], Reply]:
    """The reply of the first marker that a URL holds."""
    return lambda url: next((reply for marker, reply in pages.items() if marker in url), Reply(404, None))


def outcome(code: str | None = None, severity: str = "error", **more: Any) -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    details = {"details": {"coding": [{"code": code}]}} if code else {}
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "x", **details, **more}]}
