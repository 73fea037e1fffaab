"""The assessment of one patient-month: the JSON of the contract's §5."""

from typing import Literal

from pydantic import ConfigDict, Field

from fhir_rpm.model.base import Frozen, Reference
from fhir_rpm.model.contact import Evidence, Participant
from fhir_rpm.model.record import Finding, Gap
from fhir_rpm.model.terms import Element, Modality, MonthStatus, Outcome, PatientSide, Reason, Verdict


class Bounds(Frozen):
    """What holds on the record as it stands, and what it could become; `possible` None is unbounded."""

    certain: int = 0
    possible: int | None = 0


class AssessedContact(Frozen):
    """A contact with its outcome under the policy."""

    sources: tuple[Reference, ...]
    modality: Modality
    start: str | None
    minutes: int | None
    staff: tuple[Participant, ...]
    participant: PatientSide | None
    outcome: Outcome
    reason: Reason | None = None
    missing: tuple[Element, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class CodeVerdict(Frozen):
    """What the record says about one code, the rule that decided and its source."""

    verdict: Verdict
    units: int = 0
    findings: tuple[Finding, ...] = ()


class PolicyCitation(Frozen):
    """A value of the policy that a verdict rests on."""

    rule: str
    value: str
    title: str
    citation: str


class Assessment(Frozen):
    """What a patient's month shows, under one policy.

    `codes` are keyed by code, in the policy's order. `not_checked` says what the tool cannot know, `citations` what the
    verdicts rest on, and `gaps` what could not be read.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["fhir-rpm/assessment/1"] = Field("fhir-rpm/assessment/1", alias="schema")
    patient: Reference | None
    month: str
    time_zone: str
    policy: str
    status: MonthStatus
    contacts: tuple[AssessedContact, ...] = ()
    minutes: Bounds = Bounds()
    device_days: Bounds = Bounds()
    codes: dict[str, CodeVerdict] = Field(default_factory=dict)
    strict_differs: bool = False
    findings: tuple[Finding, ...] = ()
    actions: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    citations: tuple[PolicyCitation, ...] = ()
    not_checked: tuple[str, ...] = ()

    def to_json(self, indent: int | None = 2) -> str:
        """The contract's JSON; equal assessments give equal bytes."""
        return self.model_dump_json(indent=indent)
