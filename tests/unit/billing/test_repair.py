"""The smallest repair: done by hand from the data of the fixes, it makes the month ready, and nothing smaller does."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_rpm.billing import load_policy
from fhir_rpm.billing.advice import Advice, advice_on
from fhir_rpm.billing.case import Case
from fhir_rpm.billing.repair import MOST_TRIED
from fhir_rpm.model import Bounds, Fix, Gap, InteractiveCommunication, MonthRecord, Participant
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import MAY, NAMELESS_RN, NO_ROLE, RN, ZONE, contact, review, terms
from tests.unit.billing.test_properties import contacts, repeatable

Month = list[InteractiveCommunication]
ADDED: dict[str, dict[str, Any]] = {
    "contact": {"exchange": "two_way"},
    "date": {"start": contact().start},
    "staff_name": {"staff": RN},
    "staff_role": {"staff": RN},
    "participant": {"participant": "caregiver"},
    "content": {"content": True},
    "decision": {"decision": True},
    "modality": {"modality": "video"},
}


def case(month: Month, policy: str = "rpm-us", of: BillingMonth = MAY, gaps: tuple[Gap, ...] = ()) -> Case:
    numbered = tuple(item.model_copy(update={"sources": (f"Encounter/e{n}",)}) for n, item in enumerate(month))
    return Case.of(MonthRecord(patient="Patient/p1", contacts=numbered, gaps=gaps), of, terms(policy, of))


def advice(found: Case) -> Advice:
    return advice_on(found, Bounds(), dict.fromkeys(("99454", "99445"), found.codes["99457"]) | found.codes)


def completed(item: InteractiveCommunication, fix: Fix) -> InteractiveCommunication:
    changes: dict[str, Any] = {}
    for element in fix.elements:
        changes |= ADDED.get(element, {"seconds": 60 * (fix.minutes or 1), "intervals": ()})
    return item.model_copy(update=changes)


def applied(found: Case, fixes: tuple[Fix, ...]) -> Case:
    """The month after people did what the data of the fixes says, written apart from the search."""
    by_source = {fix.sources: fix for fix in fixes if fix.kind == "complete"}
    month = [
        completed(item, by_source[item.sources]) if item.sources in by_source else item for item, _ in found.judged
    ]
    month += [contact(fix.minutes, "2026-05-31", modality="phone") for fix in fixes if fix.kind == "contact"]
    month += [review(fix.minutes) for fix in fixes if fix.kind == "work"]
    return Case.of(MonthRecord(patient=None, contacts=tuple(month)), found.month, found.terms)


def kinds(found: Case) -> list[str]:
    return [fix.kind for fix in advice(found).fixes]


ANY_MONTH = st.lists(contacts(), max_size=5)
POLICIES = st.sampled_from(["rpm-us", "rpm-us-strict", "example-payer"])


@repeatable
@given(ANY_MONTH, POLICIES)
def test_the_fixes_make_the_month_ready(month: Month, policy: str) -> None:
    found = case(month, policy)
    fixes = advice(found).fixes
    assert bool(fixes) == (found.status != "ready")
    assert applied(found, fixes).status == "ready"


@repeatable
@given(ANY_MONTH)
def test_no_fix_can_be_left_out(month: Month) -> None:
    found = case(month)
    fixes = advice(found).fixes
    for fewer in combinations(fixes, max(0, len(fixes) - 1)):
        assert not fixes or applied(found, fewer).status != "ready"


@repeatable
@given(ANY_MONTH)
def test_minutes_asked_for_are_the_least_that_do(month: Month) -> None:
    found = case(month)
    fixes = advice(found).fixes
    for place, fix in enumerate(fixes):
        if fix.minutes is not None and fix.minutes > 1:
            less = fix.model_copy(update={"minutes": fix.minutes - 1})
            assert applied(found, (*fixes[:place], less, *fixes[place + 1 :])).status != "ready"


@repeatable
@given(ANY_MONTH)
def test_where_two_acts_are_asked_for_no_single_record_and_no_work_alone_would_do(month: Month) -> None:
    found = case(month)
    fixes = advice(found).fixes
    if len(fixes) < 2:
        return
    steps = [step for step in (*fixes, *advice(found).next_steps) if step.kind == "complete"]
    for step in steps:
        assert (
            applied(found, (step.model_copy(update={"minutes": 10 if "minutes" in step.elements else None}),)).status
            != "ready"
        )
    assert applied(found, (Fix(kind="work", text="-", minutes=600),)).status != "ready"


@repeatable
@given(ANY_MONTH)
def test_before_2026_the_fixes_lead_to_99457(month: Month) -> None:
    december = BillingMonth.parse("2025-12", ZONE)
    found = case(month, of=december)
    fixes = advice(found).fixes
    assert {fix.code for fix in fixes} <= {"99457"}


@pytest.mark.parametrize(
    ("month", "acts", "minutes"),
    [
        ([], ["contact"], [10]),
        ([contact(4)], ["work"], [6]),
        ([contact(None)], ["complete"], [10]),
        ([contact(12, decision=False)], ["complete"], [None]),
        ([contact(6, exchange="unclear")], ["complete", "work"], [None, 4]),
        ([contact(6, exchange="unclear"), contact(5, "2026-05-20", exchange="unclear")], ["complete"] * 2, [None] * 2),
        ([contact(6, decision=False), contact(5, "2026-05-20", exchange="unclear")], ["complete"], [None]),
        ([contact(6, exchange="unclear"), contact(12, "2026-05-20", exchange="unclear")], ["complete"], [None]),
        ([contact(4), review(7, staff=NO_ROLE)], ["complete"], [None]),
        ([contact(4), contact(None, "2026-05-20", barred="voicemail")], ["work"], [6]),
        ([contact(None, programmes=("99490",))], ["complete", "work"], [None, 10]),
        ([contact(None, staff=NAMELESS_RN)], ["complete"], [10]),
    ],
)  # fmt: skip
def test_the_fewest_acts(month: Month, acts: list[str], minutes: list[int | None]) -> None:
    fixes = advice(case(month)).fixes
    assert [fix.kind for fix in fixes] == acts
    assert [fix.minutes for fix in fixes] == minutes
    assert applied(case(month), fixes).status == "ready"


def test_of_two_records_that_would_do_the_surer_one_is_asked_for() -> None:
    month = [contact(12, exchange="unclear"), contact(12, "2026-05-20T09:00:00", decision=False)]
    assert [fix.sources for fix in advice(case(month)).fixes] == [("Encounter/e1",)]


def test_records_that_could_do_are_completed_rather_than_a_new_exchange_held() -> None:
    month = [contact(3, f"2026-05-{day:02}T09:00:00", exchange="unclear") for day in range(1, 4)]
    assert kinds(case(month)) == ["complete", "work"]


def test_an_exchange_that_is_shown_must_show_its_channel_too_where_the_policy_asks_for_it() -> None:
    found = case([contact(12, modality="unknown", exchange="unclear")], "rpm-us-strict")
    (fix,) = advice(found).fixes
    assert fix.elements == ("contact", "modality")
    assert applied(found, (fix,)).status == "ready"


def test_a_fix_says_by_when_and_for_which_code() -> None:
    (fix,) = advice(case([contact(4)])).fixes
    assert (str(fix.deadline), fix.code, fix.sources, fix.elements) == ("2026-05-31", "99470", (), ())
    assert fix.text == "6 more creditable minutes by 2026-05-31 would support 99470."


def test_a_month_in_which_no_code_is_in_force_has_no_fix(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    path.write_text('extends = "rpm-us"\n[codes]\n99457 = []\n99470 = []\n')
    under = load_policy(str(path)).in_force(MAY)
    found = Case.of(MonthRecord(patient=None, contacts=(contact(12, decision=False),)), MAY, under)
    assert (found.status, advice(found).fixes) == ("not_met", ())


def test_a_payer_who_asks_for_two_contacts_gets_two(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    entry = 'from = 2021-01-01\nvalue = 2\ntitle = "t"\ncitation = "c"\nread = 2026-11-23\n'
    path.write_text(f'extends = "rpm-us"\n[[contacts.needed]]\n{entry}')
    under = load_policy(str(path)).in_force(MAY)
    found = Case.of(MonthRecord(patient=None, contacts=(contact(4, decision=False),)), MAY, under)
    fixes = advice(found).fixes
    assert [(fix.kind, fix.minutes) for fix in fixes] == [("complete", None), ("contact", 6)]
    assert applied(found, fixes).status == "ready"


def test_the_search_is_bounded_and_keeps_the_longest_records() -> None:
    month = [contact(1, f"2026-05-{1 + n % 28:02}T{8 + n // 28:02}:00:00", exchange="unclear") for n in range(60)]
    month[57] = contact(12, "2026-05-30T09:00:00", exchange="unclear")
    assert len(month) > MOST_TRIED
    assert [fix.sources for fix in advice(case(month)).fixes] == [("Encounter/e57",)]


def test_no_name_of_the_search_reaches_the_fixes() -> None:
    month = [contact(None, staff=(Participant(),), participant=None), review(4, staff=NO_ROLE)]
    said = " ".join(fix.model_dump_json() for fix in (*advice(case(month)).fixes, *advice(case(month)).next_steps))
    assert '"-"' not in said
    assert "Ruiz" not in said
