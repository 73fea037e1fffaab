"""What each vendor takes as a search, and what it says to anything else."""

from collections import Counter

from fhir_rpm.sandbox.declared import DECLARED
from fhir_rpm.sandbox.manners import Fault, Manners

Params = list[tuple[str, str]]

_COMMON = {"_id", "_count"}
_PREFIXES = {"eq", "lt", "le", "gt", "ge"}
_DATES = ("date", "period", "received", "_lastUpdated")
_LARGEST = {"epic": 999}


def search_fault(manners: Manners, kind: str, params: Params) -> Fault | None:
    """Why the vendor refuses a search, if it does."""
    if manners.vendor == "epic":
        return _epic_fault(kind, params)
    if manners.vendor == "oracle":
        return _oracle_fault(kind, params)
    return None


def ignored(manners: Manners, kind: str, params: Params) -> bool:
    """Whether Epic passes over a parameter that it does not know, and answers with more than was asked for."""
    known = DECLARED["epic"].get(kind)
    names = {name for name, _ in params}
    return manners.vendor == "epic" and known is not None and bool(names - set(known) - _COMMON)


def _epic_fault(kind: str, params: Params) -> Fault | None:
    names = Counter(name for name, _ in params)
    given = dict(params)
    if not names.keys() & {"patient", "subject", "_id"}:
        return Fault(400, "A patient or _id is required.", "59159", "business-rule")
    if any("," in value for name, value in params if name in ("patient", "subject")) or names["patient"] > 1:
        return Fault(400, "Only one patient may be searched.", "4112", "business-rule")
    if kind == "Observation" and not names.keys() & {"category", "code", "_id"}:
        return Fault(400, "A category or code is required.", "59108", "required")
    if kind == "Encounter" and not given.get("class", "1").rpartition("|")[2].isdigit():
        return Fault(400, "The class is not known.", "59111", "value")
    dates = [value for name, value in params if name in ("date", "period", "issued")]
    if any(value[:2].isalpha() and value[:2] not in _PREFIXES for value in dates):
        return Fault(400, "The prefix is not known.", "59111", "value")
    count = given.get("_count", "1")
    if not (count.isdigit() and 1 <= int(count) <= _LARGEST["epic"]):
        return Fault(400, "_count is from 1 to 999.", "59111", "value")
    return None


def _oracle_fault(kind: str, params: Params) -> Fault | None:
    names = {name for name, _ in params}
    known = DECLARED["oracle"].get(kind)
    if kind == "Communication" and "_id" not in names and not set(known or ()) <= names:
        return Fault(400, "category, received, recipient and -email-status must be provided when _id is not provided")
    if kind != "Communication" and not names & {"patient", "subject", "_id", "identifier", "account"}:
        return Fault(400, "patient, subject or _id is required.")
    if known is not None and names - set(known) - _COMMON:
        return Fault(400, "A parameter is not known.")
    return _oracle_dates(names, params)


def _oracle_dates(names: set[str], params: Params) -> Fault | None:
    if len(names & {"date", "period", "_lastUpdated"}) > 1:
        return Fault(400, "date, period and _lastUpdated cannot be combined.")
    for name in names & set(_DATES):
        values = [value for given, value in params if given == name]
        prefixes = sorted(value[:2] for value in values)
        wanted = {"period": [["ge", "lt"]], "received": [["ge"], ["ge", "le"]]}.get(name, _CLOSED)
        if prefixes not in wanted or not all("T" in value for value in values):
            return Fault(400, f"{name} must form a closed range with time and prefix.")
    return None


_CLOSED = [[lower, upper] for lower in ("ge", "gt") for upper in ("le", "lt")]
