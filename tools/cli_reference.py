"""Writes `docs/cli.md` from the commands themselves: `python tools/cli_reference.py`."""

from pathlib import Path

import click

from fhir_rpm.cli.app import COMMANDS, cli

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"


def reference() -> str:
    """The page: the help of the command and of each subcommand."""
    parts = [
        "# Command line\n\nMade from the commands themselves by `python tools/cli_reference.py`; a test compares.\n"
    ]
    with click.Context(cli, info_name="fhir-rpm", terminal_width=80) as top:
        parts.append(_section("fhir-rpm", cli.get_help(top)))
        for name in COMMANDS:
            command = cli.get_command(top, name)
            if command is not None:
                with click.Context(command, info_name=f"fhir-rpm {name}", terminal_width=80) as context:
                    parts.append(_section(f"fhir-rpm {name}", command.get_help(context)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```\n{text}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
