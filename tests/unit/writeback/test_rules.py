"""Where documents may be written to, and what vendors' files say of it."""

import pytest

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import DocumentShape, WriteRules, require_permission

SHIPPED = ("epic", "oracle", "medplum", "meditech", "generic")


def _rules(vendor: str) -> WriteRules:
    return vendor_section(vendor, "write", DocumentShape).protocol


@pytest.mark.parametrize(
    ("vendor", "base_url"),
    [
        ("generic", "http://localhost:8080/fhir"),
        ("epic", "http://127.0.0.1:8103/fhir/R4"),
        ("generic", "http://[::1]:8103/fhir"),
        ("epic", "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4"),
        ("oracle", "https://fhir-ehr-code.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d"),
    ],
)
def test_loopback_and_public_sandboxes_are_written_to(vendor: str, base_url: str) -> None:
    require_permission(base_url, _rules(vendor), allowed=False)


@pytest.mark.parametrize(
    ("vendor", "base_url"),
    [
        ("epic", "https://epicproxy.hospital.org/FHIR/api/FHIR/R4"),
        ("epic", "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R40"),
        ("epic", "https://fhir.epic.com.attacker.example/interconnect-fhir-oauth/api/FHIR/R4"),
        ("oracle", "https://fhir-ehr.cerner.com/r4/tenant"),
        ("generic", "https://fhir-ehr-code.cerner.com/r4/tenant"),
        ("medplum", "https://api.medplum.com/fhir/R4"),
        ("generic", "https://localhost.hospital.org/fhir"),
    ],
)
def test_everything_else_may_be_a_real_chart_until_the_file_says_so(vendor: str, base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="write_back = true"):
        require_permission(base_url, _rules(vendor), allowed=False)
    require_permission(base_url, _rules(vendor), allowed=True)


@pytest.mark.parametrize("vendor", SHIPPED)
def test_no_shipped_vendor_is_trusted_to_find_what_was_just_filed(vendor: str) -> None:
    assert _rules(vendor).search_is_immediate is False
