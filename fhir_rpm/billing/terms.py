"""The terms of a policy that are in force in one month."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from fhir_rpm.model import InteractiveCommunication, PolicyCitation, PolicyRule
from fhir_rpm.model.base import Frozen

Channel = Literal["phone", "video", "secure_message", "in_person"]
"""A modality that a policy may accept; e-mail and letters are none that it could (assessment §2)."""

ClinicalRole = Literal[
    "physician",
    "np",
    "pa",
    "rn",
    "lpn",
    "ma",
    "pharmacist",
    "dietitian",
    "health_coach",
    "care_manager",
    "respiratory_therapist",
    "social_worker",
]
"""A role that a policy may accept; `non_clinical` and `bot` are none that it could (assessment §6)."""

RequiredElement = Literal["date", "staff_name", "staff_role", "participant", "minutes", "content", "decision"]
"""An element that a policy may demand of a contact's record (assessment §1)."""

CptCode = Annotated[str, Field(pattern=r"^[0-9A-Z]\d{3}[0-9A-Z]$")]


class Tiers(Frozen):
    """Which code of a programme is which; a programme whose supply codes are not judged names none.

    Attributes:
        base, add_on, short: treatment management: the first full tier, each further block, and the short tier.
        full_days, short_days: device supply: the long and the short span of days.
    """

    base: CptCode
    add_on: CptCode
    short: CptCode
    full_days: CptCode | None = None
    short_days: CptCode | None = None


class Span(Frozen):
    """A range of whole minutes or days, both ends included."""

    least: Annotated[int, Strict(), Field(ge=1)]
    most: Annotated[int, Strict()]

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.most < self.least:
            raise ValueError("`most` must not be less than `least`")
        return self

    def __contains__(self, count: int) -> bool:
        return self.least <= count <= self.most

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


class Terms(Frozen):
    """What a policy demands in one month; a code's need is None while the code is not in force.

    Attributes:
        name, strict, checked_through, not_checked: as in the policy; `strict` is None for the strict policy itself.
        tiers: the programme's codes; for remote patient monitoring 99457, 99458, 99470, 99454 and 99445.
        base_minutes: the base code's whole minutes in the calendar month.
        add_on_minutes, add_on_cap: the add-on's whole minutes of each further block and the most units of a month.
        short_minutes: the short tier's whole minutes.
        full_days, short_days: device days of the supply codes in a period of `period_days`.
        contacts_needed: qualifying contacts in the month.
        channels, channels_when_marked: accepted modalities, the latter only where the record marks the contact as RPM.
        unknown_modality_accepted: whether a two-way exchange of unknown modality is accepted (assessment §6).
        roles: who is clinical staff.
        elements: what the record of a contact must show.
        max_reply_gap: how soon an answer to a message must come to be real-time.
        other_programmes: CPT and HCPCS codes of programmes that minutes may not be shared with.
        exclusive_programmes: codes that may not be billed for the same patient and month at all.
        visits: codes of evaluation-and-management visits.
        rules: every value in force, with its source.
    """

    name: str
    strict: str | None
    checked_through: date
    not_checked: tuple[str, ...]
    tiers: Tiers
    base_minutes: int | None
    add_on_minutes: int | None
    add_on_cap: int
    short_minutes: Span | None
    full_days: Span | None
    short_days: Span | None
    period_days: int
    contacts_needed: int
    channels: tuple[Channel, ...]
    channels_when_marked: tuple[Channel, ...]
    unknown_modality_accepted: bool
    roles: tuple[ClinicalRole, ...]
    elements: tuple[RequiredElement, ...]
    max_reply_gap: timedelta
    other_programmes: tuple[str, ...]
    exclusive_programmes: tuple[str, ...]
    visits: tuple[str, ...]
    rules: tuple[PolicyRule, ...]

    @property
    def citations(self) -> tuple[PolicyCitation, ...]:
        """The source of every value in force."""
        return tuple(
            PolicyCitation(
                rule=rule.rule,
                value=rule.words,
                title=rule.title,
                citation=f"{rule.citation} (read {rule.read.isoformat()})",
            )
            for rule in self.rules
        )

    def accepts_channel_of(self, contact: InteractiveCommunication) -> bool:
        """Whether the modality is no reason to exclude the contact; an unknown one never is (assessment §6)."""
        if self.is_visit(contact):
            return False
        marked = contact.rpm_marked and contact.modality in self.channels_when_marked
        return marked or contact.modality in self.channels or contact.modality == "unknown"

    def is_visit(self, contact: InteractiveCommunication) -> bool:
        """Whether it is an evaluation-and-management service, whose minutes are never credited (assessment §6)."""
        return contact.office_visit or not set(self.visits).isdisjoint(contact.programmes)

    def other_programmes_of(self, contact: InteractiveCommunication) -> tuple[str, ...]:
        """The codes of other programmes that the contact's time was recorded for (assessment §3)."""
        return tuple(code for code in contact.programmes if code in self.other_programmes)

    def is_clinical(self, contact: InteractiveCommunication) -> bool | None:
        """Whether clinical staff took part; None when nobody of an accepted role did but a role is unknown."""
        roles = {person.role for person in contact.staff}
        if not roles.isdisjoint(self.roles):
            return True
        return None if not roles or None in roles else False
