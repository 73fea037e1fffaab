"""One search to its end: every page, or a gap that says what is missing."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import Field

from fhir_rpm.client.extent import Extent, patient_of
from fhir_rpm.client.gaps import gap
from fhir_rpm.client.page import Page, next_links, read_page, refusal
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Answer, Transport, same_origin
from fhir_rpm.errors import UnavailableError
from fhir_rpm.model import Gap
from fhir_rpm.model.base import Frozen
from fhir_rpm.outcome import OutcomeCodes, codes_in

RESTARTS = 2
REPEATED_PAGES = 3
"""So many pages in a row that bring nothing new are a circle, whatever their addresses."""

_GONE = 410


class SearchLimits(Frozen):
    """Where a search that does not end is left (mapping section `search.limits`).

    Attributes:
        pages, resources, bytes: in all, of one search; empty_pages: in a row.
        seconds: after which no further page is asked for.
    """

    pages: int = Field(default=5000, ge=1)
    empty_pages: int = Field(default=100, ge=1)
    resources: int = Field(default=200_000, ge=1)
    bytes: int = Field(default=256 * 1024 * 1024, ge=1)
    seconds: float = Field(default=900, gt=0)


class Searcher:
    """Searches a server, following `next` links alone.

    Args:
        transport: the door to the server.
        codes: the vendor's error codes.
        restart_codes: those that say that the server's search session ended.
        limits: where a search is left.
        honest_total: whether `Bundle.total` counts the matches; Epic's counts the page (facts: quirk 6).
        clock: seconds that only grow.
    """

    def __init__(
        self,
        transport: Transport,
        codes: OutcomeCodes,
        restart_codes: tuple[str, ...] = (),
        limits: SearchLimits | None = None,
        *,
        honest_total: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.transport = transport
        self.codes = codes
        self.limits = limits or SearchLimits()
        self.honest_total = honest_total
        self.clock = clock
        self._restart_codes = set(restart_codes)

    def search(
        self, resource_type: str, params: Mapping[str, Any], extent: Extent | None = None, *, most: int | None = None
    ) -> Pull:
        """Every match of a search, de-duplicated by id; a search that the server ended is begun anew.

        Args:
            resource_type: what to search.
            params: the query.
            extent: what was asked for; anything else that comes is left out.
            most: the number of results beyond which the server silently stops.

        Raises:
            AccessError: the token was refused.
            UnavailableError: not even the first page could be reached.
        """
        found: tuple[Json, ...] = ()
        for _ in range(1 + RESTARTS):
            walk = _Walk(self, resource_type, extent, most)
            walk.run(params)
            if not walk.expired:
                return Pull(newest(walk.resources), tuple(walk.gaps))
            found += tuple(walk.resources)
        return Pull(newest(found), tuple(dict.fromkeys([*walk.gaps, gap(resource_type, "session_expired")])))

    def has_expired(self, answer: Answer, body: Json | None) -> bool:
        """Whether an answer says that the search session ended: 4113 of Epic, or 410 where pages are cached."""
        return answer.status == _GONE or bool(self._restart_codes & set(codes_in(body or {})))


class _Walk:
    """One walk over the pages of a search."""

    def __init__(self, searcher: Searcher, resource_type: str, extent: Extent | None, most: int | None) -> None:
        self._most = most
        self._searcher = searcher
        self._type = resource_type
        self._extent = extent
        self._seen: set[str] = set()
        self._totals: list[int] = []
        self._pages = self._bytes = self._stale = self._empty = 0
        self.resources: list[Json] = []
        self.gaps: dict[Gap, None] = {}
        self.expired = self._foreign = False

    def run(self, params: Mapping[str, Any]) -> None:
        """Read page after page."""
        first = self._searcher.transport.url(self._type)
        waiting, visited = deque([first]), {first}
        end = self._searcher.clock() + self._searcher.limits.seconds
        while waiting and not self.expired:
            if self._is_exhausted(end):
                self._lack("too_many_pages")
                break
            url = waiting.popleft()
            bundle = self._bundle(url, params)
            if bundle is None:
                continue
            self._keep(read_page(self._type, bundle, self._searcher.codes), bundle)
            if self._stale >= REPEATED_PAGES:
                self._lack("page_cycle")
                break
            waiting += self._following(bundle, url, visited)
        self._compare_totals()
        if self._foreign:
            self._distrust()

    def _bundle(self, url: str, params: Mapping[str, Any]) -> Json | None:
        """The page at a URL; None when there is none, with the reason among the gaps."""
        first = self._pages == 0
        self._pages += 1
        try:
            answer = self._searcher.transport.get(url, params=params if first else None)
        except UnavailableError:
            if first:
                raise
            self._lack("page_lost")
            return None
        self._bytes += len(answer.body)
        body = answer.json()
        if not first and self._searcher.has_expired(answer, body):
            self.expired = True
            return None
        if answer.status >= 300 or body is None or body.get("resourceType") != "Bundle":
            self._note(refusal(self._type, answer, body, self._searcher.codes).gaps)
            return None
        return body

    def _keep(self, page: Page, bundle: Json) -> None:
        self._note(page.gaps)
        if self._searcher.honest_total or not bundle.get("entry"):  # even a count of the page counts something
            self._totals += _whole_number(bundle.get("total"))
        keys = {_key(resource) for resource in page.matches}
        self._empty = 0 if keys else self._empty + 1
        self._stale = self._stale + 1 if keys and keys <= self._seen else 0
        self._seen |= keys
        self.resources += page.people
        for resource in page.matches:
            standing = self._extent.standing(resource) if self._extent else "mine"
            if standing == "foreign":
                self._foreign = True
            elif standing == "mine":
                self.resources.append(self._extent.claimed(resource) if self._extent else resource)

    def _following(self, bundle: Json, url: str, visited: set[str]) -> list[str]:
        base = self._searcher.transport.base_url
        found = []
        for link in dict.fromkeys(next_links(bundle, url, base)):
            if link is None:
                self._lack("bad_link")
            elif not same_origin(link, base):
                self._lack("foreign_link")
            elif link in visited:
                self._lack("page_cycle")
            else:
                visited.add(link)
                found.append(link)
        return found

    def _is_exhausted(self, end: float) -> bool:
        limits = self._searcher.limits
        return (
            self._pages >= limits.pages
            or self._empty >= limits.empty_pages
            or len(self.resources) >= limits.resources
            or self._bytes >= limits.bytes
            or self._searcher.clock() > end
        )

    def _compare_totals(self) -> None:
        """Hold what came against the server's counts; the lowest one, for records change while they are read."""
        identities = {key.partition("|")[0] for key in self._seen}
        if not self.gaps and len(identities) < min(self._totals, default=0):
            self._lack("fewer_than_total")
        if self._most is not None and len(identities) >= self._most:
            self._lack("result_limit")

    def _distrust(self) -> None:
        """A server that sent what is others' did not look for the patient: what names nobody may be anybody's."""
        self._note([gap("Patient", "other_patient")])
        named = [item for item in self.resources if item.get("resourceType") != self._type or patient_of(item)]
        if len(named) < len(self.resources):
            self._lack("nobodys")
        self.resources = named

    def _lack(self, code: str) -> None:
        self._note([gap(self._type, code)])

    def _note(self, gaps: Iterable[Gap]) -> None:
        self.gaps |= dict.fromkeys(gaps)


def _whole_number(total: object) -> list[int]:
    """A count, also where it is written as text or with a fraction of nothing; none when it is no number."""
    try:
        return [int(total)] if isinstance(total, int | float | str) and not isinstance(total, bool) else []
    except (ValueError, OverflowError):
        return []


def _key(resource: Json) -> str:
    identity = resource.get("id")
    if isinstance(identity, str):
        return f"{identity}|{_version(resource)}"
    return json.dumps(resource, sort_keys=True, default=str).replace("|", "/")


def newest(resources: tuple[Json, ...] | list[Json]) -> tuple[Json, ...]:
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
    is_number = number.isascii() and number.isdigit() and len(number) < 20
    return (int(number) if is_number else -1, str(meta.get("lastUpdated") or ""))
