"""A month's explanation for people: plain lines that stay readable at 80 columns and in a pipe."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import fill

from rich.console import Console
from rich.markup import escape

from fhir_rpm.billing.findings import occasion_of
from fhir_rpm.cli.show import colored, show_head, show_list, show_rest
from fhir_rpm.model import Basis, CodeExplanation, Evidence, Explanation, PolicyRule, Requirement, RuleChange
from fhir_rpm.model.policy import words_of

_WORDS = {"met": "met", "possible": "could be met", "not_met": "not met"}
_TITLES = {
    "in_force": "in force",
    "contact": "interactive communication",
    "minutes": "minutes",
    "device_days": "device days",
    "base_code": "base code",
}


def show_explanation(console: Console, explanation: Explanation) -> None:
    """One month: its status, why each code has its verdict, the fewest fixes, and the rules applied."""
    show_head(console, explanation.assessment)
    show_reasons(console, explanation)
    show_rest(console, explanation.assessment)


def show_reasons(console: Console, explanation: Explanation) -> None:
    """The codes, the fixes and the rules."""
    occasions = {contact.sources: occasion_of(contact) for contact in explanation.assessment.contacts}
    told: dict[tuple[Basis, ...], str] = {}
    for code, found in explanation.codes.items():
        console.print(_heading(code, found), soft_wrap=True)
        for requirement in found.requirements:
            seen = told.setdefault(requirement.basis, code)
            _lines(console, _requirement(requirement, occasions, seen if seen != code else None))
    console.print()
    show_list(console, "To make the month ready", (fix.text for fix in explanation.fixes))
    show_list(console, "Besides, if wanted", (fix.text for fix in explanation.next_steps))
    console.print("\n[bold]Rules and sources[/]")
    _lines(console, (line for rule in explanation.rules for line in rule_lines(rule)))


def show_rules(console: Console, name: str, month: str | None, rules: Iterable[PolicyRule]) -> None:
    """A policy's rules with their sources."""
    console.print(f"[bold]{escape(name)}[/] {f'in {month}' if month else 'over time'}")
    _lines(console, (line for rule in rules for line in rule_lines(rule)))


def show_changes(console: Console, before: str, after: str, changes: Sequence[RuleChange]) -> None:
    """What differs, and the source of what is new."""
    console.print(f"[bold]{escape(before)}[/] → [bold]{escape(after)}[/]: ", end="")
    console.print(f"{len(changes)} {'rule differs' if len(changes) == 1 else 'rules differ'}")
    for change in changes:
        _lines(console, _change_lines(change))


def _change_lines(change: RuleChange) -> Iterator[tuple[int, str]]:
    yield 2, f"{change.rule} {change.change}"
    gone, new = _items(change.before), _items(change.after)
    for sign, items, others in (("-", gone, new), ("+", new, gone)):
        if said := "; ".join(item for item in items if item not in others):
            yield 4, f"{sign} {said}"
    for rule in change.after or change.before:
        yield from ((indent, text) for indent, text in rule_lines(rule) if indent > 2)


def _items(rules: tuple[PolicyRule, ...]) -> list[str]:
    """What there is to compare: the members of a list in force, the value, or a history's values with their dates."""
    if len(rules) == 1 and isinstance(rules[0].value, list):
        return list(map(str, rules[0].value))
    if len(rules) == 1:
        return [rules[0].words]
    return [f"{rule.words} (since {rule.since}{f' until {rule.ends}' if rule.ends else ''})" for rule in rules]


def rule_lines(rule: PolicyRule) -> Iterator[tuple[int, str]]:
    """A rule with its source as `(indent, text)`."""
    until = f" until {rule.ends}" if rule.ends else ""
    judged = "" if rule.judged else "; documented, not judged"
    yield 2, f"{rule.rule} = {words_of(rule.value)} (since {rule.since}{until}; {rule.file}{judged})"
    yield 6, f"{rule.title}. {rule.citation} (read {rule.read})."
    if rule.conflict:
        yield 6, f"Sources differ: {rule.conflict}"


def _heading(code: str, found: CodeExplanation) -> str:
    units = f" ({found.units} {'unit' if found.units == 1 else 'units'})" if found.units else ""
    strict = ""
    if found.strict is not None:
        same = (found.strict.verdict, found.strict.units) == (found.verdict, found.units)
        count = f" ({found.strict.units})" if found.strict.units > 1 and not same else ""
        said = "the same" if same else colored(found.strict.verdict) + count
        strict = f"   under {escape(found.strict.policy)}: {said}"
    return f"\n[bold]{code}[/] {colored(found.verdict)}{units}{strict}"


def _requirement(
    found: Requirement, occasions: dict[tuple[str, ...], str], seen: str | None
) -> Iterator[tuple[int, str]]:
    rules = f" [{', '.join(found.rules)}]" if found.rules else ""
    yield 2, f"{_TITLES[found.requirement]}, {_WORDS[found.met]}: needs {found.needed}; {found.found}{rules}"
    if seen is not None and found.basis:
        yield 6, f"on the same records as under {seen}"
        return
    for basis in found.basis:
        yield from _basis(basis, occasions)


def _basis(basis: Basis, occasions: dict[tuple[str, ...], str]) -> Iterator[tuple[int, str]]:
    who = f"{occasions.get(basis.sources, 'contact')} ({', '.join(basis.sources)}): " if basis.sources else ""
    rule = f" [{basis.rule}]" if basis.rule and basis.met != "met" else ""
    yield 6, f"- {who}{basis.words}{rule}"
    for item in _telling(basis.evidence):
        value = "" if item.value is None or isinstance(item.value, bool) else f" {item.value}"
        words = f' "{item.words}"' if item.words else ""
        yield 10, f"{item.element.replace('_', ' ')}:{value}{words} ({item.path} of {item.source})"


def _telling(evidence: Iterable[Evidence]) -> Iterator[Evidence]:
    """One piece for each element: the first with words, else the first."""
    best: dict[str, Evidence] = {}
    for item in evidence:
        if item.element not in best or (item.words and not best[item.element].words):
            best[item.element] = item
    return iter(best.values())


def _lines(console: Console, lines: Iterable[tuple[int, str]]) -> None:
    for indent, text in lines:
        hanging = " " * (indent + 2)
        wrapped = fill(
            text,
            console.width,
            initial_indent=" " * indent,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        console.print(wrapped, markup=False, soft_wrap=True)
