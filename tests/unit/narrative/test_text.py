"""Clauses and tick boxes."""

import pytest

from fhir_rpm.narrative.text import ticked_not_reached


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("[ ] Patient reached  [x] VM  [ ] No answer", True),
        ("( ) Spoke directly with patient   (X) Not reached - msg left on machine", True),
        ("☒ No answer ☐ Spoke with patient", True),
        ("[x] VM 0900 [x] Reached 0920", False),
        ("[x] Spoke with patient  [ ] LVM", False),
        ("LVM, no boxes at all", False),
    ],
)
def test_a_ticked_box_says_that_nobody_was_reached(text: str, missed: bool) -> None:
    assert ticked_not_reached(text) is missed
