"""A patient's month as FHIR resources, judged from end to end."""

from typing import Any

import pytest

from fhir_rpm import assess
from tests.builders import NURSE, Json, concept, encounter, message, note, reading

VENDORS = ("generic", "epic", "oracle", "medplum", "meditech")
each_vendor = pytest.mark.parametrize("vendor", VENDORS)

ZONE = "America/New_York"
CALL = ("2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00")
DETAILS = (
    "Reviewed home BP readings 148/92 to 152/94 this week, no dizziness. "
    "Dr. Moss notified; increase lisinopril to 20 mg daily, recheck in one week."
)
TALK = f"Spoke with patient by phone. {DETAILS}"
VAGUE = "Patient contacted monthly."
VOICEMAIL = "No answer. Left voicemail asking him to call back."
NO_ANSWER = "Called patient. No answer, no message left."
REVIEW = "Reviewed RPM data. BP 140/85, stable. No patient contact."
HUDDLE = "Care team huddle, patient not present. Discussed readings."
PHONE = [concept("telephone", "PHONE")]
VIDEO = [concept("videoconferencing", "VIDEOCONF")]
CLERK = {"reference": "Practitioner/k1", "display": "Kay Long"}
CLERK_ROLE = {
    "resourceType": "PractitionerRole",
    "id": "k1-role",
    "practitioner": {"reference": "Practitioner/k1"},
    "code": [concept("Front desk")],
}


def judged(*resources: Any, **settings: Any) -> Json:
    """The assessment as the JSON object of §5; May 2026 in New York, generic, unless told otherwise."""
    chosen = {"month": "2026-05", "time_zone": ZONE} | settings
    return assess(resources, **chosen).model_dump(mode="json")


def contacts(*resources: Any, **settings: Any) -> list[Json]:
    """The contacts of the month."""
    found = judged(*resources, **settings)["contacts"]
    assert isinstance(found, list)
    return found


def contact(*resources: Any, **settings: Any) -> Json:
    """The month's only contact."""
    (only,) = contacts(*resources, **settings)
    assert isinstance(only, dict)
    return only


def outcome(*resources: Any, **settings: Any) -> str:
    """The only contact's outcome in short: `qualifies`, the reason, or the missing elements."""
    only = contact(*resources, **settings)
    return str(only["reason"] or " ".join(only["missing"]) or only["outcome"])


def verdicts(month: Json) -> dict[str, str]:
    """Code → verdict."""
    return {code: verdict["verdict"] for code, verdict in month["codes"].items()}


def finding_codes(month: Json) -> set[str]:
    """The codes of the month's findings."""
    return {finding["code"] for finding in month["findings"]}


def call(identity: str, start: str, end: str | None = None, text: str = TALK, **more: Any) -> list[Json]:
    """A telephone Encounter `e<identity>` and its note `d<identity>`."""
    return [encounter(f"e{identity}", start, end, **more), note(f"d{identity}", text, date=start, about=f"e{identity}")]


def call_of(minutes: int, identity: str = "1", day: int = 14, text: str = TALK, **more: Any) -> list[Json]:
    """A call of so many minutes on that day at 9."""
    hour, minute = divmod(minutes, 60)
    start, end = f"2026-05-{day:02}T09:00:00-04:00", f"2026-05-{day:02}T{9 + hour:02}:{minute:02}:00-04:00"
    return call(identity, start, end, text, **more)


def thread(*turns: tuple[str, str, Any], root: str = "t", **more: Any) -> list[Json]:
    """A thread under a header without payload: `(clock on 14 May, text, sender)`; ids t1, t2 …"""
    header = message(root, None, None, **more)
    link = {"partOf": [{"reference": f"Communication/{root}"}]}
    return [
        header,
        *(
            message(
                f"{root}{place}", when if "T" in when else f"2026-05-14T{when}:00-04:00", text, sender, **link | more
            )
            for place, (when, text, sender) in enumerate(turns, 1)
        ),
    ]


LIVE = (
    ("09:00", "Your BP was 150/95 today. How do you feel?", NURSE),
    ("09:05", "No dizziness, I took my lisinopril.", "patient"),
    ("09:12", "Please continue the current plan; recheck Thursday.", NURSE),
)
"""A live exchange of 12 minutes that shows everything."""


def daily(days: int, **more: Any) -> list[Json]:
    """A reading on each of the first days of May."""
    return [reading(f"o{day}", f"2026-05-{day:02}T08:00:00-04:00", **more) for day in range(1, days + 1)]
