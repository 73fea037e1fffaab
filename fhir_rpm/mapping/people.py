"""Who somebody is: which side of the conversation, which name, which role."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from fhir_rpm.mapping.fhir import Json, child, codings, displays, items, string
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.names import credential_in, name_parts, names_agree, plain_name, title_in
from fhir_rpm.mapping.staff import StaffDirectory, settled_role
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.model import Participant, StaffMember
from fhir_rpm.model.terms import StaffRole

Side = Literal["staff", "patient", "caregiver", "device", "unknown"]

_NPI = "http://hl7.org/fhir/sid/us-npi"
_TEAMS = {"CareTeam", "Organization", "Group", "HealthcareService"}
_PATIENT_SIDE: dict[str, Side] = {"Patient": "patient", "RelatedPerson": "caregiver"}
_STAFF_TYPES = {"Practitioner", "PractitionerRole"} | _TEAMS


@dataclass(frozen=True)
class Person:
    """Somebody named by a Reference.

    Attributes:
        side: which side of the conversation they are on.
        key: what identifies them across resources: `Practitioner/id`, else their name in lower case; None when unknown.
        name, role: as far as the record tells; a background user has neither.
        listed: the role is the staff directory's, for the record tells none or one that speaks less against billing.
        disputed: the record and the staff directory name different roles.
    """

    side: Side
    key: str | None = None
    name: str | None = None
    role: StaffRole | None = None
    listed: bool = False
    disputed: bool = False

    @property
    def participant(self) -> Participant:
        """The person as the model knows staff."""
        return Participant(name=self.name, role=self.role)


class People:
    """Reads people out of references, for one patient's record."""

    def __init__(
        self, resources: Resources, table: MappingTable, patient: str | None, staff: Iterable[StaffMember] = ()
    ) -> None:
        self._resources = resources
        self._table = table
        self._patient = patient
        self._directory = StaffDirectory(staff, table.roles)

    def read(self, reference: object, holder: Json, hint: object = None) -> Person:
        """The person behind a Reference; never raises.

        Args:
            reference: a Reference, in any of its forms.
            holder: the resource it stands in, for contained targets.
            hint: a CodeableConcept that says their role in that resource (participant type, author extension).
        """
        key = self._resources.key_of(reference)
        target = self._resources.target(reference, holder)
        kind = self._kind(reference, key, target)
        if kind == "Patient":
            return Person("patient" if self._is_subject(key) else "caregiver", key)
        if kind == "RelatedPerson":
            return Person("caregiver", key)
        if kind == "Device":
            return Person("device", key)
        display = string(child(reference).get("display")) if isinstance(reference, dict) else None
        if kind is None and display is not None and (side := self._side_named(display)) is not None:
            return Person(side)
        if kind not in _STAFF_TYPES and display is None:
            return Person("unknown", key)
        return self._staff(key, target, display, hint)

    def _kind(self, reference: object, key: str | None, target: Json | None) -> str | None:
        if key is not None:
            return key.partition("/")[0]
        if target is not None:
            return string(target.get("resourceType"))
        return string(reference.get("type")) if isinstance(reference, dict) else None

    def _is_subject(self, key: str | None) -> bool:
        return key is None or self._patient is None or key == self._patient

    def _side_named(self, display: str) -> Side | None:
        """The patient's side, when the name alone is that of the patient or of a related person."""
        parts = sorted(name_parts(display))
        return next((side for side, name in self._names_of_patient_side if parts and parts == name), None)

    @cached_property
    def _names_of_patient_side(self) -> list[tuple[Side, list[str]]]:
        found: list[tuple[Side, list[str]]] = []
        for kind, side in _PATIENT_SIDE.items():
            for key, resource in self._resources.of_type(kind):
                if kind != "Patient" or self._is_subject(key):
                    names = (_human_name({"name": name}) for name in items(resource.get("name")))
                    found += [(side, sorted(name_parts(name))) for name in names if name is not None]
        return found

    def _staff(self, key: str | None, target: Json | None, display: str | None, hint: object) -> Person:
        if key is not None and key.partition("/")[0] in _TEAMS:
            return Person("staff", key)
        held: list[Json] = []
        names = [display]
        if target is not None and target.get("resourceType") == "PractitionerRole":
            held, inner = [target], target.get("practitioner")
            names.append(string(child(inner).get("display")))
            key, target = self._resources.key_of(inner) or key, self._resources.target(inner, target)
        known = [name for name in (*names, _human_name(target)) if name is not None]
        if any(map(self._table.background_words.match, known)):
            return Person("staff", key)
        name = next((plain for text in known if (plain := plain_name(text, self._table.roles))), None)
        role = (
            self._table.staff.get(key or "")
            or self._table.staff.get(name or "")
            or self._role_in(*(role.get(element) for role in held for element in ("code", "specialty")))
            or self._role_of_practitioner(key, target)
            or self._role_in(hint)
            or next((credential for text in known if (credential := credential_in(text, self._table.roles))), None)
            or next((title for text in known if (title := title_in(text, self._table.roles))), None)
        )
        return self.listed(Person("staff", key or (name.lower() if name else None), name, role), _npis(target))

    def listed(self, person: Person, npis: Iterable[str] = ()) -> Person:
        """A staff member with the role that the record and the staff directory come to together."""
        listed = self._directory.role_of(person.key, person.name, npis)
        role = settled_role(person.role, listed)
        disputed = person.role is not None and listed is not None and listed != person.role
        return replace(person, role=role, listed=role is not None and role != person.role, disputed=disputed)

    def record_key(self, practitioner: str) -> str | None:
        """`Practitioner/id` when the record holds it or it is written so; another system's own id names nobody here."""
        key = f"Practitioner/{practitioner.removeprefix('Practitioner/')}"
        return key if self._resources.get(key) is not None or practitioner.startswith("Practitioner/") else None

    def _role_of_practitioner(self, key: str | None, target: Json | None) -> StaffRole | None:
        return (
            (self._roles_by_practitioner.get(key) if key else None)
            or self._role_in(*(item.get("code") for item in items((target or {}).get("qualification"))))
            or (self._roles_by_care_team.get(key) if key else None)
        )

    @cached_property
    def _roles_by_practitioner(self) -> dict[str, StaffRole]:
        found: dict[str, StaffRole] = {}
        for _, resource in self._resources.of_type("PractitionerRole"):
            key = self._resources.key_of(resource.get("practitioner"))
            role = self._role_in(resource.get("code"), resource.get("specialty"))
            if key is not None and role is not None:
                found.setdefault(key, role)
        return found

    @cached_property
    def _roles_by_care_team(self) -> dict[str, StaffRole]:
        found: dict[str, StaffRole] = {}
        for _, resource in self._resources.of_type("CareTeam"):
            for member in items(resource.get("participant")):
                key = self._practitioner_key(member.get("member"))
                role = self._role_in(member.get("role"))
                if key is not None and role is not None:
                    found.setdefault(key, role)
        return found

    def _practitioner_key(self, reference: object) -> str | None:
        """Who a Reference names, by the Practitioner even where it points at a PractitionerRole."""
        key = self._resources.key_of(reference)
        held = self._resources.get(key) or {}
        return self._resources.key_of(held.get("practitioner")) or key

    def _role_in(self, *values: object) -> StaffRole | None:
        """The first role that any CodeableConcept among `values` (or in lists among them) names."""
        for concept in (concept for value in values for concept in items(value)):
            roles = self._table.roles.meanings(concept)
            roles += [role for _, code in codings(concept) if (role := self._table.roles.credentials.get(code.upper()))]
            roles += [role for text in displays(concept) if (role := credential_in(text, self._table.roles))]
            if roles:
                return roles[0]
        return None


def is_same_person(left: Person, right: Person) -> bool:
    """Whether two mentions are of one staff member: the same reference, or names that agree unless ids differ."""
    if left.key is None or right.key is None:
        return False
    if left.key == right.key:
        return True
    if "/" in left.key and left.key.partition("/")[0] == right.key.partition("/")[0]:
        return False
    return left.name is not None and right.name is not None and names_agree(left.name, right.name)


def _npis(target: Json | None) -> list[str]:
    found = [item for item in items((target or {}).get("identifier")) if string(item.get("system")) == _NPI]
    return [value for item in found if (value := string(item.get("value"))) is not None]


def _human_name(resource: Json | None) -> str | None:
    name = child(resource or {}, "name")
    text = string(name.get("text"))
    if text is not None:
        return text
    given = name.get("given")
    parts = [string(part) for part in (given if isinstance(given, list) else [given])]
    suffix = name.get("suffix")
    parts += [
        string(name.get("family")),
        *(string(part) for part in (suffix if isinstance(suffix, list) else [suffix])),
    ]
    return " ".join(part for part in parts if part) or None
