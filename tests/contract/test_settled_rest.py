"""§6, minutes, codes and completeness: the points that were settled after the rules were written."""

import base64
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.model import Gap
from tests.builders import Json, concept, encounter, note, reading
from tests.contract.month import (
    CALL,
    LIVE,
    REVIEW,
    TALK,
    VAGUE,
    ZONE,
    call,
    call_of,
    contact,
    daily,
    each_vendor,
    finding_codes,
    judged,
    outcome,
    thread,
    verdicts,
)
from tests.contract.sentences import sentence

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
GOOD_NOTE = (
    "RN called patient on May 14, 2026. Discussed blood pressure readings trending elevated over past week. "
    "Patient reports medication adherence. Physician notified. No medication change at this time"
)
MANAGEMENT, DEVICES = ("99457", "99458", "99470"), ("99454", "99445")
TOUCHES = "Encounter, Communication, DocumentReference and Binary touch 99457, 99458 and 99470;"


def _outcome(code: str, **issue: Any) -> Json:
    told = {
        "severity": "warning",
        "code": "suppressed",
        "details": {"coding": [{"system": "urn:oid:1.2", "code": code}]},
    }
    return {"resourceType": "OperationOutcome", "issue": [told | issue]}


@sentence("6", 'Work told only in text ("reviewed data, 8 min") counts as `data_review` minutes')
@each_vendor
def test_work_told_in_text_counts(vendor: str) -> None:
    review = note("d2", "Reviewed RPM data for 8 minutes. BP 140/85. No patient contact.", date="2026-05-20")
    month = judged(*call_of(12), review, vendor=vendor)
    assert month["minutes"] == {"certain": 20, "possible": 20}
    assert [found["minutes"] for found in month["contacts"]] == [12, 8]
    beside = f"{TALK} Reviewed data beforehand, 8 min."
    month = judged(*call_of(12, text=beside), vendor=vendor)
    assert (month["minutes"]["certain"], month["contacts"][0]["minutes"]) == (20, 12)


@sentence("6", "DocumentReference.context.period is never a source of minutes.")
@each_vendor
def test_the_period_of_a_note_is_no_length(vendor: str) -> None:
    period = {"start": CALL[0], "end": CALL[1]}
    alone = note("d1", TALK, context={"period": period})
    assert contact(alone, vendor=vendor)["minutes"] is None
    linked = note("d1", TALK, context={"period": period, "encounter": [{"reference": "Encounter/e1"}]})
    assert outcome(encounter("e1", "2026-05-14"), linked, vendor=vendor) == "minutes"


@sentence("6", "Two structured lengths of one contact that differ: the smaller, with `minutes_conflict`.")
@each_vendor
@pytest.mark.parametrize(("stated", "minutes", "conflict"), [(9, 9, True), (12, 12, False), (40, 12, True)])
def test_of_two_structured_lengths_the_smaller_counts(stated: int, minutes: int, conflict: bool, vendor: str) -> None:
    month = judged(*call("1", *CALL, length={"value": stated, "unit": "min"}), vendor=vendor)
    assert month["contacts"][0]["minutes"] == minutes == month["minutes"]["certain"]
    assert ("minutes_conflict" in finding_codes(month)) is conflict


@sentence("6", "When the smaller, narrated length wins over a period, its interval runs from the period's start.")
@each_vendor
def test_a_narrated_length_runs_from_the_periods_start(vendor: str) -> None:
    told = TALK.replace("by phone", "by phone for 6 minutes")
    other = {"reference": "Practitioner/n2", "display": "Bea Lund, RN"}
    early = encounter(
        "e2", "2026-05-14T13:56:00-04:00", "2026-05-14T14:06:00-04:00", participant=[{"individual": other}]
    )
    late = encounter(
        "e2", "2026-05-14T14:08:00-04:00", "2026-05-14T14:18:00-04:00", participant=[{"individual": other}]
    )
    for event, total in ((early, 12), (late, 16)):
        month = judged(*call("1", *CALL, told), event, note("d2", TALK, about="e2", author=[other]), vendor=vendor)
        assert month["minutes"]["certain"] == total


