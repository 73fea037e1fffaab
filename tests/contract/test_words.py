"""§1: the words of the contract."""

from typing import get_args

import pytest

from fhir_rpm.model import InteractiveCommunication
from fhir_rpm.model.terms import Outcome
from tests.builders import NURSE, encounter, message, note
from tests.contract.month import (
    CALL,
    HUDDLE,
    LIVE,
    REVIEW,
    TALK,
    VAGUE,
    VIDEO,
    VOICEMAIL,
    call,
    call_of,
    contact,
    contacts,
    each_vendor,
    judged,
    thread,
)
from tests.contract.sentences import sentence


@sentence("1", "**contact**: one real-world event (a call, a video visit, a message sitting, a voicemail, an alert")
@each_vendor
def test_each_kind_of_event_is_one_contact(vendor: str) -> None:
    alert = message("a1", "2026-05-09T08:00:00-04:00", "No reading today.", {"reference": "Device/hub"})
    visit = message("c1", "2026-05-05T10:00:00-04:00", TALK.replace("by phone", "on video visit"), medium=VIDEO)
    month = [
        *call("1", "2026-05-04T10:00:00-04:00", "2026-05-04T10:12:00-04:00"),
        visit,
        *thread(*LIVE),
        *call("2", "2026-05-06T10:00:00-04:00", None, VOICEMAIL),
        alert,
        note("d3", HUDDLE, date="2026-05-07T10:00:00-04:00"),
        note("d4", REVIEW, date="2026-05-08T10:00:00-04:00"),
    ]
    assert [(found["modality"], len(found["sources"])) for found in contacts(*month, vendor=vendor)] == [
        ("phone", 2),
        ("video", 1),
        ("voicemail", 2),
        ("internal", 1),
        ("chart_review", 1),
        ("automated", 1),
        ("secure_message", 3),
    ]


@sentence("1", "The model class is `InteractiveCommunication`.")
def test_the_model_class_is_named_as_promised() -> None:
    assert {"sources", "modality", "start", "staff", "participant"} <= set(InteractiveCommunication.model_fields)


@sentence("1", "**outcome** of a contact: `qualifies`, `insufficient`")
@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [(TALK, "qualifies", None), (VAGUE, "insufficient", None), (VOICEMAIL, "excluded", "voicemail")],
)
def test_a_contact_has_one_of_three_outcomes_and_only_the_excluded_a_reason(
    text: str, expected: str, reason: str | None
) -> None:
    found = contact(*call("1", *CALL, text))
    assert expected in get_args(Outcome)
    assert (found["outcome"], found["reason"]) == (expected, reason)


@sentence("1", "**element**: one of the seven things a record must show: `date`, `staff_name`, `staff_role`")
@sentence("1", "An `insufficient` contact lists the elements that are `missing`")
@each_vendor
def test_a_bare_claim_lists_all_that_is_missing(vendor: str) -> None:
    nobody = note("d1", VAGUE, date="2026-05", about="e1", author=[])
    found = contact(encounter("e1", "2026-05", participant=[]), nobody, vendor=vendor)
    seven = ["date", "staff_name", "staff_role", "participant", "minutes", "content", "decision"]
    assert found["missing"] == ["contact", *seven]
    assert contact(*call("1", *CALL), vendor=vendor)["missing"] == []


@sentence("1", "**certain / possible**: lower and upper bound.")
@sentence("1", "`certain` holds on the record as it stands;")
@sentence("1", "`possible` is what it could become if people completed the insufficient records.")
def test_an_unclear_call_of_known_length_is_possible_and_not_certain() -> None:
    month = judged(*call_of(12, "1", 4), *call_of(9, "2", 5, VAGUE))
    assert month["minutes"] == {"certain": 12, "possible": 21}
    completed = judged(*call_of(12, "1", 4), *call_of(9, "2", 5))
    assert completed["minutes"] == {"certain": 21, "possible": 21}


@sentence("1", "`possible: null` means not bounded (a call without minutes).")
@each_vendor
def test_a_call_without_minutes_has_no_upper_bound(vendor: str) -> None:
    month = judged(*call_of(12, "1", 4), *call("2", "2026-05-05"), vendor=vendor)
    assert month["minutes"] == {"certain": 12, "possible": None}


def test_the_example_thread_shows_everything() -> None:
    assert contact(*thread(*LIVE))["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    assert NURSE["display"] == "Ana Ruiz, RN"
