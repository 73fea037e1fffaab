"""Policy files: what is wrong with one, what differs between two, and the policies that are shipped."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from fhir_rpm.billing import check_policy, differences, load_policy
from fhir_rpm.data_files import data_folder
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import RN, ZONE, contact, finding_codes, judged, management, terms

YES, NO = "supported", "not_supported"
NP = ({"name": "Lee Moss", "role": "np"},)
SOURCE = 'title = "t"\ncitation = "c"\nread = 2026-11-23\n'
SHIPPED = sorted(path.stem for path in data_folder("policies").glob("*.toml"))


def payer(folder: Path, text: str, name: str = "acme.toml", below: str = "rpm-us") -> str:
    path = folder / name
    path.write_text(f'extends = "{below}"\n{text}')
    return str(path)


def month(label: str) -> BillingMonth:
    return BillingMonth.parse(label, ZONE)


def changes(before: tuple[str, str], after: tuple[str, str]) -> dict[str, str]:
    sides = [load_policy(name).rules(month(label)) for name, label in (before, after)]
    return {change.rule: change.change for change in differences(*sides, by_value=True)}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_policy_is_without_a_fault(name: str) -> None:
    assert check_policy(name, date(2026, 11, 26)) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_value_ever_in_force_says_where_it_was_read_and_when(name: str) -> None:
    for rule in load_policy(name).rules():
        assert rule.title
        assert rule.citation
        assert date(2026, 11, 23) <= rule.read <= date(2026, 11, 26)


def test_every_fault_is_named_at_once_with_its_file_and_field(tmp_path: Path) -> None:
    text = f"colour = 1\n[[minutes.add_on_cap]]\nfrom = 2021-01-01\nvalue = 300\n{SOURCE}"
    below = payer(tmp_path, text + f'[[contacts.roles]]\nfrom = "2021"\nvalue = ["nurse"]\n{SOURCE}', "below.toml")
    top = payer(tmp_path, f"[[codes.99456]]\nfrom = 2021-01-01\nvalue = 20\n{SOURCE}", below=below)
    found = {problem.field: problem for problem in check_policy(top)}
    assert set(found) == {
        "codes.99456", "colour", "minutes.add_on_cap.0.value", "contacts.roles.0.from", "contacts.roles.0.value.0",
    }  # fmt: skip
    assert {problem.file for problem in found.values() if problem.field != "codes.99456"} == {below}
    assert found["codes.99456"].file == top
    assert all(problem.severity == "error" and problem.remedy for problem in found.values())


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("[[minutes.visits]]\nfrom = 2021-01-01\nvalue = ['9921']\n" + SOURCE, "minutes.visits.0.value.0", "HCPCS"),
        ("[[days.period]]\nfrom = 2021-01-01\nvalue = 40\n" + SOURCE, "days.period.0.value", "31"),
        ("[[documented.99453]]\nfrom = 2021-01-01\nvalue = 'x'\n" + SOURCE, "documented.99453.0.value", "integer"),
        (f"[[documented.99453]]\nfrom = 2021-01-01\nvalue = 2\n{SOURCE}" * 2, "documented", "in order of `from`"),
        ("[[contacts.elements]]\nfrom = 2021-01-01\nvalue = ['x']\n" + SOURCE, "contacts.elements.0.value.0", "date"),
        ("[tiers]\nbase = '1'\n", "tiers.base", "CPT or HCPCS"),
        ("tiers = 1\n", "tiers", "dictionary"),
        ("codes = 1\n", "codes", "dictionary"),
    ],
)  # fmt: skip
def test_a_fault_says_what_to_write(tmp_path: Path, text: str, field: str, says: str) -> None:
    found = {problem.field: f"{problem.problem} {problem.remedy}" for problem in check_policy(payer(tmp_path, text))}
    assert says in found[field], found


@pytest.mark.parametrize(("name", "says"), [("no.toml", "cannot be read"), ("medicare", "no 'medicare'")])
def test_a_file_that_is_not_there_is_a_fault_among_others(name: str, says: str) -> None:
    (problem,) = check_policy(name)
    assert (problem.severity, problem.file) == ("error", name)
    assert says in problem.problem


def test_a_source_read_long_ago_is_a_warning_on_the_day_asked_about(tmp_path: Path) -> None:
    path = payer(
        tmp_path, f"[[minutes.add_on_cap]]\nfrom = 2021-01-01\nvalue = 2\n{SOURCE}".replace("2026-11", "2025-01")
    )
    assert check_policy(path) == ()
    (stale,) = check_policy(path, date(2026, 11, 26))
    assert (stale.severity, stale.field, stale.file) == ("warning", "minutes.add_on_cap.read", path)
    later = {problem.field for problem in check_policy(path, date(2028, 1, 1))}
    assert {"checked_through", "codes.99457.read", "documented.99453.read"} <= later
    (early,) = [found for found in check_policy(path, date(2026, 11, 22)) if found.field == "codes.99457.read"]
    assert "later than 2026-11-22" in early.problem


def test_a_value_that_holds_no_more_is_never_stale(tmp_path: Path) -> None:
    entry = "[[documented.99453]]\nfrom = 2019-01-01\nends = {}\nvalue = 16\n" + SOURCE.replace("2026", "2020")
    assert check_policy(payer(tmp_path, entry.format("2026-01-01")), date(2026, 11, 26)) == ()
    assert check_policy(payer(tmp_path, entry.format("2027-01-01")), date(2026, 11, 26)) != ()


def test_tiers_that_leave_a_hole_are_a_warning(tmp_path: Path) -> None:
    (hole,) = check_policy(payer(tmp_path, f"[[codes.99457]]\nfrom = 2019-01-01\nvalue = 25\n{SOURCE}"))
    assert (hole.severity, hole.field) == ("warning", "codes.99470")
    assert "ends at 19 minutes, and codes.99457 begins at 25" in hole.problem


def test_what_changed_on_1_january_2026() -> None:
    assert changes(("rpm-us", "2025-12"), ("rpm-us", "2026-01")) == {
        "codes.99470": "added", "codes.99445": "added", "documented.99453": "changed",
    }  # fmt: skip
    assert changes(("rpm-us", "2026-01"), ("rpm-us", "2025-12"))["codes.99470"] == "removed"
    assert changes(("rpm-us", "2026-01"), ("rpm-us", "2026-10")) == {}


def test_what_the_strict_policy_and_the_example_change() -> None:
    assert set(changes(("rpm-us", "2026-05"), ("rpm-us-strict", "2026-05"))) == {
        "contacts.channels", "contacts.channels_when_marked", "contacts.unknown_modality_accepted",
    }  # fmt: skip
    assert set(changes(("rpm-us", "2026-06"), ("example-payer", "2026-06"))) == {"minutes.add_on_cap"}
    assert set(changes(("rpm-us", "2026-07"), ("example-payer", "2026-07"))) == {
        "minutes.add_on_cap", "contacts.channels",
    }  # fmt: skip


def test_histories_differ_by_their_days_too(tmp_path: Path) -> None:
    entry = "[[days.period]]\nfrom = 2021-01-01\nvalue = 30\n" + SOURCE
    sides = [load_policy(name).rules() for name in ("rpm-us", payer(tmp_path, entry))]
    assert [change.rule for change in differences(*sides, by_value=False)] == ["days.period"]
    assert differences(*sides, by_value=True) == ()


def test_the_example_payer_is_marked_as_one() -> None:
    said = (data_folder("policies") / "example-payer.toml").read_text()
    entries = tomllib.loads(said)
    assert said.startswith("# AN EXAMPLE, NOT A PAYER")
    rules = [rule for table in ("minutes", "contacts") for rules in entries[table].values() for rule in rules]
    assert all(rule["title"].startswith("EXAMPLE ONLY") and "made up" in rule["citation"] for rule in rules)


def test_the_example_payer_caps_add_ons_at_two_and_takes_no_messages_from_july() -> None:
    assert judged(contact(120), policy="example-payer").codes["99458"].units == 2
    chat = contact(12, "2026-07-14T14:02:00", modality="secure_message")
    assert judged(chat, policy="example-payer", month=month("2026-07")).contacts[0].reason == "channel"
    assert judged(contact(12, modality="secure_message"), policy="example-payer").status == "ready"


# --- Remote therapeutic monitoring: the same engine, its own codes ---------------------------------------------------


def rtm(minutes: float, **changes: object):  # type: ignore[no-untyped-def]
    return judged(contact(minutes, **{"staff": NP, **changes}), policy="rtm-us")


@pytest.mark.parametrize(
    ("minutes", "base", "units", "short"),
    [(9, NO, 0, NO), (10, NO, 0, YES), (19, NO, 0, YES), (20, YES, 0, NO), (40, YES, 1, NO), (120, YES, 3, NO)],
)
def test_therapeutic_monitoring_is_judged_under_its_own_codes(minutes: int, base: str, units: int, short: str) -> None:
    found = rtm(minutes)
    assert list(found.codes) == ["98980", "98981", "98979"]
    assert (found.codes["98980"].verdict, found.codes["98979"].verdict) == (base, short)
    assert found.codes["98981"].units == units
    assert found.status == ("not_met" if minutes < 10 else "ready")


def test_therapeutic_monitoring_never_speaks_of_the_other_programmes_codes() -> None:
    said = rtm(12).model_copy(update={"citations": (), "not_checked": ()}).to_json()
    assert not [code for code in ("99457", "99458", "99470", "99454", "99445") if code in said]
    assert rtm(12).actions == ("8 more creditable minutes by 2026-05-31 would support 98980.",)


def test_98979_exists_from_january_2026() -> None:
    december = judged(contact(12, "2025-12-03T10:00:00", staff=NP), policy="rtm-us", month=month("2025-12"))
    assert (december.status, december.codes["98979"].findings[0].code) == ("not_met", "not_in_force")


def test_therapeutic_monitoring_takes_the_practitioners_calls_alone() -> None:
    assert rtm(12, staff=RN).contacts[0].reason == "non_clinical"
    assert rtm(12, modality="secure_message").contacts[0].reason == "channel"
    assert rtm(12, programmes=("99457",)).minutes.certain == 0
    assert terms("rtm-us").strict is None


def test_its_device_codes_are_documented_and_not_judged() -> None:
    documented = {rule.rule for rule in load_policy("rtm-us").rules(month("2026-05")) if not rule.judged}
    assert documented == {f"documented.{code}" for code in (98975, 98976, 98977, 98978, 98984, 98985, 98986)}
    assert "device_period_unknown" not in finding_codes(rtm(12))


def test_codes_that_are_not_billed_together_are_reported() -> None:
    found = judged(contact(12), contact(12, "2026-05-20T09:00:00", programmes=("98980",)))
    assert "exclusive_programme" in finding_codes(found)
    assert found.minutes.certain == 12
    assert management(found) == ("not_supported", "not_supported", "supported")
    assert "exclusive_programme" not in finding_codes(judged(contact(12, programmes=("99490",))))
