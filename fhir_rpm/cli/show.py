"""Assessments for people: one in full, or many as a table."""

from __future__ import annotations

import json
from textwrap import fill
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_rpm.model import AssessedContact, Assessment, Explanation, NoteFacts
    from fhir_rpm.sync import PatientResult
    from fhir_rpm.writeback import Published

_FROM_TEXT = ("date", "staff_name", "staff_role", "participant", "minutes", "content", "decision")
_COLORS = {"ready": "green", "supported": "green", "qualifies": "green", "hold": "yellow", "insufficient": "yellow"}


def out(piped: int = 160) -> Console:
    """Standard output; `piped` columns wide when it is no terminal: tables stay whole, running text readable."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=piped)


def err() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False)


def print_json(items: Sequence[Assessment | Explanation], *, as_lines: bool) -> None:
    """One object a line; or one object for one patient, and an array for several."""
    if as_lines or len(items) == 1:
        for item in items:
            click.echo(item.to_json(indent=None if as_lines else 2))
    else:
        click.echo(json.dumps([item.model_dump(mode="json") for item in items], indent=2, ensure_ascii=False))


def show_assessment(console: Console, assessment: Assessment) -> None:
    """One month in full: verdicts and why, contacts, what to do, what was not read."""
    show_head(console, assessment)
    console.print(_codes(assessment))
    if assessment.contacts:
        console.print(_contacts(assessment.contacts))
    show_list(console, "What to do", assessment.actions)
    show_rest(console, assessment)


def show_head(console: Console, assessment: Assessment) -> None:
    """Whose month it is, its status, and its bounds."""
    minutes = assessment.minutes
    possible = "unbounded" if minutes.possible is None else minutes.possible
    console.print(
        f"[bold]{escape(assessment.patient or 'unknown patient')}[/] {assessment.month} ({assessment.time_zone})"
    )
    console.print(f"Status {colored(assessment.status)}   policy {escape(assessment.policy)}")
    console.print(f"Minutes {minutes.certain} certain, {possible} possible   ", end="")
    console.print(f"device days {assessment.device_days.certain} certain, {assessment.device_days.possible} possible")


def show_rest(console: Console, assessment: Assessment) -> None:
    """What was not read, and what else there is to know."""
    unread = [f"{gap.resource_type or 'Any type'}: {gap.reason}" for gap in assessment.gaps]
    show_list(console, "Could not be read", unread)
    show_list(console, "Remarks", [finding.message for finding in assessment.findings])


def _codes(assessment: Assessment) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for title in ("code", "verdict", "units", "why"):
        table.add_column(title, overflow="fold")
    for code, verdict in assessment.codes.items():
        why = " ".join(finding.message for finding in verdict.findings)
        table.add_row(code, colored(verdict.verdict), str(verdict.units), escape(why))
    return table


def _contacts(contacts: Iterable[AssessedContact]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for title in ("when", "how", "min", "staff", "with", "outcome", "sources"):
        table.add_column(title, overflow="fold")
    for contact in contacts:
        staff = ", ".join(f"{person.name or '?'} ({person.role or 'role ?'})" for person in contact.staff)
        table.add_row(
            contact.start or "?",
            contact.modality,
            "" if contact.minutes is None else str(contact.minutes),
            escape(staff),
            contact.participant or "",
            outcome_of(contact),
            "\n".join(contact.sources),
        )
    return table


def outcome_of(contact: AssessedContact) -> str:
    """The outcome with its reason or with what is missing."""
    detail = contact.reason or ", ".join(contact.missing)
    return colored(contact.outcome) + (f": {detail}" if detail else "")


def show_results(console: Console, results: Iterable[PatientResult]) -> None:
    """Many patients as a table that explains each verdict."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("patient", "status", "supported", "minutes", "contacts", "why", "document"):
        table.add_column(title, overflow="fold")
    for result in results:
        table.add_row(*_row(result))
    console.print(table)


def _row(result: PatientResult) -> list[str]:
    assessment = result.assessment
    if assessment is None:
        return [result.patient, "[red]failed[/]", "", "", "", escape(str(result.error or result.broken)), ""]
    possible = "?" if assessment.minutes.possible is None else str(assessment.minutes.possible)
    minutes = str(assessment.minutes.certain)
    units = [
        f"{code}" + (f" x{verdict.units}" if verdict.units > 1 else "")
        for code, verdict in assessment.codes.items()
        if verdict.verdict == "supported"
    ]
    published = result.published
    document = f"{published.status} {published.reference or ''}".strip() if published else ""
    return [
        result.patient,
        colored(assessment.status),
        " ".join(units),
        minutes if minutes == possible else f"{minutes} to {possible}",
        "\n".join(f"{contact.modality} {outcome_of(contact)}" for contact in assessment.contacts),
        escape(why(assessment)),
        document.replace("DocumentReference/", ""),
    ]


def why(assessment: Assessment) -> str:
    """The one sentence that explains the month: what to do first, else the rule that decided."""
    if assessment.gaps:
        return assessment.gaps[0].reason
    if assessment.status != "ready" and assessment.actions:
        return assessment.actions[0]
    supported = [found for found in assessment.codes.values() if found.verdict == "supported"]
    telling = supported if assessment.status == "ready" else assessment.codes.values()
    return next((finding.message for code in telling for finding in code.findings), "")


def show_published(published: Published) -> None:
    """What became of a document, on standard error; of a dry run, the request as it would be sent."""
    named = f" ({published.reference})" if published.reference else ""
    click.echo(f"Document {published.status}{named}: {published.detail}", err=True)
    if published.status == "dry_run":
        err().print_json(data=published.request)


def show_note(console: Console, facts: NoteFacts) -> None:
    """A note's facts with the words behind each, and what its text leaves to the record beside it."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for title in ("fact", "value", "words"):
        table.add_column(title, overflow="fold")
    values = facts.model_dump(mode="json", exclude={"spans"})
    for name, value in values.items():
        words = " | ".join(span.text for span in facts.spans if span.fact == name)
        table.add_row(name, "" if value is None else colored(str(value)), escape(words))
    console.print(table)
    absent = [name for name in _FROM_TEXT if values[name] in (None, False, "unknown", "none")]
    if absent and facts.verdict != "excluded":
        console.print(f"Not in this text: {', '.join(absent)}. A contact needs them from the record beside the note.")


def show_list(console: Console, title: str, entries: Iterable[str]) -> None:
    """A titled list; nothing when it is empty."""
    lines = list(entries)
    if lines:
        console.print(f"[bold]{title}[/]")
    for line in lines:
        console.print(
            escape(fill(line, console.width, initial_indent="  - ", subsequent_indent="    ")), soft_wrap=True
        )


def colored(word: str) -> str:
    """A status, verdict or outcome in its color."""
    color = _COLORS.get(word, "red" if word in ("not_met", "not_supported", "excluded") else "")
    return f"[{color}]{word}[/]" if color else word
