"""A payer's rules as dated data: `policies/*.toml`, and what of them is in force in a month.

Every value is an entry of an array of tables at the dotted path that names the rule, for example `[[codes.99457]]`:
`from` its first day, `value`, where it was found (`title`, `citation`, `read`), and `conflict` where sources disagree.
It holds until the next entry, or until `ends`, the first day on which it no longer holds.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, Strict, StrictBool, ValidationError, field_validator, model_validator

from fhir_rpm.billing.terms import Channel, ClinicalRole, Span, Terms
from fhir_rpm.data_files import read_layers
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import PolicyCitation
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth

Value = TypeVar("Value")
Day = Annotated[date, Strict()]
Count = Annotated[int, Strict(), Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]
CptCode = Annotated[str, Field(pattern=r"^[0-9A-Z]\d{3}[0-9A-Z]$")]


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


class RuleTable(Frozen):
    """Rules, each a history of values in order of time; days without a value have none, never a default."""

    @field_validator("*")
    @classmethod
    def _in_order(cls, entries: tuple[Dated[Any], ...]) -> tuple[Dated[Any], ...]:
        for earlier, later in pairwise(entries):
            if later.from_ <= earlier.from_:
                raise ValueError("entries must stand in order of `from`, each day once")
            if earlier.ends is not None and earlier.ends > later.from_:
                raise ValueError("`ends` must not be later than the `from` of the next entry")
        return entries


class CodeRules(RuleTable):
    """What each code needs; a code without a value on a day is not in force on it.

    Minutes for 99457, minutes of each further block for 99458, the span of minutes for 99470, and the spans of device
    days for 99454 and 99445.
    """

    base_minutes: tuple[Dated[Count], ...] = Field(alias="99457")
    add_on_minutes: tuple[Dated[Count], ...] = Field(alias="99458")
    short_minutes: tuple[Dated[Span], ...] = Field(alias="99470")
    full_days: tuple[Dated[Span], ...] = Field(alias="99454")
    short_days: tuple[Dated[Span], ...] = Field(alias="99445")


class ContactRules(RuleTable):
    """What an interactive communication is."""

    contacts_needed: tuple[Dated[Count], ...] = Field(alias="needed")
    channels: tuple[Dated[tuple[Channel, ...]], ...]
    channels_when_marked: tuple[Dated[tuple[Channel, ...]], ...]
    unknown_modality_accepted: tuple[Dated[StrictBool], ...]
    roles: tuple[Dated[tuple[ClinicalRole, ...]], ...]
    max_reply_gap_minutes: tuple[Dated[Count], ...]


class MinuteRules(RuleTable):
    """Which minutes count, and how many add-on units there can be."""

    add_on_cap: tuple[Dated[Count], ...]
    other_programmes: tuple[Dated[tuple[CptCode, ...]], ...]
    visits: tuple[Dated[tuple[CptCode, ...]], ...]


class DayRules(RuleTable):
    """How device days are counted."""

    period_days: tuple[Dated[Count], ...] = Field(alias="period")


class Policy(Frozen):
    """A payer's rules over time.

    Attributes:
        name: the name or the file's stem that it was loaded by.
        title: what the policy is, for people.
        strict: the policy to compare every month with, or None.
        checked_through: the last day for which its authors have read the payer's rules.
        not_checked: what no record can show and the tool therefore never checks.
    """

    name: Text
    title: Text
    strict: Text | None = None
    checked_through: Day
    not_checked: tuple[Text, ...]
    codes: CodeRules
    contacts: ContactRules
    minutes: MinuteRules
    days: DayRules

    def in_force(self, month: BillingMonth) -> Terms:
        """The values that hold on every day of the month.

        Raises:
            ConfigurationError: a rule has no value in that month, or its value changes within it.
        """
        values: dict[str, Any] = {}
        citations = []
        for rule, field, entries in self._histories():
            entry = self._on_all_days_of(month, rule, entries)
            values[field] = None if entry is None else entry.value
            if entry is not None:
                citations.append(_citation(rule, entry))
        values["max_reply_gap"] = timedelta(minutes=values.pop("max_reply_gap_minutes"))
        return Terms(
            name=self.name,
            strict=None if self.strict == self.name else self.strict,
            checked_through=self.checked_through,
            not_checked=self.not_checked,
            citations=tuple(citations),
            **values,
        )

    def _histories(self) -> Iterator[tuple[str, str, tuple[Dated[Any], ...]]]:
        """Every rule by its dotted path in the file, its field in `Terms`, and its entries."""
        for table in ("codes", "contacts", "minutes", "days"):
            rules = getattr(self, table)
            for field, info in type(rules).model_fields.items():
                yield f"{table}.{info.alias or field}", field, getattr(rules, field)

    def _on_all_days_of(self, month: BillingMonth, rule: str, entries: tuple[Dated[Any], ...]) -> Dated[Any] | None:
        days = (month.first_day + timedelta(days=n) for n in range(month.last_day.day))
        daily = [_in_force_on(day, entries) for day in days]
        if any((entry and entry.value) != (daily[-1] and daily[-1].value) for entry in daily):
            raise ConfigurationError(
                f"Policy {self.name!r} changes {rule} within {month}.",
                f"A month is judged by one value: let the entries of [[{rule}]] begin and end on the first of a month.",
            )
        if daily[-1] is None and not rule.startswith("codes."):
            raise ConfigurationError(
                f"Policy {self.name!r} has no value of {rule} in force in {month}.",
                f"Choose a later month, or give [[{rule}]] an entry for it.",
            )
        return daily[-1]


def _in_force_on(day: date, entries: tuple[Dated[Any], ...]) -> Dated[Any] | None:
    """The latest entry that has begun, unless it has ended: an end never brings back the entry before it."""
    latest = next((entry for entry in reversed(entries) if entry.from_ <= day), None)
    return None if latest is None or (latest.ends is not None and latest.ends <= day) else latest


def _citation(rule: str, entry: Dated[Any]) -> PolicyCitation:
    value = ", ".join(entry.value) or "none" if isinstance(entry.value, tuple) else str(entry.value).lower()
    return PolicyCitation(
        rule=rule, value=value, title=entry.title, citation=f"{entry.citation} (read {entry.read.isoformat()})"
    )


@cache
def load_policy(name: str) -> Policy:
    """Read a policy and everything it `extends`.

    Args:
        name: a shipped name (`rpm-us`, `rpm-us-strict`) or a path to a payer's own `.toml`.

    Raises:
        ConfigurationError: there is no such file, it is no TOML, or it holds a field or value that no policy may have.
    """
    layers = read_layers("policies", name)
    if "name" in layers:
        raise ConfigurationError(f"Policy {name!r}, field name: a policy is named by its file.", "Remove `name`.")
    try:
        return Policy.model_validate({**layers, "name": Path(name).stem if name.endswith(".toml") else name})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"Policy {name!r}, field {field}: {first['msg']}.", _remedy(first["type"])) from error


def _remedy(kind: str) -> str:
    known = {
        "missing": "Add it, or extend a policy that has it.",
        "extra_forbidden": "Remove it, or correct its spelling.",
    }
    return known.get(kind, "Correct it there, or in the policy that this one extends.")
