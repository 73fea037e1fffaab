"""The only room with HTTP: raw FHIR out of an EHR, and documents into it."""

from fhir_rpm.client.capability import Capability
from fhir_rpm.client.pull import Created, Pull
from fhir_rpm.client.session import EhrSession

__all__ = ["Capability", "Created", "EhrSession", "Pull"]
