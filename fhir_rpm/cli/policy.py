"""`fhir-rpm policy`: what a policy demands, how two differ, and what is wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fhir_rpm.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_rpm.model import PolicyRule


@click.group(short_help="Show, compare and check what payers demand.")
def policy() -> None:
    """Show, compare and check policies: what a payer demands, as dated values with their sources."""


@policy.command(short_help="Show a policy's rules with their sources.")
@click.argument("name", metavar="NAME|FILE")
@click.option("--month", metavar="YYYY-MM", help="Only the rules in force in that month.")
@options.as_json
def show(name: str, month: str | None, as_json: bool) -> None:
    """Show each rule of policy NAME: its value, since when it holds, its source, and which file gives it.

    Without --month, every value there ever was. A month without a policy in force is an error.
    """
    import json

    from fhir_rpm.cli import reasons
    from fhir_rpm.cli import show as output

    rules = _rules(name, month)
    if as_json:
        said = {"policy": name, "month": month, "rules": [rule.model_dump(mode="json") for rule in rules]}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        reasons.show_rules(output.out(piped=80), name, month, rules)


@policy.command(short_help="Say what differs between two policies or months.")
@click.argument("before", metavar="A[@YYYY-MM]")
@click.argument("after", metavar="B[@YYYY-MM]")
@options.as_json
def diff(before: str, after: str, as_json: bool) -> None:
    """Say which rules differ between two policies, or in one policy between two months.

    For example: diff rpm-us@2025-12 rpm-us@2026-01, or diff rpm-us@2026-05 rpm-us-strict@2026-05. Without months, whole
    histories are compared.
    """
    import json

    from fhir_rpm.billing import differences
    from fhir_rpm.cli import reasons
    from fhir_rpm.cli import show as output

    sides = [_split(side) for side in (before, after)]
    if (sides[0][1] is None) != (sides[1][1] is None):
        raise click.UsageError("Give both sides a month (NAME@YYYY-MM), or neither.")
    changes = differences(*(_rules(*side) for side in sides), by_value=sides[0][1] is not None)
    if as_json:
        said = {"before": before, "after": after, "changes": [change.model_dump(mode="json") for change in changes]}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        reasons.show_changes(output.out(piped=80), before, after, changes)


@policy.command(short_help="Check policy files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--today",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Warn of sources read more than a year before it.",
)
@options.as_json
def check(files: tuple[str, ...], today: datetime | None, as_json: bool) -> int:
    """Check policy FILES with all they extend: fields, values, codes, dates and sources; exit with 2 on an error.

    Each problem names the file, the path of the field and the remedy. Warnings alone exit with 0.
    """
    import json

    from fhir_rpm.billing import check_policy

    day = today.date() if today else None
    problems = [problem for name in files for problem in check_policy(name, day)]
    if as_json:
        click.echo(json.dumps([problem.model_dump(mode="json") for problem in problems], indent=2, ensure_ascii=False))
    else:
        for found in problems:
            field = f", field {found.field}" if found.field else ""
            click.echo(f"{found.severity}: {found.file}{field}: {found.problem} {found.remedy}")
        counts = [sum(found.severity == severity for found in problems) for severity in ("error", "warning")]
        click.echo(f"{len(files)} checked, errors: {counts[0]}, warnings: {counts[1]}")
    return 2 if any(found.severity == "error" for found in problems) else 0


def _split(side: str) -> tuple[str, str | None]:
    name, at, month = side.rpartition("@")
    return (name, month) if at else (side, None)


def _rules(name: str, month: str | None) -> tuple[PolicyRule, ...]:
    from fhir_rpm.billing import load_policy
    from fhir_rpm.month import BillingMonth

    # policies are dated by calendar days, so any zone gives the same month
    return load_policy(name).rules(BillingMonth.parse(month, "UTC") if month else None)
