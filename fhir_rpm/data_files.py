"""Finds the data that ships beside the code: mappings, policies and profiles."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_rpm.errors import ConfigurationError

_PACKAGE = Path(__file__).parent


def data_folder(name: str) -> Path:
    """The folder `mappings`, `policies` or `profiles`: inside the installed package, else in the checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigurationError: it is missing or no TOML; the message names the file and the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.", "Correct that line.") from error


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a chain of `extends`: how a person would name it, and what it says."""

    file: str
    data: dict[str, Any]


def read_layers(folder: str, name: str) -> dict[str, Any]:
    """Read `name` and everything it `extends`, nearest last, merged table by table; lists are replaced, not joined.

    Args:
        folder: `mappings` or `policies`.
        name: the name of a shipped file without its ending, or a path to one's own file.

    Raises:
        ConfigurationError: there is no such file, it is no TOML, or the chain of `extends` runs in a circle.
    """
    return merged(read_chain(folder, name))


def read_chain(folder: str, name: str) -> tuple[Layer, ...]:
    """The file `name` and those it `extends`, nearest first; arguments and errors as of `read_layers`."""
    chain: list[Layer] = []
    seen: list[Path] = []
    wanted: str | None = name
    beside = Path.cwd()
    while wanted is not None:
        path = _locate(folder, wanted, beside)
        if path in seen:
            raise ConfigurationError(f"{path} extends itself.", "Remove the circle of `extends`.")
        seen.append(path)
        data = read_toml(path)
        parent = data.pop("extends", None)
        chain.append(Layer(wanted if wanted.endswith(".toml") else f"{folder}/{wanted}.toml", data))
        wanted, beside = None if parent is None else str(parent), path.parent
    return tuple(chain)


def merged(chain: Iterable[Layer]) -> dict[str, Any]:
    """What a chain says together; the nearer file wins, table by table."""
    together: dict[str, Any] = {}
    for layer in reversed(tuple(chain)):
        together = _merge(together, layer.data)
    return together


def _locate(folder: str, name: str, beside: Path) -> Path:
    if name.endswith(".toml"):
        return (beside / name).resolve()
    path = data_folder(folder) / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in data_folder(folder).glob("*.toml") if file.stem != "base"))
        raise ConfigurationError(
            f"There is no {name!r} in {folder}.", f"Use one of {known}, or a path to a .toml file."
        )
    return path


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
