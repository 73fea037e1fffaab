"""Scopes in both spellings of SMART: which to ask for, and what a granted one allows.

v1 is `system/Encounter.read`, v2 `system/Encounter.rs` with an optional query (SMART App Launch 1.0 and 2.2, "Scopes").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from fhir_rpm.client.discovery import Discovery
from fhir_rpm.model.base import Frozen

Interaction = Literal["create", "read", "update", "delete", "search"]
Style = Literal["none", "v1", "v2", "declared", "v1_all", "v2_all"]

_ORDER = "cruds"
_V1 = {"read": "rs", "write": "cud", "*": _ORDER}
_SCOPE = re.compile(r"(?:system|user|patient)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|[cruds]{1,5})(\?.*)?")
_NO_DATA = re.compile(r"openid|profile|email|fhirUser|online_access|offline_access|launch(?:/\S*)?")


class AuthRecipe(Frozen):
    """How one vendor wants to be asked for a token: the `[auth]` table of its mapping file.

    Attributes:
        scopes: the spellings to try in turn, the next after `invalid_scope`: `v1`, `v2`, `declared` (the one that the
            SMART configuration declares), `v1_all` and `v2_all` (wildcards), `none` (no scope parameter).
        reads: resource type → the letters of v2 (`r` read, `s` search) it is asked with; "" where it is not asked.
        writes: the same for a session that may write.
        retries_400: whether a refusal with HTTP 400 is asked once more, with a new assertion.
    """

    scopes: tuple[Style, ...] = ("none",)
    reads: dict[str, str] = Field(default_factory=dict)
    writes: dict[str, str] = Field(default_factory=dict)
    retries_400: bool = False

    def requests(self, found: Discovery, *, writing: bool) -> tuple[str | None, ...]:
        """The scope parameters to try in turn, each once; None sends none. An app that may only read still reads."""
        steps = [(style, access) for style in self.scopes for access in ((True, False) if writing else (False,))]
        asked = [self._request(style, found, writing=access) for style, access in steps]
        return tuple(dict.fromkeys(asked)) or (None,)

    def _request(self, style: Style, found: Discovery, *, writing: bool) -> str | None:
        if style == "none":
            return None
        spelling = _declared(found) if style == "declared" else style
        reads = list(self.reads.items())
        if spelling.endswith("_all"):
            reads = [("*", "".join(sorted({letter for _, letters in reads for letter in letters})))]
        needs = [*reads, *(self.writes.items() if writing else ())]
        wanted = [(kind, letters) for kind, letters in needs if letters and _may_be_asked(found, kind, letters)]
        write = _in_v1 if spelling.startswith("v1") else _in_v2
        return " ".join(dict.fromkeys(scope for kind, letters in wanted for scope in write(kind, letters))) or None


def _declared(found: Discovery) -> str:
    """Which spelling a server declares; v2 when it declares both or neither."""
    only_v1 = "permission-v1" in found.capabilities and "permission-v2" not in found.capabilities
    return "v1" if only_v1 else "v2"


def _may_be_asked(found: Discovery, kind: str, letters: str) -> bool:
    """A server that names its types one by one refuses the others (facts: Oracle, SMART bulk-data-server)."""
    named = [scope for scope in found.scopes if scope.startswith("system/") and not scope.startswith("system/*")]
    supported = GrantedScopes.parse(" ".join(named))
    if kind == "*" or not named:
        return True
    return not any(supported.lacks(kind, _INTERACTIONS[letter]) for letter in letters)


def _in_v1(kind: str, letters: str) -> Iterator[str]:
    if set(letters) & set("rs"):
        yield f"system/{kind}.read"
    if set(letters) & set("cud"):
        yield f"system/{kind}.write"


def _in_v2(kind: str, letters: str) -> Iterator[str]:
    yield f"system/{kind}.{''.join(letter for letter in _ORDER if letter in letters)}"


_INTERACTIONS: dict[str, Interaction] = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}


@dataclass(frozen=True)
class Grant:
    """One granted scope: a type or `*`, v2 letters, and whether a query narrows it."""

    kind: str
    letters: str
    narrowed: bool


@dataclass(frozen=True)
class GrantedScopes:
    """What a token may do, by the scopes that came with it. A scope permits to ask; the server may still refuse.

    Attributes:
        text: the scopes as the server spelled them.
        grants: those that were understood.
        unknown: those that were not; with one of them, nothing is surely refused.
    """

    text: str
    grants: tuple[Grant, ...]
    unknown: tuple[str, ...]

    @classmethod
    def parse(cls, scope: object) -> "GrantedScopes":
        """Read the `scope` of a token reply: a string, a list of strings, or anything else, which tells nothing."""
        parts = scope if isinstance(scope, list) else str(scope if isinstance(scope, str) else "").split()
        names = [str(part) for part in parts]
        matches = [(name, _SCOPE.fullmatch(name)) for name in names if not _NO_DATA.fullmatch(name)]
        understood = [match for _, match in matches if match is not None]
        grants = tuple(Grant(match[1], _V1.get(match[2], match[2]), match[3] is not None) for match in understood)
        return cls(" ".join(names), grants, tuple(name for name, match in matches if match is None))

    def allows(self, resource_type: str, interaction: Interaction) -> bool | None:
        """Whether a request may be made; None when the scopes do not tell, for instance because there are none."""
        if any(self._covering(resource_type, interaction)):
            return True
        return None if self.unknown or not self.grants else False

    def lacks(self, resource_type: str, interaction: Interaction) -> bool:
        """Whether the token surely may not do it, so that it can be said before the first request."""
        return self.allows(resource_type, interaction) is False

    def narrows(self, resource_type: str, interaction: Interaction) -> bool:
        """Whether only a part is granted (v2 `?category=…`), so that a search may miss resources without a word."""
        covering = list(self._covering(resource_type, interaction))
        return bool(covering) and all(grant.narrowed for grant in covering)

    def _covering(self, resource_type: str, interaction: Interaction) -> Iterator[Grant]:
        for grant in self.grants:
            if grant.kind in ("*", resource_type) and _INTERACTIONS_TO_LETTERS[interaction] in grant.letters:
                yield grant


_INTERACTIONS_TO_LETTERS = {name: letter for letter, name in _INTERACTIONS.items()}
