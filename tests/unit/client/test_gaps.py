"""Whatever may be missing is told by a code that the guide explains."""

from pathlib import Path

from fhir_rpm.client.gaps import CAUSES, code_of_status, gap
from fhir_rpm.outcome import OutcomeCodes
from fhir_rpm.vendor import vendor_section

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CODES = vendor_section("epic", "outcome", OutcomeCodes)


def test_the_guide_explains_every_code_of_ours() -> None:
    for code, cause in CAUSES.items():
        assert f"| `{code}` | {cause.meaning} | {cause.remedy} |" in GUIDE


def test_the_guide_explains_every_code_of_epic() -> None:
    for code, reason in CODES.reasons.items():
        assert f"| `{code}` | {reason.partition('. ')[0].rstrip('.')}." in GUIDE
    assert set(CODES.incomplete) <= set(CODES.reasons)


def test_a_status_without_a_word_of_its_own_is_told_by_its_number() -> None:
    assert gap("Encounter", code_of_status(503)).reason.startswith("It could not be read (HTTP 503).")
    assert gap("Binary", "body_missing", "DocumentReference/d").reason.startswith("DocumentReference/d: Its body")
