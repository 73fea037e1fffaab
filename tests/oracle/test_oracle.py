"""The Python judge against an independent one: the same contract as a CQL library, run by two public CQL engines.

Both sides judge the same seeded patient-months. No disagreement is accepted; the contract says which side is wrong.
"""

import base64
import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.billing import compare_strict, judge, load_policy
from fhir_rpm.model import Assessment
from fhir_rpm.model.terms import REASONS
from fhir_rpm.report import measure_report
from tests.oracle.months import PatientMonth, bundle_of, patient_months
from tests.outside import node_for

HERE = Path(__file__).parent
PROFILES = HERE.parents[1] / "profiles"
POLICIES = ("rpm-us", "rpm-us-strict")
MANAGEMENT, SUPPLY = ("99457", "99458", "99470"), ("99454", "99445")
CODES = (*MANAGEMENT, *SUPPLY)
MONTHS, MEASURED, SEED = 2000, 40, 20261124


@cache
def months() -> tuple[PatientMonth, ...]:
    return tuple(patient_months(MONTHS, SEED))


@cache
def node() -> str:
    """The path of Node; without it, or without its packages, tests are skipped, or fail where they are required."""
    return node_for("oracle", "FHIR_RPM_ORACLE", HERE, "test-oracle")


def answers(script: str, cases: tuple[PatientMonth, ...], policies: tuple[str, ...] = POLICIES) -> list[Any]:
    """What one Node process makes of the cases, in their order."""
    asked = "".join(json.dumps(_question(case, policies)) + "\n" for case in cases)
    done = subprocess.run(
        [node(), script], cwd=HERE, input=asked, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _question(case: PatientMonth, policies: tuple[str, ...]) -> dict[str, Any]:
    start, end = case.month.start.isoformat(), case.month.end.isoformat()
    return {"start": start, "end": end, "policies": policies, "bundle": bundle_of(case)}


@pytest.fixture(scope="module")
def oracle() -> list[dict[str, Any]]:
    """What CQL makes of the months; two Node processes share them."""
    node()
    with ThreadPoolExecutor() as pool:
        halves = pool.map(lambda half: answers("run.mjs", half), (months()[: MONTHS // 2], months()[MONTHS // 2 :]))
        return [answer for half in halves for answer in half]


@cache
def judged_by_python(policy: str) -> list[Assessment]:
    loaded = load_policy(policy)
    return [judge(case.record, case.month, loaded.in_force(case.month)) for case in months()]


def by_python(case: PatientMonth, policy: str) -> Assessment:
    return judged_by_python(policy)[case.number]


def told_by_python(found: Assessment) -> dict[str, Any]:
    verdicts = {code: found.codes[code].verdict for code in CODES}
    return {
        **verdicts,
        "units": {code: found.codes[code].units for code in MANAGEMENT},
        "status": found.status,
        "minutes": (found.minutes.certain, found.minutes.possible),
        "device days": (found.device_days.certain, found.device_days.possible),
        "contacts": [(contact.outcome, contact.reason, sorted(contact.missing)) for contact in found.contacts],
    }


def told_by_oracle(found: dict[str, Any]) -> dict[str, Any]:
    verdicts = {code: found[code] for code in CODES}
    units = {code: int(verdicts[code] == "supported") for code in MANAGEMENT}
    return {
        **verdicts,
        # §6: one unit for a supported 99457 or 99470, the add-on count for 99458
        "units": units | {"99458": found["99458 units"]},
        "status": found["status"],
        "minutes": (found["certainMinutes"], found["possibleMinutes"]),
        "device days": (found["certainDays"], found["possibleDays"]),
        "contacts": [
            (
                contact["outcome"],
                contact["reason"] and contact["reason"].replace("-", "_"),
                sorted(contact["missing"]) if contact["outcome"] == "insufficient" else [],
            )
            for contact in found["contacts"]
        ],
    }


def test_the_library_carries_the_cql_as_it_stands() -> None:
    library = json.loads((PROFILES / "Library-rpm-month.json").read_text())
    content = {part["contentType"]: base64.b64decode(part["data"]) for part in library["content"]}
    assert content["text/cql"] == (PROFILES / "cql" / "RpmMonth.cql").read_bytes(), "run tests/oracle/compile.sh"
    identifier = json.loads(content["application/elm+json"])["library"]["identifier"]
    assert (identifier["id"], identifier["version"]) == (library["name"], library["version"])


def test_the_months_reach_every_rule() -> None:
    seen: Counter[str] = Counter()
    for case in months():
        found = by_python(case, "rpm-us")
        seen.update(f"{code} {found.codes[code].verdict}" for code in CODES)
        seen.update([f"{found.codes['99458'].units} units", found.status])
        seen.update(str(contact.reason or contact.outcome) for contact in found.contacts)
        seen.update(str(gap.resource_type) for gap in case.record.gaps)
        seen["unbounded"] += found.minutes.possible is None
        seen["before 2026"] += case.month.year < 2026
        seen["strict differs"] += compare_strict(found, by_python(case, "rpm-us-strict")).strict_differs
        seen.update(f"{contact.modality} {contact.outcome}" for contact in found.contacts)
        seen.update(finding.code for finding in found.findings)
        seen["in doubt days"] += found.device_days.possible != found.device_days.certain
    wanted = {f"{code} {verdict}" for code in CODES for verdict in ("supported", "hold", "not_supported")}
    wanted |= {"0 units", "1 units", "2 units", "3 units", "ready", "hold", "not_met", *REASONS}
    wanted |= {"qualifies", "insufficient", "unbounded", "before 2026", "None", "Observation", "Encounter"}
    wanted |= {f"{modality} qualifies" for modality in ("phone", "video", "secure_message", "in_person", "unknown")}
    wanted |= {"in_person excluded", "unknown insufficient", "other_programme", "incomplete_data", "in doubt days"}
    wanted |= {"strict differs", "Communication", "DocumentReference", "Binary"}
    assert MONTHS >= 2000
    assert {item for item in wanted if seen[item] < 10} == set()


@pytest.mark.parametrize("policy", POLICIES)
def test_both_judges_agree_on_every_month(oracle: list[dict[str, Any]], policy: str) -> None:
    disagreements = []
    for case, answer in zip(months(), oracle, strict=True):
        ours, theirs = told_by_python(by_python(case, policy)), told_by_oracle(answer[policy])
        differing = {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}
        if differing:
            disagreements.append(f"{case.label}: Python and oracle say {differing} of {case.record!r}")
    assert not disagreements, f"{len(disagreements)} of {MONTHS} months; the first:\n{disagreements[0]}"


def test_a_supply_code_has_no_units() -> None:
    assert {by_python(case, "rpm-us").codes[code].units for case in months() for code in SUPPLY} == {0}


def test_both_judges_agree_on_whether_the_strict_policy_differs(oracle: list[dict[str, Any]]) -> None:
    compared = ("status", "units", *CODES)
    differing = Counter[bool]()
    for case, answer in zip(months(), oracle, strict=True):
        usual, strict = (told_by_oracle(answer[policy]) for policy in POLICIES)
        expected = any(usual[key] != strict[key] for key in compared)
        found = compare_strict(*(by_python(case, policy) for policy in POLICIES))
        assert found.strict_differs == expected, case.label
        differing[expected] += 1
    assert min(differing.values()) > 100


def test_the_measure_counts_what_the_judge_says() -> None:
    cases = months()[:MEASURED]
    seen: Counter[str] = Counter()
    for case, groups in zip(cases, answers("measure.mjs", cases), strict=True):
        found = by_python(case, "rpm-us")
        verdicts = {f"cpt-{code}": found.codes[code].verdict for code in CODES}
        verdicts["month"] = {"ready": "supported", "hold": "hold", "not_met": "not_supported"}[found.status]
        assert groups.keys() == verdicts.keys()
        for name, group in groups.items():
            told = "supported" if group["numerator"] else "hold" if group["denominator-exception"] else "not_supported"
            # fqm-execution asks for a numerator only within the denominator
            if group["denominator"] and not group.get("denominator-exclusion"):
                assert told == verdicts[name], (case.label, name)
                seen[told] += 1
            elif group["denominator"]:
                assert case.month.year < 2026, (case.label, name)
    assert min(seen[verdict] for verdict in ("supported", "hold", "not_supported")) > 20


def test_the_totals_of_a_practice_are_those_of_the_measure() -> None:
    cases = [case for case in months()[:MEASURED] if case.month.year >= 2026]
    wanted: dict[str, Counter[str]] = {}
    for groups in answers("measure.mjs", tuple(cases)):
        for name, group in groups.items():
            wanted.setdefault(name.removeprefix("cpt-"), Counter()).update(
                {population: bool(count) for population, count in group.items()}
            )
    judged = [by_python(case, "rpm-us") for case in cases]
    report = measure_report(judged, cases[0].month, created=datetime(2026, 6, 1, tzinfo=UTC))
    for group in report["group"]:
        name = group["code"]["coding"][0]["code"].removeprefix("group-")
        found = {item["code"]["coding"][0]["code"]: item["count"] for item in group["population"]}
        assert {key: wanted[name][key] for key in found} == found, name
