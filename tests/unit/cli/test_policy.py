"""`policy show`, `diff` and `check`: rules with their sources, one clear form, documented exit codes."""

import json
import re
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from fhir_rpm.billing import check_policy
from fhir_rpm.cli import cli

DOCS = Path(__file__).parents[3] / "docs"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["policy", *arguments], standalone_mode=False)


def test_show_says_value_since_when_source_and_file() -> None:
    said = " ".join(_run("show", "rpm-us-strict", "--month", "2026-05").stdout.split())
    assert "codes.99470 = 10 to 19 (since 2026-01-01; policies/rpm-us.toml)" in said
    assert "contacts.channels = phone, video (since 2021-01-01; policies/rpm-us-strict.toml)" in said
    assert "documented.99453 = 2 (since 2026-01-01; policies/rpm-us.toml; documented, not judged)" in said
    assert "Sources differ: Rhythm360" in said


def test_show_gives_data_too() -> None:
    found = json.loads(_run("show", "rpm-us", "--month", "2025-12", "--json").stdout)
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert (found["policy"], found["month"]) == ("rpm-us", "2025-12")
    assert "codes.99470" not in rules
    assert rules["codes.99454"]["value"] == {"least": 16, "most": 30}
    assert rules["documented.99453"] | {} == {
        **rules["documented.99453"], "value": 16, "since": "2019-01-01", "judged": False, "read": "2026-11-23",
    }  # fmt: skip


def test_show_without_a_month_gives_every_value_there_ever_was() -> None:
    said = " ".join(_run("show", "rpm-us").stdout.split())
    assert "documented.99453 = 16 (since 2019-01-01 until 2026-01-01;" in said
    assert "documented.99453 = 2 (since 2026-01-01;" in said


def test_diff_says_what_changed_between_two_months() -> None:
    said = " ".join(_run("diff", "rpm-us@2025-12", "rpm-us@2026-01").stdout.split())
    assert "3 rules differ" in said
    assert "codes.99470 added + 10 to 19" in said
    assert "documented.99453 changed - 16 + 2" in said


def test_diff_says_what_a_list_gains_and_loses() -> None:
    said = _run("diff", "rpm-us@2026-05", "rpm-us-strict@2026-05").stdout
    assert re.search(r"contacts\.channels changed\n\s+- secure_message\n\s+CY2021", said)
    back = json.loads(_run("diff", "rpm-us-strict@2026-05", "rpm-us@2026-05", "--json").stdout)
    channels = next(change for change in back["changes"] if change["rule"] == "contacts.channels")
    assert channels["after"][0]["value"] == ["phone", "video", "secure_message"]
    assert (back["before"], back["after"]) == ("rpm-us-strict@2026-05", "rpm-us@2026-05")


def test_diff_of_whole_histories_and_of_equals() -> None:
    assert "minutes.add_on_cap changed" in _run("diff", "rpm-us", "example-payer").stdout
    assert "0 rules differ" in _run("diff", "rpm-us@2026-02", "rpm-us@2026-03").stdout


def test_one_month_alone_is_a_usage_error() -> None:
    error = _run("diff", "rpm-us@2026-05", "rpm-us").exception
    assert isinstance(error, UsageError)
    assert "NAME@YYYY-MM" in error.message


@pytest.mark.parametrize(
    "arguments", [("show", "rpm-us", "--month", "2020-12"), ("diff", "rpm-us@2020-12", "rpm-us@2026-01")]
)
def test_a_month_without_a_policy_in_force_is_an_error(arguments: tuple[str, ...]) -> None:
    error = _run(*arguments).exception
    assert getattr(error, "exit_code", None) == 2
    assert all(words in str(error) for words in ("policies/rpm-us.toml", "contacts.needed", "2020-12", "2021-01-01"))


def test_check_names_file_field_and_remedy_and_exits_with_2(tmp_path: Path) -> None:
    broken = tmp_path / "acme.toml"
    broken.write_text('extends = "rpm-us"\ncolour = 1\n')
    done = _run("check", "rpm-us", str(broken))
    assert done.return_value == 2
    assert (
        f"error: {broken}, field colour: Extra inputs are not permitted. Remove it, or correct its spelling."
        in done.stdout
    )
    assert "2 checked, errors: 1, warnings: 0" in done.stdout
    (problem,) = json.loads(_run("check", str(broken), "--json").stdout)
    assert (problem["severity"], problem["field"]) == ("error", "colour")


def test_warnings_come_with_a_day_and_are_no_failure() -> None:
    done = _run("check", "rpm-us", "--today", "2028-01-01")
    assert done.return_value == 0
    assert "warning: policies/rpm-us.toml, field codes.99457.read: the source was read on 2026-11-23" in done.stdout


def test_the_example_in_the_docs_is_a_policy_without_a_fault(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (DOCS / "policies.md").read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "extends" in block]
    path = tmp_path / "acme.toml"
    path.write_text(example)
    assert check_policy(str(path)) == ()
