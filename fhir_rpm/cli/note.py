"""`fhir-rpm note`: what the reader finds in a note."""

import click

from fhir_rpm.cli import options


@click.command(short_help="Read one note and show what it supports.")
@click.argument("file", default="-", metavar="[FILE|-]")
@options.as_json
def note(file: str, as_json: bool) -> None:
    """Read the note in FILE (or standard input) and show each fact with the words behind it."""
    from fhir_rpm.cli import show
    from fhir_rpm.cli.inputs import read_text
    from fhir_rpm.narrative import read_note

    facts = read_note(read_text(file))
    if as_json:
        click.echo(facts.model_dump_json(indent=2))
    else:
        show.show_note(show.out(), facts)
