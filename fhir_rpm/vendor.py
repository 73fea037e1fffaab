"""One EHR's section of knowledge: a typed view on a table of `mappings/<vendor>.toml`."""

from datetime import date
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fhir_rpm.data_files import data_folder, read_layers
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model.base import Frozen

Section = TypeVar("Section", bound=BaseModel)

SECTIONS = ("about", "auth", "connection", "doctor", "mapping", "outcome", "search", "roster", "write")
"""The top-level tables of a mapping file; each is read by the room that its model lives in."""


@cache
def vendor_section(vendor: str, section: str, model: type[Section]) -> Section:
    """Read one section of a vendor's mapping file, with everything it extends.

    Args:
        vendor: a shipped name (`epic`, `oracle`, `medplum`, `meditech`, `generic`) or a path to a site's own file.
        section: one of `SECTIONS`.
        model: the pydantic model of that section.

    Raises:
        ConfigurationError: the file is missing, is no TOML, or holds a field the model refuses.
    """
    layers = read_layers("mappings", vendor)
    unknown = sorted(set(layers) - set(SECTIONS))
    if unknown:
        remedy = f"Use only {', '.join(SECTIONS)}."
        raise ConfigurationError(f"Mapping {vendor!r} has an unknown table [{unknown[0]}].", remedy)
    try:
        return model.model_validate(layers.get(section, {}))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join((section, *map(str, first["loc"])))
        raise ConfigurationError(f"Mapping {vendor!r}, field {field}: {first['msg']}.", "Correct it there.") from error


class TestPatient(Frozen):
    """A synthetic patient of a public sandbox, and what it is good for."""

    id: str
    why: str


class VendorSandbox(Frozen):
    """A vendor's public sandbox: where, how one gets in, whom one may look at, and who says so."""

    base_url: str
    token_url: str | None = None
    access: str
    patients: tuple[TestPatient, ...] = ()
    source: str


class About(Frozen):
    """Which EHR a mapping file speaks of (section `about`).

    Attributes:
        name, title: its short and its full name.
        read: the day on which its sources were read last.
        server_words: words in a CapabilityStatement's software or publisher that tell this vendor.
        documentation: where the vendor documents its API.
        sandbox: its public sandbox; None where there is none.
    """

    name: str
    title: str
    read: date
    server_words: tuple[str, ...] = ()
    documentation: str | None = None
    sandbox: VendorSandbox | None = None


def about(vendor: str) -> About:
    """What a vendor's mapping file says of itself; errors as of `vendor_section`."""
    known: About = vendor_section(vendor, "about", About)
    return known


def shipped_vendors() -> tuple[str, ...]:
    """The names of the mapping files that come with the package."""
    return tuple(sorted(path.stem for path in data_folder("mappings").glob("*.toml") if path.stem != "base"))
