"""What a read brought, and what it could not bring: completeness as a type."""

from dataclasses import dataclass
from typing import Any

from fhir_rpm.model import Gap

Json = dict[str, Any]


@dataclass(frozen=True)
class Pull:
    """Raw resources, and the gaps behind which absence proves nothing."""

    resources: tuple[Json, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: "Pull") -> "Pull":
        return Pull(self.resources + other.resources, self.gaps + other.gaps)


@dataclass(frozen=True)
class Created:
    """The server's answer to a write or to a read of one; a body need not come with it.

    `existed`: the server did not create it, for an equal one was there (HTTP 200 to a conditional create).
    """

    reference: str | None
    version: str | None = None
    resource: Json | None = None
    existed: bool = False
