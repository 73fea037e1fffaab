"""Binary bodies, as FHIR JSON or as the raw bytes that some servers answer with."""

import base64
import re
from collections.abc import Iterable

from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import FHIR_JSON, Answer, Transport, same_origin
from fhir_rpm.errors import UnavailableError
from fhir_rpm.model import Gap

_BINARY = re.compile(r"(?:^|/)Binary/([^/?#]+)")


def pull_bodies(transport: Transport, urls: Iterable[str], holder: str) -> Pull:
    """Read Binaries by URL.

    Args:
        transport: where from.
        urls: `Binary/id`, or absolute on the server's origin.
        holder: the resource type whose text they are; a body that could not be read is a gap of Binary.
    """
    pull = Pull()
    for url in dict.fromkeys(urls):
        binary = _read(transport, url)
        if binary is not None:
            pull += Pull((binary,))
        else:
            reason = f"The body of a {holder} could not be read."
            pull += Pull(gaps=(Gap(resource_type="Binary", code="body_unread", reason=reason),))
    return pull


def _read(transport: Transport, url: str) -> Json | None:
    match = _BINARY.search(url)
    absolute = transport.url(url)
    if match is None or not same_origin(absolute, transport.base_url):
        return None
    try:
        answer = transport.get(absolute, accept=f"{FHIR_JSON}, */*;q=0.5")
    except UnavailableError:
        return None
    if answer.status != 200:
        return None
    resource = answer.json()
    if resource is not None and resource.get("resourceType") == "Binary":
        return {**resource, "id": match[1]}
    return None if resource is not None else _wrapped(match[1], answer)


def _wrapped(identity: str, answer: Answer) -> Json:
    kind = answer.headers.get("Content-Type", "")
    data = base64.b64encode(answer.body).decode()
    return {"resourceType": "Binary", "id": identity, "contentType": kind, "data": data}
