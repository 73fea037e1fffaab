"""Database failures as errors that say what to do; never with the SQL, its values or a password."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from fhir_rpm.errors import ConfigurationError, FhirRpmError, UnavailableError

_FULL = "Free some space, then run again; what was sent is found by a search."
_DAMAGED = (
    "Nothing is sent without it. Restore it from a backup, or move it away and begin a new one: "
    "documents in the charts are found by a search."
)
_KINDS: tuple[tuple[tuple[str, ...], type[FhirRpmError], str, str], ...] = (
    (("database is locked", "busy", "lock timeout"), UnavailableError, "is locked by another process", "Try again."),
    (("disk is full", "no space left", "disk quota"), UnavailableError, "cannot grow: the disk is full", _FULL),
    (
        ("readonly", "read-only"),
        ConfigurationError,
        "is read-only",
        "Give this user write access to the file and its folder.",
    ),
    (("not a database", "malformed", "corrupt"), ConfigurationError, "is damaged", _DAMAGED),
    (
        ("unable to open", "permission denied"),
        ConfigurationError,
        "cannot be opened",
        "Check that its folder exists and that this user may write there.",
    ),
    (("disk i/o error",), UnavailableError, "cannot be written: the disk reports an error", "Check the disk."),
    (
        ("password authentication", "role ", "does not exist"),
        ConfigurationError,
        "refuses the login",
        "Check the user, the password and the database's name in its URL.",
    ),
    (
        ("connect", "timeout expired", "server closed", "terminating"),
        UnavailableError,
        "cannot be reached",
        "Check that the database server runs, then try again.",
    ),
)


@contextmanager
def told_apart(place: str) -> Iterator[None]:
    """Turn database failures into ours.

    Args:
        place: the ledger as people know it: a path, or a URL without its password.

    Raises:
        ConfigurationError: a person must correct file, permission or URL.
        UnavailableError: it may pass.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _told(place, error) from None
    except OSError as error:
        problem = f"The ledger {place} cannot be used: {error.strerror}."
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise UnavailableError(problem, _FULL) from None
        raise ConfigurationError(problem, "Check the path and its permissions.") from None


def _told(place: str, error: SQLAlchemyError) -> FhirRpmError:
    words = str(error.orig).lower() if isinstance(error, DBAPIError) else ""
    for signs, kind, what, remedy in _KINDS:
        if any(sign in words for sign in signs):
            return kind(f"The ledger {place} {what}.", remedy)
    return UnavailableError(f"The ledger {place} failed ({type(error).__name__}).", "Check it, then try again.")
