"""§4: codes, the month's status, device days and policies."""

import base64
from typing import Any

import pytest

from fhir_rpm.billing import load_policy
from tests.builders import Json, encounter, note, reading
from tests.contract.month import (
    LIVE,
    REVIEW,
    TALK,
    VAGUE,
    VOICEMAIL,
    call,
    call_of,
    daily,
    each_vendor,
    finding_codes,
    judged,
    outcome,
    thread,
    verdicts,
)
from tests.contract.sentences import sentence

COLUMNS = "| code | needs | from |"
ROW_57 = "| 99457 | ≥ 20 minutes in the calendar month, ≥ 1 qualifying contact | before 2025 |"
ROW_58 = "| 99458 | 99457, one unit for each further full 20 minutes, at most 3 (policy value) | before 2025 |"
ROW_70 = "| 99470 | 10–19 minutes, ≥ 1 qualifying contact; never with 99457 | 2026-01-01 |"
ROW_54 = "| 99454 | 16–30 device days in the 30-day period; never with 99445 | before 2025 |"
ROW_45 = "| 99445 | 2–15 device days in the 30-day period | 2026-01-01 |"
IC = "Let `ic` be certain (a contact qualifies), possible (only insufficient ones), or none."
HOLD = "every `not_supported` that the missing data could change becomes `hold`, with the finding `incomplete_data`."
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "warning", "code": "suppressed", "details": {"coding": [{"code": "59204"}]}}],
}


def _management(*resources: Any, **settings: Any) -> tuple[str, str, str, int, str]:
    month = judged(*resources, **settings)
    codes = month["codes"]
    units = codes["99458"]["units"]
    short = {"supported": "yes", "hold": "hold", "not_supported": "no"}
    named = tuple(short[codes[code]["verdict"]] for code in ("99457", "99458", "99470"))
    return (*named, units, month["status"])  # type: ignore[return-value]


@sentence("4", COLUMNS)
@sentence("4", ROW_57)
@sentence("4", ROW_58)
@sentence("4", ROW_70)
@sentence("4", "**99457** supported: ic certain and certain ≥ 20.")
@sentence("4", "supported: ic certain and 10 ≤ certain < 20.")
@sentence(
    "4", "**99458** units = min(3, (certain − 20) // 20) when 99457 is supported, verdict supported when units ≥ 1;"
)
@each_vendor
@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (9, ("no", "no", "no", 0, "not_met")),
        (10, ("no", "no", "yes", 0, "ready")),
        (19, ("no", "no", "yes", 0, "ready")),
        (20, ("yes", "no", "no", 0, "ready")),
        (39, ("yes", "no", "no", 0, "ready")),
        (40, ("yes", "yes", "no", 1, "ready")),
        (59, ("yes", "yes", "no", 1, "ready")),
        (60, ("yes", "yes", "no", 2, "ready")),
        (80, ("yes", "yes", "no", 3, "ready")),
        (119, ("yes", "yes", "no", 3, "ready")),
    ],
)
def test_minutes_of_one_qualifying_call_decide(minutes: int, expected: tuple[Any, ...], vendor: str) -> None:
    assert _management(*call_of(minutes), vendor=vendor) == expected


@sentence("4", ROW_70)
@sentence(
    "4", "**99470** not_supported: month before 2026-01, or ic none, or certain ≥ 20, or possible bounded and < 10."
)
@each_vendor
def test_the_short_tier_begins_in_2026(vendor: str) -> None:
    for month, expected in (
        ("2025-12", ("no", "no", "no", 0, "not_met")),
        ("2026-01", ("no", "no", "yes", 0, "ready")),
    ):
        held = call("1", f"{month}-14T09:00:00-05:00", f"{month}-14T09:12:00-05:00")
        assert _management(*held, month=month, vendor=vendor) == expected
        days = [reading(f"o{day}", f"{month}-{day:02}") for day in range(1, 16)]
        assert verdicts(judged(*days, month=month, vendor=vendor))["99445"] == (
            "supported" if month == "2026-01" else "not_supported"
        )
    for month in ("2024-12", "2025-01"):
        held = call("1", f"{month}-14T09:00:00-05:00", f"{month}-14T09:45:00-05:00")
        assert _management(*held, month=month, vendor=vendor)[:2] == ("yes", "yes")


