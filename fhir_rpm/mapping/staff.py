"""The practice's staff directory: who is what, where the record itself does not say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from fhir_rpm.errors import InputError
from fhir_rpm.mapping.names import spoken_name
from fhir_rpm.mapping.table import MappingTable, RoleVocabulary
from fhir_rpm.model import StaffMember
from fhir_rpm.model.terms import StaffRole
from fhir_rpm.tables import Row, RowProblem, column_name, read_table, resource_id
from fhir_rpm.vendor import vendor_section

_ROLES: dict[str, StaffRole] = {role: role for role in get_args(StaffRole)}
_NEVER_COUNTS: tuple[StaffRole, ...] = ("non_clinical", "bot")


@dataclass(frozen=True)
class StaffFile:
    """The members of a directory that could be read, and the problems of the other rows."""

    members: tuple[StaffMember, ...] = ()
    problems: tuple[RowProblem, ...] = ()


class StaffDirectory:
    """Looks people up by Practitioner, then by NPI, then by name; whom two rows call differently is unknown."""

    def __init__(self, members: Iterable[StaffMember], roles: RoleVocabulary) -> None:
        self._roles = roles
        self._by_key: dict[str, set[StaffRole]] = {}
        self._by_npi: dict[str, set[StaffRole]] = {}
        self._by_name: dict[str, list[StaffMember]] = {}
        for member in members:
            if member.practitioner:
                self._by_key.setdefault(_key(member.practitioner), set()).add(member.role)
            if member.npi:
                self._by_npi.setdefault(member.npi, set()).add(member.role)
            if (name := spoken_name(member.name, roles)) is not None:
                self._by_name.setdefault(name, []).append(member)

    def role_of(self, key: str | None, name: str | None, npis: Iterable[str] = ()) -> StaffRole | None:
        """The role of somebody, by what identifies them best; a namesake with another Practitioner is somebody else."""
        if key in self._by_key:
            return _only(self._by_key[key])
        for npi in npis:
            if npi in self._by_npi:
                return _only(self._by_npi[npi])
        namesakes = self._by_name.get(spoken_name(name, self._roles) or "", [])
        identified = key is not None and key.startswith("Practitioner/")
        return _only({member.role for member in namesakes if not (identified and member.practitioner)})


def _only(roles: set[StaffRole]) -> StaffRole | None:
    return next(iter(roles)) if len(roles) == 1 else None


def _key(practitioner: str) -> str:
    return f"Practitioner/{practitioner.removeprefix('Practitioner/')}"


def settled_role(recorded: StaffRole | None, listed: StaffRole | None) -> StaffRole | None:
    """The record's role before the directory's; where one of them never counts, that one (assessment §2, rule 5)."""
    if recorded is None or listed in _NEVER_COUNTS:
        return recorded if listed is None else listed
    return recorded


def role_named(text: str, roles: RoleVocabulary) -> StaffRole | None:
    """The role that a word, a title or credentials name; None when they name none, or several."""
    found = {_role(part, roles) for part in re.split(r"[,/&+]", text) if part.strip()}
    return found.pop() if len(found) == 1 else None


def _role(word: str, roles: RoleVocabulary) -> StaffRole | None:
    plain = " ".join(word.lower().split())
    credential = word.strip().upper().replace(".", "")
    return _ROLES.get(column_name(word)) or roles.words.get(plain) or roles.credentials.get(credential)


def read_staff(text: str, file: str, vendor: str = "generic") -> StaffFile:
    """Read a CSV staff directory: columns `name` or `practitioner` (an id), `role`, and `npi` if wanted.

    Args:
        text: the file's content.
        file: its name, for messages.
        vendor: whose words and credentials name roles.

    Raises:
        InputError: a column is missing, or no row can be read.
    """
    roles = vendor_section(vendor, "mapping", MappingTable).roles
    table = read_table(text, file)
    table.require("role")
    table.require("name", "practitioner", "practitioner_id")
    read = [_member(file, row, roles) for row in table.rows]
    members = tuple(item for item in read if isinstance(item, StaffMember))
    if not members:
        raise InputError(
            f"{file} names no staff that could be read.", "Give each row a name or practitioner, and a role."
        )
    problems = [*table.problems, *(item for item in read if isinstance(item, RowProblem))]
    return StaffFile(members, tuple(sorted(problems, key=lambda problem: problem.line)))


def _member(file: str, row: Row, roles: RoleVocabulary) -> StaffMember | RowProblem:
    values = row.values
    role = role_named(values.get("role", ""), roles)
    if role is None:
        return RowProblem(
            file, row.line, "role", "it names no role, or several. Write one, such as rn, ma or non_clinical."
        )
    stated = values.get("practitioner") or values.get("practitioner_id")
    practitioner = resource_id(stated, "Practitioner")
    if stated and practitioner is None:
        return RowProblem(file, row.line, "practitioner", "this is no Practitioner's id. Write id or Practitioner/id.")
    npi = values.get("npi")
    if npi is not None and not re.fullmatch(r"\d{10}", npi):
        return RowProblem(file, row.line, "npi", "this is no NPI. Write its ten digits, or nothing.")
    name = values.get("name")
    if spoken_name(name, roles) is None and practitioner is None:
        return RowProblem(file, row.line, "name", "the row says nobody's name or practitioner. Write one of them.")
    return StaffMember(role=role, name=name, practitioner=_key(practitioner) if practitioner else None, npi=npi)
