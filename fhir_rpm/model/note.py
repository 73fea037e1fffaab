"""What the text of one note supports (note rubric)."""

import datetime
from typing import Literal

from fhir_rpm.model.base import Frozen
from fhir_rpm.model.terms import Exchange, Modality, Outcome, Reason, StaffRole


class TextSpan(Frozen):
    """The words behind one fact: `text[start:end]` of the note as it was given."""

    fact: str
    start: int
    end: int
    text: str


class NoteFacts(Frozen):
    """The rubric's fields, and what the mapping needs besides.

    Attributes:
        contact … verdict: as the rubric defines them.
        seconds: exact length of the live exchange where the text gives it; `minutes` is this, rounded down.
        begins, ends: local clock times of the live exchange, when stated.
        work_minutes: minutes of review or coordination told apart from the exchange.
        exclusion: why the text alone excludes the contact, when its verdict is `excluded`.
        rpm_marked: the text marks the contact as remote monitoring.
        office_visit: the text marks it as an office visit.
        totals_only: the text only restates the month's totals and tells of no event.
        spans: the words behind each fact, in order of position.
    """

    contact: Exchange
    modality: Modality
    participant: Literal["patient", "caregiver", "both", "none", "unknown"]
    staff_role: StaffRole | None = None
    staff_name: str | None = None
    date: datetime.date | None = None
    minutes: int | None = None
    content: bool = False
    decision: bool = False
    verdict: Outcome
    seconds: int | None = None
    begins: datetime.time | None = None
    ends: datetime.time | None = None
    work_minutes: int | None = None
    exclusion: Reason | None = None
    rpm_marked: bool = False
    office_visit: bool = False
    totals_only: bool = False
    spans: tuple[TextSpan, ...] = ()

    def words(self, fact: str) -> str | None:
        """The first words behind `fact`, or None."""
        return next((span.text for span in self.spans if span.fact == fact), None)