@sentence("4", ROW_54)
@sentence("4", ROW_45)
@each_vendor
@pytest.mark.parametrize(
    ("days", "full", "short"),
    [
        (0, "not_supported", "not_supported"),
        (1, "not_supported", "not_supported"),
        (2, "not_supported", "supported"),
        (15, "not_supported", "supported"),
        (16, "supported", "not_supported"),
        (31, "supported", "not_supported"),
    ],
)
def test_device_days_decide(days: int, full: str, short: str, vendor: str) -> None:
    month = judged(*daily(days), vendor=vendor)
    assert month["device_days"] == {"certain": days, "possible": days}
    assert (verdicts(month)["99454"], verdicts(month)["99445"]) == (full, short)


@sentence("4", "Verdicts: `supported`, `hold`, `not_supported`.")
@sentence("4", IC)
@sentence("4", "not_supported: ic none, or possible is bounded and < 20.")
@sentence("4", "Else hold.")
@each_vendor
@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], ("no", "no", "no", 0, "not_met")),
        (call_of(25, text=REVIEW), ("no", "no", "no", 0, "not_met")),
        (call_of(25, text=VAGUE), ("hold", "no", "hold", 0, "hold")),
        (call_of(45, text=VAGUE), ("hold", "hold", "hold", 0, "hold")),
        (call_of(19, text=VAGUE), ("no", "no", "hold", 0, "hold")),
        (call_of(9, text=VAGUE), ("no", "no", "no", 0, "not_met")),
        (call("1", "2026-05-14"), ("hold", "hold", "hold", 0, "hold")),
        (call_of(25, text="Spoke with patient by phone."), ("hold", "no", "no", 0, "hold")),
        ([*call_of(25, text=REVIEW), *call_of(3, "2", 15, VAGUE)], ("hold", "no", "no", 0, "hold")),
        ([*call_of(5), *call("2", "2026-05-15")], ("hold", "hold", "hold", 0, "hold")),
        ([*call_of(8), *call_of(3, "2", 15, VAGUE)], ("no", "no", "hold", 0, "hold")),
    ],
    ids=str,
)
def test_what_is_possible_is_on_hold(resources: list[Json], expected: tuple[Any, ...], vendor: str) -> None:
    assert _management(*resources, vendor=vendor) == expected


@sentence(
    "4", "99457 may be on hold while 99470 is supported: 99470 is what the record shows, 99457 what it could become."
)
@each_vendor
def test_both_tiers_are_told_while_the_longer_is_possible(vendor: str) -> None:
    month = [*call_of(12), *call_of(9, "2", 15, VAGUE)]
    assert _management(*month, vendor=vendor) == ("hold", "no", "yes", 0, "ready")


@sentence("4", "hold when 99457 is supported or hold and possible would give a unit more than none;")
@sentence("4", "else not_supported with 0 units.")
@each_vendor
@pytest.mark.parametrize(
    ("unclear", "expected"),
    [(14, ("yes", "no", "no", 0, "ready")), (15, ("yes", "hold", "no", 0, "ready"))],
)
def test_an_add_on_that_is_possible_is_on_hold(unclear: int, expected: tuple[Any, ...], vendor: str) -> None:
    assert _management(*call_of(25), *call_of(unclear, "2", 15, VAGUE), vendor=vendor) == expected


