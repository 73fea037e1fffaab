"""The month on paper: tagged, complete, and the same bytes each time."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader

from fhir_rpm import assess
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import Assessment, Finding
from fhir_rpm.month import BillingMonth
from fhir_rpm.writeback import content_hash
from fhir_rpm.writeback.pdf import TITLE, render_pdf

MONTH = BillingMonth.parse("2026-05", "America/Chicago")
CASE = Path(__file__).parents[2] / "golden" / "months" / "epic-01-seed-good-note-no-duration"


@pytest.fixture(scope="module")
def assessment() -> Assessment:
    bundle = json.loads((CASE / "bundle.json").read_text())
    return assess(bundle, month="2026-05", time_zone="America/Chicago", vendor="epic")


def words_of(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


def test_equal_assessments_give_equal_bytes(assessment: Assessment) -> None:
    assert render_pdf(assessment, MONTH) == render_pdf(assessment, MONTH)


def test_it_is_tagged_and_says_what_it_is(assessment: Assessment) -> None:
    pdf = render_pdf(assessment, MONTH)
    catalog = PdfReader(io.BytesIO(pdf)).root_object
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/StructTreeRoot"]
    assert catalog["/Lang"] == "en-US"
    assert b"pdfuaid:part" in pdf
    assert PdfReader(io.BytesIO(pdf)).metadata.title == TITLE


def test_it_says_what_the_text_says(assessment: Assessment) -> None:
    words = words_of(render_pdf(assessment, MONTH))
    assert "On hold" in words
    assert assessment.patient in words
    assert content_hash(assessment) in words
    for code, verdict in assessment.codes.items():
        assert f"{code} {verdict.verdict.replace('_', ' ')}" in words
    for action in assessment.actions:
        assert action in words
    for contact in assessment.contacts:
        assert all(source.split("/")[1] in words for source in contact.sources)


def test_what_a_record_says_is_never_markup(assessment: Assessment) -> None:
    hostile = '#panic("x") *bold* $ <label> @ref = heading // gone'
    finding = Finding(code="x", severity="warning", message=hostile)
    assert hostile in words_of(render_pdf(assessment.model_copy(update={"findings": (finding,)}), MONTH))


def test_without_the_extra_the_remedy_is_named(assessment: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ConfigurationError, match=r"fhir-rpm\[pdf\]"):
        render_pdf(assessment, MONTH)
