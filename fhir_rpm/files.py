"""Files that are put in the place of others: whole or not at all."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fhir_rpm.errors import ConfigurationError


def write_json(path: Path, document: Mapping[str, Any], mode: int = 0o666) -> None:
    """Write a JSON document so that no reader sees half of it.

    Args:
        path: where it is to stand.
        document: what is written.
        mode: who may read the file, less what the umask takes away.

    Raises:
        ConfigurationError: the place cannot be written to; what was there is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