@sentence(
    "4",
    "Status of the month: `ready` when 99457 or 99470 is supported, else `hold` when either is on hold",
)
@each_vendor
def test_the_status_follows_the_management_codes_only(vendor: str) -> None:
    assert judged(*daily(20), vendor=vendor)["status"] == "not_met"
    assert judged(*daily(20), *call_of(9, text=VAGUE), *call("2", "2026-05-15"), vendor=vendor)["status"] == "hold"
    assert judged(*call_of(10), vendor=vendor)["status"] == "ready"


@sentence(
    "4", "Data that could not be read in full (a page failed, a sub-resource was refused, a note body was unreadable)"
)
@sentence("4", HOLD)
@each_vendor
def test_missing_data_turns_a_no_into_a_hold_and_never_into_a_yes(vendor: str) -> None:
    gone = judged(OUTCOME, vendor=vendor)
    assert gone["status"] == "hold"
    assert set(verdicts(gone).values()) == {"hold"}
    assert "incomplete_data" in finding_codes(gone)
    assert "incomplete_data" in {finding["code"] for finding in gone["codes"]["99457"]["findings"]}
    full = judged(OUTCOME, *call_of(85), *daily(20), vendor=vendor)
    assert verdicts(full) == {
        "99457": "supported",
        "99458": "supported",
        "99470": "not_supported",
        "99454": "supported",
        "99445": "not_supported",
    }


@sentence(
    "4", "Data that could not be read in full (a page failed, a sub-resource was refused, a note body was unreadable)"
)
@each_vendor
@pytest.mark.parametrize(
    "attachment",
    [
        {"contentType": "text/html", "url": "Binary/gone"},
        {"contentType": "text/plain", "data": "@@not base64@@"},
        {"contentType": "application/pdf", "data": base64.b64encode(b"%PDF-1.4").decode()},
        {"contentType": "text/plain"},
        {},
    ],
    ids=str,
)
def test_an_unreadable_note_is_missing_data(attachment: Json, vendor: str) -> None:
    document = note("d1", "", content=[{"attachment": attachment}])
    month = judged(document, vendor=vendor)
    assert month["status"] == "hold"
    assert [verdicts(month)[code] for code in ("99457", "99458", "99470", "99454", "99445")] == [
        "hold",
        "hold",
        "hold",
        "not_supported",
        "not_supported",
    ]


@sentence("4", "Device days: distinct local calendar dates with at least one reading.")
@each_vendor
def test_days_are_local_and_distinct(vendor: str) -> None:
    times = [
        "2026-05-02T03:59:00Z",
        "2026-05-01T23:30:00-04:00",
        "2026-05-01",
        "2026-05-02T04:00:00Z",
        "2026-06-01T04:00:00Z",
    ]
    taken = [reading(f"o{place}", when) for place, when in enumerate(times)]
    assert judged(*taken, vendor=vendor)["device_days"] == {"certain": 2, "possible": 2}
    spans = [
        reading("o1", "", effectivePeriod={"start": "2026-05-03T23:00:00-04:00", "end": "2026-05-04T01:00:00-04:00"}),
        reading("o2", "", effectiveInstant="2026-05-05T03:00:00Z"),
        reading("o3", "2026-05"),
    ]
    assert judged(*spans, vendor=vendor)["device_days"] == {"certain": 2, "possible": 2}


@sentence("4", "`certain` counts readings that name a device (or that the vendor mapping knows to be device-fed);")
@sentence("4", "`possible` adds readings of unknown origin.")
@each_vendor
def test_only_a_device_makes_a_day_certain(vendor: str) -> None:
    named = [
        {"device": {"reference": "Device/scale"}},
        {"device": {"display": "Cellular scale"}},
        {"device": None, "performer": [{"reference": "Device/scale"}]},
        {"device": None, "category": [{"coding": [{"code": "vital-signs"}]}, {"coding": [{"code": "phd"}]}]},
    ]
    for more in named:
        assert judged(reading("o1", "2026-05-02", **more), vendor=vendor)["device_days"] == {
            "certain": 1,
            "possible": 1,
        }
    for more in ({"device": None}, {"device": {}}, {"device": None, "performer": [{"reference": "Patient/p1"}]}):
        assert judged(reading("o1", "2026-05-02", **more), vendor=vendor)["device_days"] == {
            "certain": 0,
            "possible": 1,
        }
    mixed = [
        reading("o1", "2026-05-02"),
        reading("o2", "2026-05-02", device=None),
        reading("o3", "2026-05-03", device=None),
    ]
    assert judged(*mixed, vendor=vendor)["device_days"] == {"certain": 1, "possible": 2}


