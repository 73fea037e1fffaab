"""An EHR to try the commands against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_rpm.cli.keys import KEY_ID, demo_key
from fhir_rpm.sandbox import Sandbox


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment that connects to a plain sandbox."""
    key, public = demo_key(tmp_path)
    with Sandbox("generic") as sandbox:
        sandbox.register(sandbox.client_id, public)
        yield {
            "FHIR_RPM_BASE_URL": sandbox.base_url,
            "FHIR_RPM_CLIENT_ID": sandbox.client_id,
            "FHIR_RPM_PRIVATE_KEY": str(key),
            "FHIR_RPM_KEY_ID": KEY_ID,
        }
