"""Reads `policies/*.toml` and a payer's own files, checks them, and compares what they say."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fhir_rpm.billing.policy import Policy
from fhir_rpm.data_files import Layer, merged, read_chain
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import PolicyProblem, PolicyRule, RuleChange

STALE_AFTER = timedelta(days=365)
_TABLES = ("codes", "contacts", "minutes", "days", "documented")


@cache
def load_policy(name: str) -> Policy:
    """Read a policy and everything it `extends`.

    Args:
        name: a shipped name (`rpm-us`, `rpm-us-strict`, `rtm-us`) or a path to a payer's own `.toml`.

    Raises:
        ConfigurationError: there is no such file, it is no TOML, or it holds a field or value that no policy may have.
    """
    policy, problems = _read(name)
    if policy is None:
        raise ConfigurationError(
            f"{problems[0].file}, field {problems[0].field}: {problems[0].problem}", problems[0].remedy
        )
    return policy


def check_policy(name: str, today: date | None = None) -> tuple[PolicyProblem, ...]:
    """Everything that is wrong with a policy: errors by which it cannot be used, and warnings.

    Args:
        name: a shipped name or a path.
        today: the day by which a source was read too long ago; None leaves that out.
    """
    try:
        policy, problems = _read(name)
    except ConfigurationError as error:
        unread = PolicyProblem(severity="error", file=name, field="", problem=error.problem, remedy=error.remedy)
        return (unread,)
    if policy is None:
        return problems
    return (*_neighbours(policy), *(_stale(policy, today) if today else ()))


def differences(before: Iterable[PolicyRule], after: Iterable[PolicyRule], *, by_value: bool) -> tuple[RuleChange, ...]:
    """The rules that two policies, or one policy at two times, do not share, in the order of the second.

    Args:
        before, after: rules of one month, or all of a policy's history.
        by_value: compare values alone; otherwise also the days on which they hold.
    """
    left, right = list(before), list(after)
    changes = []
    for rule in dict.fromkeys(item.rule for item in (*right, *left)):
        old, new = (tuple(item for item in side if item.rule == rule) for side in (left, right))
        if _said(old, by_value=by_value) != _said(new, by_value=by_value):
            change = "added" if not old else "removed" if not new else "changed"
            changes.append(RuleChange(rule=rule, change=change, before=old, after=new))
    return tuple(changes)


def _said(rules: tuple[PolicyRule, ...], *, by_value: bool) -> list[object]:
    return [rule.value if by_value else (rule.since, rule.ends, rule.value) for rule in rules]


def _read(name: str) -> tuple[Policy | None, tuple[PolicyProblem, ...]]:
    """The policy, or None and what is wrong with it."""
    chain = read_chain("policies", name)
    said = merged(chain)
    files = _files_of(chain)
    codes, strangers = _by_tier(said)
    problems = [_problem(files, ("codes", code), "no tier is of this code", "extra_forbidden") for code in strangers]
    if "name" in said:
        problems.append(_problem(files, ("name",), "a policy is named by its file", "extra_forbidden"))
    own = {"name": Path(name).stem if name.endswith(".toml") else name, "files": files, "codes": codes}
    try:
        policy = Policy.model_validate({**said, **own})
    except ValidationError as error:
        tiers = said.get("tiers")
        for found in error.errors():
            place = _in_file(found["loc"], tiers if isinstance(tiers, dict) else {})
            problems.append(_problem(files, place, found["msg"], found["type"]))
        policy = None
    once = {found.field: found for found in reversed(problems)}
    return (None if problems else policy), tuple(reversed(once.values()))


def _by_tier(said: dict[str, Any]) -> tuple[Any, list[str]]:
    """The codes' rules by tier instead of by code, so that one shape serves every programme; and codes of no tier."""
    tiers, codes = said.get("tiers"), said.get("codes", {})
    if not isinstance(tiers, dict) or not isinstance(codes, dict):
        return codes, []
    by_tier = {tier: codes[code] for tier, code in tiers.items() if isinstance(code, str) and code in codes}
    return by_tier, [code for code in codes if code not in tiers.values()]