@sentence("6", "`units`: 1 for a supported 99457 or 99470, the add-on count for 99458, 0 otherwise.")
@each_vendor
def test_units(vendor: str) -> None:
    def units(*resources: Json) -> dict[str, int]:
        return {
            code: found["units"]
            for code, found in judged(*resources, vendor=vendor)["codes"].items()
            if code in MANAGEMENT
        }

    assert units(*call_of(65)) == {"99457": 1, "99458": 2, "99470": 0}
    assert units(*call_of(12)) == {"99457": 0, "99458": 0, "99470": 1}
    assert units(*call_of(45, text=VAGUE)) == {"99457": 0, "99458": 0, "99470": 0}


@sentence("6", "With incomplete data `possible` stays the plain sum;")
@sentence("6", "the finding `incomplete_data` and the `hold` say the rest.")
@each_vendor
def test_incomplete_data_leaves_possible_alone(vendor: str) -> None:
    month = judged(*call_of(12), _outcome("59204"), vendor=vendor)
    assert month["minutes"] == {"certain": 12, "possible": 12}
    assert {code: verdicts(month)[code] for code in MANAGEMENT} == {
        "99457": "hold",
        "99458": "hold",
        "99470": "supported",
    }
    assert "incomplete_data" in finding_codes(month)


@sentence("6", "A refused or failed sub-type touches only what it could change:")
@sentence("6", TOUCHES)
@sentence("6", "Observation touches device days, 99454 and 99445.")
@each_vendor
@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("Encounter", MANAGEMENT),
        ("Communication", MANAGEMENT),
        ("DocumentReference", MANAGEMENT),
        ("Binary", MANAGEMENT),
        ("Observation", DEVICES),
        (None, MANAGEMENT + DEVICES),
    ],
)
def test_a_gap_touches_only_what_it_could_change(kind: str | None, held: tuple[str, ...], vendor: str) -> None:
    gap = Gap(resource_type=kind, code="403", reason="The server refused the read.")
    month = assess([], month="2026-05", time_zone=ZONE, vendor=vendor, unread=[gap]).model_dump(mode="json")
    assert {code for code, verdict in verdicts(month).items() if verdict == "hold"} == set(held)


@sentence("6", "One readable body of a note is enough.")
@each_vendor
def test_one_readable_body_is_enough(vendor: str) -> None:
    good = {"contentType": "text/plain", "data": base64.b64encode(TALK.encode()).decode()}
    bad = {"contentType": "text/rtf", "url": "Binary/gone"}
    for content in ([{"attachment": bad}, {"attachment": good}], [{"attachment": good}, {"attachment": bad}]):
        month = judged(encounter("e1", *CALL), note("d1", "", about="e1", content=content), vendor=vendor)
        assert [found["outcome"] for found in month["contacts"]] == ["qualifies"]
        assert "incomplete_data" not in finding_codes(month)


@sentence(
    "6", "Error codes 59204 (whatever the sub-type names, outside records included) and 4119, a page or `next` link"
)
@each_vendor
@pytest.mark.parametrize(
    "told",
    [
        _outcome("59204"),
        _outcome("59204", severity="information", diagnostics="Outside records were not searched."),
        _outcome("4119", severity="information"),
        {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "information", "code": "informational"}, *_outcome("59204")["issue"]],
        },
    ],
    ids=str,
)
def test_what_an_outcome_says_is_missing(told: Json, vendor: str) -> None:
    page = {"resourceType": "Bundle", "entry": [{"resource": told, "search": {"mode": "outcome"}}]}
    month = judged(page, vendor=vendor)
    assert (month["status"], month["minutes"]) == ("hold", {"certain": 0, "possible": 0})
    assert "incomplete_data" in finding_codes(month)


@sentence(
    "6", "Error codes 59204 (whatever the sub-type names, outside records included) and 4119, a page or `next` link"
)
@each_vendor
def test_an_outcome_that_only_says_none_found_is_complete(vendor: str) -> None:
    month = judged(_outcome("4101"), vendor=vendor)
    assert (month["status"], "incomplete_data" in finding_codes(month)) == ("not_met", False)


@sentence("6", "`strict_differs` compares verdicts, units and status.")
@each_vendor
def test_the_strict_policy_is_compared_by_verdict_units_and_status(vendor: str) -> None:
    def differs(*resources: Json) -> Any:
        return judged(*resources, vendor=vendor)["strict_differs"]

    assert differs(*call_of(12, day=15), *thread(*LIVE)) is True
    assert differs(*call_of(35, day=15), *thread(*LIVE)) is True
    assert differs(*call_of(25, day=15), *thread(*LIVE)) is False


