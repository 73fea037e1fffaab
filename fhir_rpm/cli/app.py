"""The `fhir-rpm` command: subcommands loaded when they are used, and every failure as one clear line."""

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from fhir_rpm.errors import FhirRpmError

COMMANDS = (
    "demo",
    "init",
    "doctor",
    "patient",
    "sync",
    "writes",
    "assess",
    "explain",
    "policy",
    "note",
    "keys",
    "sandbox",
)
INTERNAL = 1
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when the subcommand is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The subcommands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The subcommand of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"fhir_rpm.cli.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fhir-rpm")
def cli() -> None:
    """Does a patient's month show the interactive communication that CPT 99457 and 99470 require?

    Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 internal error, 2 usage or
    configuration, 3 not ready (only with --exit-code), 4 data incomplete, 5 authentication or permission, 6 a write
    needs a person.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        code = cli.main(arguments, prog_name="fhir-rpm", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except FhirRpmError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get("FHIR_RPM_DEBUG"):
            raise
        code = _broken(error)
    sys.exit(code if isinstance(code, int) else 0)


def _broken(error: Exception) -> int:
    from fhir_rpm.sync.run import place_of

    remedy = "Please report it; FHIR_RPM_DEBUG=1 shows the traceback, which may hold patient data."
    click.echo(f"internal error: {place_of(error)}. {remedy}", err=True)
    return INTERNAL
