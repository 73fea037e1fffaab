"""Files that commands write: whole or not at all."""

import tempfile
from pathlib import Path

from fhir_rpm.errors import ConfigurationError


def write_file(path: Path, text: str) -> None:
    """Put a text in the place of a file's, so that no reader sees half of it.

    Raises:
        ConfigurationError: the place cannot be written to; what was there is as it was.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
