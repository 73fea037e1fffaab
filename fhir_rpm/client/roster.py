"""Whom to check, asked of the EHR: the members of a Group, the entries of a List, or who has orders and encounters."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fhir_rpm.client.pull import Json
from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth, parse_fhir_time
from fhir_rpm.roster import Roster, RosterEntry, unique
from fhir_rpm.tables import resource_id
from fhir_rpm.vendor import vendor_section

if TYPE_CHECKING:
    from fhir_rpm.client.session import EhrSession

_PATIENT = re.compile(r"(?:^|/)Patient/([^/?#|]+)(?:/_history/[^/]+)?$")


class RosterSearch(Frozen):
    """One search over all patients; its matches say whom to check."""

    type: str
    params: dict[str, str]


class RosterRecipe(Frozen):
    """How to find a programme's patients: the `[roster]` table of a mapping file.

    Attributes:
        orders: searches for what tells that a patient is monitored.
        refusal: why the vendor does not answer such searches; None where it may.
    """

    orders: tuple[RosterSearch, ...] = ()
    refusal: str | None = None


def group_roster(session: "EhrSession", group: str, month: BillingMonth) -> Roster:
    """The patients who were members of a FHIR Group in the month; inactive and former ones are left out.

    Raises:
        UnavailableError: the Group cannot be read.
        InputError: it is not in use, or holds no patient that could be read.
    """
    key = f"Group/{group.removeprefix('Group/')}"
    resource = session.read(key)
    if resource.get("active") is False:
        raise InputError(f"{key} is not active.", "Name a Group that is in use.")
    members = [item for item in _objects(resource.get("member")) if _belongs(item, month)]
    return _roster(session, key, ((item.get("entity"), "member") for item in members))


def list_roster(session: "EhrSession", name: str) -> Roster:
    """The patients of a FHIR List; entries that are deleted or carry a flag are left out, with a note.

    Raises:
        UnavailableError: the List cannot be read.
        InputError: it is not current, or holds no patient that could be read.
    """
    key = f"List/{name.removeprefix('List/')}"
    resource = session.read(key)
    if str(resource.get("status")).strip() in ("entered-in-error", "retired"):
        raise InputError(f"{key} is not current.", "Name a List that is in use.")
    entries = _objects(resource.get("entry"))
    kept = [entry for entry in entries if not entry.get("deleted") and not entry.get("flag")]
    gone = len(entries) - len(kept)
    notes = [f"{key}: entries that are deleted or flagged were left out ({gone})."] if gone else []
    return _roster(session, key, ((entry.get("item"), "entry") for entry in kept), notes)


def order_roster(session: "EhrSession") -> Roster:
    """The patients with orders or encounters of the programme, by the vendor's `[roster]` searches.

    Raises:
        ConfigurationError: the server does not answer such a search without a patient.
        InputError: nobody was found.
    """
    recipe = vendor_section(session.vendor, "roster", RosterRecipe)
    searches = [search for search in recipe.orders if _is_declared(session, search)]
    if recipe.refusal is not None or not searches:
        problem = recipe.refusal or "This server declares no search for orders or encounters of all patients."
        raise ConfigurationError(problem, "Use --roster FILE, --group ID or --list ID instead.")
    subjects: list[tuple[object, str]] = []
    problems: list[str] = []
    for search in searches:
        pulled = session.search(search.type, {**search.params, "_count": "200"})
        subjects += [(item.get("subject"), search.type) for item in pulled.resources]
        problems += [f"{search.type}: {gap.reason}" for gap in pulled.gaps]
    found = [_reference(session, subject, what) for subject, what in subjects]
    entries = {item.patient: item for item in found if isinstance(item, RosterEntry)}
    problems += [item for item in found if isinstance(item, str)]
    return Roster(tuple(entries.values()), tuple(dict.fromkeys(problems))).needed("The search for orders")


def _is_declared(session: "EhrSession", search: RosterSearch) -> bool:
    """Whether the CapabilityStatement declares the search with its parameters; what is not declared is not trusted."""
    if not session.capability.declares(search.type, "search-type"):
        return False
    rests = _objects(session.capability.statement.get("rest"))
    entries = [item for rest in rests for item in _objects(rest.get("resource")) if item.get("type") == search.type]
    known = {param.get("name") for item in entries for param in _objects(item.get("searchParam"))}
    return {name.partition(":")[0] for name in search.params} <= known


def _belongs(member: Json, month: BillingMonth) -> bool:
    """Whether a member is active and belonged to the Group at any time of the month; an unknown time is within it."""
    if member.get("inactive") is True:
        return False
    period = member.get("period")
    period = period if isinstance(period, dict) else {}
    start, end = (parse_fhir_time(period.get(key), month.zone) for key in ("start", "end"))
    if start is not None and start.earliest >= month.end:
        return False
    return end is None or _last_day(str(end)) >= month.first_day.isoformat()


def _last_day(stated: str) -> str:
    """The last day that a partial date can mean, as text that compares."""
    return {4: f"{stated}-12-31", 7: f"{stated}-31"}.get(len(stated), stated[:10])


def _roster(
    session: "EhrSession", key: str, references: Iterable[tuple[object, str]], notes: Iterable[str] = ()
) -> Roster:
    found = [
        _reference(session, reference, f"{key}, {what} {place}")
        for place, (reference, what) in enumerate(references, 1)
    ]
    entries = (item for item in found if isinstance(item, RosterEntry))
    return unique(entries, (item for item in found if isinstance(item, str)), notes).needed(key)


def _reference(session: "EhrSession", value: object, where: str) -> RosterEntry | str:
    """The patient that a Reference names, or why it names none that can be pulled; never a name or an identifier."""
    reference = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(reference, str) or not reference.strip():
        return f"{where}: it has no reference to a Patient. Give it one."
    text = reference.strip()
    match = _PATIENT.search(text)
    if match is None or (identity := resource_id(match[1], "Patient")) is None:
        return f"{where}: its reference is to no Patient of the server. Reference Patient/id."
    if "://" in text and not text.startswith(f"{session.base_url}/Patient/"):
        return f"{where}: its Patient is on another server. Name a patient of this one."
    return RosterEntry(patient=identity)


def _objects(value: Any) -> list[Json]:
    return list(_dicts(value)) if isinstance(value, list) else []


def _dicts(values: Iterable[Any]) -> Iterator[Json]:
    return (value for value in values if isinstance(value, dict))
