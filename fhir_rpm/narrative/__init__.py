"""Note text → facts with the words behind each. Pure: no network, no clock, no randomness."""

from fhir_rpm.narrative.reader import read_note

__all__ = ["read_note"]
