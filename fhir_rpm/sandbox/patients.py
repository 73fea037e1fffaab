"""Scenarios → vendor-shaped FHIR resources of synthetic patients."""

import base64
import calendar
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
ZONE = ZoneInfo("America/New_York")
GROUP = "rpm-demo"

_V3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_EPIC_TYPE = "urn:oid:1.2.840.114350.1.13.0.1.7.10.698084.30"
_EPIC_CLASS = "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260"
_EPIC_PROVIDER = "urn:oid:1.2.840.114350.1.13.0.1.7.4.836982.1040"
_EPIC_TYPES = {
    "call": ("70", "Telephone"),
    "video": ("76", "Telemedicine"),
    "refill": ("107", "Refill"),
    "thread": ("", "Patient Message"),
    "email": ("", "E-mail"),
}
_TEXTS = {
    "call": "Telephone encounter",
    "video": "Video visit",
    "visit": "RPM nurse visit, in clinic",
    "review": "RPM data review",
    "huddle": "Care Conference",
    "refill": "Refill",
    "thread": "Patient Message",
    "email": "E-mail",
    "alert": "System notification",
}
_ORACLE_TEXTS = _TEXTS | {"call": "Phone Message", "video": "Telehealth"}


def scenarios() -> Json:
    """The scenario file: staff and patients."""
    return tomllib.loads((Path(__file__).parent / "scenarios.toml").read_text(encoding="utf-8"))


def synthetic_resources(vendor: str, month: str) -> list[Json]:
    """Every resource of the sandbox for a month, in the shapes of a vendor.

    Args:
        vendor: `generic`, `epic` or `oracle`.
        month: `YYYY-MM`.
    """
    data = scenarios()
    renderer = _Renderer(vendor, month, data["staff"])
    resources = [*renderer.staff()]
    for patient in data["patient"]:
        resources += renderer.patient(patient)
    members = [{"entity": {"reference": f"Patient/{patient['id']}"}} for patient in data["patient"]]
    group = {
        "resourceType": "Group",
        "id": GROUP,
        "type": "person",
        "actual": True,
        "name": "RPM demo",
        "member": members,
    }
    return [*resources, group]


