"""The patient: refused, unknown, or merged into another record."""

from typing import Any

import pytest

from fhir_rpm.client.patient import PatientRead, UnknownPatientError, read_patient
from fhir_rpm.errors import AccessError, FhirRpmError, UnavailableError
from fhir_rpm.outcome import OutcomeCodes
from fhir_rpm.vendor import vendor_section
from tests.hostile import Reply
from tests.unit.client.fake import Fake, by_marker, outcome

CODES = vendor_section("epic", "outcome", OutcomeCodes)


def _patient(identity: str, successor: str | None = None) -> dict[str, Any]:
    link = [{"type": "replaced-by", "other": {"reference": f"Patient/{successor}"}}] if successor else []
    return {"resourceType": "Patient", "id": identity, "link": ["junk", {"type": "seealso"}, *link]}


def _read(pages: dict[str, Reply]) -> PatientRead:
    return read_patient(Fake(by_marker(pages)), CODES, "old")  # type: ignore[arg-type]


def test_a_patient_that_was_never_merged_leaves_no_gap() -> None:
    read = _read({"old": Reply(body=_patient("old"))})
    assert (read.ids, read.gaps) == (("old",), ())


@pytest.mark.parametrize(
    "pages",
    [
        {"Patient/old": Reply(body=_patient("new"))},
        {"Patient/old": Reply(body=_patient("old", "new")), "Patient/new": Reply(body=_patient("new"))},
    ],
)
def test_a_merged_patient_is_followed_and_a_gap_tells_the_new_id(pages: dict[str, Reply]) -> None:
    read = _read(pages)
    assert (read.resource["id"], read.ids) == ("new", ("new", "old"))
    assert [(gap.resource_type, gap.code) for gap in read.gaps] == [("Patient", "merged_patient")]
    assert read.gaps[0].reason.startswith("Patient/new: ")


def test_merges_that_run_in_a_circle_end() -> None:
    pages = {"Patient/old": Reply(body=_patient("old", "new")), "Patient/new": Reply(body=_patient("new", "old"))}
    assert _read(pages).ids == ("new", "old")


def test_a_surviving_record_that_cannot_be_read_may_hide_anything() -> None:
    read = _read({"Patient/old": Reply(body=_patient("old", "new")), "Patient/new": Reply(403, None)})
    assert [(gap.resource_type, gap.code) for gap in read.gaps] == [(None, "merged_patient")]


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(404, None), UnknownPatientError, "no Patient/old"),
        (Reply(410, None), UnknownPatientError, "no Patient/old"),
        (Reply(404, outcome("4107", "fatal")), UnknownPatientError, "merged"),
        (Reply(400, outcome("4107", "fatal")), UnknownPatientError, "merged"),
        (Reply(401, None), AccessError, "401"),
        (Reply(403, None), AccessError, "scopes"),
        (Reply(403, outcome("4130", "fatal")), AccessError, "Break-the-glass"),
        (Reply(500, None), UnavailableError, "500"),
        (Reply(200, b"<html>"), UnavailableError, "is no Patient"),
        (Reply(cut=True), UnavailableError, "reached"),
    ],
)
def test_a_patient_that_is_not_read_is_an_error_that_names_the_cause(
    reply: Reply, error: type[FhirRpmError], said: str
) -> None:
    with pytest.raises(error, match=said):
        _read({"old": reply})
