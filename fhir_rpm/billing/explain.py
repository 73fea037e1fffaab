"""Why each code has its verdict: what it asks for, what met that or did not, and under which rule."""

from collections.abc import Iterable, Iterator
from datetime import date

from fhir_rpm.billing.advice import advice_on
from fhir_rpm.billing.case import Case
from fhir_rpm.billing.days import days_judged, device_days_of
from fhir_rpm.billing.minutes import Judged, credited
from fhir_rpm.billing.periods import periods_of
from fhir_rpm.billing.terms import Span, Terms
from fhir_rpm.model import (
    AssessedContact,
    Assessment,
    Basis,
    Bounds,
    CodeExplanation,
    Explanation,
    InteractiveCommunication,
    MonthRecord,
    Requirement,
    StrictVerdict,
)
from fhir_rpm.model.explanation import Met
from fhir_rpm.model.terms import Reason
from fhir_rpm.month import BillingMonth

_RULE_OF: dict[Reason, str] = {
    "non_clinical": "contacts.roles",
    "delayed_reply": "contacts.max_reply_gap_minutes",
    "channel": "contacts.channels",
}
"""The rule by which a contact is excluded; the other reasons rest on what a contact is at all."""

_CONTACT_RULES = ("contacts.needed", "contacts.channels", "contacts.roles", "contacts.elements")
_MINUTE_RULES = ("minutes.other_programmes", "minutes.visits")
_SHOWN: dict[str, Met] = {"certain": "met", "possible": "possible", "none": "not_met"}


def explain_month(
    record: MonthRecord, month: BillingMonth, terms: Terms, assessment: Assessment, strict: Assessment | None = None
) -> Explanation:
    """The reasons behind an assessment; pure, and equal input gives equal bytes.

    Args:
        record, month, terms: what was judged, and by what.
        assessment: the outcome.
        strict: the same month under the strict policy, where there is one.
    """
    case = Case.of(record, month, terms)
    advice = advice_on(case, days_judged(record, month, terms), assessment.codes)
    codes = {code: _code(code, case, record, assessment, strict) for code in assessment.codes}
    named = {rule for code in codes.values() for rule in _rules_named(code)}
    return Explanation(
        assessment=assessment,
        codes=codes,
        fixes=advice.fixes,
        next_steps=advice.next_steps,
        rules=tuple(rule for rule in terms.rules if rule.rule in named),
    )


def _code(
    code: str, case: Case, record: MonthRecord, assessment: Assessment, strict: Assessment | None
) -> CodeExplanation:
    judged = assessment.codes[code]
    other = strict.codes.get(code) if strict else None
    return CodeExplanation(
        verdict=judged.verdict,
        units=judged.units,
        requirements=tuple(_requirements(code, case, record, assessment)),
        strict=StrictVerdict(policy=strict.policy, verdict=other.verdict, units=other.units)
        if strict and other
        else None,
    )


def _requirements(code: str, case: Case, record: MonthRecord, assessment: Assessment) -> Iterator[Requirement]:
    terms, tiers = case.terms, case.terms.tiers
    if f"codes.{code}" not in {rule.rule for rule in terms.rules}:
        yield Requirement(
            requirement="in_force",
            met="not_met",
            needed="a code in force",
            found="not in force in this month",
            rules=(),
        )
    elif code == tiers.base and terms.base_minutes is not None:
        yield _contact(case)
        yield _minutes(case, code, f"{terms.base_minutes} minutes", Span(least=terms.base_minutes, most=10**6))
    elif code == tiers.short and terms.short_minutes is not None:
        yield _contact(case)
        yield _minutes(case, code, f"{terms.short_minutes} minutes", terms.short_minutes)
    elif code == tiers.add_on:
        yield from _add_on(case, code, assessment)
    else:
        span = terms.full_days if code == tiers.full_days else terms.short_days
        if span is not None:
            yield from _days(code, span, case, record)


def _contact(case: Case) -> Requirement:
    facts, needed = case.facts, case.terms.contacts_needed
    return Requirement(
        requirement="contact",
        met=_unread(_SHOWN[facts.shown(needed)], case.contact_gaps),
        needed=f"{needed} qualifying {'contact' if needed == 1 else 'contacts'}",
        found=f"{facts.qualifying} on record, {facts.insufficient} incomplete",
        rules=_CONTACT_RULES,
        basis=tuple(_contact_basis(assessed, contact, case.terms) for contact, assessed in case.judged),
    )


def _contact_basis(assessed: AssessedContact, contact: InteractiveCommunication, terms: Terms) -> Basis:
    words, met, rule = _outcome(assessed, contact, terms)
    return Basis(sources=assessed.sources, met=met, words=words, evidence=assessed.evidence, rule=rule)


def _outcome(assessed: AssessedContact, contact: InteractiveCommunication, terms: Terms) -> tuple[str, Met, str]:
    if assessed.reason is not None:
        rule = _RULE_OF.get(assessed.reason, "contacts.needed")
        if assessed.reason == "channel" and (contact.modality == "in_person" or terms.is_visit(contact)):
            rule = "minutes.visits" if terms.is_visit(contact) else "contacts.channels_when_marked"
        return f"excluded: {assessed.reason.replace('_', ' ')}", "not_met", rule
    if assessed.missing:
        rule = "contacts.unknown_modality_accepted" if assessed.missing == ("modality",) else "contacts.elements"
        return f"not on record: {', '.join(assessed.missing).replace('_', ' ')}", "possible", rule
    return "qualifies", "met", "contacts.elements"


