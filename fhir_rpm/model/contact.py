"""One real-world contact as the record tells it, before any payer's rule is applied."""

from fhir_rpm.model.base import Frozen, IntervalField, Reference, TimeField
from fhir_rpm.model.terms import Element, Exchange, Modality, PatientSide, Reason, StaffRole


class Participant(Frozen):
    """Somebody on the staff's side; unknown is None."""

    name: str | None = None
    role: StaffRole | None = None


class Evidence(Frozen):
    """Where one fact was read: the element path within a resource, and the words when it came from text."""

    element: Element
    value: str | int | bool | None = None
    source: Reference
    path: str
    words: str | None = None


class InteractiveCommunication(Frozen):
    """A contact assembled from one or more FHIR resources (assessment §2).

    Attributes:
        sources: the resources it was assembled from, `Type/id`, in order of type and time.
        modality: how it took place.
        start: when it began, as precisely as it is stated.
        exchange: whether the patient's side took part in real time.
        staff: who spoke for the practice.
        participant: who took part on the patient's side; None when the record does not show it.
        seconds: recorded length of what was held or worked; None when unknown, or when nobody was reached.
        intervals: where that length lies in time, when clock times are known; empty otherwise.
        work_seconds: review work that the text reports beside the exchange; not part of `seconds`.
        content, decision: whether the record says what was discussed, and what was decided.
        barred: why it can be no interactive communication whatever the policy, if so.
        programmes: codes of other programmes that the time was recorded for (CPT, assessment §3).
        rpm_marked: the Encounter or its note marks it as remote monitoring.
        office_visit: it is an evaluation-and-management visit (assessment §6).
    """

    sources: tuple[Reference, ...]
    modality: Modality
    start: TimeField | None
    exchange: Exchange
    staff: tuple[Participant, ...] = ()
    participant: PatientSide | None = None
    seconds: int | None = None
    intervals: tuple[IntervalField, ...] = ()
    work_seconds: int | None = None
    content: bool = False
    decision: bool = False
    barred: Reason | None = None
    programmes: tuple[str, ...] = ()
    rpm_marked: bool = False
    office_visit: bool = False
    evidence: tuple[Evidence, ...] = ()

    @property
    def minutes(self) -> int | None:
        """Whole minutes, rounded down."""
        return None if self.seconds is None else self.seconds // 60
