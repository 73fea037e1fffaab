"""The ledger of what was written to EHRs: SQLite by default, PostgreSQL when machines share it."""

from fhir_rpm.store.ledger import Ledger
from fhir_rpm.store.place import default_path, open_ledger

__all__ = ["Ledger", "default_path", "open_ledger"]
