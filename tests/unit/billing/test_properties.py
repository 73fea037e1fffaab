"""What holds for every month: properties of minutes and verdicts."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.model import InteractiveCommunication, Participant
from fhir_rpm.model.terms import REASONS, StaffRole
from fhir_rpm.month import BillingMonth, Interval
from tests.unit.billing.examples import MAY, ZONE, bounds, contact, judged, terms, verdicts

RANK = {"not_supported": 0, "hold": 1, "supported": 2}
ROLES: list[StaffRole | None] = ["rn", "physician", "non_clinical", "bot", None]
repeatable = settings(max_examples=100, deadline=None, derandomize=True)


@st.composite
def contacts(draw: st.DrawFn, **fixed: Any) -> InteractiveCommunication:
    start = datetime(2026, 5, 14, 9, tzinfo=MAY.zone) + timedelta(seconds=draw(st.integers(0, 7200)))
    seconds = draw(st.none() | st.integers(0, 2400))
    placed = draw(st.booleans()) and seconds
    drawn = {
        "modality": draw(st.sampled_from(["phone", "video", "secure_message", "in_person", "unknown", "chart_review"])),
        "exchange": draw(st.sampled_from(["two_way", "two_way", "unclear", "one_way", "delayed", "none"])),
        "staff": tuple(Participant(name="A", role=role) for role in draw(st.lists(st.sampled_from(ROLES), max_size=2))),
        "participant": draw(st.sampled_from(["patient", "caregiver", None])),
        "seconds": seconds,
        "intervals": (Interval(start, start + timedelta(seconds=seconds)),) if placed and seconds else (),
        "work_seconds": draw(st.none() | st.integers(0, 900)),
        "decision": draw(st.booleans()),
        "barred": draw(st.sampled_from([None, None, None, *REASONS])),
        "programmes": draw(st.sampled_from([(), (), ("99490",), ("99213",)])),
        "rpm_marked": draw(st.booleans()),
    }
    return contact(**{**drawn, **fixed})


MONTHS = st.lists(contacts(), max_size=6)


@repeatable
@given(MONTHS)
def test_certain_is_never_more_than_possible(month: list[InteractiveCommunication]) -> None:
    certain, possible = bounds(judged(*month))
    assert possible is None or 0 <= certain <= possible


@repeatable
@given(MONTHS, st.randoms(use_true_random=False))
def test_the_order_of_contacts_changes_no_total_and_no_verdict(
    month: list[InteractiveCommunication], random: Any
) -> None:
    shuffled = random.sample(month, len(month))
    assert bounds(judged(*shuffled)) == bounds(judged(*month))
    assert verdicts(judged(*shuffled)) == verdicts(judged(*month))


@repeatable
@given(MONTHS, contacts(work_seconds=None))
def test_an_excluded_contact_without_creditable_work_never_changes_a_verdict(
    month: list[InteractiveCommunication], extra: InteractiveCommunication
) -> None:
    found = assess_contact(extra, terms())
    if found.outcome == "excluded" and found.reason not in ("data_review", "internal"):
        assert verdicts(judged(*month, extra)) == verdicts(judged(*month))


@repeatable
@given(MONTHS, contacts(barred="data_review", staff=(Participant(name="A", role="rn"),)))
def test_work_without_the_patient_never_gives_a_month_its_contact(
    month: list[InteractiveCommunication], work: InteractiveCommunication
) -> None:
    before, after = judged(*month), judged(*month, work)
    assert bounds(after)[0] >= bounds(before)[0]
    if not any(found.outcome == "qualifies" for found in before.contacts):
        assert after.status != "ready"


@st.composite
def placed_calls(draw: st.DrawFn) -> InteractiveCommunication:
    """Creditable calls with clock times within two hours, so that many overlap."""
    at = datetime(2026, 5, 14, 9) + timedelta(seconds=draw(st.integers(0, 7200)))  # noqa: DTZ001
    exchange = draw(st.sampled_from(["two_way", "unclear"]))
    return contact(draw(st.integers(1, 3600)) / 60, at.isoformat(), exchange=exchange)


@repeatable
@given(placed_calls(), st.lists(st.integers(1, 3599), min_size=1, max_size=4))
def test_splitting_an_interval_changes_no_minute(whole: InteractiveCommunication, cuts: list[int]) -> None:
    interval = whole.intervals[0]
    inner = {interval.start + timedelta(seconds=cut) for cut in cuts if cut < interval.seconds}
    edges = sorted({interval.start, *inner, interval.end})
    pieces = tuple(Interval(start, end) for start, end in pairwise(edges))
    assert bounds(judged(whole.model_copy(update={"intervals": pieces}))) == bounds(judged(whole))
    apart = [whole.model_copy(update={"intervals": (piece,), "seconds": piece.seconds}) for piece in pieces]
    assert bounds(judged(*apart)) == bounds(judged(whole))


@repeatable
@given(st.lists(placed_calls(), min_size=1, max_size=5))
def test_duplicates_of_an_interval_add_nothing(month: list[InteractiveCommunication]) -> None:
    assert bounds(judged(*month, *month)) == bounds(judged(*month))


@repeatable
@given(st.integers(1, 3600), st.integers(1, 3600))
def test_a_call_across_the_months_end_counts_in_each_month_what_lies_in_it(before: int, after: int) -> None:
    across = Interval(MAY.end - timedelta(seconds=before), MAY.end + timedelta(seconds=after))
    call = contact(at="2026-05-31", seconds=before + after, intervals=(across,))
    june = BillingMonth.parse("2026-06", ZONE)
    assert bounds(judged(call)) == (before // 60,) * 2
    assert bounds(judged(month=june, carried=(call,))) == (after // 60,) * 2


@repeatable
@given(st.lists(st.integers(0, 1200), max_size=8))
def test_seconds_are_floored_once(lengths: list[int]) -> None:
    calls = [contact(at="2026-05-14", seconds=seconds) for seconds in lengths]
    assert bounds(judged(*calls)) == (sum(lengths) // 60,) * 2


@repeatable
@given(MONTHS)
def test_the_strict_policy_never_credits_or_supports_more_minutes(month: list[InteractiveCommunication]) -> None:
    usual, strict = judged(*month), judged(*month, policy="rpm-us-strict")
    assert bounds(strict)[0] <= bounds(usual)[0]
    assert RANK[strict.codes["99457"].verdict] <= RANK[usual.codes["99457"].verdict]


@repeatable
@given(MONTHS)
def test_nothing_is_supported_without_a_qualifying_contact_and_its_minutes(
    month: list[InteractiveCommunication],
) -> None:
    found = judged(*month)
    qualifies = any(item.outcome == "qualifies" for item in found.contacts)
    supported = {code for code, verdict in found.codes.items() if verdict.verdict == "supported"}
    assert not supported or qualifies
    assert ("99457" in supported) == (qualifies and found.minutes.certain >= 20)
    assert ("99470" in supported) == (qualifies and 10 <= found.minutes.certain <= 19)
    assert ("99458" in supported) == (qualifies and found.minutes.certain >= 40)
