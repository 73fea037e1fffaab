"""Contacts and the policy in force → the assessment of a month; pure."""

from fhir_rpm.billing.judge import judge
from fhir_rpm.billing.policy import Policy, load_policy
from fhir_rpm.billing.strict import compare_strict
from fhir_rpm.billing.terms import Terms

__all__ = ["Policy", "Terms", "compare_strict", "judge", "load_policy"]