def _minutes(case: Case, code: str, needed: str, span: Span) -> Requirement:
    minutes = case.facts.minutes
    return Requirement(
        requirement="minutes",
        met=_unread(_reach(minutes, span), case.contact_gaps),
        needed=needed,
        found=_bounds(minutes, "minutes"),
        rules=(f"codes.{code}", *_MINUTE_RULES),
        basis=tuple(_minute_basis(case)),
    )


def _minute_basis(case: Case) -> Iterator[Basis]:
    """What each contact brings; one without any length is passed over unless it could be added."""
    for pair in (*case.judged, *case.carried):
        contact, assessed = pair
        if contact.seconds is None and contact.work_seconds is None and assessed.outcome != "insufficient":
            continue
        words, met, rule = _credit(pair, case.terms)
        before = " (its share of a call that began before the month)" if pair in case.carried else ""
        evidence = tuple(item for item in assessed.evidence if item.element == "minutes")
        yield Basis(sources=assessed.sources, met=met, words=words + before, evidence=evidence, rule=rule)


def _credit(pair: Judged, terms: Terms) -> tuple[str, Met, str | None]:
    contact, assessed = pair
    length = _length(contact) or "length not on record"
    levels = [credit for credit, _ in credited([pair], terms)]
    if codes := terms.other_programmes_of(contact):
        return f"{length}, not credited: recorded for {', '.join(codes)}", "not_met", "minutes.other_programmes"
    if terms.is_visit(contact):
        return f"{length}, not credited: a visit", "not_met", "minutes.visits"
    if "certain" in levels:
        return f"{length} credited", "met", None
    if levels or contact.seconds is None:
        return length + ("; counts once the record is complete" if levels else ""), "possible", "contacts.elements"
    if terms.is_clinical(contact) is False:
        return f"{length}, not credited: not by clinical staff", "not_met", "contacts.roles"
    return f"{length}, not credited: {(assessed.reason or '').replace('_', ' ')}", "not_met", None


def _length(contact: InteractiveCommunication) -> str:
    parts = [f"{contact.minutes} minutes"] if contact.seconds is not None else []
    if contact.work_seconds is not None:
        parts.append(f"{contact.work_seconds // 60} minutes of work beside it")
    return " and ".join(parts)


def _add_on(case: Case, code: str, assessment: Assessment) -> Iterator[Requirement]:
    terms, base = case.terms, assessment.codes[case.terms.tiers.base]
    met: dict[str, Met] = {"supported": "met", "hold": "possible", "not_supported": "not_met"}
    yield Requirement(
        requirement="base_code",
        met=met[base.verdict],
        needed=f"{terms.tiers.base} supported",
        found=base.verdict.replace("_", " "),
        rules=(f"codes.{terms.tiers.base}",),
    )
    first = (terms.base_minutes or 0) + (terms.add_on_minutes or 0)
    needed = (
        f"{first} minutes for the first unit, {terms.add_on_minutes} for each further one, at most {terms.add_on_cap}"
    )
    found = _minutes(case, code, needed, Span(least=first, most=10**6))
    yield found.model_copy(update={"rules": (*found.rules, "minutes.add_on_cap")})


def _days(code: str, span: Span, case: Case, record: MonthRecord) -> Iterator[Requirement]:
    """What the days of the month come to, or those of each period that ends in it."""
    periods = periods_of(record, case.month, case.terms.period_days)
    if periods is None:
        days = device_days_of(record)
        yield _days_of(code, span, case, days, "", tuple(_day_basis(record.device_days, record.other_days)))
    for period in periods or ():
        basis = tuple(_day_basis(period.device, period.other))
        yield _days_of(code, span, case, period.days, f" from {period}", basis)
    if periods == ():
        needed = f"a period of {case.terms.period_days} days from the start of monitoring that ends in this month"
        rules = (f"codes.{code}", "days.period")
        yield Requirement(requirement="device_days", met="not_met", needed=needed, found="none", rules=rules)


def _days_of(code: str, span: Span, case: Case, days: Bounds, when: str, basis: tuple[Basis, ...]) -> Requirement:
    bounded = Bounds(
        certain=min(days.certain, case.terms.period_days), possible=min(days.possible or 0, case.terms.period_days)
    )
    return Requirement(
        requirement="device_days",
        met=_unread(_reach(bounded, span), case.reading_gaps if bounded.certain <= span.most else ()),
        needed=f"{span} days with a device's reading in {case.terms.period_days} days{when}",
        found=_bounds(bounded, "days"),
        rules=(f"codes.{code}", "days.period"),
        basis=basis,
    )


def _day_basis(device: frozenset[date], other: frozenset[date]) -> Iterator[Basis]:
    known: tuple[tuple[str, Met, Iterable[object]], ...] = (
        ("read by a device", "met", device),
        ("of unknown origin", "possible", other - device),
    )
    for origin, met, days in known:
        if said := ", ".join(sorted(map(str, days))):
            yield Basis(met=met, words=f"{origin}: {said}")


def _reach(bounds: Bounds, span: Span) -> Met:
    if bounds.certain in span:
        return "met"
    reachable = bounds.certain <= span.most and (bounds.possible is None or bounds.possible >= span.least)
    return "possible" if reachable else "not_met"


def _unread(met: Met, gaps: tuple[object, ...]) -> Met:
    """What is not met while data is unread is possible (assessment §4)."""
    return "possible" if met == "not_met" and gaps else met


def _bounds(bounds: Bounds, unit: str) -> str:
    possible = "any number" if bounds.possible is None else bounds.possible
    return f"{bounds.certain} {unit} certain, {possible} possible"


def _rules_named(code: CodeExplanation) -> Iterator[str]:
    for requirement in code.requirements:
        yield from requirement.rules
        yield from (basis.rule for basis in requirement.basis if basis.rule is not None)
