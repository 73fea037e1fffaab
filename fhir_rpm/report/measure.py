"""A practice's month as a FHIR MeasureReport: how many patient-months support each code (`profiles/Measure-…`)."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fhir.resources.R4B.measurereport import MeasureReport

from fhir_rpm.errors import InputError
from fhir_rpm.model import Assessment
from fhir_rpm.month import BillingMonth

Json = dict[str, Any]

MEASURE = "https://fhir-rpm.org/fhir/Measure/rpm-month"
CPT = "http://www.ama-assn.org/go/cpt"
OWN = "https://fhir-rpm.org/fhir/CodeSystem/rpm-assessment"
POPULATIONS = ("initial-population", "denominator", "denominator-exclusion", "numerator", "denominator-exception")

_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_MEASURED = ("99457", "99458", "99470", "99454", "99445")
_LATER = ("99470", "99445")
_STATUS = {"ready": "numerator", "hold": "denominator-exception"}
_VERDICT = {"supported": "numerator", "hold": "denominator-exception"}


def measure_report(
    assessments: Iterable[Assessment], month: BillingMonth, *, created: datetime, unread: int = 0
) -> Json:
    """The totals of one month over a practice's patients, as a summary MeasureReport.

    A month without any trace of monitoring is in no population; a month on hold is a denominator exception; a code not
    yet in force is a denominator exclusion. The populations are those of the Measure's CQL, which a test compares.

    Args:
        assessments: one for each patient, of the same month, under `rpm-us` or a policy that judges the same codes.
        month: gives `period`, from its first to its last second.
        created: when it was made.
        unread: patients that could not be judged; with any, the report is `pending`: its totals are too small.

    Raises:
        InputError: a month was judged by a policy of other codes.
        pydantic.ValidationError: it would be no valid R4 resource.
    """
    counts = {group: Counter[str]() for group in (*_MEASURED, "month")}
    for assessment in assessments:
        if "99457" not in assessment.codes:
            problem = f"The totals count CPT 99457 and its kin, which the policy {assessment.policy} does not judge."
            raise InputError(problem, "Use rpm-us, or a policy that extends it.")
        if _is_monitored(assessment):
            for group, counter in counts.items():
                counter.update(_populations(assessment, group))
    report: Json = {
        "resourceType": "MeasureReport",
        "status": "pending" if unread else "complete",
        "type": "summary",
        "measure": MEASURE,
        "date": created.isoformat(timespec="seconds"),
        "period": {"start": month.start.isoformat(), "end": (month.end - timedelta(seconds=1)).isoformat()},
        "group": [_group(name, counter) for name, counter in counts.items()],
    }
    MeasureReport.model_validate(report)
    return report


def _is_monitored(assessment: Assessment) -> bool:
    return bool(assessment.contacts or assessment.gaps) or assessment.device_days.possible != 0


def _populations(assessment: Assessment, group: str) -> list[str]:
    """The populations that a month counts in; an excluded one counts in no numerator."""
    found = ["initial-population", "denominator"]
    if group == "month":
        return [*found, *filter(None, [_STATUS.get(assessment.status)])]
    verdict = assessment.codes.get(group)
    if verdict is None or any(finding.code == "not_in_force" for finding in verdict.findings):
        return [*found, "denominator-exclusion"]
    return [*found, *filter(None, [_VERDICT.get(verdict.verdict)])]


def _group(name: str, counts: Counter[str]) -> Json:
    measured = [population for population in POPULATIONS if population != "denominator-exclusion" or name in _LATER]
    group: Json = {
        "code": {"coding": [group_code(name)]},
        "population": [
            {"code": {"coding": [{"system": _POPULATION, "code": population}]}, "count": counts[population]}
            for population in measured
        ],
    }
    decided = counts["denominator"] - counts["denominator-exclusion"] - counts["denominator-exception"]
    if decided > 0:
        share = (Decimal(counts["numerator"]) / decided).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        group["measureScore"] = {"value": float(share)}
    return group


def group_code(name: str) -> Json:
    """The coding that joins a group of the report to the Measure's."""
    return {"system": OWN, "code": "group-month"} if name == "month" else {"system": CPT, "code": name}
