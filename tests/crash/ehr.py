"""The sandbox EHR in a process of its own; one JSON request a line, one answer a line, beside its HTTP.

The answers tell what is really in the charts, whatever the FHIR searches say, and which request filed it.
"""

import base64
import json
import sys
from contextvars import ContextVar
from typing import Any

from fhir_rpm.sandbox import Sandbox
from fhir_rpm.sandbox.faults import App
from fhir_rpm.sandbox.patients import _Renderer, scenarios
from fhir_rpm.writeback import hash_in

Json = dict[str, Any]
SECRET = "crash-secret"
MONTH = "2026-05"
_NOTE = "Spoke with patient by phone for {minutes} minutes about home blood pressure. Patient will repeat the log."
_request: ContextVar[int] = ContextVar("request", default=0)


class Charts:
    """Admits patients, changes their months, and tells what is in their charts."""

    def __init__(self, vendor: str) -> None:
        self.sandbox = Sandbox(vendor, MONTH)
        self.sandbox.register_secret(Sandbox.client_id, SECRET)
        self.renderer = _Renderer(vendor, MONTH, scenarios()["staff"])
        self.store = self.sandbox._server.store
        self.store._held.pop("Observation", None)
        self.filed: dict[str, list[Json]] = {}
        self.requests = 0
        self.sandbox._uvicorn.config.app = self._counted(self.sandbox._server.app)
        self._add, self._put = self.store.add, self.store.put
        self.store.add = self._adding  # type: ignore[method-assign]
        self.store.put = self._putting  # type: ignore[method-assign]

    def _counted(self, app: App) -> App:
        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["method"] in ("POST", "PUT") and "/fhir/" in scope["path"]:
                self.requests += 1
                _request.set(self.requests)
            await app(scope, receive, send)

        return counted

    def _adding(self, resource: Json) -> Json:
        return self._noted(self._add(resource))

    def _putting(self, held: Json, resource: Json) -> Json | None:
        stored = self._put(held, resource)
        return stored if stored is None else self._noted(stored)

    def _noted(self, stored: Json) -> Json:
        filed = {"id": stored["id"], "request": _request.get(), "hash": hash_of(stored)}
        self.filed.setdefault(stored["subject"]["reference"], []).append(filed)
        return stored

    def admit(self, patient: str, lengths: list[int]) -> Json:
        """The patient with one call for each length, in minutes; called again, the month has changed."""
        calls = [
            {
                "kind": "call",
                "day": 3 + number,
                "at": "14:02",
                "minutes": minutes,
                "staff": "rn",
                "note": _NOTE.format(minutes=minutes),
            }
            for number, minutes in enumerate(lengths)
        ]
        for item in self.renderer.patient({"id": patient, "name": ["Zoe", "Test"], "readings": 2, "event": calls}):
            self.store._held.setdefault(item["resourceType"], {})[item["id"]] = item
        return {}

    def discharge(self, patient: str) -> Json:
        """Forget the patient, so that searches stay short."""
        for held in self.store._held.values():
            for identity in [key for key, item in held.items() if _belongs(item, patient)]:
                del held[identity]
        self.sandbox.faults._waiting.clear()
        self.filed.pop(f"Patient/{patient}", None)
        return {}

    def faults(self, faults: list[str | None]) -> Json:
        """What goes wrong with the next writes."""
        self.sandbox.faults._waiting.clear()
        self.sandbox.faults.of_next_writes(*faults)  # type: ignore[arg-type]
        return {}

    def chart(self, patient: str) -> Json:
        """Every document of ours in the order in which it was filed, and each request that filed something."""
        who = f"Patient/{patient}"
        documents = [item for item in self.sandbox.documents() if item["subject"]["reference"] == who]
        ours = [shown for item in documents if (shown := _shown(item))["hash"] is not None]
        return {"documents": ours, "filed": self.filed.get(who, []), "requests": self.requests}

    def strike(self, identity: str) -> Json:
        """A person marks a document as entered in error."""
        held = self.store.get("DocumentReference", identity)
        assert held is not None
        self._put(held, {**held, "status": "entered-in-error"})
        return {}


def _belongs(item: Json, patient: str) -> bool:
    return (item.get("subject") or {}).get("reference") == f"Patient/{patient}" or str(item["id"]).startswith(patient)


def hash_of(document: Json) -> str | None:
    """The content hash in a document's plain text."""
    return next((found for text in _texts(document) if (found := hash_in(text))), None)


def _texts(document: Json) -> list[str]:
    attachments = [item["attachment"] for item in document["content"]]
    return [base64.b64decode(item["data"]).decode(errors="replace") for item in attachments if "data" in item]


def _shown(document: Json) -> Json:
    targets = [item["target"]["reference"] for item in document.get("relatesTo") or []]
    told = {"id": document["id"], "status": document["status"], "hash": hash_of(document), "replaces": targets}
    return {**told, "amended": any(text.startswith("AMENDED") for text in _texts(document))}


def serve(vendor: str) -> None:
    """Answer requests until standard input ends."""
    charts = Charts(vendor)
    with charts.sandbox as sandbox:
        _say({"base_url": sandbox.base_url})
        for line in sys.stdin:
            request = json.loads(line)
            _say(getattr(charts, request.pop("do"))(**request))


def _say(answer: Json) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
