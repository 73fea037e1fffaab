"""Staff as a practice's own directory knows them, for EHRs that do not say who is what."""

from pydantic import ConfigDict, Field, model_validator

from fhir_rpm.model.base import Frozen
from fhir_rpm.model.terms import StaffRole


class StaffMember(Frozen):
    """One line of a staff directory; at least one of name, practitioner and npi says who it is.

    Attributes:
        role: what they are.
        name: as the EHR's displays or notes write it; `Last, First`, accents and credentials make no difference.
        practitioner: `Practitioner/id`.
        npi: their National Provider Identifier, ten digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: StaffRole
    name: str | None = Field(default=None, repr=False)
    practitioner: str | None = None
    npi: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _says_who(self) -> "StaffMember":
        if not (self.name or self.practitioner or self.npi):
            raise ValueError("a staff member needs a name, a practitioner or an npi")
        return self
