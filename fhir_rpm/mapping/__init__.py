"""Raw FHIR + a mapping table → contacts with evidence. Pure: no network, no clock, no database."""

from fhir_rpm.mapping.engine import read_month

__all__ = ["read_month"]
