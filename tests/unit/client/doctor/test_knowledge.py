"""The data behind causes and remedies."""

from pathlib import Path

import pytest

from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.vendor import shipped_vendors


@pytest.mark.parametrize("vendor", shipped_vendors())
def test_every_code_and_text_leads_to_a_cause(vendor: str) -> None:
    known = Knowledge.of(vendor)
    assert {*known.codes.values(), *known.texts.values()} <= known.causes.keys()
    assert all(cause.says and cause.remedy for cause in known.causes.values())


def test_every_cause_that_the_code_names_is_in_the_data() -> None:
    import re

    from fhir_rpm.client import doctor

    folder = Path(str(doctor.__file__)).parent
    known = Knowledge.of("generic").causes
    named = set()
    for file in folder.glob("*.py"):
        named |= set(re.findall(r'(?:failed|warning)\(\s*"(\w+)"', file.read_text()))
    assert len(named) > 30
    assert named <= known.keys()
