"""One document for a patient's month: the door to the publish protocol."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fhir_rpm.model import Assessment
from fhir_rpm.model.write import WriteKey
from fhir_rpm.month import BillingMonth
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback.desk import Desk, Published
from fhir_rpm.writeback.document import DocumentShape
from fhir_rpm.writeback.fingerprint import content_hash
from fhir_rpm.writeback.job import Job
from fhir_rpm.writeback.protocol import rehearse, run_protocol


def publish(
    desk: Desk,
    assessment: Assessment,
    month: BillingMonth,
    *,
    resources: Iterable[Mapping[str, Any]],
    created: datetime,
    dry_run: bool = False,
) -> Published:
    """Write the document of a patient's month unless an equal one is there.

    Args:
        desk: the EHR, the ledger and the clock.
        assessment: what the month shows; its patient must be known.
        month: the month.
        resources: what was read of the patient; an anchor Encounter is chosen among them.
        created: the document's own date; nothing is decided by it.
        dry_run: only say what would be sent; the ledger is not touched, and the EHR only read.

    Raises:
        FhirRpmError: as `protocol.run_protocol` tells.
    """
    shape = vendor_section(desk.session.vendor, "write", DocumentShape)
    patient = (assessment.patient or "").removeprefix("Patient/")
    key = WriteKey(connection=desk.connection, patient=patient, month=str(month))
    job = Job(assessment, month, tuple(resources), shape, key, content_hash(assessment), created)
    return rehearse(desk, job) if dry_run else run_protocol(desk, job)
