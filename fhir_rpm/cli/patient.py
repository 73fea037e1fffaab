"""`fhir-rpm patient`: look up one patient's month in the EHR."""

from pathlib import Path

import click

from fhir_rpm.cli import options


@click.command(short_help="Pull and judge one patient's month.")
@click.argument("patient_id", metavar="ID")
@options.month
@options.connection
@options.beside
@options.write_back
@options.dry_run
@options.ledger
@options.as_json
@options.exit_code
def patient(
    patient_id: str,
    month: str,
    config: Path | None,
    write_back: bool,
    dry_run: bool,
    as_json: bool,
    exit_code: bool,
    **connection: object,
) -> int:
    """Pull the month of patient ID from the EHR, judge it, and explain the verdict as `explain` does.

    With --json, standard output is the assessment alone.
    """
    from datetime import UTC, datetime

    from fhir_rpm.cli import exits, reasons, show
    from fhir_rpm.cli.beside import read_beside
    from fhir_rpm.client import EhrSession
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.sync import RunPlan
    from fhir_rpm.sync.run import run_month

    writing = write_back or dry_run
    settings = options.settings_from(config, **connection, write_access=None if writing else False)
    billing_month = BillingMonth.parse(month, settings.required_time_zone())
    known = read_beside(settings)
    plan = RunPlan(
        billing_month,
        settings,
        datetime.now(UTC),
        writing,
        dry_run,
        explain=not as_json,
        calls=known.calls,
        staff=known.staff,
    )
    with EhrSession.open(settings) as session:
        result = run_month(session, known.of(patient_id), plan)
    known.count_calls([patient_id])
    if result.assessment is not None and as_json:
        click.echo(result.assessment.to_json())
    elif result.explanation is not None:
        reasons.show_explanation(show.out(piped=80), result.explanation)
    if result.published is not None:
        show.show_published(result.published)
    return exits.of_results([result], exit_code=exit_code, incomplete=known.incomplete)
