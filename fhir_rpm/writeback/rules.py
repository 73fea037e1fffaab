"""How a vendor lets documents be corrected and found: the `[write.protocol]` table of its mapping file."""

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model.base import Frozen

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WriteRules(Frozen):
    """What may be done to a written document, and how far a search for one can be trusted.

    Attributes:
        updates_in_place: a changed month is a new version of its document (PUT with If-Match), not a new document.
        retracts: a document may be marked as entered in error (PUT with If-Match).
        search_is_immediate: a search finds a document as soon as it is filed, by the vendor's own word.
        settle_minutes: how long after a lost answer the document may still appear.
        search_category: the category to search in; empty where the server need not have given one.
        date_style: how a search is narrowed to what was filed since the month began.
        practice_bases: beginnings of base URLs that hold synthetic patients alone.
    """

    updates_in_place: bool = False
    retracts: bool = False
    search_is_immediate: bool = False
    settle_minutes: int = Field(default=60, ge=1)
    search_category: str = "clinical-note"
    date_style: Literal["instants", "days", "none"] = "none"
    practice_bases: tuple[str, ...] = ()

    @property
    def settle(self) -> timedelta:
        """`settle_minutes` as a length of time."""
        return timedelta(minutes=self.settle_minutes)


def require_permission(base_url: str, rules: WriteRules, *, allowed: bool) -> None:
    """Refuse to write to what may be a real chart unless the configuration says so.

    Raises:
        ConfigurationError: it is neither loopback nor a vendor's public sandbox, and `write_back` is not set.
    """
    if allowed or urlsplit(base_url).hostname in _LOOPBACK:
        return
    if any(_lies_under(base_url, practice) for practice in rules.practice_bases):
        return
    host = urlsplit(base_url).hostname
    remedy = "Set write_back = true in fhir-rpm.toml once you have looked at what --dry-run shows."
    raise ConfigurationError(f"{host} may hold real charts, and writing to it is not allowed.", remedy)


def _lies_under(base_url: str, practice: str) -> bool:
    return f"{base_url.rstrip('/')}/".startswith(f"{practice.rstrip('/')}/")
