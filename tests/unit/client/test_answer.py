"""An answer is read for what it holds, and never for more memory than FHIR takes."""

import tracemalloc

from fhir_rpm.client.answer import Answer


def test_a_body_of_millions_of_crumbs_is_no_json_and_takes_no_memory() -> None:
    crumbs = b'{"entry":[' + b"{}," * 2_600_000 + b"{}]}"
    tracemalloc.start()
    try:
        assert Answer(200, {}, crumbs).json() is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
