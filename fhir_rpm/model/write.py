"""What the ledger knows of a document written, or being written, to an EHR: ids, hashes, codes and times only."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from fhir_rpm.model.base import Frozen

WriteState = Literal["planned", "sending", "written", "unknown", "failed", "needs_person"]
"""`planned` nothing was sent · `sending` a runner is at it · `written` the EHR has it · `unknown` the answer was lost ·
`failed` the EHR does not have it · `needs_person` somebody must look before anything is sent."""

WriteKind = Literal["create", "replace", "addendum", "update", "retract"]
"""A first document, a new one that replaces or amends one, a new version of one, or its retraction."""

OPEN_STATES: tuple[WriteState, ...] = ("planned", "sending", "unknown", "needs_person")

Outline = dict[str, str]
"""What an amendment compares: code → verdict and units, contact → outcome, by ids and codes alone."""


class WriteKey(Frozen):
    """One patient's month on one connection."""

    connection: str
    patient: str
    month: str


class Write(WriteKey):
    """One attempt to write the document of a patient's month; attempts of a month are numbered from 1.

    Attributes:
        content_hash: of what the document says, without its time or its wording.
        target: the `DocumentReference/id` that is replaced, amended, updated or retracted.
        reason: why it is in this state, as a code.
        reference, version: the document in the EHR, once known.
        owner, lease_until: the runner that is sending, and until when it may be believed alive.
        sent_at: when the request went out; None as long as nothing was ever sent.
    """

    id: int
    number: int
    kind: WriteKind
    content_hash: str
    outline: Outline = Field(default_factory=dict)
    target: str | None = None
    state: WriteState
    reason: str
    reference: str | None = None
    version: str | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> WriteKey:
        """Whose month it is, on which connection."""
        return WriteKey(connection=self.connection, patient=self.patient, month=self.month)


class Transition(Frozen):
    """One step in the life of a write; steps are only ever added."""

    at: datetime
    before: WriteState | None
    after: WriteState
    reason: str
    owner: str | None = None
    reference: str | None = None


class Plan(Frozen):
    """What is about to be written."""

    kind: WriteKind
    content_hash: str
    outline: Outline = Field(default_factory=dict)
    target: str | None = None


class Move(Frozen):
    """A step to take: the state it must be in, the state it goes to, and what is learnt by it.

    Attributes:
        before: the states the write may be in; anything else means that another runner was faster.
        owner: when set, the write must also still belong to this runner.
    """

    before: tuple[WriteState, ...]
    after: WriteState
    reason: str
    reference: str | None = None
    version: str | None = None
    owner: str | None = None
