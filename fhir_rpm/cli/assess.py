"""`fhir-rpm assess`: judge months from files, offline."""

from pathlib import Path

import click

from fhir_rpm.cli import options


@click.command(short_help="Judge a month from files, offline.")
@options.offline
def assess(
    files: tuple[str, ...],
    month: str,
    config: Path | None,
    vendor: str | None,
    time_zone: str | None,
    policy: str | None,
    as_json: bool,
    ndjson: bool,
    exit_code: bool,
    **beside: object,
) -> int:
    """Judge a month from FILES: FHIR Bundles as JSON, or NDJSON, of one patient or of many; - reads standard input.

    With --json, one patient gives an object and several give an array.
    """
    from fhir_rpm import api
    from fhir_rpm.cli import exits, show
    from fhir_rpm.cli.beside import read_beside
    from fhir_rpm.cli.inputs import patient_in, read_patients

    settings = options.settings_from(config, vendor=vendor, time_zone=time_zone, policy=policy, **beside)
    settings.required_time_zone()
    known = read_beside(settings)
    patients = [(patient_in(resources), resources) for resources in read_patients(files)]
    assessments = [
        api.assess(resources, month=month, **known.arguments(patient, settings)) for patient, resources in patients
    ]
    known.count_calls(patient for patient, _ in patients)
    if ndjson or as_json:
        show.print_json(assessments, as_lines=ndjson)
    else:
        console = show.out()
        for assessment in assessments:
            show.show_assessment(console, assessment)
    return exits.of_assessments(assessments, exit_code=exit_code, incomplete=known.incomplete)
