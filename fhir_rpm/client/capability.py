"""What a server declares of itself; asked before anything that not every server can do."""

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
        return any(item.get("code") == interaction for item in entry.get("interaction") or [] if isinstance(item, dict))

    def declares_conditional_create(self, resource_type: str) -> bool:
        """Whether If-None-Exist may be sent; elsewhere it is ignored and would duplicate (facts: quirk 90)."""
        return (self._entry(resource_type) or {}).get("conditionalCreate") is True

    @property
    def is_known(self) -> bool:
        """Whether the server declared anything at all."""
        return bool(self.statement.get("rest"))

    def _entry(self, resource_type: str) -> dict[str, Any] | None:
        for rest in self.statement.get("rest") or []:
            for entry in rest.get("resource") or [] if isinstance(rest, dict) else []:
                if isinstance(entry, dict) and entry.get("type") == resource_type:
                    return entry
        return None
