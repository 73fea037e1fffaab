"""A payer's rules as dated data: the shape of `policies/*.toml`, and what of it is in force in a month.

Every value is an entry of an array of tables at the dotted path that names the rule, for example `[[codes.99457]]`:
`from` its first day, `value`, where it was found (`title`, `citation`, `read`), and `conflict` where sources disagree.
It holds until the next entry, or until `ends`, the first day on which it no longer holds.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, Strict, StrictBool, field_validator, model_validator

from fhir_rpm.billing.terms import Channel, ClinicalRole, CptCode, RequiredElement, Span, Terms, Tiers
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import PolicyRule
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth

Value = TypeVar("Value")
Day = Annotated[date, Strict()]
Minutes = Annotated[int, Strict(), Field(ge=1, le=1440)]
Count = Annotated[int, Strict(), Field(ge=1, le=31)]
Text = Annotated[str, Field(min_length=1)]


class Dated(Frozen, Generic[Value]):
    """A value with the days on which it holds, and its source."""

    from_: Day = Field(alias="from")
    ends: Day | None = None
    value: Value
    title: Text
    citation: Text
    read: Day
    conflict: Text | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.ends is not None and self.ends <= self.from_:
            raise ValueError("`ends` must be later than `from`")
        return self


def _in_order(entries: tuple[Dated[Any], ...]) -> tuple[Dated[Any], ...]:
    for earlier, later in pairwise(entries):
        if later.from_ <= earlier.from_:
            raise ValueError("entries must stand in order of `from`, each day once")
        if earlier.ends is not None and earlier.ends > later.from_:
            raise ValueError("`ends` must not be later than the `from` of the next entry")
    return entries


class RuleTable(Frozen):
    """Rules, each a history of values in order of time; days without a value have none, never a default."""

    _ordered = field_validator("*")(_in_order)


class CodeRules(RuleTable):
    """What the code of each tier needs; a code without a value on a day is not in force on it.

    Minutes for the base code, minutes of each further block for the add-on, the span of minutes for the short tier, and
    the spans of device days for the supply codes. In the file each stands under its code.
    """

    base_minutes: tuple[Dated[Minutes], ...] = Field(alias="base")
    add_on_minutes: tuple[Dated[Minutes], ...] = Field(alias="add_on")
    short_minutes: tuple[Dated[Span], ...] = Field(alias="short")
    full_days: tuple[Dated[Span], ...] = ()
    short_days: tuple[Dated[Span], ...] = ()


class ContactRules(RuleTable):
    """What an interactive communication is."""

    contacts_needed: tuple[Dated[Count], ...] = Field(alias="needed")
    channels: tuple[Dated[tuple[Channel, ...]], ...]
    channels_when_marked: tuple[Dated[tuple[Channel, ...]], ...]
    unknown_modality_accepted: tuple[Dated[StrictBool], ...]
    roles: tuple[Dated[tuple[ClinicalRole, ...]], ...]
    elements: tuple[Dated[tuple[RequiredElement, ...]], ...]
    max_reply_gap_minutes: tuple[Dated[Minutes], ...]


class MinuteRules(RuleTable):
    """Which minutes count, and how many add-on units there can be."""

    add_on_cap: tuple[Dated[Count], ...]
    other_programmes: tuple[Dated[tuple[CptCode, ...]], ...]
    exclusive_programmes: tuple[Dated[tuple[CptCode, ...]], ...]
    visits: tuple[Dated[tuple[CptCode, ...]], ...]


class DayRules(RuleTable):
    """How device days are counted."""

    period_days: tuple[Dated[Count], ...] = Field(alias="period")


class Policy(Frozen):
    """A payer's rules over time.

    Attributes:
        name: the name or the file's stem that it was loaded by.
        files: rule → the file of the `extends` chain that gives it; `""` → the file it was loaded by.
        title: what the policy is, for people.
        strict: the policy to compare every month with, or None.
        checked_through: the last day for which its authors have read the payer's rules.
        not_checked: what no record can show and the tool therefore never checks.
        tiers: which code is which.
        documented: codes that belong to the programme and get no verdict, such as the set-up.
    """

    name: Text
    files: dict[str, str]
    title: Text
    strict: Text | None = None
    checked_through: Day
    not_checked: tuple[Text, ...]
    tiers: Tiers
    codes: CodeRules
    contacts: ContactRules
    minutes: MinuteRules
    days: DayRules
    documented: dict[CptCode, tuple[Dated[Count | Span], ...]] = Field(default_factory=dict)

    @field_validator("documented")
    @classmethod
    def _documented_in_order(cls, rules: dict[str, tuple[Dated[Any], ...]]) -> dict[str, tuple[Dated[Any], ...]]:
        return {code: _in_order(entries) for code, entries in rules.items()}

    def in_force(self, month: BillingMonth) -> Terms:
        """The values that hold on every day of the month.

        Raises:
            ConfigurationError: a rule has no value in that month, or its value changes within it.
        """
        daily = {rule: self._on_all_days_of(month, rule, entries) for rule, _, entries in self.histories()}
        values: dict[str, Any] = {
            field: None if (entry := daily[rule]) is None else entry.value for rule, field, _ in self.histories()
        }
        values["max_reply_gap"] = timedelta(minutes=values.pop("max_reply_gap_minutes"))
        return Terms(
            name=self.name,
            strict=None if self.strict == self.name else self.strict,
            checked_through=self.checked_through,
            not_checked=self.not_checked,
            tiers=self.tiers,
            rules=tuple(self._rule(rule, entry) for rule, entry in daily.items() if entry is not None),
            **values,
        )

    def rules(self, month: BillingMonth | None = None) -> tuple[PolicyRule, ...]:
        """The rules in force in the month, documented codes last; without a month, every value there ever was.

        Raises:
            ConfigurationError: as `in_force`.
        """
        if month is not None:
            documented = ((rule, self._on_all_days_of(month, rule, entries)) for rule, entries in self._documented())
            found = tuple(self._rule(rule, entry, judged=False) for rule, entry in documented if entry is not None)
            return (*self.in_force(month).rules, *found)
        judged = [self._rule(rule, *pair) for rule, _, entries in self.histories() for pair in _with_next(entries)]
        unjudged = [
            self._rule(rule, *pair, judged=False)
            for rule, entries in self._documented()
            for pair in _with_next(entries)
        ]
        return (*judged, *unjudged)

    def histories(self) -> Iterator[tuple[str, str, tuple[Dated[Any], ...]]]:
        """Every judged rule by its dotted path in the file, its field in `Terms`, and its entries."""
        codes = self.tiers.model_dump()
        for table in ("codes", "contacts", "minutes", "days"):
            rules = getattr(self, table)
            for field, info in type(rules).model_fields.items():
                key = info.alias or field
                yield f"{table}.{codes.get(key) or key}", field, getattr(rules, field)

    def _documented(self) -> Iterator[tuple[str, tuple[Dated[Any], ...]]]:
        return ((f"documented.{code}", entries) for code, entries in self.documented.items())

    def _on_all_days_of(self, month: BillingMonth, rule: str, entries: tuple[Dated[Any], ...]) -> Dated[Any] | None:
        days = (month.first_day + timedelta(days=n) for n in range(month.last_day.day))
        daily = [_in_force_on(day, entries) for day in days]
        if any((entry and entry.value) != (daily[-1] and daily[-1].value) for entry in daily):
            raise ConfigurationError(
                f"{self._file(rule)}: policy {self.name!r} changes {rule} within {month}.",
                f"A month is judged by one value: let the entries of [[{rule}]] begin and end on the first of a month.",
            )
        if daily[-1] is None and not rule.startswith(("codes.", "documented.")):
            raise ConfigurationError(
                f"{self._file(rule)}: policy {self.name!r} has no value of {rule} in force in {month}.",
                f"Choose {_first_day_of(entries)}, or give [[{rule}]] an entry for it.",
            )
        return daily[-1]

    def _file(self, rule: str) -> str:
        return self.files.get(rule, self.files[""])

    def _rule(
        self, rule: str, entry: Dated[Any], following: Dated[Any] | None = None, *, judged: bool = True
    ) -> PolicyRule:
        return PolicyRule(
            rule=rule,
            value=entry.model_dump(mode="json")["value"],
            since=entry.from_,
            ends=entry.ends or (following and following.from_),
            title=entry.title,
            citation=entry.citation,
            read=entry.read,
            conflict=entry.conflict,
            file=self._file(rule),
            judged=judged,
        )


def _in_force_on(day: date, entries: tuple[Dated[Any], ...]) -> Dated[Any] | None:
    """The latest entry that has begun, unless it has ended: an end never brings back the entry before it."""
    latest = next((entry for entry in reversed(entries) if entry.from_ <= day), None)
    return None if latest is None or (latest.ends is not None and latest.ends <= day) else latest


def _with_next(entries: tuple[Dated[Any], ...]) -> Iterator[tuple[Dated[Any], Dated[Any] | None]]:
    return zip(entries, (*entries[1:], None), strict=False)


def _first_day_of(entries: tuple[Dated[Any], ...]) -> str:
    return f"a month from {entries[0].from_} on" if entries else "another policy"
