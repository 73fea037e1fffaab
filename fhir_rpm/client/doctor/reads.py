"""One read or search of each resource type, as a pull makes them; nothing of what comes is shown but counts and ids."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from fhir_rpm.client.capability import Capability
from fhir_rpm.client.doctor.answers import refusal
from fhir_rpm.client.doctor.report import Finding, failed, ok, skipped, warning
from fhir_rpm.client.doctor.visit import Visit
from fhir_rpm.client.pull import Json
from fhir_rpm.client.recipe import Query, SearchRecipe, TypeRecipe
from fhir_rpm.client.roster import group_roster
from fhir_rpm.client.session import EhrSession
from fhir_rpm.client.transport import same_origin
from fhir_rpm.errors import InputError, UnavailableError
from fhir_rpm.outcome import OutcomeCodes, gaps_in
from fhir_rpm.vendor import vendor_section

SEARCHED = ("Encounter", "DocumentReference", "Observation", "Communication")
_PRACTITIONER = re.compile(r"(?:^|/)(Practitioner/[^/?#]+)")
_WHOM = "No patient was given."
_HOW = "Give one with --patient ID."


def check_patient(visit: Visit) -> Finding:
    """Read the patient."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    return _read(visit, f"Patient/{visit.patient}")


def check_search(visit: Visit, kind: str) -> Finding:
    """The vendor's first search of a type for the patient's month, to the end of its first page."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    recipe = vendor_section(visit.settings.vendor, "search", SearchRecipe).types.get(kind)
    if recipe is None or not recipe.searches:
        return skipped(f"{visit.settings.vendor} has no {kind} that shows contact with a patient.")
    if recipe.by == "recipient":
        return _search_inbox(visit, kind, recipe)
    queries = _queries(visit, kind, recipe)
    if not queries:
        return warning("type_unknown", f"{kind} is not declared.") if recipe.needed else skipped("It is not declared.")
    return _search(visit, kind, queries[0])


def _queries(visit: Visit, kind: str, recipe: TypeRecipe) -> list[Query]:
    """The searches of a pull, without what the server does not declare."""
    capability = visit.capability or Capability({})
    if not capability.may_search(kind):
        return []
    who = str(visit.patient)
    return recipe.queries(who, visit.month, capability.parameters(kind))


def _search_inbox(visit: Visit, kind: str, recipe: TypeRecipe) -> Finding:
    """Where messages are found by the staff who received them: those of somebody that the record names."""
    names = _named_practitioners(visit)
    capability = visit.capability or Capability({})
    queries = recipe.queries(names[0], visit.month, capability.parameters(kind)) if names else []
    if not names:
        return skipped("It is searched by the staff who received it, and nothing read above names any.")
    return _search(visit, kind, queries[0]) if queries else skipped("The server does not declare such a search.")


def check_care_team(visit: Visit) -> Finding:
    """Care teams of the patient, where the server has them."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    if visit.capability is not None and not visit.capability.declares("CareTeam"):
        return skipped("The server declares none.")
    return _as_optional(_search(visit, "CareTeam", {"patient": visit.patient}))


def check_body(visit: Visit) -> Finding:
    """Read the body of a note."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    urls = [url for note in visit.seen.get("DocumentReference", []) for url in _attachments(note)]
    if not urls:
        return skipped("No note read above keeps its text in a Binary.")
    url = visit.transport.url(urls[0])
    if not same_origin(url, visit.transport.base_url):
        return failed("foreign_link", "The body of a note.")
    answer = visit.transport.get(url, "application/fhir+json, */*;q=0.5")
    if answer.status == 200 and answer.json() is None and answer.body:
        return ok("Answered with the text itself.")
    return refusal(answer, visit.knowledge) or ok("One body read.")


def check_practitioner(visit: Visit) -> Finding:
    """Read somebody that the record names as staff."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    names = _named_practitioners(visit)
    if not names:
        return skipped("Nothing read above references a Practitioner.")
    return _as_optional(_read(visit, names[0]))


def _named_practitioners(visit: Visit) -> list[str]:
    """`Practitioner/id` of everybody whom what was read names."""
    return sorted({name for found in visit.seen.values() for item in found for name in _practitioners(item)})


def check_paging(visit: Visit) -> Finding:
    """Follow one next link, as a pull would."""
    if visit.patient is None:
        return skipped(_WHOM, _HOW)
    if visit.following is None:
        _provoke(visit)
    if visit.following is None:
        return skipped("Everything read above fits one page.")
    url, before = visit.following
    if not same_origin(url, visit.transport.base_url):
        return failed("foreign_link")
    answer = visit.transport.get(url)
    refused = refusal(answer, visit.knowledge)
    if refused is not None:
        return refused
    page = answer.json() or {}
    after = {_id(item) for item in _resources(page)}
    if after and after <= before:
        return warning("page_repeats")
    return ok("A next link was followed.")