def _in_file(place: tuple[int | str, ...], tiers: dict[str, Any]) -> tuple[int | str, ...]:
    """Where a field stands in the file: under its code, not under its tier."""
    if place[:1] == ("codes",) and len(place) > 1:
        return (place[0], tiers.get(str(place[1]), place[1]), *place[2:])
    return place[:4] if place[:1] == ("documented",) else place  # beyond stands which kind of value was tried


def _files_of(chain: tuple[Layer, ...]) -> dict[str, str]:
    """Rule or plain field → the nearest file that has it; `""` → the file asked for."""
    files: dict[str, str] = {}
    for layer in reversed(chain):
        for field, value in layer.data.items():
            rules = value if field in _TABLES and isinstance(value, dict) else None
            files |= {field: layer.file} if rules is None else {f"{field}.{key}": layer.file for key in rules}
    return files | {"": chain[0].file}


def _problem(files: dict[str, str], place: tuple[int | str, ...], says: str, kind: str) -> PolicyProblem:
    path = [str(part) for part in place]
    file = files.get(".".join(path[:2])) or files.get(path[0]) or files[""]
    return PolicyProblem(
        severity="error",
        file=file,
        field=".".join(path),
        problem=says.removeprefix("Value error, ").rstrip(".") + ".",
        remedy=_remedy(kind),
    )


def _remedy(kind: str) -> str:
    known = {
        "missing": "Add it, or extend a policy that has it.",
        "extra_forbidden": "Remove it, or correct its spelling.",
        "date_type": "Write a date without quotes, for example 2026-01-01.",
        "string_pattern_mismatch": "Write a CPT or HCPCS code, for example 99490 or G0556.",
        "string_too_short": "Say what it is; an empty text says nothing.",
    }
    return known.get(kind, "Correct it there.")


def _neighbours(policy: Policy) -> Iterator[PolicyProblem]:
    """Tiers that leave a hole between them or overlap, as their last values stand."""
    codes, tiers = policy.codes, policy.tiers
    pairs = (
        (tiers.short, codes.short_minutes, tiers.base, codes.base_minutes, "minutes"),
        (tiers.short_days, codes.short_days, tiers.full_days, codes.full_days, "days"),
    )
    for short, lower, full, upper, unit in pairs:
        if not lower or not upper:
            continue
        begins = upper[-1].value if isinstance(upper[-1].value, int) else upper[-1].value.least
        if lower[-1].value.most + 1 != begins:
            says = f"it ends at {lower[-1].value.most} {unit}, and codes.{full} begins at {begins}."
            yield _warning(
                policy, f"codes.{short}", says, "Let one tier end where the next begins, unless it is meant."
            )


def _stale(policy: Policy, today: date) -> Iterator[PolicyProblem]:
    for rule in policy.rules():
        if rule.ends is not None and rule.ends <= today:
            continue
        if rule.read > today:
            yield _warning(policy, f"{rule.rule}.read", f"{rule.read} is later than {today}.", "Correct the date.")
        elif today - rule.read > STALE_AFTER:
            says = f"the source was read on {rule.read}, more than {STALE_AFTER.days} days before {today}."
            yield _warning(policy, f"{rule.rule}.read", says, "Read it again, and date the value anew.")
    if policy.checked_through < today:
        says = f"the payer's rules were checked for months through {policy.checked_through} only."
        yield _warning(policy, "checked_through", says, "Read the rules of the following months.")


def _warning(policy: Policy, field: str, says: str, remedy: str) -> PolicyProblem:
    rule = field.removesuffix(".read")
    file = policy.files.get(rule, policy.files[""])
    return PolicyProblem(severity="warning", file=file, field=field, problem=says, remedy=remedy)
