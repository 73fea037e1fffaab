"""What a server declares of itself; asked before anything that not every server can do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Capability:
    """A CapabilityStatement, read tolerantly: what is not declared is not there."""

    statement: dict[str, Any]

    def declares(self, resource_type: str, interaction: str | None = None) -> bool:
        """Whether the server declares a resource type, and an interaction on it."""
        entry = self._entry(resource_type)
        if entry is None or interaction is None:
            return entry is not None
        return interaction in _texts(entry.get("interaction"), "code")

    def may_search(self, resource_type: str) -> bool:
        """Whether a search is worth trying: it is declared, or the server does not say what it offers."""
        if not self.is_known:
            return True
        entry = self._entry(resource_type)
        interactions = _texts((entry or {}).get("interaction"), "code")
        return entry is not None and (not interactions or "search-type" in interactions)

    def parameters(self, resource_type: str) -> frozenset[str] | None:
        """The search parameters declared for a type; None when the server lists none."""
        return _texts((self._entry(resource_type) or {}).get("searchParam"), "name") or None

    def declares_conditional_create(self, resource_type: str) -> bool:
        """Whether If-None-Exist may be sent; elsewhere it is ignored and would duplicate (facts: quirk 90)."""
        return (self._entry(resource_type) or {}).get("conditionalCreate") is True

    @property
    def is_known(self) -> bool:
        """Whether the server declared any type at all."""
        return next(self._entries(), None) is not None

    def _entry(self, resource_type: str) -> dict[str, Any] | None:
        return next((entry for entry in self._entries() if entry.get("type") == resource_type), None)

    def _entries(self) -> Iterator[dict[str, Any]]:
        if self.statement.get("resourceType") not in (None, "CapabilityStatement"):
            return
        for rest in _items(self.statement.get("rest")):
            yield from (entry for entry in _items(rest.get("resource")) if isinstance(entry.get("type"), str))


def _items(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: object, name: str) -> frozenset[str]:
    return frozenset(item[name] for item in _items(value) if isinstance(item.get(name), str))
