"""Why a month was judged as it was, and what would make it ready."""

import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from fhir_rpm.model.assessment import Assessment
from fhir_rpm.model.base import Frozen, Reference
from fhir_rpm.model.contact import Evidence
from fhir_rpm.model.policy import PolicyRule
from fhir_rpm.model.record import Gap
from fhir_rpm.model.terms import Element, Verdict

Met = Literal["met", "possible", "not_met"]
"""Whether a requirement is met on the record as it stands, could be, or cannot be."""

FixKind = Literal["complete", "work", "contact", "reread", "check", "device"]
"""What a person does: complete a record, work, hold an exchange, have data read, check a record, name a device."""


class Fix(Frozen):
    """One act of a person.

    Attributes:
        kind: what is done.
        text: the act in plain words; also the entry in the assessment's `actions`.
        sources: the resources of the contact whose record is completed or checked.
        elements: what its record lacks.
        minutes: whole minutes to be worked or held, or that the contact must have lasted, at the least.
        deadline: the last day on which work or an exchange counts for the month.
        code: the code that it leads to.
        gap: what is to be read again.
    """

    kind: FixKind
    text: str
    sources: tuple[Reference, ...] = ()
    elements: tuple[Element, ...] = ()
    minutes: int | None = None
    deadline: datetime.date | None = None
    code: str | None = None
    gap: Gap | None = None


class Basis(Frozen):
    """What one contact, or the readings together, do for a requirement; `rule` is the path of the rule that says so."""

    sources: tuple[Reference, ...] = ()
    met: Met
    words: str
    evidence: tuple[Evidence, ...] = ()
    rule: str | None = None


class Requirement(Frozen):
    """One thing a code asks for: what is needed and found, in words, under which rules, and what it rests on."""

    requirement: Literal["in_force", "contact", "minutes", "device_days", "base_code"]
    met: Met
    needed: str
    found: str
    rules: tuple[str, ...]
    basis: tuple[Basis, ...] = ()


class StrictVerdict(Frozen):
    """What the strict policy says of the same code."""

    policy: str
    verdict: Verdict
    units: int


class CodeExplanation(Frozen):
    """One code: its verdict, what it rests on, and what the strict policy would say; None where there is none."""

    verdict: Verdict
    units: int
    requirements: tuple[Requirement, ...]
    strict: StrictVerdict | None = None


class Explanation(Frozen):
    """A month's assessment with the reasons behind it.

    Attributes:
        assessment: the month as `assess` judges it, byte for byte.
        codes: code → why.
        fixes: the fewest acts that make the month ready; empty when it is ready, or when nothing could make it so.
        next_steps: what may be done besides.
        rules: every rule that `codes` names, with its source.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["fhir-rpm/explanation/1"] = Field("fhir-rpm/explanation/1", alias="schema")
    assessment: Assessment
    codes: dict[str, CodeExplanation]
    fixes: tuple[Fix, ...] = ()
    next_steps: tuple[Fix, ...] = ()
    rules: tuple[PolicyRule, ...] = ()

    def to_json(self, indent: int | None = 2) -> str:
        """The explanation as JSON; equal explanations give equal bytes."""
        return self.model_dump_json(indent=indent)
