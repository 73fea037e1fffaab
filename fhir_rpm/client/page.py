"""One page of a search result, read tolerantly: matches, people that came along, and what it says is missing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from fhir_rpm.client.gaps import code_of_status, gap
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Answer
from fhir_rpm.errors import AccessError
from fhir_rpm.model import Gap
from fhir_rpm.outcome import OutcomeCodes, codes_in, gaps_in

_PEOPLE = {"Practitioner", "PractitionerRole", "RelatedPerson", "CareTeam", "Device"}
"""Types that are kept when a server includes them unasked; Provenance, Location and the rest are passed over."""


@dataclass
class Page:
    """What a page holds.

    Attributes:
        matches: resources of the type asked for that are no includes.
        people: included resources that tell who somebody is.
        gaps: what it says is missing, or could not be understood.
    """

    matches: list[Json] = field(default_factory=list)
    people: list[Json] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def read_page(resource_type: str, bundle: Json, codes: OutcomeCodes) -> Page:
    """Read a Bundle; nothing in it raises."""
    page = Page()
    if bundle.get("type") not in (None, "searchset"):
        page.gaps.append(gap(resource_type, "not_a_bundle"))
    entries = bundle.get("entry")
    unread = gap(resource_type, "entry_unread")
    strange = 0
    for entry in entries if isinstance(entries, list) else [entries] if entries is not None else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        page.gaps += _outcome_of_response(entry, codes, resource_type)
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(resource, dict) or not isinstance(kind, str):
            page.gaps.append(unread)
        elif kind == "OperationOutcome":
            page.gaps += gaps_in(resource, codes, resource_type)
        elif kind == resource_type and _mode(entry) != "include":
            page.matches.append(resource)
        elif kind in _PEOPLE:
            page.people.append(resource)
        else:
            # Without a mode, or as an include of nothing, it may be what was asked for, wrongly labelled.
            strange += kind == resource_type or _mode(entry) != "include"
    if strange and not page.matches:
        page.gaps.append(gap(resource_type, "other_type"))
    page.gaps = list(dict.fromkeys(page.gaps))
    return page


def _mode(entry: Json) -> object:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, dict) else None


def _outcome_of_response(entry: Any, codes: OutcomeCodes, resource_type: str) -> tuple[Gap, ...]:
    response = entry.get("response") if isinstance(entry, dict) else None
    outcome = response.get("outcome") if isinstance(response, dict) else None
    return gaps_in(outcome, codes, resource_type) if isinstance(outcome, dict) else ()


def refusal(resource_type: str, answer: Answer, body: Json | None, codes: OutcomeCodes) -> Pull:
    """What an answer that is no page amounts to.

    Raises:
        AccessError: the token was refused.
    """
    if answer.status == 401:
        remedy = "Check the credentials, and whether the token was issued for this server."
        raise AccessError(f"The server refused the token while reading {resource_type} (HTTP 401).", remedy)
    own = gaps_in(body, codes, resource_type) if body is not None else ()
    if body is not None and set(codes_in(body)) & set(codes.empty) and not own and answer.status in (200, 404):
        return Pull()
    if any(item.code in codes.reasons for item in own) or (own and answer.status == 200):
        return Pull(gaps=own)
    return Pull(gaps=(gap(resource_type, refusal_code(answer, body)), *own))


def refusal_code(answer: Answer, body: Json | None) -> str:
    """Our code for an answer that is not what was asked for."""
    if answer.status == 403 and _speaks_of_scopes(answer):
        return "insufficient_scope"
    if 200 <= answer.status < 300:
        return "not_fhir" if body is None or "resourceType" not in body else "not_a_bundle"
    return code_of_status(answer.status)


def _speaks_of_scopes(answer: Answer) -> bool:
    """MEDITECH says so in `detail`, Epic in WWW-Authenticate (facts: quirk 76, Epic errors)."""
    said = answer.body[:2000].decode("utf-8", "replace") + str(answer.headers.get("WWW-Authenticate", ""))
    return "scope" in said.lower()


def next_links(bundle: Json, url: str, base_url: str) -> Iterator[str | None]:
    """The absolute URL of each next link of a page read from `url`; None for one that is no address."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else [links]:
        relation = link.get("relation", link.get("rel")) if isinstance(link, dict) else None
        if isinstance(link, dict) and isinstance(relation, str) and relation.strip().lower() == "next":
            yield _absolute(url, link.get("url"), base_url)


def _absolute(url: str, link: object, base_url: str) -> str | None:
    if not isinstance(link, str) or not link.strip():
        return None
    try:
        target = urlsplit(urljoin(url, link.strip()))
        base = urlsplit(base_url)
        plain = target.port in (None, 80)
    except ValueError:
        return None
    secured = base.scheme == "https" and base.port in (None, 443)
    if target.scheme == "http" and secured and plain and target.hostname == base.hostname:
        # A server behind a proxy that ends TLS names itself by http; the token stays on https.
        return target._replace(scheme="https", netloc=base.netloc, fragment="").geturl()
    return target._replace(scheme=target.scheme.lower(), netloc=target.netloc.lower(), fragment="").geturl()