@sentence("6", "`device_days` is reported for the calendar month.")
@sentence(
    "6",
    "99454/99445 are judged on consecutive 30-day periods from the start of monitoring when that date is",
)
@each_vendor
def test_device_days_are_those_of_the_month_and_capped_for_the_codes(vendor: str) -> None:
    around = [reading("a", "2026-04-30"), *daily(31), reading("z", "2026-06-01")]
    month = judged(*around, vendor=vendor)
    assert month["device_days"] == {"certain": 31, "possible": 31}
    assert verdicts(month)["99454"] == "supported"
    assert "device_period_unknown" in finding_codes(month)
    assert "30 days" in next(item["message"] for item in month["findings"] if item["code"] == "device_period_unknown")


@sentence(
    "6", "A reading is an Observation in category vital-signs or with a code of the RPM list in `mappings/base.toml`;"
)
@each_vendor
def test_what_is_a_reading(vendor: str) -> None:
    def days(**more: Any) -> Any:
        return judged(reading("o1", "2026-05-02", **more), vendor=vendor)["device_days"]["certain"]

    vital = [concept("Vital Signs", "vital-signs")]
    assert days() == 1
    assert days(category=[]) == 1
    assert days(category=vital, code={"text": "Steps"}) == 1
    assert days(category=[], code={"text": "Steps"}) == 0
    assert days(category=[concept("Survey", "survey")], code={"text": "PHQ-9"}) == 0


@sentence("6", "laboratory results and vitals that staff took during a visit never count.")
@each_vendor
def test_laboratory_results_and_visit_vitals_never_count(vendor: str) -> None:
    lab = reading("o1", "2026-05-02", category=[concept("Laboratory", "laboratory")])
    both = reading("o1", "2026-05-02", category=[concept("", "vital-signs"), concept("", "laboratory")])
    taken = reading("o1", "2026-05-02", device=None, performer=[{"display": "Ana Ruiz, RN"}])
    visit = encounter("e1", *CALL, type=[], **{"class": {"code": "AMB"}})
    during = reading("o1", "2026-05-14", encounter={"reference": "Encounter/e1"})
    for resources in ([lab], [both], [taken], [visit, during]):
        assert judged(*resources, vendor=vendor)["device_days"] == {"certain": 0, "possible": 0}


@sentence("6", "Hand entry: a method or note saying manual, tag PATAST or patient-supplied without a device.")
@each_vendor
def test_hand_entry(vendor: str) -> None:
    def days(**more: Any) -> tuple[int, int]:
        found = judged(reading("o1", "2026-05-02", **more), vendor=vendor)["device_days"]
        return found["certain"], found["possible"]

    for tag in ("PATAST", "patient-supplied"):
        assert days(device=None, meta={"tag": [{"code": tag}]}) == (0, 0)
        assert days(meta={"tag": [{"code": tag}]}) == (1, 1)
    assert days(method={"text": "manual"}) == (0, 0)
    assert days(note=[{"text": "Manually entered"}]) == (0, 0)
    assert days(note=[{"text": "Received over cellular"}]) == (1, 1)


@sentence("6", "Readings filed by an integration user are of unknown origin.")
@each_vendor
def test_readings_of_an_integration_user_are_of_unknown_origin(vendor: str) -> None:
    filed = reading("o1", "2026-05-02", device=None, performer=[{"display": "User Interconnect"}])
    assert judged(filed, vendor=vendor)["device_days"] == {"certain": 0, "possible": 1}


@sentence("6", "The source document's own good note states neither name nor duration, which its own list demands")
@each_vendor
def test_the_good_note_needs_a_structured_record(vendor: str) -> None:
    alone = note("d1", GOOD_NOTE, author=[])
    assert outcome(alone, vendor=vendor) == "staff_name minutes"
    assert outcome(encounter("e1", *CALL), note("d1", GOOD_NOTE, about="e1"), vendor=vendor) == "qualifies"


@sentence("6", "The user guide says so.")
def test_the_user_guide_says_so() -> None:
    guide = " ".join(GUIDE.read_text(encoding="utf-8").split()).lower()
    assert "neither" in guide
    assert "structured" in guide
    assert REVIEW.lower() not in guide
