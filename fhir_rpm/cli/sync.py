"""`fhir-rpm sync`: a scheduled job over many patients."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from fhir_rpm.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fhir_rpm.sync import PatientResult
    from fhir_rpm.writeback import Published

_IN_DOUBT = ("in_progress", "unknown", "needs_person")
_DOCUMENTS = ("written", "unchanged", "in_progress", "unknown", "needs_person")


@click.command(short_help="Pull and judge a month for many patients.")
@options.month
@click.option("--patients", metavar="FILE", help="Patient ids, one a line; - reads standard input.")
@click.option("--group", metavar="ID", help="A FHIR Group of patients.")
@options.connection
@options.write_back
@options.dry_run
@options.ledger
@click.option("--concurrency", type=click.IntRange(1, 32), help="Patients at a time.")
@options.as_json
@options.exit_code
def sync(
    month: str,
    patients: str | None,
    group: str | None,
    config: Path | None,
    write_back: bool,
    dry_run: bool,
    concurrency: int | None,
    as_json: bool,
    exit_code: bool,
    **connection: object,
) -> int:
    """Judge a month for the patients in FILE or of a Group; one bad patient never stops the rest.

    With --json, standard output is one object a line for each patient, and a summary as the last line.
    """
    from datetime import UTC, datetime

    from fhir_rpm.cli import exits, show
    from fhir_rpm.cli.inputs import read_ids
    from fhir_rpm.client import EhrSession
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.sync import RunPlan, run_months

    if (patients is None) == (group is None):
        raise click.UsageError("Give either --patients FILE or --group ID.")
    writing = write_back or dry_run
    access = None if writing else False
    settings = options.settings_from(config, **connection, max_concurrency=concurrency, write_access=access)
    billing_month = BillingMonth.parse(month, settings.required_time_zone())
    listed = read_ids(patients) if patients is not None else None
    plan = RunPlan(billing_month, settings, datetime.now(UTC), writing, dry_run)
    with EhrSession.open(settings) as session:
        ids = listed if listed is not None else list(session.group_members(str(group)))
        results = list(_reported(run_months(session, ids, plan), len(ids), as_json=as_json))
    summary = summary_of(results)
    if as_json:
        click.echo(json.dumps({"summary": summary}))
    else:
        show.show_results(show.out(), results)
        show.out().print("   ".join(f"{name} {count}" for name, count in summary.items()))
    return exits.of_results(results, exit_code=exit_code)


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
