"""Device days → 99454 and 99445: the contract's §4 and §6."""

import pytest

from fhir_rpm.billing.days import device_codes, device_days_of
from fhir_rpm.model import Bounds, Gap, MonthRecord
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import ZONE, days, finding_codes, judged, terms


def supply(certain: int, possible: int, incomplete: bool = False, month: str = "2026-05") -> tuple[str, str]:
    """The verdicts on 99454 and 99445."""
    in_force = terms(month=BillingMonth.parse(month, ZONE))
    found = device_codes(Bounds(certain=certain, possible=possible), in_force, incomplete)
    return found["99454"].verdict, found["99445"].verdict


@pytest.mark.parametrize(
    ("certain", "possible", "expected"),
    [
        (0, 0, ("not_supported", "not_supported")),
        (1, 1, ("not_supported", "not_supported")),
        (2, 2, ("not_supported", "supported")),
        (15, 15, ("not_supported", "supported")),
        (16, 16, ("supported", "not_supported")),
        (30, 30, ("supported", "not_supported")),
        (31, 31, ("supported", "not_supported")),
        (8, 18, ("hold", "supported")),
        (0, 9, ("not_supported", "hold")),
        (0, 17, ("hold", "hold")),
        (1, 2, ("not_supported", "hold")),
    ],
)
def test_99454_needs_16_to_30_device_days_and_99445_2_to_15(
    certain: int, possible: int, expected: tuple[str, str]
) -> None:
    assert supply(certain, possible) == expected


def test_a_supply_code_has_no_units() -> None:
    found = device_codes(Bounds(certain=16, possible=16), terms(), incomplete=False)["99454"]
    assert (found.verdict, found.units) == ("supported", 0)


@pytest.mark.parametrize("certain", range(32))
@pytest.mark.parametrize("incomplete", [False, True])
def test_99454_and_99445_are_never_supported_together(certain: int, incomplete: bool) -> None:
    assert supply(certain, 31, incomplete).count("supported") <= 1


def test_99445_exists_from_january_2026() -> None:
    assert supply(8, 8, month="2025-12") == ("not_supported", "not_supported")
    assert supply(8, 8, month="2026-01") == ("not_supported", "supported")
    assert supply(8, 8, incomplete=True, month="2025-12") == ("hold", "not_supported")


@pytest.mark.parametrize(
    ("certain", "expected"),
    [(0, ("hold", "hold")), (8, ("hold", "supported")), (16, ("supported", "not_supported"))],
)
def test_missing_readings_hold_what_they_could_change(certain: int, expected: tuple[str, str]) -> None:
    assert supply(certain, certain, incomplete=True) == expected


def test_certain_counts_dates_with_a_devices_reading_and_possible_adds_those_of_unknown_origin() -> None:
    record = MonthRecord(patient=None, device_days=days(1, 2, 3), other_days=days(3, 4))
    assert device_days_of(record) == Bounds(certain=3, possible=4)


def test_device_days_are_reported_for_the_whole_month_and_judged_capped_at_30_with_a_finding() -> None:
    month = judged(device_days=days(*range(1, 32)))
    assert month.device_days == Bounds(certain=31, possible=31)
    assert month.codes["99454"].verdict == "supported"
    assert month.codes["99454"].findings[0].message == (
        "16 to 30 device days are needed, 30 are certain and 30 possible."
    )
    message = next(finding.message for finding in month.findings if finding.code == "device_period_unknown")
    assert "start of monitoring is not known" in message
    assert "capped at 30 days" in message


@pytest.mark.parametrize(
    ("resource_type", "management", "devices"),
    [
        ("Encounter", "hold", "not_supported"),
        ("Communication", "hold", "not_supported"),
        ("DocumentReference", "hold", "not_supported"),
        ("Binary", "hold", "not_supported"),
        ("Observation", "not_supported", "hold"),
        ("Practitioner", "not_supported", "not_supported"),
        ("Condition", "hold", "hold"),
        (None, "hold", "hold"),
    ],
)
def test_a_failed_sub_type_touches_only_what_it_could_change(
    resource_type: str | None, management: str, devices: str
) -> None:
    month = judged(gaps=(Gap(resource_type=resource_type, code="59204", reason="Withheld."),))
    assert {month.codes[code].verdict for code in ("99457", "99458", "99470")} == {management}
    assert {month.codes[code].verdict for code in ("99454", "99445")} == {devices}
    assert ("incomplete_data" in finding_codes(month)) == ("hold" in (management, devices))
    assert month.status == ("hold" if management == "hold" else "not_met")
