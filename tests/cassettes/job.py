"""The work that cassettes hold: authenticate, pull a month of many pages and notes, judge it, file its document."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fhir_rpm.client import EhrSession
from fhir_rpm.config import load_settings
from fhir_rpm.month import BillingMonth
from fhir_rpm.sync import PatientResult, RunPlan
from fhir_rpm.sync.desk import desk_for
from fhir_rpm.sync.run import run_month

VENDORS = ("epic", "oracle")
PATIENT = "sbx-heavy"
NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)


def work(
    vendor: str, base_url: str, key: Path, ledger: Path, client_id: str = "fhir-rpm-demo", key_id: str = "demo"
) -> PatientResult:
    """One patient's month, read, judged and written back, with nothing random in what is asked."""
    app = {"client_id": client_id, "private_key": key, "key_id": key_id}
    place = {"base_url": base_url, "vendor": vendor, "time_zone": "America/New_York"}
    settings = load_settings(None, app | place | {"ledger": str(ledger), "write_back": True}, {})
    plan = RunPlan(BillingMonth.parse("2026-05", "America/New_York"), settings, NOW, write_back=True)
    with EhrSession.open(settings) as session:
        session.authenticate()
        with desk_for(session, settings) as desk:
            assert desk is not None
            return run_month(session, PATIENT, plan, replace(desk, clock=lambda: NOW))


def new_key(folder: Path) -> Path:
    """A key that nobody has registered: enough to sign what is not sent."""
    path = folder / "key.pem"
    key = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path
