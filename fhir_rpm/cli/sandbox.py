"""`fhir-rpm sandbox`: a synthetic EHR to try things against."""

from pathlib import Path

import click

VENDORS = click.Choice(["generic", "epic", "oracle"])


@click.command(short_help="Serve a synthetic EHR on loopback.")
@click.option("--vendor", type=VENDORS, default="generic", show_default=True, help="Whose manners it has.")
@click.option(
    "--month", metavar="YYYY-MM", default="2026-05", show_default=True, help="The month its patients live in."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8103, show_default=True, help="0 takes a free one.")
@click.option("--state", type=click.Path(path_type=Path), default=Path(".fhir-rpm-demo"), show_default=True)
def sandbox(vendor: str, month: str, port: int, state: Path) -> None:
    """Serve a synthetic EHR until interrupted, and say how to connect to it.

    Documents that clients file, their ledger and a key pair are kept in the folder --state.
    """
    from fhir_rpm.cli.keys import KEY_ID, demo_key
    from fhir_rpm.month import BillingMonth
    from fhir_rpm.sandbox import Sandbox

    BillingMonth.parse(month, "America/New_York")
    key, public = demo_key(state)
    ehr = Sandbox(vendor, month, state / vendor, port=port)
    ehr.register(ehr.client_id, public)

    def say(running: Sandbox) -> None:
        lines = (
            f"export FHIR_RPM_BASE_URL={running.base_url}",
            f"export FHIR_RPM_VENDOR={vendor}",
            f"export FHIR_RPM_CLIENT_ID={running.client_id}",
            f"export FHIR_RPM_PRIVATE_KEY={key.resolve()}",
            f"export FHIR_RPM_KEY_ID={KEY_ID}",
            "export FHIR_RPM_TIME_ZONE=America/New_York",
            f"export FHIR_RPM_LEDGER={(state / vendor / 'ledger.sqlite3').resolve()}",
            f"# then: fhir-rpm doctor --patient {running.patients[0]} --month {month}",
            f"#       fhir-rpm patient {running.patients[0]} --month {month}",
            f"#       fhir-rpm sync --month {month} --group {running.group_id} --write-back",
        )
        click.echo("\n".join(lines))

    ehr.wait(say)
