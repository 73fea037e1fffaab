"""Minutes and contacts → verdicts on the treatment-management codes, for RPM 99457, 99458 and 99470 (assessment §4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fhir_rpm.billing.findings import information, warning
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, Bounds, CodeVerdict, Finding
from fhir_rpm.model.terms import MonthStatus, Verdict

Shown = Literal["certain", "possible", "none"]
"""Whether the month's interactive communication is on record, could be, or is not there at all."""


@dataclass(frozen=True, slots=True)
class Management:
    """What the management codes of a month are judged by.

    Attributes:
        qualifying, insufficient: how many contacts have that outcome.
        minutes: of the calendar month.
        incomplete: whether data that could not be read may hold further contacts or minutes.
    """

    qualifying: int
    insufficient: int
    minutes: Bounds
    incomplete: bool

    @classmethod
    def of(cls, contacts: Iterable[AssessedContact], minutes: Bounds, incomplete: bool) -> "Management":
        """Count the outcomes."""
        outcomes = [contact.outcome for contact in contacts]
        return cls(outcomes.count("qualifies"), outcomes.count("insufficient"), minutes, incomplete)

    def shown(self, needed: int) -> Shown:
        """Whether `needed` contacts qualify, could once the records are completed, or neither."""
        if self.qualifying >= needed:
            return "certain"
        return "possible" if self.qualifying + self.insufficient >= needed else "none"


def management_codes(facts: Management, terms: Terms) -> dict[str, CodeVerdict]:
    """The verdicts on the base code, the add-on and the short tier, in that order."""
    base, tiers = _base(facts, terms), terms.tiers
    return {tiers.base: base, tiers.add_on: _add_on(facts, terms, base), tiers.short: _short(facts, terms, base)}


def status_of(codes: dict[str, CodeVerdict], terms: Terms) -> MonthStatus:
    """What the month comes to: the better of the base code and the short tier (assessment §4)."""
    verdicts = {codes[terms.tiers.base].verdict, codes[terms.tiers.short].verdict}
    return "ready" if "supported" in verdicts else "hold" if "hold" in verdicts else "not_met"


def _base(facts: Management, terms: Terms) -> CodeVerdict:
    need = terms.base_minutes
    if need is None:
        return not_in_force(terms.tiers.base)
    certain, possible = facts.minutes.certain, facts.minutes.possible
    shown = facts.shown(terms.contacts_needed)
    verdict: Verdict = "hold"
    if shown == "none" or (possible is not None and possible < need):
        verdict = "not_supported"
    elif shown == "certain" and certain >= need:
        verdict = "supported"
    reasons = (_contacts_finding(facts, terms), _minutes_finding(f"{need} minutes are needed", facts.minutes))
    return code_verdict(verdict, reasons, facts.incomplete)


def _short(facts: Management, terms: Terms, base: CodeVerdict) -> CodeVerdict:
    span = terms.short_minutes
    if span is None:
        return not_in_force(terms.tiers.short)
    certain, possible = facts.minutes.certain, facts.minutes.possible
    minutes = _minutes_finding(f"{span} minutes are needed", facts.minutes)
    if certain > span.most or base.verdict == "supported":
        message = f"From {span.most + 1} minutes on, {terms.tiers.base} takes its place."
        taken = information("replaced", message)
        return code_verdict("not_supported", (minutes, taken), incomplete=False)
    shown = facts.shown(terms.contacts_needed)
    verdict: Verdict = "hold"
    if shown == "none" or (possible is not None and possible < span.least):
        verdict = "not_supported"
    elif shown == "certain" and certain in span:
        verdict = "supported"
    return code_verdict(verdict, (_contacts_finding(facts, terms), minutes), facts.incomplete)


def _add_on(facts: Management, terms: Terms, base: CodeVerdict) -> CodeVerdict:
    if terms.add_on_minutes is None or terms.base_minutes is None:
        return not_in_force(terms.tiers.add_on)
    if base.verdict == "not_supported":
        finding = information("base_needed", f"{terms.tiers.base} is needed first.")
        return code_verdict("not_supported", (finding,), incomplete=False)
    need = (
        f"Each full {terms.add_on_minutes} minutes beyond {terms.base_minutes} give a unit, at most {terms.add_on_cap}"
    )
    units = add_on_units(facts.minutes.certain, terms) if base.verdict == "supported" else 0
    possible = facts.minutes.possible
    reachable = possible is None or add_on_units(possible, terms) >= 1
    verdict: Verdict = "supported" if units else "hold" if reachable else "not_supported"
    return code_verdict(verdict, (_minutes_finding(need, facts.minutes),), facts.incomplete, units)


def add_on_units(minutes: int, terms: Terms) -> int:
    """Units of the add-on: full further blocks, at most the policy's cap; 0 when it is not in force."""
    if terms.add_on_minutes is None or terms.base_minutes is None:
        return 0
    return min(terms.add_on_cap, max(0, minutes - terms.base_minutes) // terms.add_on_minutes)


def code_verdict(verdict: Verdict, reasons: tuple[Finding, ...], incomplete: bool, units: int = 1) -> CodeVerdict:
    """A verdict with the rules that decided; missing data turns a no into a hold, and never into a yes (§4)."""
    if verdict == "not_supported" and incomplete:
        message = "Data that could not be read might change this, so it is on hold."
        reasons = (*reasons, warning("incomplete_data", message))
        verdict = "hold"
    return CodeVerdict(verdict=verdict, units=units if verdict == "supported" else 0, findings=reasons)


def not_in_force(code: str) -> CodeVerdict:
    """The verdict on a code that the policy does not know in that month; no missing data could change it."""
    finding = information("not_in_force", f"{code} is not in force in this month.")
    return CodeVerdict(verdict="not_supported", findings=(finding,))


def _contacts_finding(facts: Management, terms: Terms) -> Finding:
    """How many qualifying contacts are needed and there."""
    message = f"Qualifying contacts needed: {terms.contacts_needed}; on record: {facts.qualifying}"
    message += f", and {facts.insufficient} whose records are not complete" if facts.insufficient else ""
    return information("contacts_needed", f"{message}.")


def _minutes_finding(need: str, minutes: Bounds) -> Finding:
    possible = "an unknown number" if minutes.possible is None else minutes.possible
    message = f"{need}, {minutes.certain} are certain and {possible} possible."
    return information("minutes_needed", message)
