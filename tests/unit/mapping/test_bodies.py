import base64

import pytest

from fhir_rpm.mapping.bodies import attachment_text, payload_text, plain_text
from fhir_rpm.mapping.index import Resources


def _b64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("Spoke with pt.", "text/plain", "Spoke with pt."),
        (
            "<html><head><title>T</title><style>p {x}</style></head><p>One</p><p>Two&nbsp;&amp; three</p></html>",
            "text/html",
            "One\n\nTwo & three",
        ),
        ("<div>a<br/>b</div>", "", "a\nb"),
        ("<table><tr><td>BP</td><td>120</td></tr></table>", "application/xhtml+xml", "BP 120"),
        (r"{\rtf1\ansi Spoke with pt.\par Next}", "text/rtf", "Spoke with pt.\nNext"),
        (r"{\rtf1\ansi Spoke}", "", "Spoke"),
        ("a < b and b > c", "text/plain", "a < b and b > c"),
    ],
)
def test_every_kind_of_body_becomes_plain_text(body: str, kind: str, text: str) -> None:
    assert plain_text(body, kind) == text


def test_renderings_of_one_body_are_not_joined() -> None:
    html = {"contentType": "text/html", "data": _b64("<p>Same</p>")}
    rtf = {"contentType": "text/rtf", "data": _b64(r"{\rtf1 Same}")}
    assert attachment_text([rtf, html], Resources([])) == "Same"


def test_a_binary_is_found_by_absolute_url() -> None:
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "text/html", "data": _b64("<p>Hi</p>")}
    assert attachment_text([{"url": "https://ehr.example.org/r4/Binary/b1"}], Resources([binary])) == "Hi"


@pytest.mark.parametrize(
    "attachment",
    [
        {},
        {"url": "Binary/none"},
        {"contentType": "application/pdf", "data": _b64("%PDF")},
        {"data": _b64("%PDF-1.4 ...")},
        {"contentType": "text/html", "data": _b64("%PDF-1.4 ...")},
        {"data": "%%%"},
        {"data": 5},
        {"data": ""},
    ],
)
def test_what_cannot_be_read_is_none(attachment: dict[str, object]) -> None:
    assert attachment_text([attachment], Resources([])) is None


def test_windows_characters_survive() -> None:
    assert (
        attachment_text([{"contentType": "text/plain", "data": _b64("patient\u2019s", "cp1252")}], Resources([]))
        == "patient\u2019s"
    )


def test_a_payload_is_read_in_each_of_its_forms() -> None:
    binary = {"resourceType": "Binary", "id": "4.0.-4.prsnl", "contentType": "text/html", "data": _b64("<p>C</p>")}
    resources = Resources([binary])
    payloads = [
        {"contentString": " A "},
        {"contentAttachment": {"data": _b64("B")}},
        {"contentReference": {"reference": "Binary/4.0.-4.prsnl"}},
    ]
    assert [payload_text(payload, resources) for payload in payloads] == ["A", "B", "C"]
    assert payload_text({}, resources) is None
