"""Minutes and contacts → 99457, 99458 and 99470: the contract's §4, rule by rule."""

import pytest

from fhir_rpm.billing.codes import Management, management_codes
from fhir_rpm.model import Bounds
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import ZONE, terms

SHOWN = {"certain": (1, 0), "possible": (0, 1), "none": (0, 0)}


def codes(
    shown: str, certain: int, possible: int | None, incomplete: bool = False, month: str = "2026-05"
) -> dict[str, tuple[str, int]]:
    facts = Management(*SHOWN[shown], minutes=Bounds(certain=certain, possible=possible), incomplete=incomplete)
    found = management_codes(facts, terms(month=BillingMonth.parse(month, ZONE)))
    return {code: (verdict.verdict, verdict.units) for code, verdict in found.items()}


@pytest.mark.parametrize(
    ("shown", "certain", "possible", "verdict"),
    [
        ("certain", 20, 20, "supported"),
        ("certain", 19, 19, "not_supported"),
        ("certain", 19, 20, "hold"),
        ("certain", 12, None, "hold"),
        ("certain", 45, None, "supported"),
        ("possible", 25, 25, "hold"),
        ("possible", 0, None, "hold"),
        ("possible", 0, 19, "not_supported"),
        ("none", 45, 45, "not_supported"),
        ("none", 0, None, "not_supported"),
    ],
)
def test_99457_needs_20_minutes_and_a_qualifying_contact(
    shown: str, certain: int, possible: int | None, verdict: str
) -> None:
    assert codes(shown, certain, possible)["99457"] == (verdict, int(verdict == "supported"))


@pytest.mark.parametrize(
    ("shown", "certain", "possible", "verdict"),
    [
        ("certain", 9, 9, "not_supported"),
        ("certain", 10, 10, "supported"),
        ("certain", 19, 19, "supported"),
        ("certain", 19, None, "supported"),
        ("certain", 20, 20, "not_supported"),
        ("certain", 9, 10, "hold"),
        ("certain", 0, None, "hold"),
        ("possible", 12, 12, "hold"),
        ("possible", 5, 9, "not_supported"),
        ("possible", 20, 20, "not_supported"),
        ("none", 15, 15, "not_supported"),
    ],
)
def test_99470_needs_10_to_19_minutes_and_a_qualifying_contact(
    shown: str, certain: int, possible: int | None, verdict: str
) -> None:
    assert codes(shown, certain, possible)["99470"] == (verdict, int(verdict == "supported"))


@pytest.mark.parametrize(
    ("shown", "certain", "possible", "expected"),
    [
        ("certain", 39, 39, ("not_supported", 0)),
        ("certain", 40, 40, ("supported", 1)),
        ("certain", 59, 59, ("supported", 1)),
        ("certain", 60, 60, ("supported", 2)),
        ("certain", 80, 80, ("supported", 3)),
        ("certain", 120, 120, ("supported", 3)),
        ("certain", 22, 40, ("hold", 0)),
        ("certain", 22, 39, ("not_supported", 0)),
        ("certain", 22, None, ("hold", 0)),
        ("certain", 12, 40, ("hold", 0)),
        ("certain", 12, 39, ("not_supported", 0)),
        ("possible", 60, 60, ("hold", 0)),
        ("possible", 0, None, ("hold", 0)),
        ("none", 60, 60, ("not_supported", 0)),
        ("certain", 19, 19, ("not_supported", 0)),
    ],
)
def test_99458_gives_a_unit_for_each_further_full_20_minutes_at_most_3(
    shown: str, certain: int, possible: int | None, expected: tuple[str, int]
) -> None:
    assert codes(shown, certain, possible)["99458"] == expected


def test_99457_may_be_on_hold_while_99470_is_supported() -> None:
    found = codes("certain", 12, 21)
    assert (found["99457"][0], found["99470"][0]) == ("hold", "supported")


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("certain", [0, 9, 10, 19, 20, 40])
@pytest.mark.parametrize("more", [0, 5, 30, None])
@pytest.mark.parametrize("incomplete", [False, True])
def test_99470_is_never_supported_with_99457(shown: str, certain: int, more: int | None, incomplete: bool) -> None:
    found = codes(shown, certain, None if more is None else certain + more, incomplete)
    assert not found["99457"][0] == found["99470"][0] == "supported"


