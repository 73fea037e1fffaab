"""Calls as a phone system or a monitoring platform logs them, beside what the EHR holds."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from fhir_rpm.model.base import Frozen, Reference

CallOutcome = Literal["answered", "voicemail", "no_answer", "failed"]
"""How a call ended, as the system tells; `answered` says that somebody or something took it, never who."""


class Call(Frozen):
    """One call.

    Attributes:
        source: where it stands, `call-log:FILE#line`; no number or name.
        patient: the Patient's id, with or without `Patient/`.
        start: when it began, with its zone.
        seconds: how long it was held, whole seconds; None when that is not known.
        outcome: how it ended; None when the log does not say.
        channel: over what; None when that is not known.
        direction: who rang whom; it changes no verdict.
        staff_name, staff_id, staff_role: who held it for the practice: a name, `Practitioner/id`, a role in words.
        note: what was written about it, read like any note; without it nothing is known of what was said.
        call_id: the system's own id; of two rows with one id the one that speaks against billing counts.
        encounter: `Encounter/id` of the call in the EHR, when the system knows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: Reference
    patient: str = Field(min_length=1)
    start: AwareDatetime
    seconds: int | None = Field(default=None, ge=0, lt=86400)
    outcome: CallOutcome | None = None
    channel: Literal["phone", "video"] | None = "phone"
    direction: Literal["inbound", "outbound"] | None = None
    staff_name: str | None = Field(default=None, repr=False)
    staff_id: str | None = None
    staff_role: str | None = None
    note: str | None = Field(default=None, repr=False)
    call_id: str | None = Field(default=None, repr=False)
    encounter: str | None = None

    @property
    def subject(self) -> str:
        """`Patient/id`."""
        return f"Patient/{self.patient.removeprefix('Patient/')}"


class UnreadCall(Frozen):
    """A row of a call log that could not be read.

    Attributes:
        source: where it stands.
        field, problem: what is wrong, with the remedy and without the value.
        patient: whose it is; None when that is not known either, so that it may be anybody's.
        day: its local date, when that could be read.
    """

    source: Reference
    field: str
    problem: str
    patient: str | None = None
    day: date | None = None

    def __str__(self) -> str:
        file, _, line = self.source.removeprefix("call-log:").rpartition("#")
        return f"{file} line {line}: {self.field}: {self.problem}"


class CallLog(Frozen):
    """The calls that could be read, and the rows that could not."""

    calls: tuple[Call, ...] = ()
    unread: tuple[UnreadCall, ...] = ()

    def of(self, *patients: str) -> "CallLog":
        """What is, or may be, one patient's, under the first of the ids that it has, with or without `Patient/`."""
        wanted = [f"Patient/{patient.removeprefix('Patient/')}" for patient in patients]
        mine = [call for call in self.calls if call.subject in wanted]
        maybe = [row for row in self.unread if row.patient is None or row.patient in wanted]
        return CallLog(
            calls=tuple(call.model_copy(update={"patient": wanted[0]}) for call in mine),
            unread=tuple(row.model_copy(update={"patient": row.patient and wanted[0]}) for row in maybe),
        )
