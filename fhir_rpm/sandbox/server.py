"""The sandbox over HTTP: a FHIR R4 server with one vendor's manners."""

import base64
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fhir_rpm.sandbox.faults import App, Faults, FaultyWire
from fhir_rpm.sandbox.manners import (
    MANNERS,
    Fault,
    capability,
    create_fault,
    outcome,
    passed_over,
    update_fault,
    withheld,
)
from fhir_rpm.sandbox.patients import scenarios, synthetic_resources
from fhir_rpm.sandbox.searches import ignored, search_fault
from fhir_rpm.sandbox.store import Store, in_order, matches
from fhir_rpm.sandbox.tokens import TokenIssuer, TokenRefusedError

Json = dict[str, Any]
BASE = "/fhir/R4"
FHIR_JSON = "application/fhir+json"


class SandboxServer:
    """State and routes of one sandbox.

    Args:
        vendor: `generic`, `epic` or `oracle`.
        month: the month its patients live in, `YYYY-MM`.
        state: where filed documents are kept between runs.
    """

    def __init__(self, vendor: str, month: str, state: Path | None = None) -> None:
        self.manners = MANNERS[vendor]
        self.tokens = TokenIssuer(vendor)
        self.store = Store(synthetic_resources(vendor, month), state)
        self._withheld = {patient["id"] for patient in scenarios()["patient"] if patient.get("withheld")}
        self._sessions: dict[str, tuple[str, list[Json], int, int]] = {}
        self.faults = Faults()
        routes = Starlette(
            routes=[
                Route(f"{BASE}/metadata", self._metadata),
                Route(f"{BASE}/.well-known/smart-configuration", self._smart),
                Route("/oauth2/token", self._token, methods=["POST"]),
                Route(f"{BASE}/Binary/{{identity}}", self._binary),
                Route(f"{BASE}/{{kind}}", self._search, methods=["GET"]),
                Route(f"{BASE}/{{kind}}", self._create, methods=["POST"]),
                Route(f"{BASE}/{{kind}}/{{identity}}", self._read, methods=["GET"]),
                Route(f"{BASE}/{{kind}}/{{identity}}", self._update, methods=["PUT"]),
            ]
        )
        self.app: App = FaultyWire(routes, BASE, self.faults)

    async def _metadata(self, _request: Request) -> Response:
        return JSONResponse(capability(self.manners, self.tokens.url), media_type=FHIR_JSON)

    async def _smart(self, _request: Request) -> Response:
        methods = ["private_key_jwt", "client_secret_basic"]
        algorithms = ["RS384", "ES384"]
        reply = {
            "token_endpoint": self.tokens.url,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "capabilities": ["client-confidential-asymmetric"],
        }
        return JSONResponse(reply)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            return JSONResponse(self.tokens.issue(form, request.headers.get("authorization")))
        except TokenRefusedError as error:
            body = {"error": error.code, "error_description": error.description}
            return JSONResponse(body, status_code=400 if self.manners.vendor == "epic" else 401)

    def _refusal(self, request: Request) -> Response | None:
        if not self.tokens.is_live(request.headers.get("authorization")):
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, 401, challenge)
        accept = request.headers.get("accept", "")
        if self.manners.vendor == "oracle" and "json" not in accept and "*/*" not in accept:
            return Response(status_code=406)
        return None

    def _fault(self, fault: Fault) -> Response:
        return JSONResponse(outcome(self.manners, fault), fault.status, media_type=FHIR_JSON)

    async def _read(self, request: Request) -> Response:
        kind, identity = request.path_params["kind"], request.path_params["identity"]
        if (refusal := self._refusal(request)) is not None:
            return refusal
        resource = self.store.get(kind, identity)
        if resource is None:
            return self._unknown(kind)
        return JSONResponse(self._shown(resource), headers=self._etag(resource), media_type=FHIR_JSON)

    def _etag(self, resource: Json) -> dict[str, str]:
        version = (resource.get("meta") or {}).get("versionId")
        return {"ETag": f'W/"{version}"'} if version and self.manners.vendor != "epic" else {}

    def _unknown(self, kind: str) -> Response:
        if self.manners.vendor == "epic" and not self.store.knows(kind):
            return Response("<html><body>404 - File or directory not found.</body></html>", 404, media_type="text/html")
        return self._fault(Fault(404, "Not found.", "59008", "not-found"))

    async def _binary(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        resource = self.store.get("Binary", request.path_params["identity"]) or self._filed_body(request)
        if resource is None:
            return self._unknown("Binary")
        if "json" in request.headers.get("accept", ""):
            return JSONResponse(resource, media_type=FHIR_JSON)
        return Response(base64.b64decode(resource["data"]), media_type=resource["contentType"])

    def _filed_body(self, request: Request) -> Json | None:
        document = self.store.get("DocumentReference", request.path_params["identity"].removeprefix("body-"))
        if document is None:
            return None
        attachment = document["content"][0]["attachment"]
        kind = attachment["contentType"].partition(";")[0]
        identity = request.path_params["identity"]
        return {"resourceType": "Binary", "id": identity, "contentType": kind, "data": attachment["data"]}

    def _shown(self, resource: Json) -> Json:
        """A resource as the vendor shows it: filed bodies stand behind a Binary where notes always do."""
        if resource["resourceType"] != "DocumentReference" or self.manners.vendor == "generic":
            return resource
        contents = []
        for item in resource["content"]:
            attachment = item["attachment"]
            if "data" in attachment:
                kind = attachment["contentType"].partition(";")[0]
                attachment = {"contentType": kind, "url": f"Binary/body-{resource['id']}"}
            contents.append({**item, "attachment": attachment})
        shown = {**resource, "content": contents}
        if self.manners.vendor == "epic":
            shown.pop("meta", None)
        return shown

    async def _search(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if (refusal := self._refusal(request)) is not None:
            return refusal
        params = list(request.query_params.multi_items())
        session = request.query_params.get(self.manners.paging)
        if session is not None:
            return self._next_page(request, session, alone=len(params) == 1)
        if not self.store.knows(kind):
            return self._unknown(kind)
        fault = search_fault(self.manners, kind, params)
        if fault is not None:
            return self._fault(fault)
        searched = [(name, value) for name, value in params if name != "_count"]
        found = [item for item in self.store.of_type(kind) if all(matches(item, *param) for param in searched)]
        found = list(self.faults.visible(found))
        if self.manners.vendor == "oracle":
            found = in_order(found, newest_first=kind == "Observation")
        extra = self._remark(kind, params, found)
        asked = request.query_params.get("_count", "")
        count = int(asked) if asked.isdigit() else self.manners.page
        return self._page(request, kind, [*found, *extra], 0, max(1, min(count, self.manners.page)))

    def _next_page(self, request: Request, session: str, *, alone: bool) -> Response:
        """A further page; Epic knows a session by its id alone, and nothing may be added to it (facts: quirk 7)."""
        if session not in self._sessions or (self.manners.vendor == "epic" and not alone):
            return self._fault(Fault(410 if self.manners.vendor != "epic" else 400, "The session has ended.", "4113"))
        return self._page(request, *self._sessions[session])

    def _remark(self, kind: str, params: list[tuple[str, str]], found: list[Json]) -> list[Json]:
        patients = {value.rpartition("/")[2] for name, value in params if name in ("patient", "subject")}
        if kind == "DocumentReference" and patients & self._withheld:
            return [withheld()]
        if ignored(self.manners, kind, params):
            return [passed_over()]
        if not found and self.manners.vendor == "epic":
            return [
                outcome(
                    self.manners, Fault(200, "Resource request returns no results.", "4101", "processing"), "warning"
                )
            ]
        return []

    def _page(self, request: Request, kind: str, found: list[Json], start: int, count: int) -> Response:
        entries = []
        base = str(request.base_url).rstrip("/") + BASE
        for resource in found[start : start + count]:
            remark = resource["resourceType"] == "OperationOutcome"
            entry: Json = {"resource": self._shown(resource), "search": {"mode": "outcome" if remark else "match"}}
            entries.append(entry if remark else {"fullUrl": f"{base}/{kind}/{resource['id']}", **entry})
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        if self.manners.vendor != "oracle":
            bundle["total"] = len(entries) if self.manners.vendor == "epic" else len(found)
        links = [{"relation": "self", "url": str(request.url)}]
        if start + count < len(found):
            token = str(uuid.uuid4())
            self._sessions[token] = (kind, found, start + count, count)
            links.append({"relation": "next", "url": f"{base}/{kind}?{urlencode({self.manners.paging: token})}"})
        return JSONResponse({**bundle, "link": links}, media_type=FHIR_JSON)

    async def _create(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if kind != "DocumentReference":
            return self._fault(Fault(405, f"{kind} cannot be created here.", "4100", "not-supported"))
        try:
            document = await request.json()
        except ValueError:
            return self._fault(Fault(400, "The body is no JSON.", "59100", "structure"))
        fault = create_fault(self.manners, document, self._anchor(document))
        if fault is not None:
            return self._fault(fault)
        known = self._already(request.headers.get("if-none-exist"))
        if known is not None:
            return JSONResponse(known, 200, media_type=FHIR_JSON)
        return self._created(request, self.store.add(self._kept(document)))

    def _kept(self, document: Json) -> Json:
        """What the vendor keeps of a document."""
        kept = {name: value for name, value in document.items() if name != "id"}
        if not self.manners.keeps_identifier:
            kept.pop("identifier", None)
            kept["category"] = [{"coding": [{"code": "clinical-note"}], "text": "Clinical Note"}]
        return kept

    def _created(self, request: Request, stored: Json) -> Response:
        location = f"DocumentReference/{stored['id']}"
        if self.manners.vendor == "epic":
            return Response(status_code=201, headers={"Location": location})
        base = str(request.base_url).rstrip("/") + BASE
        headers = {"Location": f"{base}/{location}", **self._etag(stored)}
        if "representation" in request.headers.get("prefer", ""):
            return JSONResponse(stored, 201, headers, media_type=FHIR_JSON)
        return Response(status_code=201, headers=headers)

    async def _update(self, request: Request) -> Response:
        kind, identity = request.path_params["kind"], request.path_params["identity"]
        if (refusal := self._refusal(request)) is not None:
            return refusal
        held = self.store.get(kind, identity)
        if held is None:
            return self._unknown(kind)
        try:
            document = await request.json()
        except ValueError:
            return self._fault(Fault(400, "The body is no JSON.", "59100", "structure"))
        fault = update_fault(self.manners, held, document, request.headers.get("if-match"))
        if fault is not None:
            return self._fault(fault)
        retracted = document["status"] == "entered-in-error"
        stored = self.store.put(held, held | {"status": "entered-in-error"} if retracted else self._kept(document))
        if stored is None:
            return self._fault(Fault(409, "The version is stale.", issue="conflict"))
        return Response(status_code=200, headers=self._etag(stored))

    def _anchor(self, document: Json) -> Json | None:
        references = (document.get("context") or {}).get("encounter") or []
        identity = str(references[0].get("reference")).rpartition("/")[2] if references else ""
        return self.store.get("Encounter", identity)

    def _already(self, condition: str | None) -> Json | None:
        if condition is None or not self.manners.conditional_create:
            return None
        name, _, value = condition.partition("=")
        return next((item for item in self.store.of_type("DocumentReference") if matches(item, name, value)), None)
