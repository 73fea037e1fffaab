"""A chart that files monthly documents as Epic, Oracle Health or a plain FHIR server does, over real HTTP."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir_rpm import assess
from fhir_rpm.client import EhrSession
from fhir_rpm.config import WriteSettings
from fhir_rpm.model import Assessment
from fhir_rpm.store import open_ledger
from fhir_rpm.writeback import Desk, Published, publish
from tests.builders import SPOKE, encounter, note
from tests.hostile import Reply, Seen, bundle
from tests.quirks.ehr import CALL, MAY, Json, serving

CALLED = encounter("e1", *CALL)
_KIND = "DocumentReference"


def assessed(minutes: int = 12) -> Assessment:
    """May with one call of that length."""
    text = f"{SPOKE} Call lasted {minutes} minutes."
    return assess([CALLED, note("d1", text, about="e1")], month="2026-05", time_zone="America/New_York")


class Chart:
    """What is filed, and how the server answers.

    Attributes:
        declared: the server's CapabilityStatement, if it has one.
        lose: `request` or `answer`: the next create is cut before or after it is filed.
        reads_text: whether documents come back with their text inline.
    """

    def __init__(self, vendor: str, declared: Json | None = None, lose: str = "") -> None:
        self.vendor = vendor
        self.declared = declared
        self.lose = lose
        self.filed: list[Json] = []
        self.sent: list[tuple[Seen, Json]] = []

    @contextmanager
    def open(self) -> Iterator[EhrSession]:
        """A session with it."""
        answers = {_KIND: self._collection, f"{_KIND}/*": self._one, "metadata": self.declared}
        with serving(answers, self.vendor) as (session, server):
            self._server = server
            yield session

    def _collection(self, seen: Seen) -> Reply:
        if seen.method == "GET":
            return Reply(200, bundle(*self.filed))
        document = json.loads(seen.body)
        self.sent.append((seen, document))
        lose, self.lose = self.lose, ""
        if lose == "request":
            return Reply(cut=True)
        dropped = () if self.vendor == "generic" else ("identifier", "category")
        kept = {name: value for name, value in document.items() if name not in dropped}
        identity = f"f{len(self.filed) + 1}"
        self.filed.append(kept | {"id": identity, "meta": {"versionId": "1"}})
        if lose == "answer":
            return Reply(cut=True)
        base = self._server.base
        location = f"{_KIND}/{identity}" if self.vendor == "epic" else f"{base}/{_KIND}/{identity}"
        version = {"ETag": 'W/"1"'} if self.vendor == "oracle" else {}
        return Reply(201, None, {"Location": location} | version)

    def _one(self, seen: Seen) -> Reply:
        identity = seen.path.partition("?")[0].rpartition("/")[2]
        place = next((n for n, item in enumerate(self.filed) if item["id"] == identity), None)
        if place is None:
            return Reply(404)
        version = self.filed[place]["meta"]["versionId"]
        tag = {"ETag": f'W/"{version}"'}
        if seen.method == "GET":
            return Reply(200, self.filed[place], tag)
        document = json.loads(seen.body)
        self.sent.append((seen, document))
        if seen.headers.get("If-Match") != tag["ETag"]:
            return Reply(409)
        self.filed[place] = document | {"id": identity, "meta": {"versionId": str(int(version) + 1)}}
        return Reply(200, None, {"ETag": f'W/"{int(version) + 1}"'})


def publish_into(
    chart: Chart, folder: Path, *months: Assessment, settings: WriteSettings | None = None, resources: Any = (CALLED,)
) -> list[Published]:
    """Publish one state of May after the other, with one ledger."""
    results = []
    with chart.open() as session, open_ledger(folder / "ledger.sqlite3") as ledger:
        for assessment in months or (assessed(),):
            now = datetime(2026, 6, 1, 12, len(results), tzinfo=UTC)
            desk = Desk(session, ledger, "here", settings or WriteSettings(), clock=lambda now=now: now)  # type: ignore[misc]
            results.append(publish(desk, assessment, MAY, resources=resources, created=now))
    return results


def text_of(document: Json) -> str:
    """The first attachment's text."""
    return base64.b64decode(document["content"][0]["attachment"]["data"]).decode()


def declaring(*interactions: str, **more: Any) -> Json:
    """A CapabilityStatement of a server with DocumentReferences."""
    kinds = [{"type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}]} for kind in ("Patient", _KIND)]
    kinds[1]["interaction"] = [{"code": code} for code in interactions]
    return {
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": "server", "resource": [kinds[0], kinds[1] | more]}],
    }
