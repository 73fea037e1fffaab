"""Reads OperationOutcomes for one thing: does this answer say that data is missing?"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from fhir_rpm.model.base import Frozen
from fhir_rpm.model.record import Gap

_TYPES = re.compile(r"\b(Encounter|Communication|DocumentReference|Binary|Observation)\b")


class OutcomeCodes(Frozen):
    """The vendor's error codes (mapping section `outcome`).

    Attributes:
        incomplete: codes that say that part of the answer is withheld or was not reached.
        complete: codes of any severity that say nothing is missing, e.g. an empty result.
        empty: those of them that say that nothing was found.
        reasons: code → what it means and what to do, for people.
        sub_types: kinds within a type that the vendor's remarks name; no other text of a server is repeated.
    """

    incomplete: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)
    sub_types: tuple[str, ...] = ()


def gaps_in(outcome: dict[str, Any], codes: OutcomeCodes, searched: str | None = None) -> tuple[Gap, ...]:
    """What an OperationOutcome says is missing; every issue is looked at, for the telling one need not be first.

    Args:
        outcome: the raw resource; anything malformed in it is passed over.
        codes: the vendor's codes. Coding systems differ between customers, so codes are compared alone.
        searched: the resource type of the search that it answered, when known.
    """
    gaps = []
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else ():
        if not isinstance(issue, dict):
            continue
        known = set(_codes_of(issue))
        if known & set(codes.complete):
            continue
        telling = sorted(known & set(codes.incomplete))
        if telling or str(issue.get("severity")).strip() in ("fatal", "error"):
            named = telling or sorted(known & set(codes.reasons))
            code = named[0] if named else _printable(issue.get("code")) or "error"
            reason = codes.reasons.get(code, _REASON) + _sub_type_in(issue, codes)
            gaps.append(Gap(resource_type=_type_named_in(issue) or searched, code=code, reason=reason))
    return tuple(gaps)


def codes_in(outcome: dict[str, Any]) -> tuple[str, ...]:
    """Every vendor code in an OperationOutcome, whatever the severity."""
    issues = outcome.get("issue")
    found = issues if isinstance(issues, list) else ()
    return tuple(code for issue in found if isinstance(issue, dict) for code in _codes_of(issue))


_REASON = "The server says that part of the data was withheld or could not be read."


def _codes_of(issue: dict[str, Any]) -> Iterator[str]:
    details = issue.get("details")
    codings = details.get("coding") if isinstance(details, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict):
            yield str(coding.get("code") or "").strip()


def _printable(value: object) -> str:
    """A text without the lone surrogates that JSON may hold and UTF-8 may not."""
    return str(value or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def _sub_type_in(issue: dict[str, Any], codes: OutcomeCodes) -> str:
    """The sub-type that a remark names, when it is one of the vendor's own."""
    said = str(issue.get("diagnostics") or "").lower()
    named = [name for name in codes.sub_types if f"- {name.lower()}" in said]
    return f" Left out: {max(named, key=len)}." if named else ""


def _type_named_in(issue: dict[str, Any]) -> str | None:
    match = _TYPES.search(str(issue.get("diagnostics") or ""))
    return match[1] if match else None
