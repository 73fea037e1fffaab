"""The command line: the only room with click, printing and exit codes."""

from fhir_rpm.cli.app import cli, main

__all__ = ["cli", "main"]