class _Renderer:
    def __init__(self, vendor: str, month: str, staff: Json) -> None:
        self._vendor = vendor
        self._year, self._month = int(month[:4]), int(month[5:7])
        self._staff = staff

    def staff(self) -> Iterator[Json]:
        for key, person in self._staff.items():
            name = {"family": person["family"], "given": [person["given"]], "text": self._display(key)}
            resource: Json = {"resourceType": "Practitioner", "id": f"sbx-{key}", "active": True, "name": [name]}
            if self._vendor == "generic" and person["title"]:
                coding = [{"system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": person["credential"]}]
                title = {"text": person["title"]} | ({"coding": coding} if person["credential"] else {})
                resource["qualification"] = [{"code": title}]
            yield resource
        if self._vendor == "generic":
            yield {"resourceType": "Device", "id": "sbx-hub", "status": "active", "type": {"text": "RPM alert engine"}}
            yield {"resourceType": "Device", "id": "sbx-cuff", "status": "active", "type": {"text": "Cellular cuff"}}

    def patient(self, patient: Json) -> Iterator[Json]:
        given, family = patient["name"]
        yield {
            "resourceType": "Patient",
            "id": patient["id"],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given]}],
            "gender": "unknown",
            "birthDate": "1950-01-01",
        }
        if self._vendor == "oracle":
            yield self._care_team(patient["id"])
        for place, event in enumerate(patient.get("event", ()), 1):
            yield from self._event(patient["id"], f"{patient['id']}-{place}", event)
        for day in range(1, patient["readings"] + 1):
            yield self._reading(patient["id"], day)

    def _care_team(self, patient: str) -> Json:
        """Oracle's only word on who cares for a patient without Encounters: whose inbox may hold messages."""
        return {
            "resourceType": "CareTeam",
            "id": f"{patient}-team",
            "status": "active",
            "subject": {"reference": f"Patient/{patient}"},
            "participant": [{"member": {"reference": "Practitioner/sbx-rn", "display": self._display("rn")}}],
        }

    def _event(self, patient: str, key: str, event: Json) -> Iterator[Json]:
        kind = event["kind"]
        if kind in ("thread", "email", "alert") and self._vendor == "generic":
            yield from self._messages(patient, key, event)
            return
        yield self._encounter(patient, key, event)
        text = event.get("note") or self._transcript(event)
        if text:
            yield from self._note(patient, key, event, self._signed(text, event))

    def _encounter(self, patient: str, key: str, event: Json) -> Json:
        kind = event["kind"]
        resource: Json = {
            "resourceType": "Encounter",
            "id": f"{key}-enc",
            "status": event.get("status", "finished"),
            "class": self._class(kind),
            "type": [self._type(kind)],
            "subject": {"reference": f"Patient/{patient}"},
            "period": self._period(event),
        }
        if "staff" in event:
            resource["participant"] = [self._participant(event["staff"])]
        return resource

    def _class(self, kind: str) -> Json:
        if self._vendor == "epic":
            appointment = kind in ("video", "visit")
            code, display = ("5", "Appointment") if appointment else ("13", "Support OP Encounter")
            return {"system": _EPIC_CLASS, "code": code, "display": display}
        remote = self._vendor == "generic" and kind not in ("visit", "huddle", "refill")
        return {"system": _V3, "code": "VR" if remote else "AMB"}

    def _type(self, kind: str) -> Json:
        if self._vendor == "epic":
            code, text = _EPIC_TYPES.get(kind, ("", _TEXTS[kind]))
            return {"text": text} | (
                {"coding": [{"system": _EPIC_TYPE, "code": code, "display": text}]} if code else {}
            )
        text = (_ORACLE_TEXTS if self._vendor == "oracle" else _TEXTS)[kind]
        snomed = {"call": "185317003", "video": "448337001"}.get(kind) if self._vendor == "generic" else None
        return {"text": text} | ({"coding": [{"system": "http://snomed.info/sct", "code": snomed}]} if snomed else {})

    def _participant(self, staff: str) -> Json:
        person = {"individual": {"reference": f"Practitioner/sbx-{staff}", "display": self._display(staff)}}
        title = self._staff[staff]["title"]
        return person | ({"type": [{"text": title}]} if self._vendor == "oracle" and title else {})

    def _display(self, staff: str) -> str:
        person = self._staff[staff]
        shown = person["credential"] if self._vendor != "oracle" else ""
        return f"{person['name']}, {shown}" if shown else person["name"]

    def _period(self, event: Json) -> Json:
        start = self._start(event)
        if "at" not in event or (self._vendor == "epic" and event["kind"] not in ("video", "visit")):
            day = start.date().isoformat()
            return {"start": day, "end": day}
        period = {"start": self._instant(start)}
        if "minutes" in event:
            period["end"] = self._instant(start + timedelta(minutes=event["minutes"]))
        return period

    def _start(self, event: Json) -> datetime:
        hour, minute = map(int, event.get("at", "12:00").split(":"))
        day = min(event["day"], calendar.monthrange(self._year, self._month)[1])
        return datetime(self._year, self._month, day, hour, minute, tzinfo=ZONE)

    def _instant(self, moment: datetime) -> str:
        if self._vendor == "generic":
            return moment.isoformat()
        return moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _signed(self, text: str, event: Json) -> str:
        if self._vendor == "epic" and "minutes" in event and event["kind"] not in ("video", "visit"):
            spent = "Review time" if event["kind"] in ("review", "huddle") else "Call time"
            text = f"{text} {spent} {event['minutes']} min."
        if "staff" not in event or not self._staff[event["staff"]]["credential"]:
            return text
        person = self._staff[event["staff"]]
        return f"{text}\n{person['name']}, {person['credential']}"

    def _transcript(self, event: Json) -> str | None:
        """What sites whose messages never reach FHIR file instead: the thread as a note."""
        if event["kind"] == "alert":
            return f"Automated system alert sent to patient: {event['text']} No response."
        if "turns" not in event:
            return None
        start = self._start(event)
        person = self._staff[event["staff"]]
        lines = ["E-mail exchange" if event["kind"] == "email" else "Portal message thread"]
        for minutes, side, text in event["turns"]:
            who = f"{person['name']}, {person['credential']}" if side == "staff" else "Patient"
            moment = start + timedelta(minutes=minutes)
            lines.append(f"{moment:%m/%d/%Y %H:%M} {who}: {text}")
        return "\n".join(lines)

    def _note(self, patient: str, key: str, event: Json, text: str) -> Iterator[Json]:
        filed = self._instant(self._start(event) + timedelta(minutes=event.get("minutes", 10) + 5))
        telephone = event["kind"] == "call"
        code, name = ("34748-4", "Telephone encounter Note") if telephone else ("11506-3", "Progress note")
        document: Json = {
            "resourceType": "DocumentReference",
            "id": f"{key}-doc",
            "status": "current",
            "docStatus": "final",
            "type": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}], "text": name},
            "category": [{"coding": [{"system": _CATEGORY, "code": "clinical-note"}], "text": "Clinical Note"}],
            "subject": {"reference": f"Patient/{patient}"},
            "date": filed,
            "context": {"encounter": [{"reference": f"Encounter/{key}-enc"}], "period": {"start": filed}},
        }
        if "staff" in event:
            document["author"] = [
                {"reference": f"Practitioner/sbx-{event['staff']}", "display": self._display(event["staff"])}
            ]
            if self._vendor == "epic":
                document["context"]["extension"] = [self._author_type(event["staff"])]
        bodies = self._bodies(key, text)
        document["content"] = [{"attachment": attachment} for attachment, _ in bodies]
        yield document
        yield from (binary for _, binary in bodies if binary is not None)

    def _author_type(self, staff: str) -> Json:
        code = {"rn": "3", "np": "110", "desk": "2507"}.get(staff)
        title = self._staff[staff]["title"] or "Other"
        concept = {"text": title} | (
            {"coding": [{"system": _EPIC_PROVIDER, "code": code, "display": title}]} if code else {}
        )
        url = "http://open.epic.com/FHIR/StructureDefinition/extension/clinical-note-author-provider-type"
        return {"url": url, "valueCodeableConcept": concept}

    def _bodies(self, key: str, text: str) -> list[tuple[Json, Json | None]]:
        if self._vendor == "generic":
            return [({"contentType": "text/plain", "data": encoded(text)}, None)]
        html = "<html><body>" + "".join(f"<div>{line}</div>" for line in text.splitlines()) + "</body></html>"
        rtf = r"{\rtf1\ansi " + text.replace("\n", r"\par ") + "}"
        kinds = (
            (("html", "text/html", html), ("rtf", "text/rtf", rtf))
            if self._vendor == "epic"
            else (("html", "text/html", html),)
        )
        return [
            (
                {"contentType": kind, "url": f"Binary/{key}-{ending}"},
                {"resourceType": "Binary", "id": f"{key}-{ending}", "contentType": kind, "data": encoded(body)},
            )
            for ending, kind, body in kinds
        ]

    def _messages(self, patient: str, key: str, event: Json) -> Iterator[Json]:
        start = self._start(event)
        if event["kind"] == "alert":
            yield self._communication(patient, f"{key}-msg-0", start, "Device/sbx-hub", event["text"], "ELECTRONIC")
            return
        medium = "EMAILWRIT" if event["kind"] == "email" else "ONLINEWRIT"
        for place, (minutes, side, text) in enumerate(event["turns"]):
            sender = f"Practitioner/sbx-{event['staff']}" if side == "staff" else f"Patient/{patient}"
            moment = start + timedelta(minutes=minutes)
            message = self._communication(patient, f"{key}-msg-{place}", moment, sender, text, medium)
            if place:
                message["inResponseTo"] = [{"reference": f"Communication/{key}-msg-{place - 1}"}]
            if side == "patient":
                message["recipient"] = [{"reference": f"Practitioner/sbx-{event['staff']}"}]
            yield message

    def _communication(self, patient: str, key: str, sent: datetime, sender: str, text: str, medium: str) -> Json:
        return {
            "resourceType": "Communication",
            "id": key,
            "status": "completed",
            "medium": [{"coding": [{"system": _MODE, "code": medium}]}],
            "subject": {"reference": f"Patient/{patient}"},
            "sent": sent.isoformat(),
            "sender": {"reference": sender},
            "recipient": [{"reference": f"Patient/{patient}"}],
            "payload": [{"contentString": text}],
        }

    def _reading(self, patient: str, day: int) -> Json:
        moment = datetime(self._year, self._month, day, 7, 30, tzinfo=ZONE)
        loinc = {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}
        resource: Json = {
            "resourceType": "Observation",
            "id": f"{patient}-hr-{day:02}",
            "status": "final",
            "category": [{"coding": [{"system": _OBSERVATIONS, "code": "vital-signs"}]}],
            "code": {"coding": [loinc], "text": "Heart rate"},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": self._instant(moment),
            "valueQuantity": {"value": 60 + day, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        }
        return resource | ({"device": {"reference": "Device/sbx-cuff"}} if self._vendor == "generic" else {})


_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_OBSERVATIONS = "http://terminology.hl7.org/CodeSystem/observation-category"


def encoded(text: str) -> str:
    """Text as FHIR base64Binary."""
    return base64.b64encode(text.encode()).decode()
