"""Names as displays write them: credentials and titles told apart, and whether two can be one person's."""

import re
import unicodedata

from fhir_rpm.mapping.table import RoleVocabulary
from fhir_rpm.model.terms import StaffRole


def credential_in(display: str | None, roles: RoleVocabulary) -> StaffRole | None:
    """The first credential in a display name; a leading one before a comma is a surname ("MA, LIN")."""
    tokens = _tokens(display)
    if len(tokens) > 1 and (display or "").lstrip().startswith(f"{tokens[0]},"):
        tokens = tokens[1:]
    for token in tokens:
        known = token.upper().replace(".", "")
        role = next((found for part in (known, *known.split("-")) if (found := roles.credentials.get(part))), None)
        if role is not None and (token.isupper() or known in ("PHARMD", "RPH") or "." in token):
            return role
    return None


def title_in(display: str, roles: RoleVocabulary) -> StaffRole | None:
    """The role whose title stands alone after the name: "Dana Hall, Registered Nurse", "Ray Colby (Scheduler)"."""
    return next((role for part in _parts(display)[1:] if (role := roles.words.get(part.lower()))), None)


def plain_name(display: str | None, roles: RoleVocabulary) -> str | None:
    """The display without credentials and titles, in the order it was written."""
    if display is None:
        return None
    first, *others = _parts(display)
    kept = [first, *(part for part in others if part.lower() not in roles.words)]
    parts = [" ".join(token for token in part.split() if not credential_in(token.strip(",."), roles)) for part in kept]
    return ", ".join(part for part in parts if part) or None


def spoken_name(display: str | None, roles: RoleVocabulary) -> str | None:
    """A name as it is spoken, to compare by: lower case, no accents, no credentials, given name first."""
    plain = plain_name(display, roles)
    if plain is None:
        return None
    family, _, given = plain.partition(",")
    folded = unicodedata.normalize("NFKD", f"{given} {family}".casefold())
    return " ".join(name_parts("".join(sign for sign in folded if not unicodedata.combining(sign)))) or None


def names_agree(left: str, right: str) -> bool:
    """Whether two names can be one person's: `J. Fenwick` and `Fenwick, Joan` can."""
    ours, theirs = name_parts(left), name_parts(right)
    if not ours or not theirs:
        return False
    shorter, longer = sorted((ours, theirs), key=len)
    return all(any(a == b or (min(len(a), len(b)) == 1 and a[0] == b[0]) for b in longer) for a in shorter) and any(
        len(part) > 1 and part in longer for part in shorter
    )


def name_parts(name: str) -> list[str]:
    """The words of a name in lower case."""
    return [part for part in re.split(r"[^\w'-]+", name.lower()) if part]


def _parts(display: str) -> list[str]:
    """The parts of a display name between commas and brackets; the first is the name, or its family part."""
    return [part.strip() for part in re.split(r"[,()]", display)]


def _tokens(display: str | None) -> list[str]:
    return [token.strip(",.;()") for token in re.split(r"[\s,/]+", display or "") if token.strip(",.;()")]
