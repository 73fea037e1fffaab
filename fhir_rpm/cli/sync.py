"""`fhir-rpm sync`: a scheduled job over many patients."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_rpm.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_rpm.sync import PatientResult, RunPlan
    from fhir_rpm.writeback import Published

_IN_DOUBT = ("in_progress", "unknown", "needs_person")
_DOCUMENTS = ("written", "unchanged", "in_progress", "unknown", "needs_person")


@click.command(short_help="Pull and judge a month for many patients.")
@options.month
@click.option("--patients", metavar="FILE", help="Patient ids, one a line; - reads standard input.")
@click.option("--group", metavar="ID", help="A FHIR Group of patients.")
@click.option("--list", "list_id", metavar="ID", help="A FHIR List of patients.")
@click.option("--orders", is_flag=True, help="Everybody with orders or encounters of the programme, where allowed.")
@options.connection
@options.beside
@options.write_back
@options.dry_run
@options.ledger
@click.option("--concurrency", type=click.IntRange(1, 32), help="Patients at a time.")
@click.option(
    "--measure-report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the practice's totals to this file.",
)
@options.as_json
@options.exit_code
def sync(
    month: str,
    patients: str | None,
    group: str | None,
    list_id: str | None,
    orders: bool,
    config: Path | None,
    write_back: bool,
    dry_run: bool,
    concurrency: int | None,
    measure_report: Path | None,
    as_json: bool,
    exit_code: bool,
    **connection: object,
) -> int:
    """Judge a month for the patients of a roster; one bad patient never stops the rest.

    The roster is one of --roster, --group, --list, --patients and --orders, else the setting roster. Rows of it
    that cannot be read are told on standard error, and the exit code is then 4.

    With --json, standard output is one object a line for each patient, and a summary as the last line. The totals of
    --measure-report are a FHIR MeasureReport; it is pending when a patient could not be judged.
    """
    from datetime import UTC, datetime

    from fhir_rpm.cli import exits
    from fhir_rpm.cli.beside import completed, read_beside, roster_from
    from fhir_rpm.cli.inputs import read_ids
    from fhir_rpm.client import EhrSession
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.roster import Roster, RosterEntry
    from fhir_rpm.sync import RunPlan, run_months

    asked = _asked(group, list_id, orders=orders)
    if len(asked) + (patients is not None) + (connection.get("roster") is not None) > 1:
        raise click.UsageError("Give one of --roster, --group, --list, --patients and --orders.")
    writing = write_back or dry_run
    access = None if writing else False
    settings = options.settings_from(config, **connection, max_concurrency=concurrency, write_access=access)
    billing_month = BillingMonth.parse(month, settings.required_time_zone())
    listed = [RosterEntry(patient=item) for item in read_ids(patients)] if patients is not None else None
    known = read_beside(settings)
    plan = RunPlan(billing_month, settings, datetime.now(UTC), writing, dry_run, calls=known.calls, staff=known.staff)
    with EhrSession.open(settings) as session:
        if listed is not None:
            roster = completed(Roster(tuple(listed)), known.roster)
        else:
            roster = roster_from(session, settings, billing_month, known.roster, asked[0] if asked else None)
        entries = roster.entries
        results = list(_reported(run_months(session, entries, plan), len(entries), as_json=as_json))
    known.count_calls(entry.patient for entry in entries)
    if measure_report is not None:
        _write_totals(measure_report, results, plan, not_read=len(roster.problems))
    _show_summary(results, not_read=len(roster.problems), as_json=as_json)
    return exits.of_results(results, exit_code=exit_code, incomplete=bool(known.incomplete or roster.problems))


def _asked(group: str | None, list_id: str | None, *, orders: bool) -> list[str]:
    """The rosters that the EHR was asked for."""
    named = [f"{kind}/{key.removeprefix(f'{kind}/')}" for kind, key in (("Group", group), ("List", list_id)) if key]
    return [*named, *(["orders"] if orders else [])]


def _reported(results: Iterator[PatientResult], total: int, *, as_json: bool) -> Iterator[PatientResult]:
    """Say on standard error how far the run is, by resource ids alone."""
    for place, result in enumerate(results, 1):
        state = result.assessment.status if result.assessment else "failed"
        click.echo(f"[{place}/{total}] Patient/{result.patient} {state}", err=True)
        if result.published is not None and result.published.status in _IN_DOUBT:
            click.echo(f"    document {result.published.status}: {result.published.detail}", err=True)
        if as_json:
            click.echo(json.dumps(record_of(result), ensure_ascii=False))
        yield result


def _show_summary(results: list[PatientResult], *, not_read: int, as_json: bool) -> None:
    from fhir_rpm.cli import show

    summary = summary_of(results) | ({"not_read": not_read} if not_read else {})
    if as_json:
        click.echo(json.dumps({"summary": summary}))
    else:
        show.show_results(show.out(), results)
        show.out().print("   ".join(f"{name} {count}" for name, count in summary.items()))


def _write_totals(path: Path, results: list[PatientResult], plan: RunPlan, *, not_read: int) -> None:
    from fhir_rpm.files import write_json
    from fhir_rpm.report import measure_report

    judged = [result.assessment for result in results if result.assessment is not None]
    unread = len(results) - len(judged) + not_read
    report = measure_report(judged, plan.month, created=plan.created, unread=unread)
    write_json(path, report, mode=0o600)


def record_of(result: PatientResult) -> dict[str, object]:
    """One patient's line of `sync --json`."""
    published = result.published
    return {
        "patient": f"Patient/{result.patient}",
        "status": result.assessment.status if result.assessment else None,
        "assessment": result.assessment.model_dump(mode="json") if result.assessment else None,
        "error": str(result.error) if result.error else result.broken,
        "document": _document(published) if published else None,
    }


def _document(published: Published) -> dict[str, object]:
    """What became of the document; with --dry-run, the request as it would be sent."""
    told: dict[str, object] = {"status": published.status, "reference": published.reference}
    if published.status in _IN_DOUBT:
        told |= {"detail": published.detail, "write": published.write}
    return told | ({"request": published.request} if published.status == "dry_run" else {})


def summary_of(results: list[PatientResult]) -> dict[str, int]:
    """How many patients came to what."""
    counts = Counter(result.assessment.status if result.assessment else "failed" for result in results)
    documents: Counter[str] = Counter(result.published.status for result in results if result.published)
    incomplete = sum(bool(result.assessment and result.assessment.gaps) for result in results)
    return {
        "patients": len(results),
        **{name: counts[name] for name in ("ready", "hold", "not_met", "failed")},
        "incomplete": incomplete,
        **{name: documents[name] for name in _DOCUMENTS if documents},
    }
