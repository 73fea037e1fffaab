"""`fhir-rpm doctor`: examine the connection to an EHR step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_rpm.cli import options

if TYPE_CHECKING:
    from fhir_rpm.client.doctor import Step

SYMBOLS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "warning": ("!", "yellow"), "skipped": ("–", "bright_black")}
_NAME_WIDTH = 26


@click.command(short_help="Examine the connection to an EHR.")
@click.option("--patient", metavar="ID", help="A patient to read; a test patient where the vendor's sandbox is used.")
@click.option("--group", metavar="ID", help="A FHIR Group to read as the roster.")
@click.option("--month", metavar="YYYY-MM", help="The month to search in; default the last one.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="Bound on the whole run.",
)
@options.connection
@options.as_json
def doctor(
    patient: str | None,
    group: str | None,
    month: str | None,
    timeout: float,
    config: Path | None,
    as_json: bool,
    **connection: object,
) -> int:
    """Examine the connection: settings, key, name, TLS, metadata, token, scopes, and a read of each resource type.

    Nothing is written to the EHR. Each step is ✓ fine, ✗ failed, ! a warning or – skipped, with the named cause and
    the remedy. Exit codes are those of the first failure: 2 configuration, 4 unreachable or incomplete,
    5 authentication or permission.

    With --json, standard output is one object: steps (name, status, cause, remedy, detail, seconds) and ok.
    """
    import json

    from fhir_rpm.client.doctor import Order, examine, exit_code_of

    order = Order(patient=patient, group=group, month=month, seconds=timeout)
    steps: list[Step] = []
    for step in examine(lambda: options.settings_from(config, **connection), order):
        steps.append(step)
        if not as_json:
            _show(step)
    code = exit_code_of(steps)
    if as_json:
        shown = {"steps": [step.to_json() for step in steps], "ok": code == 0}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(steps))
    return code


def _show(step: Step) -> None:
    symbol, color = SYMBOLS[step.status]
    words = f"{step.cause}: {step.detail}" if step.cause is not None else step.detail
    click.echo(_wrapped(f"{click.style(symbol, fg=color)} {step.name:<{_NAME_WIDTH}}", words))
    if step.remedy:
        click.echo(_wrapped(" " * (_NAME_WIDTH + 2), f"→ {step.remedy}"))


def _wrapped(head: str, words: str) -> str:
    """The words beside the head, each further line under the first."""
    from shutil import get_terminal_size
    from textwrap import wrap

    margin = _NAME_WIDTH + 3
    width = max(40, min(get_terminal_size((120, 24)).columns, 120) - margin)
    lines = wrap(words, width, break_long_words=False, break_on_hyphens=False) or [""]
    return f"{head} " + f"\n{' ' * margin}".join(lines)


def _summary(steps: list[Step]) -> str:
    counts = {status: sum(step.status == status for step in steps) for status in SYMBOLS}
    return "\n" + "   ".join(f"{SYMBOLS[status][0]} {count} {status}" for status, count in counts.items())
