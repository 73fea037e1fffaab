"""CSV files that people export and edit by hand: columns found by name, problems told by line, no value ever shown."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from fhir_rpm.errors import InputError

_ID = re.compile(r"[^\s,;/\"'?#&]{1,256}")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row, or a part of it, that cannot be read; `problem` never repeats what stands in the file."""

    file: str
    line: int
    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.field}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `values` by column name, trimmed, without the empty ones. They may name people: never shown."""

    line: int
    values: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Table:
    """The readable rows of a CSV file, and the problems of the others."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[RowProblem, ...]

    def require(self, *alternatives: str) -> None:
        """Check that the file has one of some columns.

        Raises:
            InputError: it has none of them.
        """
        if not set(alternatives) & set(self.columns):
            named = " or ".join(map(repr, alternatives))
            raise InputError(f"{self.file} has no column {named}.", "Name the columns in its first line.")


def resource_id(text: str | None, kind: str) -> str | None:
    """The id of a resource as people write it, with or without `Type/`; None when the text is none."""
    identity = (text or "").strip().removeprefix(f"{kind}/")
    return identity if _ID.fullmatch(identity) else None


def column_name(text: str) -> str:
    """A column's name in lower case, with underscores for spaces and hyphens: `Time Zone` is `time_zone`."""
    return "_".join(text.strip().lower().replace("-", " ").split())


def read_table(text: str, file: str, multiline: Collection[str] = ()) -> Table:
    """Read a CSV text with a header line; `,`, `;`, tab and `|` delimit, whichever divides the header most.

    Args:
        text: the file's content; blank lines are passed over.
        file: its name, for messages.
        multiline: columns whose quoted fields may run over lines; elsewhere a forgotten quote would swallow rows.

    Raises:
        InputError: there is no header, or two columns share a name.
    """
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    skipped = next((place for place, line in enumerate(lines) if line.strip()), len(lines))
    header = lines[skipped] if skipped < len(lines) else ""
    delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), [])))
    columns = tuple(map(column_name, next(csv.reader([header], delimiter=delimiter), [])))
    named = [name for name in columns if name]
    if not named:
        raise InputError(f"{file} is empty.", "Its first line names the columns.")
    if len(set(named)) < len(named):
        raise InputError(f"{file} names a column twice in its first line.", "Give each column its own name.")
    rows: list[Row] = []
    problems: list[RowProblem] = []
    for line, cells in _records(lines[skipped + 1 :], delimiter):
        number = line + skipped + 1
        problem = _problem(cells, columns, multiline)
        if problem is not None:
            problems.append(RowProblem(file, number, "row", problem))
        elif any(cells or ()):
            pairs = zip(columns, cells or (), strict=False)
            rows.append(Row(number, {name: value for name, value in pairs if name and value}))
    return Table(file, columns, tuple(rows), tuple(problems))


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """`(line, trimmed cells)` of every record, counted from 1; None for one whose quotes do not match."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            yield line, None


def _problem(cells: list[str] | None, columns: tuple[str, ...], multiline: Collection[str]) -> str | None:
    if cells is None:
        return _BROKEN
    if any(cells[len(columns) :]):
        return _TOO_LONG
    broken = ("\n" in value and name not in multiline for name, value in zip(columns, cells, strict=False))
    return _BROKEN if any(broken) else None


_BROKEN = "its quotes do not match, so it and what they enclose cannot be read. Double the quotes within a field."
_TOO_LONG = "it has more fields than the header. Quote fields that hold the delimiter."
