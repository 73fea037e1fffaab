"""One document for a patient's month: look first, send once, look again when the answer is lost."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from fhir_rpm.client import Capability, Created, Pull
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import UnavailableError, WriteUncertainError
from fhir_rpm.model import Assessment
from fhir_rpm.month import BillingMonth
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback.document import DocumentShape, build_document, choose_anchor, identifier_of
from fhir_rpm.writeback.render import hash_in, render_text

Json = dict[str, Any]


class Ehr(Protocol):
    """What publishing needs of a session."""

    vendor: str

    @property
    def capability(self) -> Capability:
        """What the server declares."""

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        """Every match, or gaps."""

    def read(self, reference: str) -> Json:
        """One resource."""

    def create(self, resource: Json, headers: Mapping[str, str] | None = None) -> Created:
        """Create, once."""


@dataclass(frozen=True)
class Published:
    """What became of a month's document.

    Attributes:
        status: `written`; `unchanged`, an equal one is there already; `dry_run`; or `needs_person`.
        reference: `DocumentReference/id`, when known.
        detail: what happened, in words; resource ids at most.
        request: what was or would be sent.
    """

    status: Literal["written", "unchanged", "dry_run", "needs_person"]
    reference: str | None
    detail: str
    request: Json | None = None


def publish(
    session: Ehr,
    assessment: Assessment,
    month: BillingMonth,
    *,
    resources: Iterable[Mapping[str, Any]],
    settings: WriteSettings,
    created: datetime,
    dry_run: bool = False,
) -> Published:
    """Write the document of a patient's month unless an equal one is there.

    Args:
        session: the EHR.
        assessment: what the month shows.
        month: the month.
        resources: what was read of the patient; an anchor Encounter is chosen among them.
        settings: type, docStatus and author.
        created: now.
        dry_run: only say what would be sent.

    Raises:
        AccessError: the server does not allow it.
        UnavailableError: the server cannot be reached before anything was sent.
    """
    shape = vendor_section(session.vendor, "write", DocumentShape)
    wanted = hash_in(render_text(assessment, month))
    pulled, ours = _ours(session, assessment, month, shape)
    same = [reference for reference, found in ours if found == wanted]
    if same:
        return Published("unchanged", same[-1], "An equal document is in the chart already.")
    if pulled.gaps:
        return Published(
            "needs_person", None, "Earlier documents could not all be read; look for one of this month first."
        )
    anchor = choose_anchor(assessment, resources, month)
    if shape.needs_encounter and anchor is None:
        return Published("needs_person", None, "This EHR files notes with an Encounter, and the patient has none.")
    replaced = ours[-1][0] if ours else None
    document = build_document(
        assessment,
        month,
        shape=shape,
        settings=settings,
        created=created,
        anchor=anchor[0] if anchor and shape.needs_encounter else None,
        replaces=replaced,
    )
    if dry_run:
        return Published("dry_run", None, "Nothing was sent.", document)
    return _send(session, assessment, month, shape, document, wanted)


def _send(
    session: Ehr, assessment: Assessment, month: BillingMonth, shape: DocumentShape, document: Json, wanted: str | None
) -> Published:
    headers = {}
    if (
        shape.keeps_identifier
        and "relatesTo" not in document
        and session.capability.declares_conditional_create("DocumentReference")
    ):
        headers["If-None-Exist"] = f"identifier={_token(assessment)}"
    try:
        made = session.create(document, headers)
    except WriteUncertainError:
        return _found_after(session, assessment, month, shape, document, wanted)
    if made.reference is None:
        return _found_after(session, assessment, month, shape, document, wanted)
    return Published("written", made.reference, _read_back(session, made.reference, wanted), document)


def _found_after(
    session: Ehr, assessment: Assessment, month: BillingMonth, shape: DocumentShape, document: Json, wanted: str | None
) -> Published:
    """After a lost answer: the document is found, or a person is told what to look for."""
    try:
        _, ours = _ours(session, assessment, month, shape)
    except UnavailableError:
        ours = []
    same = [reference for reference, found in ours if found == wanted]
    if same:
        return Published("written", same[-1], "The answer was lost; the document was found by a search.", document)
    detail = f"The answer was lost. Look in the chart for a document of {month} with content hash {wanted}."
    return Published("needs_person", None, detail, document)


def _read_back(session: Ehr, reference: str, wanted: str | None) -> str:
    try:
        document = session.read(reference)
    except UnavailableError:
        return "Written; it could not be read back, which may need a read scope."
    found = next((value for text in _texts(session, document) if (value := hash_in(text))), None)
    return "Written and read back." if found == wanted else "Written; the text read back differs, look at it."


def _ours(
    session: Ehr, assessment: Assessment, month: BillingMonth, shape: DocumentShape
) -> tuple[Pull, list[tuple[str, str]]]:
    """Documents of ours for this month, as (reference, content hash), oldest first."""
    patient = (assessment.patient or "").removeprefix("Patient/")
    params: dict[str, Any] = {"patient": patient}
    if shape.keeps_identifier:
        params["identifier"] = _token(assessment)
    else:
        params["category"] = "clinical-note"
    pulled = session.search("DocumentReference", params)
    found = []
    for document in pulled.resources:
        if document.get("status") != "current":
            continue
        for text in _texts(session, document):
            value = hash_in(text)
            if value is not None and f"Month:     {month} " in text:
                found.append((str(document.get("date")), f"DocumentReference/{document['id']}", value))
    return pulled, [(reference, value) for _, reference, value in sorted(found)]


def _texts(session: Ehr, document: Json) -> Iterator[str]:
    for item in document.get("content") or []:
        attachment = item.get("attachment") or {} if isinstance(item, dict) else {}
        data = attachment.get("data")
        if (
            data is None
            and isinstance(attachment.get("url"), str)
            and "text/plain" in str(attachment.get("contentType"))
        ):
            try:
                data = session.read(f"Binary/{attachment['url'].rpartition('/')[2]}").get("data")
            except UnavailableError:
                continue
        text = _decoded(data)
        if text is not None:
            yield text


def _decoded(data: object) -> str | None:
    try:
        return base64.b64decode(str(data), validate=True).decode() if data else None
    except (binascii.Error, ValueError):
        return None


def _token(assessment: Assessment) -> str:
    identifier = identifier_of(assessment)
    return f"{identifier['system']}|{identifier['value']}"