@pytest.mark.parametrize(("month", "verdict"), [("2025-12", "not_supported"), ("2026-01", "supported")])
def test_99470_exists_from_january_2026(month: str, verdict: str) -> None:
    assert codes("certain", 14, 14, month=month)["99470"][0] == verdict


@pytest.mark.parametrize(
    ("shown", "certain", "possible", "expected"),
    [
        ("none", 0, 0, ("hold", "hold", "hold")),
        ("certain", 13, 13, ("hold", "hold", "supported")),
        ("certain", 22, 22, ("supported", "hold", "not_supported")),
        ("none", 25, 25, ("hold", "hold", "not_supported")),
        ("certain", 40, 40, ("supported", "supported", "not_supported")),
    ],
)
def test_incomplete_data_turns_every_no_that_it_could_change_into_a_hold_and_supports_nothing(
    shown: str, certain: int, possible: int, expected: tuple[str, str, str]
) -> None:
    found = codes(shown, certain, possible, incomplete=True)
    assert tuple(found[code][0] for code in ("99457", "99458", "99470")) == expected


def test_incomplete_data_cannot_bring_99470_into_force_before_2026() -> None:
    assert codes("certain", 14, 14, incomplete=True, month="2025-12")["99470"] == ("not_supported", 0)


def test_findings_name_the_rule_that_decided_in_plain_words() -> None:
    facts = Management(1, 2, Bounds(certain=12, possible=None), incomplete=False)
    found = management_codes(facts, terms())
    assert [finding.message for finding in found["99457"].findings] == [
        "Qualifying contacts needed: 1; on record: 1, and 2 whose records are not complete.",
        "20 minutes are needed, 12 are certain and an unknown number possible.",
    ]
    complete = management_codes(Management(1, 0, Bounds(certain=12, possible=12), incomplete=False), terms())
    assert complete["99470"].findings[0].message == "Qualifying contacts needed: 1; on record: 1."
    assert found["99470"].findings[1].message == (
        "10 to 19 minutes are needed, 12 are certain and an unknown number possible."
    )
    assert found["99458"].findings[0].message == (
        "Each full 20 minutes beyond 20 give a unit, at most 3, 12 are certain and an unknown number possible."
    )


@pytest.mark.parametrize(
    ("shown", "certain", "incomplete", "month", "code", "rule"),
    [
        ("certain", 25, False, "2026-05", "99470", "replaced"),
        ("certain", 14, False, "2025-12", "99470", "not_in_force"),
        ("none", 0, False, "2026-05", "99458", "base_needed"),
        ("none", 0, True, "2026-05", "99457", "incomplete_data"),
    ],
)
def test_the_last_finding_names_what_was_decisive(
    shown: str, certain: int, incomplete: bool, month: str, code: str, rule: str
) -> None:
    facts = Management(*SHOWN[shown], minutes=Bounds(certain=certain, possible=certain), incomplete=incomplete)
    found = management_codes(facts, terms(month=BillingMonth.parse(month, ZONE)))
    assert found[code].findings[-1].code == rule


def test_a_policy_without_a_code_never_supports_it() -> None:
    facts = Management(1, 0, Bounds(certain=60, possible=60), incomplete=True)
    without = terms().model_copy(update={"base_minutes": None, "add_on_minutes": None, "short_minutes": None})
    assert {verdict.verdict for verdict in management_codes(facts, without).values()} == {"not_supported"}


def test_a_policy_with_a_lower_99457_still_never_supports_99470_with_it() -> None:
    found = management_codes(
        Management(1, 0, Bounds(certain=16, possible=16), False), terms().model_copy(update={"base_minutes": 15})
    )
    assert (found["99457"].verdict, found["99470"].verdict) == ("supported", "not_supported")


def test_a_policy_may_ask_for_more_than_one_contact() -> None:
    two = terms().model_copy(update={"contacts_needed": 2})
    minutes = Bounds(certain=30, possible=30)
    assert management_codes(Management(2, 0, minutes, False), two)["99457"].verdict == "supported"
    assert management_codes(Management(1, 1, minutes, False), two)["99457"].verdict == "hold"
    assert management_codes(Management(1, 0, minutes, False), two)["99457"].verdict == "not_supported"
