"""The reader's words: groups of expressions from `mappings/narrative/lexicon.toml`, compiled once."""

import re
from dataclasses import dataclass
from functools import cache

from fhir_rpm.data_files import data_folder, read_toml

Span = tuple[int, int]


@dataclass(frozen=True)
class Lexicon:
    """Compiled groups, by `table.group` of the file."""

    groups: dict[str, re.Pattern[str]]

    def find(self, group: str, text: str, start: int = 0, end: int | None = None) -> list[Span]:
        """Where expressions of a group stand in `text[start:end]`, in order."""
        stop = len(text) if end is None else end
        return [match.span() for match in self.groups[group].finditer(text, start, stop)]

    def has(self, group: str, text: str) -> bool:
        """Whether any expression of a group stands in a text."""
        return self.groups[group].search(text) is not None


@cache
def lexicon() -> Lexicon:
    """The shipped lexicon."""
    tables = read_toml(data_folder("mappings") / "narrative" / "lexicon.toml")
    return Lexicon(
        {f"{table}.{name}": _compiled(entries) for table, groups in tables.items() for name, entries in groups.items()}
    )


def _compiled(entries: list[str]) -> re.Pattern[str]:
    ordered = sorted(entries, key=lambda entry: (-len(entry), entry))
    return re.compile(rf"(?<![\w/])(?:{'|'.join(ordered)})(?![\w])")
