"""What the fault server serves when nothing goes wrong: months of synthetic patients, with canaries planted in them."""

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fhir_rpm.sandbox.manners import MANNERS, capability
from fhir_rpm.sandbox.patients import encoded, synthetic_resources
from fhir_rpm.sandbox.store import Store, matches

Json = dict[str, Any]

BASE = "/fhir/R4"
READY, VOICEMAIL, NOT_DONE = "sbx-heavy", "sbx-voicemail", "sbx-not-done"
MESSAGES = "sbx-messages"
PATIENTS = {"epic": (READY, VOICEMAIL, NOT_DONE), "generic": (READY, MESSAGES, VOICEMAIL)}
PAGE = {"Observation": 8}
SMALL_PAGE = 2

CANARIES = ("Quillfeather", "MRN-7719-CANARY", "Wexcombe Lane", "canary-token", "canary-query")
"""Family name, record number and a line of every note; every token; and what a next link carries in its query."""

_NAME = [{"family": "Quillfeather", "given": ["Ottoline"], "text": "Ottoline Quillfeather"}]
_NUMBER = [{"system": "urn:oid:1.2.3", "value": "MRN-7719-CANARY"}]
_LINE = "Patient lives at 4 Wexcombe Lane."


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters; the last of those that repeat."""
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def place(self) -> str:
        """The path below the base."""
        return urlsplit(self.path).path.removeprefix(BASE).strip("/")

    @property
    def kind(self) -> str:
        """The resource type asked for."""
        return self.place.partition("/")[0]

    @property
    def is_search(self) -> bool:
        """Whether it searches a type."""
        return self.method == "GET" and "/" not in self.place and self.kind[:1].isupper()

    @property
    def page(self) -> int:
        """The page of a search, from 1."""
        return int(self.params.get("page", 1))

    @property
    def patient(self) -> str | None:
        """Whose data is asked for."""
        named = self.params.get("patient") or self.params.get("subject") or self.place.rpartition("/")[2]
        named = named.rpartition("/")[2]
        return next((who for who in (READY, VOICEMAIL, NOT_DONE, MESSAGES) if named.startswith(who)), None)

    @property
    def told(self) -> str:
        """Everything that the request told whoever heard it."""
        return f"{self.path}\n{self.headers}\n{self.body.decode(errors='replace')}"


@dataclass(frozen=True)
class Reply:
    """One answer, and the manner in which it is sent: `whole`, or one of the server's bad manners."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"

    @property
    def json(self) -> Json:
        """The body as JSON."""
        parsed: Json = json.loads(self.body)
        return parsed


def as_fhir(resource: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """A FHIR answer."""
    return Reply(status, json.dumps(resource).encode(), {"Content-Type": "application/fhir+json"} | (headers or {}))


@cache
def _store(vendor: str) -> Store:
    kept = [_planted(item) for item in synthetic_resources(vendor, "2026-05") if _is_wanted(item, vendor)]
    return Store(kept)


def _is_wanted(resource: Json, vendor: str) -> bool:
    if resource["resourceType"] in ("Practitioner", "Device"):
        return True
    return str(resource["id"]).startswith(PATIENTS[vendor])


def _planted(resource: Json) -> Json:
    """The resource with canaries where real ones hold what must never leave."""
    resource = json.loads(json.dumps(resource))
    if resource["resourceType"] == "Patient":
        return resource | {"name": _NAME, "identifier": _NUMBER}
    if resource["resourceType"] == "Binary":
        return resource | {"data": _with_line(resource["data"])}
    for item in resource.get("content") or []:
        if "data" in item["attachment"]:
            item["attachment"]["data"] = _with_line(item["attachment"]["data"])
    return resource | {"meta": {"versionId": "3", "lastUpdated": "2026-06-01T10:00:00Z"}}


def _with_line(data: str) -> str:
    text = base64.b64decode(data).decode()
    for end in ("</div></body>", "}"):
        if text.endswith(("</html>", "}")) and end in text:
            head, _, tail = text.rpartition(end)
            return encoded(f"{head} {_LINE}{end}{tail}")
    return encoded(f"{text}\n{_LINE}")


class Ehr:
    """A FHIR server of one vendor without faults: token, metadata, reads and searches in small pages."""

    def __init__(self, vendor: str, origin: str) -> None:
        self._vendor = vendor
        self._origin = origin
        self._issued = 0
        self.tokens: list[str] = []

    def answer(self, request: Request) -> Reply:
        """The right answer."""
        if request.method == "POST" and request.path.startswith("/token"):
            return self._token()
        if request.place == "metadata":
            return as_fhir(capability(MANNERS[self._vendor], f"{self._origin}/token"))
        if request.place.startswith(".well-known"):
            return as_fhir({"token_endpoint": f"{self._origin}/token"})
        if request.headers.get("Authorization") != f"Bearer {self.tokens[-1] if self.tokens else ''}":
            return as_fhir({"error": "invalid_token"}, 401)
        return self._search(request) if request.is_search else self._read(request)

    def _token(self) -> Reply:
        self.tokens.append(f"canary-token-{len(self.tokens)}")
        return as_fhir({"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 3600})

    def _read(self, request: Request) -> Reply:
        kind, _, identity = request.place.partition("/")
        found = _store(self._vendor).get(kind, identity)
        issue = {"severity": "error", "code": "not-found"}
        return as_fhir(found or {"resourceType": "OperationOutcome", "issue": [issue]}, 200 if found else 404)

    def _search(self, request: Request) -> Reply:
        query = parse_qsl(urlsplit(request.path).query)
        asked = [(name, value) for name, value in query if name not in ("_count", "page", "note")]
        found = [
            item for item in _store(self._vendor).of_type(request.kind) if all(matches(item, *one) for one in asked)
        ]
        count = PAGE.get(request.kind, SMALL_PAGE)
        start = (request.page - 1) * count
        entries = [{"resource": item, "search": {"mode": "match"}} for item in found[start : start + count]]
        links = [{"relation": "self", "url": f"{self._origin}{request.path}"}]
        if start + count < len(found):
            links.append({"relation": "next", "url": self.link(request, request.page + 1)})
        return as_fhir({"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links})

    def link(self, request: Request, page: int) -> str:
        """The next link to a page of the same search; its query holds what real ones may: a patient's name."""
        query = parse_qsl(urlsplit(request.path).query)
        kept = [(name, value) for name, value in query if name not in ("page", "note")]
        return f"{self._origin}{BASE}/{request.kind}?{urlencode([*kept, ('page', page), ('note', 'canary-query')])}"
