"""One search to its end: every page, or a gap that says what is missing."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Answer, Transport, same_origin
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model import Gap
from fhir_rpm.outcome import OutcomeCodes, gaps_in

MAX_PAGES = 1000
_GONE = 410


class Searcher:
    """Searches a server, following `next` links alone."""

    def __init__(self, transport: Transport, codes: OutcomeCodes, restart_codes: tuple[str, ...] = ()) -> None:
        self._transport = transport
        self._codes = codes
        self._restart_codes = set(restart_codes)

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        """Every match of a search, de-duplicated by id.

        Raises:
            AccessError: the token was refused.
            UnavailableError: not even the first page could be reached.
        """
        pull, expired = self._walk(resource_type, params)
        if expired:
            again, expired = self._walk(resource_type, params)
            pull = again if not expired else Pull(pull.resources + again.resources, again.gaps)
        return Pull(_newest(pull.resources), tuple(dict.fromkeys(pull.gaps)))

    def _walk(self, resource_type: str, params: Mapping[str, Any]) -> tuple[Pull, bool]:
        """Page by page; the flag says that the server's search session ended on the way."""
        first = url = self._transport.url(resource_type)
        visited: set[str] = set()
        pull = Pull()
        while len(visited) < MAX_PAGES:
            visited.add(url)
            try:
                answer = self._transport.get(url, params=params if len(visited) == 1 else None)
            except UnavailableError:
                if url == first:
                    raise
                return pull + _lost(resource_type, "page_lost", "A page could not be reached."), False
            page = answer.json()
            if self._has_expired(answer, page) and len(visited) > 1:
                return pull + _lost(resource_type, "session_expired", "The search ended before its last page."), True
            if answer.status >= 400 or page is None or page.get("resourceType") != "Bundle":
                return pull + self._failed(resource_type, answer, page), False
            pull += self._page(resource_type, page)
            link = _next(page)
            if link is None:
                return pull, False
            url = urljoin(url, link)
            if not same_origin(url, self._transport.base_url):
                return pull + _lost(resource_type, "foreign_link", "A next link points to another server."), False
            if url in visited:
                return pull + _lost(resource_type, "page_cycle", "The next links run in a circle."), False
        return pull + _lost(resource_type, "too_many_pages", f"The search did not end within {MAX_PAGES} pages."), False

    def _page(self, resource_type: str, page: Json) -> Pull:
        found: list[Json] = []
        gaps: list[Gap] = []
        for entry in page.get("entry") or []:
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if not isinstance(resource, dict):
                continue
            if resource.get("resourceType") == "OperationOutcome":
                gaps += gaps_in(resource, self._codes, resource_type)
            elif resource.get("resourceType") == resource_type:
                found.append(resource)
        return Pull(tuple(found), tuple(gaps))

    def _has_expired(self, answer: Answer, page: Json | None) -> bool:
        return answer.status == _GONE or bool(self._restart_codes & set(_issue_codes(page)))

    def _failed(self, resource_type: str, answer: Answer, page: Json | None) -> Pull:
        if answer.status == 401:
            remedy = "Check the credentials, and whether the token was issued for this server."
            raise AccessError(f"The server refused the token while reading {resource_type} (HTTP 401).", remedy)
        code = {403: "forbidden", 404: "not_supported"}.get(answer.status)
        if code is None:
            code = f"http_{answer.status}" if answer.status >= 400 else "not_fhir"
        reason = f"{resource_type} could not be read (HTTP {answer.status})."
        own = tuple(gap for gap in gaps_in(page, self._codes, resource_type)) if page is not None else ()
        return Pull(gaps=(Gap(resource_type=resource_type, code=code, reason=reason), *own))


def _lost(resource_type: str, code: str, reason: str) -> Pull:
    return Pull(gaps=(Gap(resource_type=resource_type, code=code, reason=reason),))


def _next(page: Json) -> str | None:
    for link in page.get("link") or []:
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def _issue_codes(page: Json | None) -> list[str]:
    found = []
    for issue in (page or {}).get("issue") or []:
        details = issue.get("details") if isinstance(issue, dict) else None
        codings = details.get("coding") if isinstance(details, dict) else None
        found += [str(coding.get("code")) for coding in codings or [] if isinstance(coding, dict)]
    return found


def _newest(resources: tuple[Json, ...]) -> tuple[Json, ...]:
    """One resource for each id, the highest version of it (facts: Oracle repeats ids over pages)."""
    kept: dict[tuple[str, str], Json] = {}
    for place, resource in enumerate(resources):
        key = (str(resource.get("resourceType")), str(resource.get("id") or f"unnamed-{place}"))
        if key not in kept or _version(resource) >= _version(kept[key]):
            kept[key] = resource
    return tuple(kept.values())


def _version(resource: Json) -> tuple[int, str]:
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    number = str(meta.get("versionId") or "")
    return (int(number) if number.isascii() and number.isdigit() else -1, str(meta.get("lastUpdated") or ""))
