"""What Bundles themselves say was not read: pages that nobody fetched, and entries that the server refused."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir_rpm.mapping.fhir import Json, child, code_of, items, string
from fhir_rpm.model import Gap

_TYPE = re.compile(r"/([A-Z][A-Za-z]+)/?(?:\?|$)")
_REFUSED = re.compile(r"[45]\d\d")
_NOT_THERE = ("404", "410")
_EVIDENCE = ("Encounter", "Communication", "DocumentReference", "Binary", "Observation", None)


def gaps_in_bundles(source: Mapping[str, Any] | Iterable[Any]) -> Iterator[Gap]:
    """A gap for each `next` link whose page is not among the Bundles, and for each refused entry (assessment §6)."""
    bundles = list(_bundles(source))
    read = {url for bundle in bundles for url in _links(bundle, "self")}
    for bundle in bundles:
        kind = _searched(bundle)
        if kind in _EVIDENCE and any(url not in read for url in _links(bundle, "next")):
            yield Gap(resource_type=kind, code="page_not_read", reason="A further page of a Bundle was not read.")
        for entry in items(bundle.get("entry")):
            status = (string(child(entry, "response").get("status")) or "")[:3]
            if _REFUSED.fullmatch(status) and status not in _NOT_THERE:
                yield Gap(resource_type=None, code=status, reason="The server refused a read.")


def _searched(bundle: Json) -> str | None:
    """The type that a Bundle's links ask for; None where they do not say."""
    links = (*_links(bundle, "next"), *_links(bundle, "self"))
    return next((found[1] for link in links if (found := _TYPE.search(link))), None)


def _bundles(source: Mapping[str, Any] | Iterable[Any]) -> Iterator[Json]:
    if not isinstance(source, Mapping):
        for resource in source:
            yield from _bundles(resource) if isinstance(resource, Mapping) else ()
    elif source.get("resourceType") == "Bundle":
        yield dict(source)
        yield from _bundles([entry.get("resource") for entry in items(source.get("entry"))])


def _links(bundle: Json, relation: str) -> list[str]:
    links = (link for link in items(bundle.get("link")) if code_of(link, "relation") == relation)
    return [url for link in links if (url := string(link.get("url"))) is not None]