@sentence(
    "4",
    "Readings known to be typed in by hand, without a value, cancelled, entered in error, and averages",
)
@each_vendor
@pytest.mark.parametrize(
    "more",
    [
        {"method": {"text": "Manual entry"}},
        {"note": [{"text": "Typed in by the patient"}]},
        {"valueQuantity": None},
        {"valueQuantity": {"unit": "lb"}},
        {"dataAbsentReason": {"text": "not performed"}, "valueQuantity": {}},
        {"status": "cancelled"},
        {"status": "entered-in-error "},
        {"code": {"text": "Average blood pressure", "coding": [{"system": "http://loinc.org", "code": "96607-7"}]}},
        {"code": {"text": "Mean heart rate", "coding": [{"system": "http://loinc.org", "code": "8867-4"}]}},
    ],
    ids=str,
)
def test_what_is_no_reading(more: Json, vendor: str) -> None:
    assert judged(reading("o1", "2026-05-02", **more), vendor=vendor)["device_days"] == {"certain": 0, "possible": 0}


@sentence("4", "Policies: `rpm-us` accepts phone, video and live messaging, as the project's source document does")
@sentence("4", "`rpm-us-strict` accepts phone and video (CMS CY2021: real-time two-way audio).")
@each_vendor
@pytest.mark.parametrize(
    ("resources", "plain", "strict"),
    [
        (call_of(12), "qualifies", "qualifies"),
        (call_of(12, text=TALK.replace("by phone", "on video visit")), "qualifies", "qualifies"),
        (thread(*LIVE), "qualifies", "channel"),
        (call_of(12, text=TALK.replace("by phone", "in person for RPM")), "qualifies", "channel"),
    ],
    ids=["phone", "video", "messages", "in person"],
)
def test_which_channels_a_policy_accepts(resources: list[Json], plain: str, strict: str, vendor: str) -> None:
    assert outcome(*resources, vendor=vendor) == plain
    assert outcome(*resources, vendor=vendor, policy="rpm-us-strict") == strict


@sentence("4", "A month always says whether the strict policy would change any verdict.")
@each_vendor
def test_the_month_says_whether_the_strict_policy_differs(vendor: str) -> None:
    assert judged(*call_of(12), vendor=vendor)["strict_differs"] is False
    assert judged(*thread(*LIVE), vendor=vendor)["strict_differs"] is True
    assert judged(*call_of(25), *thread(*LIVE), vendor=vendor)["strict_differs"] is False
    assert judged(*thread(*LIVE), vendor=vendor, policy="rpm-us-strict")["strict_differs"] is False
    assert judged(*call_of(12, text=VOICEMAIL), vendor=vendor)["strict_differs"] is False


@sentence("4", '"Supported" means that the documentation elements were found, never that a payer pays.')
def test_a_month_says_what_was_not_checked_and_promises_no_payment() -> None:
    month = judged(*call_of(25))
    assert month["not_checked"]
    said = " ".join([*month["actions"], *(finding["message"] for finding in month["findings"])]).lower()
    assert not any(word in said for word in ("will pay", "payable", "reimburse", "payment"))
    assert load_policy("rpm-us").strict == "rpm-us-strict"


def test_a_reading_needs_a_call_neither() -> None:
    assert judged(encounter("e1", "2026-05-14"), note("d1", TALK, about="e1"), *daily(3))["device_days"]["certain"] == 3
