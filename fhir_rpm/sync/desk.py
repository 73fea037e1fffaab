"""Opens what publishing needs, once for a run: permission first, then the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager

from fhir_rpm.client import EhrSession
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import Desk, DocumentShape, NoBook, require_permission


@contextmanager
def desk_for(
    session: EhrSession, settings: ConnectionSettings, *, write_back: bool = True, dry_run: bool = False
) -> Iterator[Desk | None]:
    """A desk for the connection; None when nothing is to be written. A dry run gets one without a ledger.

    Raises:
        ConfigurationError: documents may not be written there, or the ledger cannot be used as it is.
        UnavailableError: the ledger is locked, the disk is full, or its server cannot be reached.
    """
    if not write_back:
        yield None
        return
    connection = settings.connection_name(session.base_url)
    if dry_run:
        yield Desk(session, NoBook(), connection, settings.write)
        return
    rules = vendor_section(session.vendor, "write", DocumentShape).protocol
    require_permission(session.base_url, rules, allowed=settings.write_back)
    from fhir_rpm.store import open_ledger  # SQLAlchemy takes a while to load, and most commands write nothing

    place = settings.ledger.get_secret_value() if settings.ledger is not None else None
    with open_ledger(place) as ledger:
        yield Desk(session, ledger, connection, settings.write)
