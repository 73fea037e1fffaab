"""Looking in the chart: which documents of ours are there for a month, and whether that is certain."""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from pydantic import ValidationError
from striprtf.striprtf import rtf_to_text

from fhir_rpm.errors import UnavailableError
from fhir_rpm.model import Assessment
from fhir_rpm.model.write import Outline
from fhir_rpm.month import BillingMonth, parse_fhir_time
from fhir_rpm.writeback.desk import Ehr, Json
from fhir_rpm.writeback.document import DocumentShape, identifier_of
from fhir_rpm.writeback.fingerprint import outline_of
from fhir_rpm.writeback.render import hash_in

_MONTH = re.compile(r"\bMonth:\s+(\d{4}-\d\d)\b")
_NOT_THERE = ("entered-in-error", "superseded")
_TEXT = ("text/", "application/xhtml", "application/xml", "application/rtf")


@dataclass(frozen=True)
class Found:
    """A document of ours in the chart."""

    reference: str
    content_hash: str
    date: datetime
    replaces: tuple[str, ...] = ()
    outline: Outline | None = None


@dataclass(frozen=True)
class Look:
    """What a look in the chart brought; when it is not complete, absence proves nothing."""

    complete: bool
    ours: tuple[Found, ...] = ()

    @property
    def heads(self) -> tuple[Found, ...]:
        """Those that no later one replaces, oldest first."""
        replaced = {reference for found in self.ours for reference in found.replaces}
        return tuple(found for found in self.ours if found.reference not in replaced)

    def latest(self, content_hash: str) -> tuple[Found, ...]:
        """Those that say this, when nothing that says otherwise was filed after them."""
        same = list(takewhile(lambda found: found.content_hash == content_hash, reversed(self.heads)))
        return tuple(reversed(same))


def look(session: Ehr, assessment: Assessment, month: BillingMonth, shape: DocumentShape, now: datetime) -> Look:
    """Documents of ours for a patient's month, by identifier where it is kept, else by the hash in their text."""
    try:
        pulled = session.search("DocumentReference", search_params(assessment, month, shape, now))
    except UnavailableError:
        return Look(complete=False)
    complete, found = not pulled.gaps, []
    for document in pulled.resources:
        if str(document.get("status")).strip() in _NOT_THERE or not _is_of(document, assessment.patient):
            continue
        texts = list(texts_of(session, document))
        complete = complete and None not in texts
        value = _ours(texts, month)
        complete = complete and (value is not None or not _is_named(document, assessment, shape))
        if value is not None:
            found.append(_found(document, value, month))
    return Look(complete, tuple(sorted(found, key=lambda item: (item.date, item.reference))))


def search_params(
    assessment: Assessment, month: BillingMonth, shape: DocumentShape, now: datetime
) -> dict[str, str | list[str]]:
    """How to ask for them: our documents are filed after the month has begun."""
    params: dict[str, str | list[str]] = {"patient": (assessment.patient or "").removeprefix("Patient/")}
    if shape.keeps_identifier:
        return params | {"identifier": token_of(assessment)}
    if shape.protocol.search_category:
        params["category"] = shape.protocol.search_category
    until = now + timedelta(days=1)
    if shape.protocol.date_style == "days":
        params["date"] = [f"ge{month.pull_start.date().isoformat()}", f"le{until.date().isoformat()}"]
    elif shape.protocol.date_style == "instants":
        params["date"] = [f"ge{month.pull_start.isoformat()}", f"lt{until.isoformat(timespec='seconds')}"]
    return params


def token_of(assessment: Assessment) -> str:
    """The business identifier as a search token."""
    identifier = identifier_of(assessment)
    return f"{identifier['system']}|{identifier['value']}"


def hash_of(session: Ehr, document: Json) -> str | None:
    """The content hash that a document carries; None when it carries none or cannot be read."""
    return next((value for text in texts_of(session, document) if text and (value := hash_in(text))), None)


def texts_of(session: Ehr, document: Json) -> Iterator[str | None]:
    """What a document says, as plain texts; None for a text that cannot be read."""
    contents = document.get("content")
    items = (
        [item.get("attachment") for item in contents if isinstance(item, dict)] if isinstance(contents, list) else []
    )
    inline = [item for item in items if isinstance(item, dict) and item.get("data") and _kind(item).startswith(_TEXT)]
    if inline:
        yield from (_plain(item["data"], _kind(item)) for item in inline)
        return
    pulled = session.read_body(document)
    yield from (_plain(body.get("data"), _kind(body)) for body in pulled.resources)
    yield from (None for _ in pulled.gaps)


def _kind(attachment: Json) -> str:
    return str(attachment.get("contentType") or "text/").partition(";")[0].strip().lower()


def _plain(data: object, kind: str) -> str | None:
    """The text behind base64, whatever the chart has made of it: charts turn notes into HTML or RTF."""
    try:
        text = base64.b64decode(str(data), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    if "rtf" in kind or "richtext" in kind:
        return str(rtf_to_text(text, errors="ignore"))  # type: ignore[no-untyped-call]
    return html.unescape(re.sub(r"<[^>]+>", "\n", text)) if "ml" in kind else text


def _ours(texts: list[str | None], month: BillingMonth) -> str | None:
    """The hash, when the text is of ours and of that month."""
    for text in texts:
        named = _MONTH.search(text or "")
        if text and named is not None and named[1] == str(month):
            return hash_in(text)
    return None


def _is_of(document: Json, patient: str | None) -> bool:
    """Whether it may be the patient's: a server that ignores a parameter returns other patients' documents too."""
    subject = document.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return not isinstance(reference, str) or reference.endswith(patient or "?")


def _is_named(document: Json, assessment: Assessment, shape: DocumentShape) -> bool:
    """Whether it carries the month's identifier: then it is the month's, whatever somebody made of its text."""
    identifiers, ours = document.get("identifier"), identifier_of(assessment)
    if not shape.keeps_identifier or not isinstance(identifiers, list):
        return False
    return any(isinstance(item, dict) and ours.items() <= item.items() for item in identifiers)


def _found(document: Json, value: str, month: BillingMonth) -> Found:
    related = [item for item in document.get("relatesTo") or [] if isinstance(item, dict)]
    targets = [item.get("target") for item in related if item.get("code") == "replaces"]
    replaced = [str(target.get("reference")) for target in targets if isinstance(target, dict)]
    named = tuple("/".join(reference.split("/")[-2:]) for reference in replaced)
    reference = f"DocumentReference/{document.get('id')}"
    filed = parse_fhir_time(document.get("date"), month.zone)
    date = filed.earliest if filed is not None else month.start
    return Found(reference, value, date, named, _outline(document))


def _outline(document: Json) -> Outline | None:
    """What an earlier document said, where the assessment rides along with it."""
    for item in document.get("content") or []:
        attachment: Any = item.get("attachment") if isinstance(item, dict) else None
        if isinstance(attachment, dict) and attachment.get("contentType") == "application/json":
            try:
                return outline_of(Assessment.model_validate_json(base64.b64decode(str(attachment.get("data")))))
            except (ValidationError, ValueError):
                return None
    return None
