"""What can go wrong with an answer, and where: the words that the table of faults is written in."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import cache
from typing import Any, Literal

from tests.faults.ehr import Json, Reply, Request, as_fhir
from tests.faults.server import FaultServer

Outcome = Literal["complete", "incomplete", "unavailable", "denied", "unknown"]
"""What a fault may come to, for the patients whom it hits.

complete: as if nothing had happened. incomplete: judged, with gaps. unavailable: no assessment, exit 4.
denied: no assessment, exit 5. unknown: no such patient, exit 2.
"""

Where = Callable[[Request], bool]
What = Callable[[Request, Reply, FaultServer], Reply]


@dataclass(frozen=True)
class Fault:
    """One row: what goes wrong where, how often (for each URL, or in all), and what must come of it.

    `times` None is always. After a merge the month is that of another record, and may show less. A
    `hasty` client does not wait for what never comes.
    """

    name: str
    where: Where
    what: What
    expect: Outcome | tuple[Outcome, ...]
    times: int | None = None
    vendor: str = "epic"
    in_all: bool = False
    is_merge: bool = False
    hasty: bool = False

    def spoil(self, hit: set[str | None]) -> Callable[[Request, Reply, FaultServer], Reply]:
        """The fault at work; `hit` gathers the patients whose requests it met, None for nobody's in particular."""

        def work(request: Request, reply: Reply, server: FaultServer) -> Reply:
            if not self.where(request):
                return reply
            if self.times is not None and server.turn(self.name if self.in_all else request.path) > self.times:
                return reply
            hit.add(request.patient)
            return self.what(request, reply, server)

        return work


# --- Where ------------------------------------------------------------------------------------------------------------


def page(kind: str, number: int) -> Where:
    """One page of the searches of a type."""
    return lambda request: request.is_search and request.kind == kind and request.page == number


def search(kind: str) -> Where:
    """Every page of the searches of a type."""
    return lambda request: request.is_search and request.kind == kind


def read(kind: str) -> Where:
    """Every read of one resource of a type."""
    return lambda request: request.method == "GET" and request.place.startswith(f"{kind}/")


def everything(request: Request) -> bool:
    """Every request."""
    return True


def data(request: Request) -> bool:
    """Every request but those for a token and what leads to it."""
    return request.method == "GET" and not request.place.startswith((".well-known", "metadata"))


def token(request: Request) -> bool:
    """Requests for a token."""
    return request.method == "POST" and request.path.startswith("/token")


def capability(request: Request) -> bool:
    """Requests for the CapabilityStatement."""
    return request.place == "metadata"


def metadata(request: Request) -> bool:
    """Requests for what the server declares."""
    return request.place.startswith(("metadata", ".well-known"))


# --- What: the answer is another --------------------------------------------------------------------------------------


def status(code: int, body: Any = None, **headers: str) -> What:
    """A status, with a JSON body or none; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, reply, server: Reply(code, b"", named) if body is None else as_fhir(body, code, named)


def text(code: int, words: str, kind: str = "text/plain") -> What:
    """A status with a text."""
    return lambda request, reply, server: Reply(code, words.encode(), {"Content-Type": kind})


_LOGIN = (
    "<!DOCTYPE html><html><body><form action='/login' method='post'>Sign in, Ottoline Quillfeather"
    "<input name='u'><input type='password' name='p'></form></body></html>"
)


def html(code: int) -> What:
    """A page for people: a login form, a proxy's error."""
    return text(code, _LOGIN, "text/html")


def issue(code: str, severity: str = "fatal", **more: Any) -> Json:
    """An OperationOutcome with an Epic code; its words hold what they should not."""
    coding = {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": code}
    told = {"severity": severity, "code": "processing", "details": {"coding": [coding]}} | more
    return {"resourceType": "OperationOutcome", "issue": [told | {"diagnostics": "Record of Ottoline Quillfeather."}]}


def later(seconds: float) -> str:
    """An HTTP date to come."""
    return formatdate(time.time() + seconds, usegmt=True)


def manner(name: str) -> What:
    """The right answer, sent badly."""
    return lambda request, reply, server: replace(reply, manner=name)


def raw(change: Callable[[bytes], bytes], **headers: str) -> What:
    """The right answer with other bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, reply, server: replace(reply, body=change(reply.body), headers=reply.headers | named)


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (96 << 20), 1)


def bomb(request: Request, reply: Reply, server: FaultServer) -> Reply:
    """A few kilobytes that unpack to hundreds of megabytes."""
    packed = _bomb()
    return replace(reply, body=packed, headers=reply.headers | {"Content-Encoding": "gzip"})


# --- What: the right Bundle, changed ----------------------------------------------------------------------------------


def edited(change: Callable[[Json], Any]) -> What:
    """The right resource after `change`, which changes it in place or gives another."""

    def work(request: Request, reply: Reply, server: FaultServer) -> Reply:
        resource = reply.json
        changed = change(resource)
        return replace(reply, body=json.dumps(resource if changed is None else changed).encode())

    return work


def linked(link: Callable[[Request, FaultServer], str | None]) -> What:
    """The right page with another next link, or with none."""

    def work(request: Request, reply: Reply, server: FaultServer) -> Reply:
        bundle, url = reply.json, link(request, server)
        kept = [item for item in bundle["link"] if item["relation"] != "next"]
        bundle["link"] = [*kept, *([{"relation": "next", "url": url}] if url is not None else [])]
        return replace(reply, body=json.dumps(bundle).encode())

    return work


def entry_added(resource: Json, place: int, mode: str = "outcome") -> What:
    """The right page with one more entry, at a place (-1 for the last)."""

    def work(bundle: Json) -> None:
        at = len(bundle["entry"]) if place == -1 else place
        bundle["entry"].insert(at, {"resource": resource, "search": {"mode": mode}})

    return edited(work)


def entries(change: Callable[[Json], Any]) -> What:
    """The right page with each of its resources after `change`."""

    def work(bundle: Json) -> None:
        for entry in bundle["entry"]:
            entry["resource"] = change(entry["resource"]) or entry["resource"]

    return edited(work)


def repeated(change: Callable[[Json], None] = lambda _resource: None) -> What:
    """The page with the resources of the page before it, changed or not, after its own."""

    def work(request: Request, reply: Reply, server: FaultServer) -> Reply:
        before = replace(request, path=request.path.replace(f"page={request.page}", f"page={request.page - 1}"))
        again = server.ehr.answer(before).json["entry"]
        for entry in again:
            change(entry["resource"])
        bundle = reply.json
        bundle["entry"] += again
        return replace(reply, body=json.dumps(bundle).encode())

    return work


def redirect(code: int, target: Callable[[Request, FaultServer], str]) -> What:
    """A redirect."""
    return lambda request, reply, server: Reply(code, b"", {"Location": target(request, server)})


# --- Links ------------------------------------------------------------------------------------------------------------


def other_page(number: int) -> What:
    """The right page with a next link to that page."""
    return linked(lambda request, server: server.ehr.link(request, number))


def relative(request: Request, server: FaultServer) -> str:
    """The second page, relative to the base."""
    return server.ehr.link(request, 2).partition("/fhir/R4/")[2]


def next_of(request: Request, server: FaultServer) -> str:
    """The page after this one."""
    return server.ehr.link(request, request.page + 1)


def foreign(request: Request, server: FaultServer) -> str:
    """The second page at the stranger's."""
    return server.stranger + server.ehr.link(request, 2).removeprefix(server.origin)


def same(request: Request, server: FaultServer) -> str:
    """The page itself."""
    return f"{server.origin}{request.path}"
