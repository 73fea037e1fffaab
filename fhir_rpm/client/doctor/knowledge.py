"""What a vendor's failures mean: the `[doctor]` table of its mapping file."""

from typing import Any, Literal

from pydantic import Field

from fhir_rpm.model.base import Frozen
from fhir_rpm.vendor import vendor_section


class Cause(Frozen):
    """One thing that can be wrong.

    Attributes:
        says: what was seen, in one sentence.
        remedy: what to do about it.
        exit: its class: 2 configuration, 4 unreachable or incomplete, 5 credentials or permission.
    """

    says: str
    remedy: str
    exit: Literal[2, 4, 5]


class Knowledge(Frozen):
    """Everything the doctor knows of one vendor.

    Attributes:
        needs_jwks_url: whether the vendor takes keys from a registered URL alone.
        interceptors: words in the names of certificate issuers that open TLS on a network's behalf.
        texts: words in an answer that is no FHIR → cause.
        codes: the vendor's error codes → cause.
        causes: name → what it means.
    """

    needs_jwks_url: bool = False
    interceptors: tuple[str, ...] = ()
    texts: dict[str, str] = Field(default_factory=dict)
    codes: dict[str, str] = Field(default_factory=dict)
    causes: dict[str, Cause] = Field(default_factory=dict)

    @classmethod
    def of(cls, vendor: str) -> "Knowledge":
        """What is known of a vendor.

        Raises:
            ConfigurationError: there is no such vendor, or its file is wrong.
        """
        found: Knowledge = vendor_section(vendor, "doctor", cls)
        return found

    def cause(self, name: str) -> Cause:
        """What a cause means."""
        return self.causes[name]

    def cause_in_text(self, text: str) -> str | None:
        """The cause that the words of an answer tell."""
        lowered = text.casefold()
        return next((cause for words, cause in self.texts.items() if words in lowered), None)

    def cause_in_outcome(self, outcome: Any) -> tuple[str, str] | None:
        """The cause that an OperationOutcome's codes tell, with the code; every issue is looked at."""
        return next(((self.codes[code], code) for code in issue_codes(outcome) if code in self.codes), None)


def issue_codes(outcome: Any) -> list[str]:
    """The error codes of an OperationOutcome; systems differ between customers, so codes stand alone."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    details = [issue.get("details") for issue in _dicts(issues)]
    codings = [coding for detail in _dicts(details) for coding in _dicts(detail.get("coding"))]
    return [str(coding.get("code") or "").strip() for coding in codings]


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
