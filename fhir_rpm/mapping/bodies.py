"""The text of a note or a payload: HTML, RTF or plain, inline or behind a Binary."""

import base64
import binascii
import re
from html.parser import HTMLParser

from striprtf.striprtf import rtf_to_text

from fhir_rpm.mapping.fhir import Json, child, items, reference_of, string
from fhir_rpm.mapping.index import Resources

_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "section"}
_HIDDEN = {"style", "script", "head", "title"}
_PREFERENCE = ("text/plain", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf", "text/richtext", "")
_NOT_TEXT = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
"""How PDF, Office and image files begin: attachments come without a content type, or with a wrong one."""


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag in _HIDDEN and tag != "title":
            self._hidden += tag != "head"
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script") and self._hidden:
            self._hidden -= 1
        if tag == "title":
            self.parts.clear()
        if tag in _BLOCKS - {"br"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain_text(body: str, content_type: str) -> str:
    """A body as plain text, with lines where the layout had blocks.

    Args:
        body: the decoded body.
        content_type: its MIME type; unknown types are judged by how they begin.
    """
    start = body.lstrip()[:200].lower()
    if "rtf" in content_type or "richtext" in content_type or start.startswith("{\\rtf"):
        text = rtf_to_text(body, errors="replace")  # type: ignore[no-untyped-call]
    elif "html" in content_type or start.startswith(("<html", "<!doctype html", "<div", "<p>", "<body")):
        parser = _TextOfHtml()
        parser.feed(body)
        parser.close()
        text = "".join(parser.parts)
    else:
        text = body
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def attachment_text(attachments: list[Json], resources: Resources) -> str | None:
    """The text of the best readable one of a note's attachments, which are renderings of one body; None if none is."""
    readable = []
    for attachment in attachments:
        raw, content_type = _load(attachment, resources)
        kind = content_type.partition(";")[0].strip().lower()
        if raw is not None and kind in _PREFERENCE:
            readable.append((_PREFERENCE.index(kind), raw, kind))
    for _, raw, kind in sorted(readable):
        text = _decode(raw, kind)
        if text:
            return text
    return None


def payload_text(payload: Json, resources: Resources) -> str | None:
    """The text of one Communication.payload, whichever of its three forms it takes."""
    inline = string(payload.get("contentString"))
    if inline is not None:
        return plain_text(inline, "")
    attachment = payload.get("contentAttachment")
    if isinstance(attachment, dict):
        return attachment_text([attachment], resources)
    key = resources.key_of(payload.get("contentReference"))
    return attachment_text([{"url": key}], resources) if key is not None else None


def should_hold_text(payload: Json) -> bool:
    """Whether a payload points at a text: not at a picture, a recording or another resource."""
    attachment = child(payload, "contentAttachment")
    kind = (string(attachment.get("contentType")) or "").lower()
    written = bool(attachment) and not kind.startswith(("image/", "audio/", "video/"))
    return written or "Binary/" in (reference_of(payload.get("contentReference")) or "")


def _load(attachment: Json, resources: Resources) -> tuple[str | None, str]:
    content_type = string(attachment.get("contentType")) or ""
    data = string(attachment.get("data"))
    url = string(attachment.get("url"))
    if data is None and url is not None:
        binary = resources.get(resources.key(url)) or {}
        data = string(binary.get("data"))
        content_type = string(binary.get("contentType")) or content_type
    return data, content_type


def _decode(data: str, kind: str) -> str | None:
    try:
        raw = base64.b64decode(re.sub(r"\s+", "", data), validate=True)
    except (binascii.Error, ValueError):
        return None
    if raw.startswith(_NOT_TEXT):
        return None
    try:
        body = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        body = raw.decode("cp1252", errors="replace")
    try:
        return plain_text(body, kind) or None
    except Exception:  # noqa: BLE001 - a broken RTF or HTML body is an unreadable one, whatever the parser raises
        return None


def note_attachments(document: Json) -> list[Json]:
    """The attachments of a DocumentReference that could hold text."""
    return [
        content["attachment"]
        for content in items(document.get("content"))
        if isinstance(content.get("attachment"), dict)
    ]
