"""Contacts and the policy in force → the assessment of a month; pure."""

from fhir_rpm.billing.explain import explain_month
from fhir_rpm.billing.judge import judge
from fhir_rpm.billing.policy import Policy
from fhir_rpm.billing.policy_file import check_policy, differences, load_policy
from fhir_rpm.billing.strict import compare_strict
from fhir_rpm.billing.terms import Terms

__all__ = ["Policy", "Terms", "check_policy", "compare_strict", "differences", "explain_month", "judge", "load_policy"]
