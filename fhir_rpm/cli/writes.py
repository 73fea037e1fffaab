"""`fhir-rpm writes`: what was written to EHRs, what is in doubt, and what a person has found."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_rpm.cli import options
from fhir_rpm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fhir_rpm.config import ConnectionSettings
    from fhir_rpm.model.write import Write
    from fhir_rpm.store import Ledger

_STATES = click.Choice(["planned", "sending", "written", "unknown", "failed", "needs_person"])
_COLUMNS = ("id", "state", "reason", "patient", "month", "kind", "document", "updated")
_config = click.option("--config", type=click.Path(path_type=Path), help="Configuration; default ./fhir-rpm.toml.")
_identity = click.argument("identity", metavar="ID", type=int)


@click.group(short_help="What was written to the EHR, and what is in doubt.")
def writes() -> None:
    """The ledger of documents: list and show them, and resolve what a machine cannot know.

    It holds resource ids, hashes, codes and times; no names and no text of notes.
    """


@writes.command("list", short_help="List writes.")
@click.option("--state", type=_STATES, help="Only those in this state.")
@_config
@options.ledger
@options.as_json
def list_writes(state: str | None, config: Path | None, ledger: str | None, as_json: bool) -> None:
    """List the writes in the ledger, those of one state with --state."""
    with _opened(options.settings_from(config, ledger=ledger)) as book:
        found = [write for write in book.listed() if state is None or write.state == state]
    if as_json:
        click.echo(json.dumps([write.model_dump(mode="json") for write in found], indent=2))
    else:
        _show_table(found)


@writes.command(short_help="Show one write and its history.")
@_identity
@_config
@options.ledger
@options.as_json
def show(identity: int, config: Path | None, ledger: str | None, as_json: bool) -> None:
    """Show write ID, every state it went through, and what to do when it is in doubt."""
    from fhir_rpm.writeback.job import told

    with _opened(options.settings_from(config, ledger=ledger)) as book:
        write = _found(book, identity)
        history = book.history(identity)
    if as_json:
        steps = [step.model_dump(mode="json") for step in history]
        click.echo(json.dumps(write.model_dump(mode="json") | {"history": steps}, indent=2))
        return
    for name, value in write.model_dump(mode="json", exclude={"outline"}).items():
        click.echo(f"{name:13} {'' if value is None else value}")
    for step in history:
        click.echo(f"  {step.at:%Y-%m-%d %H:%M:%S}  {step.before or '-'} -> {step.after} ({step.reason})")
    if write.state in ("unknown", "needs_person"):
        click.echo(told(write).detail)


@writes.command(short_help="Say what is in the chart.")
@_identity
@click.option("--written", metavar="REFERENCE", help="The DocumentReference/id that is in the chart.")
@click.option("--not-written", is_flag=True, help="No such document is in the chart: the next run may send one.")
@_config
@options.ledger
def resolve(identity: int, written: str | None, not_written: bool, config: Path | None, ledger: str | None) -> None:
    """Record what you have found in the chart for write ID."""
    from datetime import UTC, datetime

    from fhir_rpm.writeback import resolve as resolved

    if (written is None) is not not_written:
        raise click.UsageError("Give either --written DocumentReference/id or --not-written.")
    with _opened(options.settings_from(config, ledger=ledger)) as book:
        write = resolved(book, _found(book, identity), _reference(written), lambda: datetime.now(UTC))
    click.echo(f"Write {write.id} is {write.state} ({write.reason}).", err=True)


@writes.command(short_help="Mark a written document as entered in error.")
@_identity
@options.connection
@options.dry_run
@options.ledger
def retract(identity: int, config: Path | None, dry_run: bool, **connection: object) -> int:
    """Mark the document of write ID as entered in error where the EHR allows it; else say who can."""
    from fhir_rpm.cli import exits, show
    from fhir_rpm.client import EhrSession
    from fhir_rpm.vendor import vendor_section
    from fhir_rpm.writeback import Desk, DocumentShape, require_permission
    from fhir_rpm.writeback import retract as retracted

    settings = options.settings_from(config, **connection)
    rules = vendor_section(settings.vendor, "write", DocumentShape).protocol
    with EhrSession.open(settings) as session, _opened(settings) as book:
        if not dry_run:
            require_permission(session.base_url, rules, allowed=settings.write_back)
        desk = Desk(session, book, settings.connection_name(session.base_url), settings.write)
        write = _found(book, identity)
        if write.connection != desk.connection:
            remedy = "Give the settings of the connection that it was written on."
            raise InputError(f"Write {identity} belongs to another connection ({write.connection}).", remedy)
        published = retracted(desk, write, rules, dry_run=dry_run)
    show.show_published(published)
    return exits.NEEDS_PERSON if published.status in ("needs_person", "unknown") else 0


@contextmanager
def _opened(settings: ConnectionSettings) -> Iterator[Ledger]:
    from fhir_rpm.store import open_ledger

    place = settings.ledger.get_secret_value() if settings.ledger is not None else None
    with open_ledger(place, create=False) as ledger:
        yield ledger


def _found(book: Ledger, identity: int) -> Write:
    write = book.find(identity)
    if write is None:
        raise InputError(f"There is no write {identity} in the ledger.", "See `fhir-rpm writes list`.")
    return write


def _reference(written: str | None) -> str | None:
    if written is None:
        return None
    kind, _, identity = written.partition("/")
    if kind != "DocumentReference" or not identity or "/" in identity:
        raise click.UsageError("--written takes a reference such as DocumentReference/123.")
    return written


def _show_table(found: Sequence[Write]) -> None:
    from rich import box
    from rich.table import Table

    from fhir_rpm.cli.show import out

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in _COLUMNS:
        table.add_column(title, overflow="fold")
    for write in found:
        cells = (write.id, write.state, write.reason, write.patient, write.month, write.kind, write.reference or "")
        table.add_row(*map(str, cells), f"{write.updated_at:%Y-%m-%d %H:%M}")
    out().print(table)
