"""What a run amounts to, as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_rpm.model import Assessment
    from fhir_rpm.sync import PatientResult

NOT_READY, INCOMPLETE, DENIED, NEEDS_PERSON = 3, 4, 5, 6
_WORST_FIRST = (1, 2, DENIED, NEEDS_PERSON, INCOMPLETE, NOT_READY)


def of_assessments(assessments: Iterable[Assessment], *, exit_code: bool, incomplete: bool = False) -> int:
    """The exit code of judged months; `incomplete` when something beside them could not be read."""
    codes = [code for assessment in assessments for code in _codes(assessment, exit_code=exit_code)]
    return worst([*codes, INCOMPLETE] if incomplete else codes)


def of_results(results: Iterable[PatientResult], *, exit_code: bool, incomplete: bool = False) -> int:
    """The exit code of a run: the worst of its patients'; `incomplete` when somebody could not even be named."""
    codes = [code for result in results for code in codes_of(result, exit_code=exit_code)]
    return worst([*codes, INCOMPLETE] if incomplete else codes)


def codes_of(result: PatientResult, *, exit_code: bool) -> Iterable[int]:
    """Every exit code that applies to one patient."""
    if result.broken is not None:
        yield 1
    if result.error is not None:
        yield result.error.exit_code
    if result.published is not None and result.published.status in ("needs_person", "unknown"):
        yield NEEDS_PERSON
    if result.published is not None and result.published.status == "in_progress":
        yield INCOMPLETE
    if result.assessment is not None:
        yield from _codes(result.assessment, exit_code=exit_code)


def worst(codes: Iterable[int]) -> int:
    """The code that matters most, or 0."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), 0)


def _codes(assessment: Assessment, *, exit_code: bool) -> Iterable[int]:
    if assessment.gaps:
        yield INCOMPLETE
    if exit_code and assessment.status != "ready":
        yield NOT_READY
