"""One patient's month on its way into the chart, and what its ledger entries amount to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_rpm.model import Assessment
from fhir_rpm.model.write import Write, WriteKey
from fhir_rpm.month import BillingMonth
from fhir_rpm.writeback.desk import Published, Status
from fhir_rpm.writeback.document import DocumentShape

_LOOK_FOR = "Look in the chart of Patient/{patient} for a document of {month} with content hash {hash}"
_THEN = ", then say so with `fhir-rpm writes resolve {id} --written DocumentReference/…` or `--not-written`."
_WHY = {
    "lost_answer": "The answer was lost, and the document has not been found yet; a later run looks again.",
    "runner_died": "A runner stopped while it was sending; a later run looks again.",
    "not_found": "The answer was lost, and no search finds the document. It is not sent again by itself.",
    "duplicates": "The chart holds more than one equal document; retract all but one.",
    "gone": "The chart no longer has the document that was written.",
    "other_document": "The EHR kept another document of the month instead of this one.",
    "changed_in_chart": "The document was changed in the chart; it is not overwritten.",
    "no_version": "The EHR does not tell the document's version, so that it cannot be updated safely.",
    "unreadable": "The document cannot be read, so that it cannot be updated safely.",
    "search_incomplete": "Earlier documents could not all be read, so one of this month may be there already.",
    "no_encounter": "This EHR files notes with an Encounter, and the patient has none.",
}


@dataclass(frozen=True)
class Job:
    """What is to be in the chart: the month, as this vendor takes it.

    Attributes:
        resources: what was read of the patient; an anchor Encounter is chosen among them.
        wanted: the content hash of the month as it is now.
        created: what the document says of when it was written.
    """

    assessment: Assessment
    month: BillingMonth
    resources: tuple[Mapping[str, Any], ...]
    shape: DocumentShape
    key: WriteKey
    wanted: str
    created: datetime


def current_of(attempts: Iterable[Write]) -> Write | None:
    """The attempt whose document is the month's document in the chart, as far as the ledger knows."""
    current = None
    for write in attempts:
        if write.state != "written":
            continue
        if write.kind != "retract":
            current = write
        elif current is not None and write.target == current.reference:
            current = None
    return current


def retracted_hash(attempts: tuple[Write, ...]) -> str | None:
    """The content that a person has retracted, when nothing was written since."""
    written = [write for write in attempts if write.state == "written"]
    return written[-1].content_hash if written and written[-1].kind == "retract" else None


def was_sent(write: Write) -> bool:
    """Whether a document may be in the chart because of this attempt."""
    return write.sent_at is not None or write.reference is not None


def is_open(write: Write | None) -> bool:
    """Whether it is not known yet what became of the attempt."""
    return write is not None and write.state in ("unknown", "needs_person") and was_sent(write)


def told(write: Write, status: Status | None = None) -> Published:
    """What a person must know of a write that did not end well."""
    why = _WHY.get(write.reason, f"The write is {write.state} ({write.reason}).")
    words = {"patient": write.patient, "month": write.month, "hash": write.content_hash, "id": write.id}
    what = (_LOOK_FOR + _THEN).format(**words)
    shown: Status = status or ("unknown" if write.state == "unknown" else "needs_person")
    return Published(shown, write.reference, f"{why} {what}", write=write.id)


def busy(write: Write | None) -> Published:
    """Another runner is at this month."""
    until = f" (until {write.lease_until:%H:%M} UTC at most)" if write is not None and write.lease_until else ""
    detail = f"Another runner is writing this month{until}; run again to see what became of it."
    return Published("in_progress", None, detail, write=write.id if write else None)
