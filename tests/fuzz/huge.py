"""Judges payloads of a size that no patient's month has, within limits of memory and processor time; run by a test."""

import json
import resource
from typing import Any

from fhir_rpm import assess
from tests.builders import SPOKE, encounter, message, note, reading

MEMORY, SECONDS = 1 << 30, 120
AT = "2026-05-14T14:02:00-04:00"
LEVELS = 900


def deep(levels: int) -> Any:
    """A value nested as deep as Python's JSON reader allows, or nearly."""
    return json.loads('[{"extension":' * (levels // 2) + "1" + "}]" * (levels // 2))


def answering(number: int) -> dict[str, Any]:
    """A link to the message before."""
    return {"inResponseTo": [{"reference": f"Communication/m{number - 1}"}]}


def payloads() -> dict[str, list[Any]]:
    """What is huge, by what makes it so."""
    nested = [
        encounter("e1", AT) | {"participant": deep(LEVELS)},
        {"resourceType": "Patient", "id": "p1", "x": deep(LEVELS)},
    ]
    return {
        "thread": [message(f"m{number}", AT, "Thank you.", **answering(number)) for number in range(1000)],
        "readings": [reading(f"o{number}", AT) for number in range(10_000)],
        "calls": [encounter(f"e{number}", AT, participant=[]) for number in range(300)],
        "notes": [note(f"d{number}", SPOKE, AT, "e1") for number in range(300)],
        "note": [note("d1", "x " * 500_000, AT)],
        "codings": [encounter("e1", AT, type=[{"text": "call"}] * 50_000)],
        "nested": nested + nested,
    }


def main() -> None:
    """Judge each; a limit that is passed ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for name, payload in payloads().items():
        found = assess(payload, month="2026-05", time_zone="America/New_York")
        print(name, len(found.to_json()), flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
