"""`fhir-rpm init`: write a configuration file that explains itself."""

from pathlib import Path

import click


@click.command(short_help="Write a commented fhir-rpm.toml for a vendor.")
@click.option(
    "--vendor",
    type=click.Choice(["epic", "oracle", "meditech", "medplum", "generic"]),
    required=True,
    help="Whose public sandbox it begins with.",
)
@click.option("--out", metavar="FILE", default="fhir-rpm.toml", show_default=True, help="- prints to standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def init(vendor: str, out: str, force: bool) -> None:
    """Write a fhir-rpm.toml with the public sandbox of a vendor, its test patients, and every setting explained.

    What is commented out stands at its default. Then: fhir-rpm doctor.
    """
    from fhir_rpm.cli.settings_text import configuration_text
    from fhir_rpm.errors import ConfigurationError

    text = configuration_text(vendor)
    if out == "-":
        click.echo(text, nl=False)
        return
    path = Path(out)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{path} exists already.", "Use --force to overwrite it, or --out.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from None
    click.echo(f"Wrote {path}. Next: fill in what your site gave you, then run fhir-rpm doctor.", err=True)
