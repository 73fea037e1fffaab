"""What fhir-rpm writes for the golden months, in every vendor's shape, and the examples that it ships."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir_rpm import assess
from fhir_rpm.config import WriteSettings
from fhir_rpm.data_files import data_folder
from fhir_rpm.model import Assessment
from fhir_rpm.month import BillingMonth
from fhir_rpm.report import measure_report
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import DocumentShape, build_document
from fhir_rpm.writeback.provenance import build_provenance

Json = dict[str, Any]

MONTHS = Path(__file__).parents[1] / "golden" / "months"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SETTINGS = WriteSettings(author="Practitioner/author")
VENDORS = ("epic", "oracle", "meditech", "medplum", "generic")


def examples() -> Iterator[tuple[str, Json]]:
    """The examples under `profiles/`, by name."""
    for path in sorted((data_folder("profiles") / "examples").glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def golden() -> list[tuple[str, Assessment, BillingMonth]]:
    """Each golden month judged."""
    found = []
    for case in sorted(path.parent for path in MONTHS.glob("*/expected.json")):
        wanted = json.loads((case / "expected.json").read_text())
        how = {name: wanted[name] for name in ("month", "time_zone", "vendor", "policy")}
        assessment = assess(json.loads((case / "bundle.json").read_text()), **how)
        found.append((case.name, assessment, BillingMonth.parse(how["month"], how["time_zone"])))
    return found


def written() -> Iterator[tuple[str, Json]]:
    """Every document of the golden months in every vendor's shape, what it rests on, and the totals of each month."""
    months = golden()
    for vendor in VENDORS:
        shape = vendor_section(vendor, "write", DocumentShape)
        for name, assessment, month in months:
            anchor = "Encounter/anchor" if shape.needs_encounter else None
            replaces = "DocumentReference/earlier" if shape.relates else None
            document = build_document(
                assessment,
                month,
                shape=shape,
                settings=SETTINGS,
                created=NOW,
                anchor=anchor,
                replaces=replaces,
            )
            yield f"{vendor}-{name}", document
    for name, assessment, _ in months:
        recorded = NOW.isoformat()
        yield (
            f"provenance-{name}",
            build_provenance(assessment, "DocumentReference/1", settings=SETTINGS, recorded=recorded),
        )
    for key in sorted({str(month) for _, _, month in months}):
        chosen = [(assessment, month) for _, assessment, month in months if str(month) == key]
        yield f"totals-{key}", measure_report([assessment for assessment, _ in chosen], chosen[0][1], created=NOW)
