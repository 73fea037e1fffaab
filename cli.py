"""Runs the command line from a checkout: `python cli.py …` is `fhir-rpm …`."""

from fhir_rpm.cli import main

if __name__ == "__main__":
    main()
