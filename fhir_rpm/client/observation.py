"""Readings of a patient's month."""

from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.pull import Pull


def pull_observations(inquiry: Inquiry) -> Pull:
    """Every Observation of the month that may be a reading: vital signs, and what monitoring measures besides."""
    return inquiry.ask("Observation")
