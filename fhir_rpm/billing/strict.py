"""What the strict policy would say of the same month (assessment §4 and §6)."""

from collections.abc import Iterator

from fhir_rpm.billing.findings import warning
from fhir_rpm.model import Assessment, CodeVerdict


def compare_strict(assessment: Assessment, strict: Assessment) -> Assessment:
    """The assessment, saying whether the strict policy would change a verdict, its units or the status.

    Args:
        assessment: the month under the policy chosen.
        strict: the same month under the strict policy.
    """
    changes = "; ".join(_changes(assessment, strict))
    if not changes:
        return assessment.model_copy(update={"strict_differs": False})
    finding = warning("strict_differs", f"Under {strict.policy} {changes}.")
    return assessment.model_copy(update={"strict_differs": True, "findings": (*assessment.findings, finding)})


def _changes(assessment: Assessment, strict: Assessment) -> Iterator[str]:
    for code, verdict in assessment.codes.items():
        other = strict.codes.get(code, CodeVerdict(verdict="not_supported"))
        if (verdict.verdict, verdict.units) != (other.verdict, other.units):
            counted = max(verdict.units, other.units) > 1
            yield f"{code} would be {_said(other, counted)} instead of {_said(verdict, counted)}"
    if assessment.status != strict.status:
        yield f"the month would be {_plain(strict.status)} instead of {_plain(assessment.status)}"


def _said(verdict: CodeVerdict, counted: bool) -> str:
    units = f" ({verdict.units} {'unit' if verdict.units == 1 else 'units'})" if counted and verdict.units else ""
    return _plain(verdict.verdict) + units


def _plain(word: str) -> str:
    return "on hold" if word == "hold" else word.replace("_", " ")
