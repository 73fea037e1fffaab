"""Options that several commands share; secrets are never among them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fhir_rpm.config import ConnectionSettings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

month = click.option("--month", required=True, metavar="YYYY-MM", help="The calendar month.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
exit_code = click.option("--exit-code", is_flag=True, help="Exit with 3 when a month is not ready.")
write_back = click.option("--write-back", is_flag=True, help="Write one DocumentReference for the month.")
dry_run = click.option("--dry-run", is_flag=True, help="Show the exact request, send nothing, keep nothing.")
ledger = click.option("--ledger", metavar="FILE|URL", help="What was written; default in the user's state folder.")

_JUDGING = (
    click.option(
        "--policy", metavar="NAME|FILE", help="What the payer demands: rpm-us, rpm-us-strict, rtm-us, or a file."
    ),
    click.option("--time-zone", metavar="ZONE", help="The practice's IANA zone, e.g. America/Chicago."),
    click.option("--vendor", metavar="NAME|FILE", help="epic, oracle, medplum, meditech, generic, or a mapping file."),
    click.option("--config", type=click.Path(path_type=Path), help="Configuration; default ./fhir-rpm.toml."),
)
_CONNECTION = (
    click.option("--key-id", help="The kid of the registered public key."),
    click.option("--private-key", type=click.Path(path_type=Path), help="PEM file with the private key."),
    click.option("--client-id", help="The app's client id."),
    click.option("--base-url", metavar="URL", help="The FHIR base."),
)


_BESIDE = (
    click.option("--call-columns", type=click.Path(path_type=Path), help="TOML that maps the call log's columns."),
    click.option("--call-log", type=click.Path(path_type=Path), help="CSV of calls beside the record."),
    click.option("--staff", type=click.Path(path_type=Path), help="CSV of who is what: name or practitioner, role."),
    click.option("--roster", metavar="FILE", help="CSV of patients: start of monitoring, time zone."),
)


def beside(command: F) -> F:
    """What is known beside the EHR: roster, staff directory, call log."""
    for option in _BESIDE:
        command = option(command)
    return command


def judging(command: F) -> F:
    """Options for judging: config, vendor, time zone, policy."""
    for option in _JUDGING:
        command = option(command)
    return command


def offline(command: F) -> F:
    """The files of a month and how to judge and print it; what `assess` and `explain` share."""
    ndjson = click.option("--ndjson", is_flag=True, help="Print one JSON object a line.")
    files = click.argument("files", nargs=-1, required=True, metavar="FILE...")
    return files(month(judging(beside(as_json(ndjson(exit_code(command)))))))


def connection(command: F) -> F:
    """Options for judging and for reaching an EHR."""
    for option in _CONNECTION:
        command = option(command)
    return judging(command)


def settings_from(config: Path | None, **options: object) -> ConnectionSettings:
    """Settings with command-line options on top.

    Raises:
        ConfigurationError: something is missing or wrong.
    """
    return load_settings(config, options)
