"""Binary bodies, as FHIR JSON or as the raw bytes that some servers answer with."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from fhir_rpm.client.gaps import gap
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import FHIR_JSON, Answer, Transport, same_origin
from fhir_rpm.client.wire import TooLargeError
from fhir_rpm.errors import AccessError, UnavailableError

LARGEST = 16 * 1024 * 1024
"""Bytes of a body that is still read; no note is as long."""

_BINARY = re.compile(r"(?:^|/)Binary/([^/?#]+)")
_PAGE = re.compile(rb"\s*<(?:!doctype|html)", re.IGNORECASE)
_SIGN_IN = re.compile(rb"<input[^>]*type\s*=\s*[\"']?password", re.IGNORECASE)
_CODES = {401: "body_forbidden", 403: "body_forbidden", 404: "body_missing", 410: "body_missing"}
_NEGOTIATED = (400, 406, 415)
"""Answers to an Accept header that the server does not like."""


@dataclass(frozen=True)
class Rendering:
    """One way to read a body: where, and as which media type (empty when that is not told)."""

    url: str
    kind: str = ""


@dataclass(frozen=True)
class Body:
    """A text that stands elsewhere.

    Attributes:
        holder: `Type/id` of the resource whose text it is.
        renderings: the same text in several forms, best first; one is enough (facts: quirk 17).
    """

    holder: str
    renderings: tuple[Rendering, ...]


def pull_bodies(transport: Transport, bodies: Iterable[Body]) -> Pull:
    """Read bodies, each once; one without a readable rendering is a gap that names its holder."""
    read: dict[str, Json | str] = {}
    gaps = []
    for body in bodies:
        codes = []
        for rendering in body.renderings:
            if rendering.url not in read:
                read[rendering.url] = _read(transport, rendering)
            found = read[rendering.url]
            if not isinstance(found, str):
                break
            codes.append(found)
        else:
            gaps += [gap("Binary", codes[0], body.holder)] if codes else []
    return Pull(tuple(found for found in read.values() if not isinstance(found, str)), tuple(gaps))


def _read(transport: Transport, rendering: Rendering) -> Json | str:
    """The Binary, or the code that says why there is none."""
    match = _BINARY.search(rendering.url)
    try:
        url = transport.url(rendering.url)
        if match is None or not same_origin(url, transport.base_url):
            return "body_unread"
        answer = _negotiated(transport, url, rendering.kind)
    except AccessError:
        return "body_forbidden"
    except TooLargeError:
        return "body_too_large"
    except UnavailableError:
        return "body_unread"
    if answer.status != 200:
        return _CODES.get(answer.status, "body_unread")
    if len(answer.body) > LARGEST:
        return "body_too_large"
    resource = answer.json()
    if resource is None:
        return _wrapped(match[1], answer, rendering.kind)
    if resource.get("resourceType") != "Binary":
        return "body_wrong_type"
    return {**resource, "id": match[1]} if resource.get("data") else "body_missing"


def _negotiated(transport: Transport, url: str, kind: str) -> Answer:
    """FHIR JSON, else the stored type itself: Oracle knows no other Accept (facts: quirk 67)."""
    answer = transport.get(url, accept=FHIR_JSON)
    return transport.get(url, accept=kind or "*/*") if answer.status in _NEGOTIATED else answer


def _wrapped(identity: str, answer: Answer, kind: str) -> Json | str:
    """Raw bytes as a Binary, unless they are half of one, or a web page in the place of a text: a sign-in, an error."""
    if not answer.body:
        return "body_missing"
    sent = answer.headers.get("Content-Type", "")
    is_page = _PAGE.match(answer.body) and ("html" not in kind or _SIGN_IN.search(answer.body))
    if is_page or "json" in sent.lower():
        return "body_wrong_type"
    data = base64.b64encode(answer.body).decode()
    return {"resourceType": "Binary", "id": identity, "contentType": kind or sent, "data": data}
