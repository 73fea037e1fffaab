"""Real and documented vendor payloads, read from the sibling folder when it is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "samples"
FILES = sorted(SAMPLES.glob("*/*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason="../shared/data/samples is not here")


def _resources(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "resourceType" in value:
            yield value
        else:
            for inner in value.values():
                yield from _resources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _resources(inner)


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle", "medplum", "meditech"])
def test_every_sample_is_swallowed_and_no_call_is_invented(vendor: str) -> None:
    for path in FILES:
        resources = list(_resources(json.loads(path.read_text(encoding="utf-8"))))
        for month in ("2014-12", "2023-12", "2026-05", "2026-10"):
            assessment = (
                assess(resources, month=month, time_zone="America/New_York", vendor=vendor) if month >= "2021" else None
            )
            for contact in assessment.contacts if assessment else ():
                assert path.parent.name in ("constructed", "medplum", "cerner-docs", "hl7-r4-examples"), path
                assert contact.outcome != "qualifies" or path.parent.name in ("constructed", "medplum"), path


def test_there_are_as_many_samples_as_were_promised() -> None:
    assert len(FILES) == 350
