"""`fhir-rpm explain`: why a month was judged as it was, offline."""

from pathlib import Path

import click

from fhir_rpm.cli import options


@click.command(short_help="Explain a month from files, offline.")
@options.offline
def explain(
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
    """Explain the month of FILES, which are as for assess: what met each requirement of each code, and what did not.

    Also the fewest fixes that make the month ready, what the strict policy would say, and every rule with its source.
    """
    from fhir_rpm import api
    from fhir_rpm.cli import exits, reasons, show
    from fhir_rpm.cli.beside import read_beside
    from fhir_rpm.cli.inputs import patient_in, read_patients

    settings = options.settings_from(config, vendor=vendor, time_zone=time_zone, policy=policy, **beside)
    settings.required_time_zone()
    known = read_beside(settings)
    patients = [(patient_in(resources), resources) for resources in read_patients(files)]
    explanations = [
        api.explain(resources, month=month, **known.arguments(patient, settings)) for patient, resources in patients
    ]
    known.count_calls(patient for patient, _ in patients)
    if ndjson or as_json:
        show.print_json(explanations, as_lines=ndjson)
    else:
        console = show.out(piped=80)
        for explanation in explanations:
            reasons.show_explanation(console, explanation)
    return exits.of_assessments(
        [item.assessment for item in explanations], exit_code=exit_code, incomplete=known.incomplete
    )
