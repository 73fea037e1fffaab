"""Tolerant reading of raw FHIR JSON: what is absent or malformed is empty, never an exception."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def items(value: object) -> list[Json]:
    """The objects of a list; a lone object counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def child(resource: object, *path: str) -> Json:
    """The object at a path of keys, or an empty one; of a list, its first object."""
    node = resource
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
        node = node[0] if isinstance(node, list) and node else node
    return node if isinstance(node, dict) else {}


def string(value: object) -> str | None:
    """A trimmed string, without the lone surrogates that JSON may hold and UTF-8 may not; None when there is none."""
    if not isinstance(value, str):
        return None
    return (
        value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    ).strip() or None


def code_of(resource: Json, key: str) -> str:
    """A code, trimmed and in lower case: vendors pad their codes (facts: `"entered-in-error "`)."""
    return (string(resource.get(key)) or "").lower()


def codings(concept: object) -> Iterator[tuple[str, str]]:
    """`(system, code)` of every coding of a CodeableConcept, or of a bare Coding."""
    if not isinstance(concept, dict):
        return
    for coding in items(concept.get("coding")) or [concept]:
        code = string(coding.get("code"))
        if code is not None:
            yield string(coding.get("system")) or "", code


def displays(concept: object) -> Iterator[str]:
    """The texts of a CodeableConcept: its own, then each coding's display, without repeats."""
    if isinstance(concept, str):
        yield concept
    if not isinstance(concept, dict):
        return
    texts = [string(concept.get("text"))]
    texts += [string(coding.get("display")) for coding in items(concept.get("coding")) or [concept]]
    yield from dict.fromkeys(text for text in texts if text is not None)


def reference_of(value: object) -> str | None:
    """The `reference` of a Reference."""
    return string(value.get("reference")) if isinstance(value, dict) else None
