"""The runner is killed at every step, again and again, while the EHR loses answers: no duplicate, no lost month.

FHIR_RPM_CRASH_KILLS is how often in all; FHIR_RPM_CRASH_SEED repeats a campaign.
"""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_rpm.writeback import protocol
from tests.crash.campaign import MOMENTS, STEPS, Case, Tally
from tests.crash.stage import AT_LENGTH, VENDORS, Charts, Office

KILLS = int(os.environ.get("FHIR_RPM_CRASH_KILLS", "24"))
SEED = int(os.environ.get("FHIR_RPM_CRASH_SEED", "5"))


def test_every_step_of_the_protocol_is_in_the_campaign() -> None:
    listed = re.findall(r"^ {4}([a-z_.]+) {2,}", protocol.__doc__ or "", re.MULTILINE)
    assert sorted(listed) == sorted([*STEPS, "provenance"])


@pytest.mark.parametrize(
    "moment", ["after ledger.record", *(["after send", "after chart.read_back"] if AT_LENGTH else [])]
)
def test_a_document_that_the_ehr_filed_twice_is_told_of_even_when_the_runner_died_before_it_saw(
    moment: str, charts: Charts, open_office: Callable[..., Office], file: Path
) -> None:
    office = open_office(str(file))
    charts.ask("faults", faults=["filed_twice"])
    case = Case(office, Tally(), random.Random(SEED))
    assert case.run(hooks=[{"at": moment, "do": "kill"}]).killed
    case.go_on_until_quiet()


def test_no_kill_makes_a_duplicate_or_loses_a_month(
    charts: Charts,
    ledger: str,
    open_office: Callable[..., Office],
    record_property: Callable[[str, object], None],
) -> None:
    tally, wanted = Tally(), -(-KILLS // len(VENDORS))
    place = ledger.partition(":")[0] if "://" in ledger else "sqlite"
    number = 0
    while tally.killed < wanted:
        number += 1
        chance = random.Random(f"{SEED} {charts.vendor} {number}")
        office = open_office(ledger)
        case = Case(office, tally, chance)
        try:
            case.play()
        except BaseException:
            print(f"FHIR_RPM_CRASH_SEED={SEED}: case {number},  {case.log}")  # noqa: T201
            raise
        assert number < 20 * wanted, "the runner is hardly ever killed"
        office.charts.ask("discharge", patient=office.patient)
    record_property("crash", [place, charts.vendor, SEED, dict(tally.kills), dict(tally.counts)])
    if wanted >= 3 * len(MOMENTS):
        assert set(MOMENTS) <= set(tally.kills), sorted(set(MOMENTS) - set(tally.kills))


@pytest.mark.parametrize("fault", ["lost_request", "failed_request"])
def test_a_new_version_that_never_arrived_is_not_said_to_be_written(
    fault: str, charts: Charts, open_office: Callable[..., Office], file: Path
) -> None:
    office = open_office(str(file))
    assert office.sync().exit == 0
    charts.ask("admit", patient=office.patient, lengths=[22, 9])
    charts.ask("faults", faults=[fault])
    run = office.sync()
    assert run.exit in (4, 6), run.err
    assert run.document.get("status") != "written"
