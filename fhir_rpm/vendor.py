"""One EHR's section of knowledge: a typed view on a table of `mappings/<vendor>.toml`."""

from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fhir_rpm.data_files import read_layers
from fhir_rpm.errors import ConfigurationError

Section = TypeVar("Section", bound=BaseModel)

SECTIONS = ("about", "doctor", "mapping", "outcome", "search", "roster", "write")
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
