"""Policies: dated values, what is in force in a month, and messages that name file, field and remedy."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from fhir_rpm.billing import load_policy
from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import ZONE, contact, terms

CAP = '[[minutes.add_on_cap]]\nfrom = {start}\nvalue = {value}\ntitle = "t"\ncitation = "c"\nread = 2026-11-23\n'


def payer(folder: Path, text: str) -> str:
    path = folder / "acme.toml"
    path.write_text(f'extends = "rpm-us"\n{text}')
    return str(path)


def month(label: str) -> BillingMonth:
    return BillingMonth.parse(label, ZONE)


def test_rpm_us_holds_the_values_of_the_contract() -> None:
    found = terms()
    assert (found.base_minutes, found.add_on_minutes, found.add_on_cap) == (20, 20, 3)
    assert found.short_minutes is not None
    assert (found.short_minutes.least, found.short_minutes.most) == (10, 19)
    assert (str(found.full_days), str(found.short_days), found.period_days) == ("16 to 30", "2 to 15", 30)
    assert found.max_reply_gap == timedelta(minutes=30)
    assert found.channels == ("phone", "video", "secure_message")
    assert found.channels_when_marked == ("in_person",)
    assert found.strict == "rpm-us-strict"


def test_rpm_us_strict_accepts_phone_and_video_and_differs_in_nothing_else() -> None:
    strict, usual = terms("rpm-us-strict"), terms()
    assert (strict.channels, strict.channels_when_marked, strict.strict) == (("phone", "video"), (), None)
    differing = {name for name in type(usual).model_fields if getattr(strict, name) != getattr(usual, name)}
    assert differing == {
        "name", "strict", "channels", "channels_when_marked", "unknown_modality_accepted", "rules",
    }  # fmt: skip


def test_the_accepted_roles_are_those_of_the_contract() -> None:
    listed = (
        "physician np pa rn lpn ma pharmacist respiratory_therapist dietitian health_coach care_manager social_worker"
    )
    assert set(terms().roles) == set(listed.split())


@pytest.mark.parametrize("policy", ["rpm-us", "rpm-us-strict"])
def test_every_value_in_force_has_a_source_with_the_date_it_was_read(policy: str) -> None:
    citations = terms(policy).citations
    assert len(citations) == 17
    assert all(citation.value and citation.title for citation in citations)
    assert all(citation.citation.endswith("(read 2026-11-23)") for citation in citations)


@pytest.mark.parametrize(
    ("label", "in_force"),
    [("2025-12", {"99457", "99458", "99454"}), ("2026-01", {"99457", "99458", "99470", "99454", "99445"})],
)
def test_99470_and_99445_exist_from_january_2026(label: str, in_force: set[str]) -> None:
    cited = {citation.rule for citation in terms(month=month(label)).citations}
    assert {rule.removeprefix("codes.") for rule in cited if rule.startswith("codes.")} == in_force


def test_a_month_without_a_policy_in_force_is_refused() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^policies/rpm-us\.toml: policy 'rpm-us' has no value of contacts\.needed in force in 2020-12\. "
        r"Choose a month from 2021-01-01 on, or give \[\[contacts\.needed\]\] an entry for it\.$",
    ):
        load_policy("rpm-us").in_force(month("2020-12"))


def test_a_value_that_changes_within_the_month_is_refused(tmp_path: Path) -> None:
    text = CAP.format(start="2021-01-01", value=3) + CAP.format(start="2026-05-15", value=2)
    policy = load_policy(payer(tmp_path, text))
    with pytest.raises(
        ConfigurationError, match=r"'acme' changes minutes\.add_on_cap within 2026-05.*first of a month"
    ):
        policy.in_force(month("2026-05"))
    assert policy.in_force(month("2026-04")).add_on_cap == 3
    assert policy.in_force(month("2026-06")).add_on_cap == 2


def test_a_value_restated_within_the_month_changes_nothing(tmp_path: Path) -> None:
    text = CAP.format(start="2021-01-01", value=3) + CAP.format(start="2026-05-15", value=3)
    assert load_policy(payer(tmp_path, text)).in_force(month("2026-05")).add_on_cap == 3


def test_a_rule_that_begins_within_the_month_is_refused(tmp_path: Path) -> None:
    policy = load_policy(payer(tmp_path, CAP.format(start="2026-05-02", value=2)))
    with pytest.raises(ConfigurationError, match=r"changes minutes.add_on_cap within 2026-05"):
        policy.in_force(month("2026-05"))


def test_an_ended_value_holds_through_the_day_before_and_leaves_nothing_in_its_place(tmp_path: Path) -> None:
    text = CAP.format(start="2021-01-01", value=3).replace("value", "ends = 2026-05-01\nvalue")
    policy = load_policy(payer(tmp_path, text))
    assert policy.in_force(month("2026-04")).add_on_cap == 3
    with pytest.raises(ConfigurationError, match=r"no value of minutes.add_on_cap in force in 2026-05"):
        policy.in_force(month("2026-05"))


def test_an_ended_entry_does_not_bring_back_the_one_before_it(tmp_path: Path) -> None:
    first = CAP.format(start="2021-01-01", value=3)
    second = CAP.format(start="2026-01-01", value=2).replace("value", "ends = 2026-03-01\nvalue")
    policy = load_policy(payer(tmp_path, first + second))
    with pytest.raises(ConfigurationError, match=r"no value of minutes.add_on_cap in force in 2026-03"):
        policy.in_force(month("2026-03"))


def test_the_file_of_the_chain_that_gives_the_rule_is_named(tmp_path: Path) -> None:
    ended = CAP.format(start="2021-01-01", value=3).replace("value", "ends = 2026-05-01\nvalue")
    policy = load_policy(payer(tmp_path, ended))
    with pytest.raises(ConfigurationError, match=r"acme\.toml: policy 'acme' has no value of minutes\.add_on_cap"):
        policy.in_force(month("2026-05"))
    with pytest.raises(ConfigurationError, match=r"^policies/rpm-us\.toml: policy 'acme' has no value of contacts"):
        policy.in_force(month("2020-05"))


def test_a_code_that_a_payer_does_not_cover_is_not_in_force(tmp_path: Path) -> None:
    found = load_policy(payer(tmp_path, "[codes]\n99470 = []\n")).in_force(month("2026-05"))
    assert (found.short_minutes, found.base_minutes) == (None, 20)


def test_a_payer_may_ask_for_fewer_elements_of_a_record(tmp_path: Path) -> None:
    text = CAP.replace("minutes.add_on_cap", "contacts.elements").format(
        start="2021-01-01", value='["date", "minutes"]'
    )
    fewer = load_policy(payer(tmp_path, text)).in_force(month("2026-05"))
    assert assess_contact(contact(12, decision=False), fewer).outcome == "qualifies"
    assert assess_contact(contact(None, decision=False), fewer).missing == ("minutes",)
    assert assess_contact(contact(exchange="unclear"), fewer).missing == ("contact",)


def test_rules_over_time_and_in_a_month() -> None:
    policy = load_policy("rpm-us")
    setup = [rule for rule in policy.rules() if rule.rule == "documented.99453"]
    days = [(str(rule.since), str(rule.ends), rule.value, rule.judged) for rule in setup]
    assert days == [("2019-01-01", "2026-01-01", 16, False), ("2026-01-01", "None", 2, False)]
    in_may = {rule.rule: rule for rule in policy.rules(month("2026-05"))}
    assert in_may["documented.99453"].value == 2
    assert in_may["codes.99470"].value == {"least": 10, "most": 19}
    assert in_may["codes.99470"].words == "10 to 19"
    assert set(in_may) == {rule.rule for rule in policy.rules()}
    assert "documented.99453" not in {citation.rule for citation in terms().citations}


def test_each_rule_names_the_file_it_comes_from(tmp_path: Path) -> None:
    path = payer(tmp_path, CAP.format(start="2021-01-01", value=2))
    files = {rule.rule: rule.file for rule in load_policy(path).rules(month("2026-05"))}
    assert files["minutes.add_on_cap"] == path
    assert files["codes.99457"] == "policies/rpm-us.toml"


def test_a_payers_own_file_replaces_a_rule_and_is_named_by_its_file(tmp_path: Path) -> None:
    found = load_policy(payer(tmp_path, CAP.format(start="2021-01-01", value=2))).in_force(month("2026-05"))
    assert (found.name, found.add_on_cap, found.base_minutes, found.strict) == ("acme", 2, 20, "rpm-us-strict")
    assert next(citation.title for citation in found.citations if citation.rule == "minutes.add_on_cap") == "t"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1\n", ["acme.toml", "field colour", "Remove it"]),
        ('name = "rpm-us"\n', ["acme.toml", "field name", "named by its file"]),
        ("[codes]\n99999 = []\n", ["field codes.99999", "Remove it"]),
        ("[codes]\nbase_minutes = []\n", ["field codes.base_minutes", "Remove it"]),
        (CAP.format(start="2021-01-01", value='"3"'), ["minutes.add_on_cap.0.value", "integer", "Correct it"]),
        (CAP.format(start="2021-01-01", value="0"), ["minutes.add_on_cap.0.value", "greater than or equal to 1"]),
        (CAP.format(start='"2021-01-01"', value=3), ["minutes.add_on_cap.0.from", "valid date"]),
        (CAP.format(start="2021-01-01", value=3).replace('citation = "c"\n', ""), ["citation", "Add it"]),
        (CAP.format(start="2021-01-01", value=3).replace("read", "raed"), ["minutes.add_on_cap.0.read", "Add it"]),
        (CAP.format(start="2021-01-01", value=3) * 2, ["minutes.add_on_cap", "in order of `from`"]),
        (CAP.format(start="2021-01-01", value=3).replace("value", "ends = 2020-01-01\nvalue"), ["later than `from`"]),
        (
            CAP.format(start="2021-01-01", value=3).replace("value", "ends = 2026-01-01\nvalue")
            + CAP.format(start="2025-01-01", value=2),
            ["minutes.add_on_cap", "`from` of the next entry"],
        ),
        (
            '[[contacts.channels]]\nfrom = 2021-01-01\nvalue = ["email_or_letter"]\ntitle = "t"\ncitation = "c"\n'
            "read = 2026-11-23\n",
            ["contacts.channels.0.value.0", "'phone', 'video'"],
        ),
        (
            '[[contacts.roles]]\nfrom = 2021-01-01\nvalue = ["bot"]\ntitle = "t"\ncitation = "c"\nread = 2026-11-23\n',
            ["contacts.roles.0.value.0", "'physician'"],
        ),
        (
            '[[codes.99470]]\nfrom = 2026-01-01\nvalue = { least = 10, most = 9 }\ntitle = "t"\ncitation = "c"\n'
            "read = 2026-11-23\n",
            ["codes.99470.0.value", "less than `least`"],
        ),
        ("not toml", ["acme.toml", "not valid TOML"]),
    ],
)  # fmt: skip
def test_a_broken_policy_names_the_file_the_field_and_the_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_policy(payer(tmp_path, text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_unknown_policy_is_refused_with_the_shipped_names() -> None:
    with pytest.raises(ConfigurationError, match=r"no 'medicare'.*rpm-us, rpm-us-strict"):
        load_policy("medicare")


def test_a_policy_is_read_once() -> None:
    assert load_policy("rpm-us") is load_policy("rpm-us")


def test_the_shipped_policies_say_how_far_they_were_checked() -> None:
    assert terms().checked_through == date(2026, 12, 31)
