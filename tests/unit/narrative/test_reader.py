"""Note rubric: what the text supports, with the words behind each fact."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_rpm.narrative import read_note

GOOD = (
    "RN called patient on May 14, 2026. Discussed blood pressure readings trending elevated over past week. "
    "Patient reports medication adherence. Physician notified. No medication change at this time"
)


def test_the_model_note_qualifies_and_lacks_name_and_minutes() -> None:
    facts = read_note(GOOD)
    assert (facts.verdict, facts.contact, facts.modality, facts.participant) == (
        "qualifies",
        "two_way",
        "phone",
        "patient",
    )
    assert (facts.staff_role, facts.staff_name, facts.date, facts.minutes) == ("rn", None, date(2026, 5, 14), None)


def test_a_claim_of_contact_is_unclear() -> None:
    facts = read_note("patient contacted monthly")
    assert (facts.contact, facts.verdict) == ("unclear", "insufficient")


@pytest.mark.parametrize(
    ("text", "contact", "modality", "exclusion"),
    [
        ("No answer. Left voicemail asking her to call back.", "one_way", "voicemail", "voicemail"),
        ("Second attempt. Rang out with no answer, mailbox full, no message left.", "one_way", "phone", "no_answer"),
        ("Chart review only: BP uploads within limits. Patient not contacted.", "none", "chart_review", "data_review"),
        (
            "RPM huddle with Dr. Abbott. Discussed weight gain. Patient was not on the line.",
            "none",
            "internal",
            "internal",
        ),
    ],
)
def test_what_is_no_exchange_is_excluded_with_its_reason(
    text: str, contact: str, modality: str, exclusion: str
) -> None:
    facts = read_note(text)
    assert (facts.verdict, facts.contact, facts.modality, facts.exclusion) == ("excluded", contact, modality, exclusion)


def test_the_last_event_decides() -> None:
    text = (
        "0910 LVM for pt re: home SBP 158-164. ADDENDUM: Pt returned call. Spoke w/ pt 1402-1424. Out of amlodipine. "
        "Dr. Lindqvist notified; restart amlodipine 5 mg tonight, recheck Thursday.\nTamika Osei, RN"
    )
    facts = read_note(text)
    assert (facts.contact, facts.modality, facts.minutes, facts.verdict) == ("two_way", "phone", 22, "qualifies")
    assert (facts.staff_name, facts.staff_role) == ("Tamika Osei", "rn")
    assert (facts.begins, facts.ends) == (time(14, 2), time(14, 24))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("12 min", 720),
        ("x7m", 420),
        ("12'", 720),
        ("1402-1419", 1020),
        ("4:30-4:40 pm", 600),
        ("start 09:58 stop 10:12", 840),
        ("connected 1300, disconnected 1312", 720),
        ("2352-0007", 900),
        ("half an hour", 1800),
        ("duration 09:35", 575),
        ("9 min 35 sec", 575),
        ("twenty minutes", 1200),
    ],
)
def test_lengths_are_read_in_every_form(told: str, seconds: int) -> None:
    assert read_note(f"Spoke with pt by phone, {told}. BP 150/92, continue lisinopril 20 mg.").seconds == seconds


@pytest.mark.parametrize(
    "told",
    [
        "walks 30 min daily",
        "rechecked after 5 min rest",
        "20 min of chart review",
        "within 15 min of the alert",
        "BP 120/80",
    ],
)
def test_other_times_are_no_length_of_the_call(told: str) -> None:
    assert read_note(f"Spoke with pt by phone. She {told}. Continue lisinopril 20 mg.").minutes is None


def test_review_time_is_told_apart_from_the_call() -> None:
    facts = read_note("Spoke with pt by phone 12 min, BP 148/92, no medication change. Reviewed uploads, 8 min.")
    assert (facts.minutes, facts.work_minutes) == (12, 8)


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("5/14/2026", date(2026, 5, 14)),
        ("05-14-26", date(2026, 5, 14)),
        ("2026-05-14", date(2026, 5, 14)),
        ("May 14th, 2026", date(2026, 5, 14)),
        ("14 May 2026", date(2026, 5, 14)),
        ("14 de mayo de 2026", date(2026, 5, 14)),
        ("5/14", None),
        ("Tuesday", None),
        ("02/31/2026", None),
    ],
)
def test_dates_are_full_calendar_dates(told: str, day: date | None) -> None:
    assert read_note(f"{told}: spoke with pt by phone, BP 150/92, no change.").date == day


@pytest.mark.parametrize(
    ("signed", "role", "name"),
    [
        ("Ana Ruiz, RN", "rn", "Ana Ruiz"),
        ("-T. Vasquez LPN", "lpn", "T. Vasquez"),
        ("Saba Chaudhry, PharmD", "pharmacist", "Saba Chaudhry"),
        ("Lori Finch, CMA", "ma", "Lori Finch"),
        ("Odette Fournier, NP", "np", "Odette Fournier"),
        ("Imre Vasquez-Holt, RRT", "respiratory_therapist", "Imre Vasquez-Holt"),
    ],
)
def test_signatures_give_name_and_role(signed: str, role: str, name: str) -> None:
    facts = read_note(f"Spoke with pt by phone. BP 150/92. Dr. Moss notified, no change.\n{signed}")
    assert (facts.staff_role, facts.staff_name) == (role, name)


def test_unchecked_boxes_say_nothing() -> None:
    text = "[ ] Spoke with patient  [x] Left voicemail  [ ] Unable to reach\nReason: RPM monthly"
    assert read_note(text).contact == "one_way"


def test_a_live_thread_is_two_way_from_first_to_last_message() -> None:
    text = (
        "Portal chat, 10 Feb 2026\n13:01 Kelsey LPN: Hi, cuff sent 166/94 at noon. How are you feeling?\n"
        "13:03 Pt: head is a little tight\n13:09 Pt: forgot the pill. took it now\n"
        "13:13 Kelsey LPN: OK. Recheck at 3. No change to the dose."
    )
    facts = read_note(text)
    assert (facts.contact, facts.modality, facts.minutes) == ("two_way", "secure_message", 12)


def test_an_answer_days_later_is_delayed() -> None:
    text = "5/4 08:12 RN Toomey: Your oxygen dipped to 87. Any worse?\n5/6 19:47 Patient: sorry just saw this. no"
    facts = read_note(text)
    assert (facts.contact, facts.verdict, facts.exclusion) == ("delayed", "excluded", "delayed_reply")


def test_a_month_total_is_no_event() -> None:
    assert read_note("Total RPM time for May 2026: 22 minutes.").totals_only
    assert not read_note(GOOD).totals_only


def test_an_empty_text_supports_nothing() -> None:
    assert read_note("").verdict != "qualifies"


@given(st.text(max_size=400))
def test_any_text_is_read_and_every_span_points_into_it(text: str) -> None:
    for span in read_note(text).spans:
        assert span.text == text[span.start : span.end]


@pytest.mark.parametrize("piece", ["a", "1 ", "12:00-", "pt called back ", "\n", "(", "Ana Ruiz, ", "[ ] ", "no no "])
def test_long_and_dull_texts_end(piece: str) -> None:
    assert read_note(piece * (200_000 // len(piece))).verdict != "qualifies"


def test_spans_survive_typography() -> None:
    text = "Pt’s wife — “Joan” — answered.\u00a0Spoke w/ wife 12 min. İ BP 150/92. No medication change."
    for span in read_note(text).spans:
        assert span.text == text[span.start : span.end]


def test_a_ticked_voicemail_outweighs_what_the_template_carries_forward() -> None:
    text = (
        "Call 4/3/2026, Ann Li RN\n( ) Spoke with patient (X) Not reached - msg left on machine\nWt 217, take torsemide"
    )
    facts = read_note(text)
    assert (facts.contact, facts.modality, facts.verdict) == ("one_way", "voicemail", "excluded")


@pytest.mark.parametrize("plan", ["Plan: __", "PLAN: (left blank)", "Plan:"])
def test_a_plan_left_blank_is_no_decision(plan: str) -> None:
    told = "Spoke with pt by phone 7 min. SOB with stairs, SpO2 92 after a walk, uses Trelegy daily."
    assert read_note(f"{told}\n{plan}\nAnn Li RN").verdict == "insufficient"
    assert read_note(f"{told}\nPlan: no change, recheck Friday\nAnn Li RN").verdict == "qualifies"


def test_a_returned_call_is_no_voicemail() -> None:
    text = (
        "Left message on machine at noon; patient returned call within 20 min and I took it. Weight 4 lb over target, "
        "admits pretzels. Not SOB. One extra torsemide today, weigh tomorrow, call if not down 2 lb."
    )
    facts = read_note(text)
    assert (facts.contact, facts.modality, facts.verdict) == ("two_way", "phone", "qualifies")


def test_a_contact_by_whatever_channel_is_not_taken_for_a_call() -> None:
    told = "the patient for the monthly RPM review, 16 minutes. Patient states blood pressure is 130 to 136 over 80."
    assert read_note(f"RN was in contact with {told} No medication change.").modality == "unknown"
    assert read_note(f"RN was in contact by phone with {told} No medication change.").modality == "phone"
