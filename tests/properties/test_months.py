"""What holds for every month of resources, from FHIR to verdicts, whatever the EHR."""

import copy
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fhir_rpm.model import Assessment
from tests.builders import Json, concept, encounter, note
from tests.properties.months import (
    STAFF,
    VENDORS,
    WHOLE,
    WORDS,
    Month,
    calls,
    excluded,
    in_may,
    months,
    retimed,
    threads,
    written,
)

ROOT = Path(__file__).parents[2]
RANK = {"not_supported": 0, "hold": 1, "supported": 2}
CHICAGO = in_may("America/Chicago")
LONG = "FHIR_RPM_FUZZ" in os.environ
repeatable = settings(
    max_examples=300 if LONG else 60,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def bounds(found: Assessment) -> tuple[int, int | None]:
    return found.minutes.certain, found.minutes.possible


def verdicts(found: Assessment) -> dict[str, tuple[int, int]]:
    return {code: (RANK[verdict.verdict], verdict.units) for code, verdict in found.codes.items()}


def outcomes(found: Assessment) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return sorted((contact.outcome, contact.reason, contact.missing) for contact in found.contacts)  # type: ignore[type-var]


def essence(found: Assessment) -> Any:
    """What a person is billed by: outcomes, minutes, days, verdicts, status."""
    return outcomes(found), bounds(found), found.device_days, verdicts(found), found.status, found.strict_differs


# --- Bounds -----------------------------------------------------------------------------------------------------------


@repeatable
@given(months())
def test_certain_is_never_more_than_possible_and_nothing_is_supported_without_both(month: Month) -> None:
    found = month.judged()
    certain, possible = bounds(found)
    assert possible is None or 0 <= certain <= possible
    assert 0 <= found.device_days.certain <= (found.device_days.possible or 0) <= 31
    held = any(contact.outcome == "qualifies" for contact in found.contacts)
    assert (found.codes["99457"].verdict == "supported") == (held and certain >= 20)
    assert (found.codes["99470"].verdict == "supported") == (held and 10 <= certain < 20)


# --- What adds nothing ------------------------------------------------------------------------------------------------


@repeatable
@given(months(), st.data())
def test_an_excluded_contact_never_changes_a_verdict_but_by_its_work(month: Month, data: st.DataObject) -> None:
    """§3 credits data reviews and team work; what joins another record (§2 rule 2) is no contact of its own."""
    extra = data.draw(excluded("extra", month.vendor, in_may(month.zone)))
    before, after = month.judged(), month.judged(*extra)
    ours = {f"{resource['resourceType']}/{resource['id']}" for resource in extra}
    added = [contact for contact in after.contacts if ours & set(contact.sources)]
    assume(len(after.contacts) == len(before.contacts) + len(added))
    assert all(contact.outcome == "excluded" for contact in added)
    if {contact.reason for contact in added} & {"data_review", "internal"}:
        assert bounds(after)[0] >= bounds(before)[0]
        assert after.status != "ready" or any(contact.outcome == "qualifies" for contact in before.contacts)
    else:
        assert (bounds(after), verdicts(after), after.status) == (bounds(before), verdicts(before), before.status)


@repeatable
@given(months())
def test_a_resource_read_twice_changes_no_byte(month: Month) -> None:
    assert month.judged(*copy.deepcopy(month.resources)).to_json() == month.judged().to_json()


@repeatable
@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_resources_changes_no_byte(month: Month, random: Any) -> None:
    shuffled = random.sample(month.resources, len(month.resources))
    assert month.judged(of=shuffled).to_json() == month.judged().to_json()


@repeatable
@given(calls("v0", "generic", CHICAGO, shapes=("encounter", "communication")), st.sampled_from(VENDORS))
def test_a_call_recorded_twice_under_other_ids_counts_once(call: tuple[Json, ...], vendor: str) -> None:
    month = Month(vendor, "America/Chicago", "2026-05", "rpm-us", (call,))
    again = [resource | {"id": f"{resource['id']}-again"} for resource in call]
    assert essence(month.judged(*again)) == essence(month.judged())


# --- What completes a record ------------------------------------------------------------------------------------------


def role(month: Month, found: Assessment) -> list[Json]:
    """The practitioner whose role nothing tells is a nurse."""
    held = {"practitioner": {"reference": "Practitioner/n2"}, "code": [concept("Registered nurse")]}
    return [*month.resources, {"resourceType": "PractitionerRole", "id": "r2", **held}]


def name(month: Month, found: Assessment) -> list[Json]:
    """The practitioner whom only a reference names has a name."""
    named = {"resourceType": "Practitioner", "id": "n3", "name": [{"family": "Diaz", "given": ["Sol"]}]}
    return [*month.resources, named]


def length(month: Month, found: Assessment) -> list[Json]:
    """Every Encounter of a contact that lacks minutes has a length."""
    lacking = {source for contact in found.contacts if "minutes" in contact.missing for source in contact.sources}
    minutes = {"length": {"value": 9, "unit": "min"}}
    return [item | (minutes if is_among(item, lacking, "Encounter") else {}) for item in month.resources]


def text(month: Month, found: Assessment) -> list[Json]:
    """Every Encounter of a contact without a note has a whole one."""
    silent = {source for contact in found.contacts if len(contact.sources) == 1 for source in contact.sources}
    calls = [item for item in month.resources if is_among(item, silent, "Encounter") and item["status"] == "finished"]
    whose = [(item["id"], item["period"]["start"], [item["participant"][0]["individual"]]) for item in calls]
    return month.resources + [note(f"{call}-d", WHOLE, start, call, author=who) for call, start, who in whose]


def is_among(resource: Json, sources: set[str], kind: str) -> bool:
    return resource["resourceType"] == kind and f"{kind}/{resource['id']}" in sources


def weighed(found: Assessment, code: str) -> tuple[int, int]:
    """A verdict's weight; 99470 gives way where the minutes are certain to be of the next tier (§4)."""
    full = code == "99470" and found.minutes.certain >= 20
    return (2, 1) if full else verdicts(found)[code]


@pytest.mark.parametrize("completed", [role, name, length, text])
@repeatable
@given(month=months())
def test_a_completed_record_never_worsens_a_verdict(
    completed: Callable[[Month, Assessment], list[Json]], month: Month
) -> None:
    """A length may turn "who knows" into "too few" (§4: possible is bounded), so of holds it may make a no."""
    before = month.judged()
    after = month.judged(of=completed(month, before))
    assert bounds(after)[0] >= bounds(before)[0]
    for code in ("99457", "99458", "99470"):
        was, now = weighed(before, code), weighed(after, code)
        assert now >= was or (completed is length and was[0] < RANK["supported"]), code
    qualified = {source for item in before.contacts if item.outcome == "qualifies" for source in item.sources}
    assert qualified <= {source for item in after.contacts if item.outcome == "qualifies" for source in item.sources}


# --- Minutes ----------------------------------------------------------------------------------------------------------


@repeatable
@given(st.sampled_from(VENDORS), CHICAGO, st.integers(1, 90), st.data())
def test_splitting_a_call_changes_no_minute(vendor: str, start: datetime, minutes: int, data: st.DataObject) -> None:
    """Between colleagues anywhere, of one nurse after a quarter of an hour: closer starts are one event (§2 rule 2)."""
    other = data.draw(st.sampled_from((STAFF[0], STAFF[3])))
    cut = data.draw(st.integers(1 if other is not STAFF[0] else 16 * 60, max(minutes, 17) * 60 - 1))
    kind = {"type": [WORDS[vendor]["phone"]]}
    end, middle = start + timedelta(minutes=max(minutes, 17)), start + timedelta(seconds=cut)

    def call(name: str, begins: datetime, ends: datetime, who: Json) -> list[Json]:
        held = encounter(name, written(begins), written(ends), participant=[{"individual": who}], **kind)
        return [held, note(f"{name}-d", WHOLE, written(ends), name, author=[who])]

    whole, first = call("e1", start, end, STAFF[0]), call("e1", start, middle, STAFF[0])
    month = Month(vendor, "America/Chicago", "2026-05", "rpm-us", ())
    assert bounds(month.judged(*first, *call("e2", middle, end, other))) == bounds(month.judged(*whole))


@repeatable
@given(threads("v0", CHICAGO), st.sampled_from(VENDORS))
def test_a_message_between_two_others_changes_no_minute(thread: tuple[Json, ...], vendor: str) -> None:
    month = Month(vendor, "America/Chicago", "2026-05", "rpm-us", (thread,))
    turns = [turn for turn in thread if "sent" in turn]
    assume(len(turns) > 1)
    between = datetime.fromisoformat(turns[0]["sent"]) + timedelta(seconds=20)
    copied = turns[0] | {"id": "between", "sent": written(between)}
    assert bounds(month.judged(copied)) == bounds(month.judged())


# --- Time zones -------------------------------------------------------------------------------------------------------


@repeatable
@given(months(), st.integers(-12, 14))
def test_the_offset_in_which_a_time_is_written_changes_no_byte(month: Month, hours: int) -> None:
    abroad = timezone(timedelta(hours=hours))
    told = retimed(month.resources, lambda moment: moment.astimezone(abroad))
    assert month.judged(of=told).to_json() == month.judged().to_json()


@repeatable
@given(months(), st.sampled_from(("America/New_York", "Pacific/Guam", "America/Phoenix", "Asia/Kathmandu")))
def test_a_month_moved_to_another_zone_keeps_its_verdicts(month: Month, zone: str) -> None:
    ours, theirs = ZoneInfo(month.zone), ZoneInfo(zone)
    moved = retimed(month.resources, lambda at: at.astimezone(ours).replace(tzinfo=theirs))
    assert essence(month.judged(of=moved, zone=zone)) == essence(month.judged())


CHANGES = {
    ("America/New_York", "2026-03"): datetime(2026, 3, 8, 7, tzinfo=UTC),
    ("America/New_York", "2026-11"): datetime(2026, 11, 1, 6, tzinfo=UTC),
    ("America/Los_Angeles", "2026-03"): datetime(2026, 3, 8, 10, tzinfo=UTC),
    ("America/St_Johns", "2026-11"): datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    ("Australia/Lord_Howe", "2026-04"): datetime(2026, 4, 4, 15, tzinfo=UTC),
    ("Europe/London", "2026-10"): datetime(2026, 10, 25, 1, tzinfo=UTC),
}
"""When clocks change, by zone and month."""


def around(change: datetime) -> st.SearchStrategy[datetime]:
    """Moments within three hours of a change of clocks."""
    return st.builds(lambda seconds: change + timedelta(seconds=seconds), st.integers(-3600, 7200))


@pytest.mark.parametrize(("zone", "label"), CHANGES)
@repeatable
@given(data=st.data())
def test_a_change_of_clocks_adds_and_takes_no_minute(zone: str, label: str, data: st.DataObject) -> None:
    start, seconds = data.draw(around(CHANGES[zone, label])), data.draw(st.integers(60, 5400))
    vendor = data.draw(st.sampled_from(VENDORS))
    local = [written(at.astimezone(ZoneInfo(zone))) for at in (start, start + timedelta(seconds=seconds))]
    held = encounter("e1", *local, type=[WORDS[vendor]["phone"]])
    month = Month(vendor, zone, label, "rpm-us", ((held, note("d1", WHOLE, local[1], "e1")),))
    found = month.judged()
    assert bounds(found) == (seconds // 60,) * 2
    assert [(contact.outcome, contact.minutes) for contact in found.contacts] == [("qualifies", seconds // 60)]


@pytest.mark.parametrize(("zone", "label"), CHANGES)
@settings(repeatable, max_examples=25)
@given(data=st.data())
def test_a_month_around_a_change_of_clocks_is_the_same_in_universal_time(
    zone: str, label: str, data: st.DataObject
) -> None:
    when = around(CHANGES[zone, label])
    month = data.draw(months(zone, lambda _: when, label))
    local = retimed(month.resources, lambda moment: moment.astimezone(ZoneInfo(zone)))
    assert month.judged(of=local).to_json() == month.judged().to_json()
    utc = Month(month.vendor, "Etc/UTC", label, month.policy, month.events).judged()
    assert (outcomes(utc), bounds(utc)) == (outcomes(month.judged()), bounds(month.judged()))


# --- Bytes ------------------------------------------------------------------------------------------------------------


def digest() -> str:
    """A digest of what 25 months are judged to be; the months are the same in every process."""
    found = hashlib.sha256()

    @settings(repeatable, max_examples=25)
    @given(months())
    def judge(month: Month) -> None:
        found.update(month.judged().to_json().encode())

    judge()
    return found.hexdigest()


def test_equal_input_gives_equal_bytes_in_every_process() -> None:
    program = "from tests.properties.test_months import digest; print(digest())"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(told) == 1
