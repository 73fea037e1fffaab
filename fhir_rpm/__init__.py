"""Does this patient's month show the interactive communication that CPT 99457 and 99470 require?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_rpm.api import assess, explain
    from fhir_rpm.model import Call, CallLog, StaffMember
    from fhir_rpm.narrative import read_note

__all__ = ["Call", "CallLog", "StaffMember", "assess", "explain", "read_note"]

_ROOMS = {
    "assess": "fhir_rpm.api",
    "explain": "fhir_rpm.api",
    "read_note": "fhir_rpm.narrative",
    "Call": "fhir_rpm.model",
    "CallLog": "fhir_rpm.model",
    "StaffMember": "fhir_rpm.model",
}


def __getattr__(name: str) -> Any:
    """Import a public function when it is first used, so that importing one room does not load the others."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
