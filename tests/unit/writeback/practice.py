"""A practice that publishes one month into an EHR in memory, for tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fhir_rpm import assess
from fhir_rpm.client import Capability, Created, Pull
from fhir_rpm.client.writes import RefusedError, StaleError
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import AccessError, UnavailableError, WriteUncertainError
from fhir_rpm.model import Assessment, Gap
from fhir_rpm.month import BillingMonth
from fhir_rpm.store import open_ledger
from fhir_rpm.writeback import Desk, Published, publish
from tests.builders import SPOKE, encounter, note

MAY = BillingMonth.parse("2026-05", "America/New_York")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CALL = encounter("e1", "2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00")
VENDORS = ("generic", "epic", "oracle")


GAPS = (Gap(resource_type="DocumentReference", code="59204", reason="withheld"),)


def changed() -> Assessment:
    """May when it turns out that only a voicemail was left."""
    return assessed("Left voicemail, no answer.")


@cache
def assessed(text: str = SPOKE) -> Assessment:
    """May with one call of twelve minutes, and what its note says."""
    return assess([CALL, note("d1", text, about="e1")], month="2026-05", time_zone="America/New_York")


class Ehr:
    """An EHR in memory that can lose answers or requests, refuse, hide what was filed, or withhold part of a search."""

    def __init__(self, vendor: str, declares: dict[str, Any] | None = None) -> None:
        self.vendor = vendor
        self.base_url = "http://127.0.0.1/fhir"
        self.filed: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str]] = []
        self.fails: list[str] = []
        self.hidden = False
        self.unreadable = False
        self.gaps: tuple[Gap, ...] = ()
        self.copies = 1
        updating = {"type": "DocumentReference", "interaction": [{"code": "update"}]}
        self.capability = Capability({"rest": [{"resource": [updating | (declares or {})]}]})

    def authenticate(self) -> None:
        self._may_fail("authenticate")

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        self.seen.append(("GET", resource_type))
        self._may_fail("search")
        return Pull(() if self.hidden else tuple(self.filed), self.gaps)

    def read_body(self, document: dict[str, Any]) -> Pull:
        return Pull(gaps=GAPS if document.get("content") else ())

    def read_version(self, reference: str) -> Created | None:
        self._may_fail("read")
        if self.unreadable:
            raise AccessError("no read scope")
        found = [item for item in self.filed if f"DocumentReference/{item['id']}" == reference]
        return Created(reference, found[0]["meta"]["versionId"], found[0]) if found else None

    def create(self, resource: dict[str, Any], headers: Mapping[str, str] | None = None) -> Created:
        self.seen.append(("POST", "DocumentReference"))
        self._may_fail("lose request")
        self._may_fail("refuse")
        kept = [item for item in self.filed if headers and item.get("identifier") == resource.get("identifier")]
        if kept:
            return Created(f"DocumentReference/{kept[0]['id']}", existed=True)
        dropped = {} if self.vendor == "generic" else {"identifier": None}
        for _ in range(self.copies):
            identity = f"f{len(self.filed) + 1}"
            self.filed.append({**resource, **dropped, "id": identity, "meta": {"versionId": "1"}})
        self._may_fail("lose answer")
        return Created(f"DocumentReference/{identity}", "1")

    def update(self, reference: str, resource: dict[str, Any], version: str) -> Created:
        self.seen.append(("PUT", reference))
        self._may_fail("lose request")
        place, held = next((i, d) for i, d in enumerate(self.filed) if reference.endswith(f"/{d['id']}"))
        if held["meta"]["versionId"] != version or "stale" in self.fails:
            self._may_fail("stale")
            raise StaleError("stale")
        self.filed[place] = {**resource, "meta": {"versionId": str(int(version) + 1)}}
        self._may_fail("lose answer")
        return Created(reference, str(int(version) + 1))

    def shown_request(self, method: str, reference: str, headers: Mapping[str, str]) -> dict[str, Any]:
        return {"method": method, "url": f"{self.base_url}/{reference}", "headers": dict(headers)}

    def _may_fail(self, how: str) -> None:
        errors: dict[str, Exception] = {
            "search": UnavailableError("down"),
            "read": UnavailableError("down"),
            "authenticate": AccessError("no token"),
            "lose request": WriteUncertainError("lost"),
            "lose answer": WriteUncertainError("lost"),
            "refuse": RefusedError("refused"),
            "stale": StaleError("stale"),
        }
        if how in self.fails:
            self.fails.remove(how)
            raise errors[how]

    @property
    def sent(self) -> int:
        return sum(method in ("POST", "PUT") for method, _ in self.seen)


class Practice:
    """A practice that writes May of its patient into an EHR, with a ledger and a clock that only tests move."""

    def __init__(self, folder: Path, vendor: str = "epic", **more: Any) -> None:
        self.ehr = Ehr(vendor, **more)
        self.ledger = open_ledger(folder / "ledger.sqlite3")
        self.now = NOW

    def desk(self, **more: Any) -> Desk:
        return Desk(self.ehr, self.ledger, "here", WriteSettings(), clock=lambda: self.now, **more)

    def publish(self, assessment: Assessment | None = None, desk: Desk | None = None, **more: Any) -> Published:
        month = {"resources": [CALL], "created": self.now} | more
        return publish(desk or self.desk(), assessment or assessed(), MAY, **month)

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(write.state, write.reason) for write in self.ledger.listed()]
