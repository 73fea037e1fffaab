"""Writes `docs/cli.md` from the commands themselves: `python tools/cli_reference.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

from fhir_rpm.cli.app import cli

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"


def reference() -> str:
    """The page: the help of the command and of each subcommand."""
    title = "# Command line\n\nMade from the commands themselves by `python tools/cli_reference.py`; a test compares.\n"
    return "\n".join([title, *_sections("fhir-rpm", cli, None)])


def _sections(name: str, command: click.Command, above: click.Context | None) -> Iterator[str]:
    """The command's section, then those of its subcommands."""
    command._help_option = None  # click keeps the one of whoever asked first, who may know no -h
    with click.Context(command, above, name, terminal_width=80, **command.context_settings) as context:
        yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
        for inner in command.list_commands(context) if isinstance(command, click.Group) else ():
            found = command.get_command(context, inner)
            if found is not None:
                yield from _sections(inner, found, context)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
