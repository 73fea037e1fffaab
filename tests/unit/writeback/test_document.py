"""The document in each vendor's shape, and what is refused before anything is sent."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import Assessment
from fhir_rpm.month import BillingMonth
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import DocumentShape, build_document, hash_in
from fhir_rpm.writeback import document as module

MONTH = BillingMonth.parse("2026-05", "America/Chicago")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CASE = Path(__file__).parents[2] / "golden" / "months" / "epic-01-seed-good-note-no-duration"


@pytest.fixture(scope="module")
def assessment() -> Assessment:
    bundle = json.loads((CASE / "bundle.json").read_text())
    return assess(bundle, month="2026-05", time_zone="America/Chicago", vendor="epic")


def document_of(assessment: Assessment, vendor: str, **settings: Any) -> dict[str, Any]:
    shape = vendor_section(vendor, "write", DocumentShape)
    wanted = WriteSettings.model_validate(settings)
    return build_document(assessment, MONTH, shape=shape, settings=wanted, created=NOW, anchor=None)


def types_of(document: dict[str, Any]) -> list[str]:
    return [item["attachment"]["contentType"] for item in document["content"]]


def test_a_plain_server_gets_text_assessment_and_pdf(assessment: Assessment) -> None:
    document = document_of(assessment, "generic")
    assert types_of(document) == ["text/plain", "application/json", "application/pdf"]
    text, data, pdf = (base64.b64decode(item["attachment"]["data"]) for item in document["content"])
    assert hash_in(text.decode())
    assert Assessment.model_validate_json(data) == assessment
    assert pdf.startswith(b"%PDF-")
    assert document["identifier"][0]["value"] == f"{assessment.patient.removeprefix('Patient/')}-2026-05"


@pytest.mark.parametrize(("vendor", "content_type"), [("epic", "text/plain"), ("oracle", "text/plain;charset=utf-8")])
def test_epic_and_oracle_get_one_text(assessment: Assessment, vendor: str, content_type: str) -> None:
    document = document_of(assessment, vendor)
    assert types_of(document) == [content_type]
    assert {"identifier", "category", "securityLabel", "meta"}.isdisjoint(document)


def test_the_pdf_is_left_out_where_the_extra_is_not_installed(
    assessment: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "can_render_pdf", lambda: False)
    assert types_of(document_of(assessment, "generic")) == ["text/plain", "application/json"]


def test_settings_choose_type_category_label_author_and_parts(assessment: Assessment) -> None:
    document = document_of(
        assessment,
        "generic",
        type_code="34133-9",
        category_code="summary",
        category_system="urn:ours",
        security_label="R",
        author="Practitioner/9",
        doc_status="preliminary",
        parts=["text"],
    )
    assert document["type"]["coding"] == [{"system": "http://loinc.org", "code": "34133-9"}]
    assert document["category"][0]["coding"] == [{"system": "urn:ours", "code": "summary"}]
    assert document["securityLabel"][0]["coding"][0]["code"] == "R"
    assert document["author"] == [{"reference": "Practitioner/9"}]
    assert document["docStatus"] == "preliminary"
    assert types_of(document) == ["text/plain"]


@pytest.mark.parametrize(
    ("vendor", "settings", "named"),
    [
        ("epic", {"parts": ["text", "pdf"]}, "write.parts"),
        ("oracle", {"parts": ["text", "assessment"]}, "write.parts"),
        ("epic", {"security_label": "R"}, "write.security_label"),
        ("oracle", {"tier": "provider"}, "write.author"),
        ("oracle", {"type_system": "urn:oid:1.2.3"}, "write.type_system"),
    ],
)
def test_what_the_vendor_refuses_is_told_before_it_is_sent(
    assessment: Assessment, vendor: str, settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        document_of(assessment, vendor, **settings)


@pytest.mark.parametrize("system", ["http://loinc.org", "https://fhir.cerner.com/tenant/codeSet/72"])
def test_oracle_takes_loinc_or_its_own_code_set(assessment: Assessment, system: str) -> None:
    document = document_of(assessment, "oracle", type_system=system, tier="provider", author="Practitioner/9")
    assert document["type"]["coding"] == [{"system": system, "code": "11506-3"}]


def test_optional_parts_give_way_before_the_text(assessment: Assessment) -> None:
    sizes = [len(item["attachment"]["data"]) for item in document_of(assessment, "generic")["content"]]
    tight = document_of(assessment, "generic", max_bytes=sizes[0] + sizes[1])
    assert types_of(tight) == ["text/plain", "application/json"]


def test_a_text_that_is_too_large_is_refused_with_the_setting_named(assessment: Assessment) -> None:
    many = assessment.model_copy(update={"contacts": assessment.contacts * 200})
    with pytest.raises(ConfigurationError, match=r"write\.max_bytes"):
        document_of(many, "generic", max_bytes=10_000)
