"""What a written document rests on, told to servers that keep it, and never a reason to fail."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.client import Capability, Created, Pull
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import AccessError
from fhir_rpm.model import Assessment, Gap
from fhir_rpm.writeback.desk import Desk
from fhir_rpm.writeback.provenance import build_provenance, record_provenance

CASE = Path(__file__).parents[2] / "golden" / "months" / "epic-01-seed-good-note-no-duration"
KEEPS = Capability({"rest": [{"resource": [{"type": "Provenance", "interaction": [{"code": "create"}]}]}]})


@pytest.fixture(scope="module")
def assessment() -> Assessment:
    bundle = json.loads((CASE / "bundle.json").read_text())
    return assess(bundle, month="2026-05", time_zone="America/Chicago", vendor="epic")


@dataclass
class Ehr:
    capability: Capability = KEEPS
    there: Pull = field(default_factory=Pull)
    refuses: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)

    def search(self, _kind: str, _params: dict[str, str]) -> Pull:
        return self.there

    def create(self, resource: dict[str, Any]) -> Created:
        if self.refuses:
            raise AccessError("no scope")
        self.sent.append(resource)
        return Created("Provenance/1")


@dataclass
class Job:
    assessment: Assessment
    created: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)


def record(ehr: Ehr, assessment: Assessment) -> bool:
    desk = Desk(ehr, None, "here", WriteSettings(author="Practitioner/9"))  # type: ignore[arg-type]
    return record_provenance(desk, Job(assessment), "DocumentReference/7")  # type: ignore[arg-type]


def test_it_names_the_document_the_tool_the_author_and_every_source(assessment: Assessment) -> None:
    ehr = Ehr()
    assert record(ehr, assessment)
    (sent,) = ehr.sent
    assert sent["target"] == [{"reference": "DocumentReference/7"}]
    kinds = [agent["type"]["coding"][0]["code"] for agent in sent["agent"]]
    assert kinds == ["assembler", "author"]
    assert sent["agent"][1]["who"] == {"reference": "Practitioner/9"}
    named = {entity["what"]["reference"] for entity in sent["entity"]}
    assert named == {source for contact in assessment.contacts for source in contact.sources}


def test_sources_that_are_no_resources_stay_out(assessment: Assessment) -> None:
    contact = assessment.contacts[0].model_copy(update={"sources": ("call-log:calls.csv#4",)})
    alone = assessment.model_copy(update={"contacts": (contact,)})
    resource = build_provenance(alone, "DocumentReference/7", settings=WriteSettings(), recorded="2026-06-01T12:00:00Z")
    assert "entity" not in resource


@pytest.mark.parametrize(
    "ehr",
    [
        Ehr(capability=Capability({"rest": []})),
        Ehr(there=Pull(({"resourceType": "Provenance"},))),
        Ehr(there=Pull(gaps=(Gap(resource_type="Provenance", code="forbidden", reason=""),))),
        Ehr(refuses=True),
    ],
    ids=["not kept", "there already", "cannot tell", "refused"],
)
def test_it_is_left_out_where_it_is_not_kept_or_there_or_refused(assessment: Assessment, ehr: Ehr) -> None:
    assert not record(ehr, assessment)
    assert ehr.sent == []
