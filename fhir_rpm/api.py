"""The Python door: a patient's resources in, an assessment out."""

from collections.abc import Iterable, Mapping
from typing import Any

from fhir_rpm.billing import Terms, compare_strict, judge, load_policy
from fhir_rpm.mapping import read_month
from fhir_rpm.model import Assessment, Gap
from fhir_rpm.month import BillingMonth


def assess(
    resources: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    *,
    month: str,
    time_zone: str,
    vendor: str = "generic",
    policy: str = "rpm-us",
    unread: Iterable[Gap] = (),
) -> Assessment:
    """Judge one patient's month.

    Pure and deterministic: equal input gives equal output, and malformed resources never raise.

    Args:
        resources: a FHIR R4 Bundle, or any iterable of resources, of one patient; other months do no harm.
        month: the calendar month, `YYYY-MM`.
        time_zone: the practice's IANA zone, in which months and days are counted.
        vendor: how the EHR says things: `epic`, `oracle`, `medplum`, `meditech`, `generic`, or a path to a file.
        policy: what the payer demands: `rpm-us`, `rpm-us-strict`, or a path to a policy file.
        unread: what the caller knows could not be read; it can keep a verdict on hold, never support one.

    Raises:
        ConfigurationError: the month, zone, vendor or policy is unknown, or no policy was in force in that month.
    """
    billing_month = BillingMonth.parse(month, time_zone)
    terms = load_policy(policy).in_force(billing_month)
    kept, gaps = _kept(resources), tuple(unread)

    def judged(under: Terms) -> Assessment:
        gap = under.max_reply_gap
        record = read_month(kept, billing_month, vendor=vendor, max_reply_gap=gap, unread=gaps)
        return judge(record, billing_month, under)

    assessment = judged(terms)
    if terms.strict is None:
        return assessment
    return compare_strict(assessment, judged(load_policy(terms.strict).in_force(billing_month)))


def _kept(resources: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | list[Mapping[str, Any]]:
    return resources if isinstance(resources, Mapping) else list(resources)
