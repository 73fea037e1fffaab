"""Notes of a patient's month, and their bodies."""

from fhir_rpm.client.binary import Body, Rendering, pull_bodies
from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Transport

_PREFERENCE = ("text/plain", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf", "text/richtext", "")
_DROPPED = ("entered-in-error", "superseded")
"""Notes that no longer speak: their bodies are not asked for, and answer 404 (facts: quirk 56)."""


def pull_notes(inquiry: Inquiry) -> Pull:
    """Every DocumentReference filed in the month or shortly after, with one readable body of each."""
    found = inquiry.ask("DocumentReference")
    bodies = [body for document in found.resources if (body := _body_of(document)) is not None]
    return found + pull_bodies(inquiry.searcher.transport, bodies)


def pull_body(transport: Transport, document: Json) -> Pull:
    """The body of one document as a Binary; nothing when it stands inline or is no text, and a gap when unreadable."""
    body = _body_of(document)
    return pull_bodies(transport, [body]) if body is not None else Pull()


def _body_of(document: Json) -> Body | None:
    """The renderings that could be read, best first; None when a body stands inline or none is text (quirk 17)."""
    if document.get("resourceType") != "DocumentReference" or str(document.get("status")).strip() in _DROPPED:
        return None
    contents = document.get("content")
    items = [item for item in contents if isinstance(item, dict)] if isinstance(contents, list) else []
    attachments = [item["attachment"] for item in items if isinstance(item.get("attachment"), dict)]
    readable = [(_kind(attachment), attachment) for attachment in attachments if _kind(attachment) in _PREFERENCE]
    if any(attachment.get("data") for _, attachment in readable):
        return None
    ranked = sorted(
        (_PREFERENCE.index(kind), attachment["url"], kind)
        for kind, attachment in readable
        if isinstance(attachment.get("url"), str)
    )
    renderings = tuple(Rendering(url, kind) for _, url, kind in ranked)
    return Body(f"DocumentReference/{document.get('id')}", renderings) if renderings else None


def _kind(attachment: Json) -> str:
    return str(attachment.get("contentType") or "").partition(";")[0].strip().lower()
