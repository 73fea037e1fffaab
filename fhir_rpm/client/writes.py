"""Writing, once: each answer says that the server acted, that it did not, or that nobody can tell."""

import re
from collections.abc import Callable, Mapping

from fhir_rpm.client.pull import Created, Json
from fhir_rpm.client.transport import FHIR_JSON, Answer, Transport
from fhir_rpm.errors import AccessError, FhirRpmError, UnavailableError, WriteUncertainError

_LOCATION = re.compile(r"([A-Z][A-Za-z]+/[^/?#]+)(?:/_history/([^/?#]+))?/?$")
_ETAG = re.compile(r'(?:W/)?"([^"]+)"')
_LOOK_FIRST = "Look for it in the EHR before sending it again."
_NOT_NOW = (425, 429)
_STALE = (409, 412)


class RefusedError(FhirRpmError):
    """The server refused a resource as it stands; a person must correct the settings."""

    exit_code = 2


class StaleError(FhirRpmError):
    """The resource has changed since it was read; nothing was written."""

    exit_code = 4


def create(transport: Transport, resource: Json, headers: Mapping[str, str]) -> Created:
    """Create a resource, once.

    Raises:
        AccessError: the server does not allow it.
        RefusedError: the server refused it as it stands.
        UnavailableError: the server could not be connected to, or takes no requests now; nothing was written.
        WriteUncertainError: the answer was lost; the resource may or may not exist.
    """
    kind = str(resource["resourceType"])
    what = f"creating a {kind}"
    answer = _sent(lambda: transport.post(transport.url(kind), resource, headers), what)
    if answer.status in (200, 201):
        return _created(answer, kind)
    raise _refusal(answer, what, kind)


def update(transport: Transport, reference: str, resource: Json, version: str) -> Created:
    """Put a new version in the place of `version`; a repeat does no harm, for it would be stale.

    Raises:
        StaleError: another version is there by now.
        AccessError, RefusedError, UnavailableError, WriteUncertainError: as of `create`.
    """
    kind = reference.partition("/")[0]
    what = f"updating {reference}"
    headers = update_headers(version)
    answer = _sent(lambda: transport.put(transport.url(reference), resource, headers), what)
    if answer.status in (200, 201, 204):
        made = _created(answer, kind)
        return Created(reference, made.version, made.resource)
    if answer.status in _STALE:
        raise StaleError(f"{reference} has changed in the EHR meanwhile (HTTP {answer.status}).", "Run again.")
    raise _refusal(answer, what, kind)


def update_headers(version: str) -> dict[str, str]:
    """The header that lets an update pass only when nobody was faster."""
    return {"If-Match": f'W/"{version}"'}


def read_version(transport: Transport, reference: str) -> Created | None:
    """A resource with its version, or None when the server says that there is no such resource.

    Raises:
        AccessError: the server does not allow it.
        UnavailableError: it could not be read.
    """
    answer = transport.get(transport.url(reference))
    resource = answer.json()
    if answer.status == 410 or (answer.status == 404 and resource is not None):  # without FHIR it is some web server's
        return None
    if answer.status in (401, 403):
        remedy = "Check the app's read scope."
        raise AccessError(f"{reference} may not be read (HTTP {answer.status}).", remedy)
    if answer.status != 200 or resource is None or resource.get("resourceType") != reference.partition("/")[0]:
        raise UnavailableError(f"{reference} could not be read (HTTP {answer.status}).", "Try again later.")
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return Created(reference, str(version) if version else _etag(answer), resource)


def shown_request(transport: Transport, method: str, reference: str, headers: Mapping[str, str]) -> Json:
    """Method, URL and headers of a write as it would be sent, without the token."""
    sent = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, **headers}
    return {"method": method, "url": transport.url(reference), "headers": sent}


def _sent(send: Callable[[], Answer], what: str) -> Answer:
    try:
        return send()
    except WriteUncertainError:
        raise WriteUncertainError(f"The answer to {what} was lost.", _LOOK_FIRST) from None


def _created(answer: Answer, kind: str) -> Created:
    body = answer.json()
    match = _LOCATION.search(answer.headers.get("Location", ""))
    stored = body if body is not None and body.get("resourceType") == kind else None
    named = f"{kind}/{stored['id']}" if stored is not None and stored.get("id") else None
    version = match[2] if match and match[2] else _etag(answer)
    return Created(match[1] if match else named, version, stored, existed=answer.status == 200)


def _etag(answer: Answer) -> str | None:
    match = _ETAG.fullmatch(answer.headers.get("ETag", "").strip())
    return match[1] if match else None


def _refusal(answer: Answer, what: str, kind: str) -> FhirRpmError:
    status = f"(HTTP {answer.status})"
    if answer.status in (401, 403):
        return AccessError(f"{what.capitalize()} is not allowed {status}.", "Check the app's write scope.")
    if answer.status in _NOT_NOW:
        return UnavailableError(f"The server takes no requests now {status}; nothing was written.", "Try again later.")
    if answer.status >= 500 or answer.status == 408 or answer.status < 300:
        return WriteUncertainError(f"{what.capitalize()} failed {status}.", _LOOK_FIRST)
    return RefusedError(f"The server refused the {kind} {status}.", "Check the vendor's rules for this resource.")
