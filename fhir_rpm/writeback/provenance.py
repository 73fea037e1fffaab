"""What a written summary rests on, for servers that keep Provenance: the tool, the author, and every source."""

from importlib.metadata import version
from typing import Any

from fhir.resources.R4B.provenance import Provenance

from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import FhirRpmError
from fhir_rpm.model import Assessment
from fhir_rpm.writeback.desk import Desk
from fhir_rpm.writeback.job import Job

Json = dict[str, Any]

KIND = "Provenance"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_SOURCES = ("Communication", "DocumentReference", "Encounter", "Observation")


def build_provenance(assessment: Assessment, target: str, *, settings: WriteSettings, recorded: str) -> Json:
    """The Provenance of a written document.

    Args:
        target: `DocumentReference/id`.
        recorded: an instant.

    Raises:
        pydantic.ValidationError: it would be no valid R4 resource.
    """
    sources = [source for contact in assessment.contacts for source in contact.sources]
    resource: Json = {
        "resourceType": KIND,
        "target": [{"reference": target}],
        "recorded": recorded,
        "agent": [_agent("assembler", {"display": f"fhir-rpm {version('fhir-rpm')}"})],
        "entity": [
            {"role": "source", "what": {"reference": source}}
            for source in dict.fromkeys(sources)
            if source.partition("/")[0] in _SOURCES
        ],
    }
    if settings.author is not None:
        resource["agent"].append(_agent("author", {"reference": settings.author}))
    if not resource["entity"]:
        del resource["entity"]
    Provenance.model_validate(resource)
    return resource


def _agent(kind: str, who: Json) -> Json:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": kind}]}, "who": who}


def record_provenance(desk: Desk, job: Job, reference: str) -> bool:
    """Write a document's Provenance where the server declares that it keeps one and has none yet.

    It is an aid and never a reason to fail: the document stands, and says the same in its text.
    """
    if not desk.session.capability.declares(KIND, "create"):
        return False
    recorded = job.created.isoformat(timespec="seconds")
    resource = build_provenance(job.assessment, reference, settings=desk.settings, recorded=recorded)
    try:
        there = desk.session.search(KIND, {"target": reference})
        if there.resources or there.gaps:
            return False
        desk.step("provenance", lambda: desk.session.create(resource))
    except FhirRpmError:
        return False
    return True
