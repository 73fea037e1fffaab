"""`fhir-rpm demo`: the whole job against the embedded sandbox EHR, over real HTTP."""

from pathlib import Path

import click

from fhir_rpm.cli import options
from fhir_rpm.cli.sandbox import VENDORS

LEGEND = """\
ready      the record shows what 99457 or 99470 asks for
hold       a person can complete it, or part of the data could not be read
not_met    nothing in the record could become it
minutes    certain, to what they could become; ? where that is not bounded
document   the DocumentReference that was written to the sandbox and read back; unchanged when an equal one was there"""


@click.command(short_help="Run the whole job against an embedded sandbox EHR.")
@click.option("--vendor", type=VENDORS, default="generic", show_default=True, help="Whose manners the sandbox has.")
@click.option("--month", metavar="YYYY-MM", default="2026-05", show_default=True, help="The month to judge.")
@click.option("--state", type=click.Path(path_type=Path), default=Path(".fhir-rpm-demo"), show_default=True)
@options.as_json
def demo(vendor: str, month: str, state: Path, as_json: bool) -> None:
    """Start a synthetic EHR, authenticate, pull and judge its patients, write each month's document, read it back.

    Documents, the ledger and a key pair are kept in the folder --state, so that a second run finds what the first one
    wrote.
    """
    import json
    from datetime import UTC, datetime

    from fhir_rpm.cli import show
    from fhir_rpm.cli.keys import KEY_ID, demo_key
    from fhir_rpm.cli.sync import record_of, summary_of
    from fhir_rpm.client import EhrSession
    from fhir_rpm.client.roster import group_roster
    from fhir_rpm.config import load_settings
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.sandbox import Sandbox
    from fhir_rpm.sync import RunPlan, run_months

    billing_month = BillingMonth.parse(month, "America/New_York")
    key, public = demo_key(state)
    with Sandbox(vendor, month, state / vendor) as ehr:
        ehr.register(ehr.client_id, public)
        click.echo(f"Sandbox EHR ({vendor}) at {ehr.base_url}", err=True)
        connection = {"base_url": ehr.base_url, "vendor": vendor, "client_id": ehr.client_id}
        connection |= {"connection": f"sandbox-{vendor}", "ledger": str(state / vendor / "ledger.sqlite3")}
        settings = load_settings(None, {**connection, "private_key": key, "key_id": KEY_ID}, {})
        plan = RunPlan(billing_month, settings, datetime.now(UTC), write_back=True)
        with EhrSession.open(settings) as session:
            session.authenticate()
            click.echo("Authenticated by SMART Backend Services (private_key_jwt, ES384)", err=True)
            patients = group_roster(session, ehr.group_id, billing_month).entries
            click.echo(f"Pulling, judging and writing back {len(patients)} patients for {month}", err=True)
            results = list(run_months(session, patients, plan))
    if as_json:
        click.echo(json.dumps([record_of(result) for result in results], indent=2))
        return
    console = show.out()
    show.show_results(console, results)
    console.print(LEGEND)
    console.print("\n" + "   ".join(f"{name} {count}" for name, count in summary_of(results).items()))
