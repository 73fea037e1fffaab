"""`python -m fhir_rpm.cli` is `fhir-rpm`."""

from fhir_rpm.cli import main

main()
