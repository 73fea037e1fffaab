"""A payer's rule as a person reads it: the value, since when, and where it stands."""

from datetime import date
from typing import Literal

from pydantic import JsonValue

from fhir_rpm.model.base import Frozen
from fhir_rpm.model.terms import Severity


class PolicyRule(Frozen):
    """A value of a policy with the days on which it holds, its source and the file that gives it.

    Attributes:
        rule: the dotted path in the file, e.g. `codes.99457`.
        value: a number, a truth, a list of words, or a span `{"least": …, "most": …}`.
        since: the first day on which it holds.
        ends: the first day on which it no longer holds; None while it is open.
        title, citation: what it was taken from, and where that stands.
        read: the day on which the source was read.
        conflict: what other sources say.
        file: the file of the `extends` chain that gives it.
        judged: False for what is only documented, such as the set-up code.
    """

    rule: str
    value: JsonValue
    since: date
    ends: date | None = None
    title: str
    citation: str
    read: date
    conflict: str | None = None
    file: str
    judged: bool = True

    @property
    def words(self) -> str:
        """The value in plain words."""
        return words_of(self.value)


class RuleChange(Frozen):
    """What one rule says in two policies, or in one policy at two times; either side may say nothing."""

    rule: str
    change: Literal["added", "removed", "changed"]
    before: tuple[PolicyRule, ...] = ()
    after: tuple[PolicyRule, ...] = ()


class PolicyProblem(Frozen):
    """What is wrong with a policy file: the file, the path of the field, and what to do about it."""

    severity: Severity
    file: str
    field: str
    problem: str
    remedy: str


def words_of(value: JsonValue) -> str:
    """A rule's value in plain words: `20`, `phone, video`, `10 to 19`, `none`."""
    if isinstance(value, dict):
        return f"{value['least']} to {value['most']}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower()