def check_create(visit: Visit) -> Finding:
    """Whether documents may be written back, by what the server declares; nothing is written."""
    capability = visit.capability
    if capability is None or not capability.is_known:
        return skipped("The server declares nothing that could be looked up.")
    if not capability.declares("DocumentReference", "create"):
        return warning("create_not_declared")
    conditional = capability.declares_conditional_create("DocumentReference")
    return ok(f"Declared, {'with' if conditional else 'without'} conditional create; nothing was written.")


def check_roster(visit: Visit) -> Finding:
    """Read the Group of patients."""
    if visit.group is None:
        return skipped("No roster was given.", "Give a Group with --group ID.")
    session = EhrSession(visit.transport, visit.authenticated(), visit.settings.vendor)
    try:
        roster = group_roster(session, visit.group, visit.month)
    except UnavailableError as error:
        return failed("roster_unread", error.problem)
    except InputError as error:
        return failed("roster_empty", error.problem)
    seen = f"{len(roster.entries)} patients."
    if roster.problems:
        return warning("roster_unread", f"{seen} {len(roster.problems)} members could not be understood.")
    return ok(seen)


def _read(visit: Visit, reference: str) -> Finding:
    answer = visit.transport.get(visit.transport.url(reference))
    refused = refusal(answer, visit.knowledge)
    if refused is not None:
        return _without_credentials(visit, refused)
    kind = reference.partition("/")[0]
    if (answer.json() or {}).get("resourceType") != kind:
        return failed("not_fhir", f"Asked for {kind}.")
    return ok(f"{reference} read.")


def _search(visit: Visit, kind: str, query: Mapping[str, Any]) -> Finding:
    answer = visit.transport.get(visit.transport.url(kind), params=query)
    refused = refusal(answer, visit.knowledge)
    if refused is not None:
        return _without_credentials(visit, refused)
    page = answer.json() or {}
    if page.get("resourceType") != "Bundle":
        return failed("not_fhir", f"Asked for {kind}.")
    found = [item for item in _resources(page) if item.get("resourceType") == kind]
    visit.seen[kind] = found
    _remember_next(visit, kind, page)
    remarks = [item for item in _resources(page) if item.get("resourceType") == "OperationOutcome"]
    return _remarked(visit, remarks) or ok(f"{len(found)} on the first page of {visit.month}.")


def _remarked(visit: Visit, remarks: list[Json]) -> Finding | None:
    """What the server says beside its matches; an error that is not known is still one."""
    codes = vendor_section(visit.settings.vendor, "outcome", OutcomeCodes)
    for remark in remarks:
        told = visit.knowledge.cause_in_outcome(remark)
        if told is not None:
            return warning(told[0], f"Code {told[1]}.")
        if gaps_in(remark, codes):
            return warning("withheld")
    return None


def _without_credentials(visit: Visit, refused: Finding) -> Finding:
    wants = refused.cause in ("token_not_accepted", "forbidden", "forbidden_empty")
    return failed("credentials_needed", refused.detail) if wants and not visit.has_credentials else refused


def _as_optional(finding: Finding) -> Finding:
    """People and teams make roles known; without them a month can still be judged."""
    return warning(str(finding.cause), finding.detail) if finding.status == "failed" else finding


def _provoke(visit: Visit) -> None:
    """Ask for one entry a page of a type that has more than one, so that there is a next link."""
    recipe = vendor_section(visit.settings.vendor, "search", SearchRecipe)
    for kind, found in visit.seen.items():
        how = recipe.types.get(kind)
        queries = _queries(visit, kind, how) if how is not None and how.by == "patient" else []
        if len(found) < 2 or not queries:
            continue
        answer = visit.transport.get(visit.transport.url(kind), params={**queries[0], "_count": "1"})
        page = answer.json()
        if answer.status == 200 and page is not None:
            _remember_next(visit, kind, page)
        return


def _remember_next(visit: Visit, kind: str, page: Json) -> None:
    if visit.following is not None:
        return
    base = visit.transport.url(kind)
    for link in _dicts(page.get("link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            visit.following = (urljoin(base, link["url"]), frozenset(_id(item) for item in _resources(page)))


def _resources(page: Json) -> list[Json]:
    entries = _dicts(page.get("entry"))
    return [entry["resource"] for entry in entries if isinstance(entry.get("resource"), dict)]


def _id(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _attachments(note: Json) -> list[str]:
    attachments = [item.get("attachment") for item in _dicts(note.get("content"))]
    return [
        item["url"] for item in _dicts(attachments) if isinstance(item.get("url"), str) and "Binary/" in item["url"]
    ]


def _practitioners(node: Any) -> list[str]:
    if isinstance(node, dict):
        reference = node.get("reference")
        match = _PRACTITIONER.search(reference) if isinstance(reference, str) else None
        return ([match[1]] if match else []) + [name for value in node.values() for name in _practitioners(value)]
    return [name for value in node for name in _practitioners(value)] if isinstance(node, list) else []


def _dicts(values: Any) -> list[Json]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
