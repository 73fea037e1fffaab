"""One case of a campaign: a month that changes, an EHR that loses and doubles, a runner that is killed; then the truth.

What is believed is what the EHR's own store holds, not what a FHIR search or the ledger says.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fhir_rpm.model.write import Write
from tests.crash.stage import Json, Office, Run

STEPS = (
    "ledger.look",
    "ledger.expire",
    "chart.look_again",
    "ledger.settle",
    "chart.look",
    "chart.read",
    "ledger.plan",
    "authenticate",
    "ledger.claim",
    "send",
    "ledger.record",
    "chart.read_back",
    "chart.look_twice",
    "ledger.looked",
)
"""The protocol's, but for `provenance`: the sandbox keeps none."""

MOMENTS = tuple(f"{side} {step}" for step in STEPS for side in ("before", "after"))
FAULTS = (None, None, None, "lost_request", "lost_answer", "lost_late", "failed_request", "failed_answer")
ODD_FAULTS = ("filed_late", "filed_twice")
LEASE, SETTLED, MOST_RUNS = 16, 61, 14
_RARE, _ARMED = 10, 4
_AT_ANY_TIME, _ALONE = 0.25, 0.4


@dataclass
class Tally:
    """What a campaign came to."""

    kills: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def killed(self) -> int:
        return self.kills.total()

    def rarest(self, chance: random.Random) -> list[str]:
        """Some of the moments at which the runner was killed least: the first one that it meets is its end."""
        by_kills = sorted(MOMENTS, key=lambda moment: (self.kills[moment], chance.random()))
        return by_kills[:1] if chance.random() < _ALONE else chance.sample(by_kills[:_RARE], _ARMED)


class Case:
    """One patient's month from its first version to its last."""

    def __init__(self, office: Office, tally: Tally, chance: random.Random) -> None:
        self.office, self.tally, self.chance = office, tally, chance
        self.lengths = [22]
        self.log: list[str] = []

    def play(self) -> None:
        """Live through one to three versions of the month, killed at rare moments of the protocol and at any time."""
        for version in range(self.chance.choice((1, 2, 2, 3))):
            if version:
                self._amend()
            faults = [self.chance.choice(FAULTS) for _ in range(2)]
            if self.chance.random() < 0.3:
                faults[0] = self.chance.choice(ODD_FAULTS)
            self.office.charts.ask("faults", faults=faults)
            self.log.append(f"version {version} faults {faults}")
            for _ in range(self.chance.choice((1, 2, 3))):
                self._try_to_kill()
                self.office.later(self.chance.choice((1, LEASE, SETTLED)))
        self.go_on_until_quiet()

    def _amend(self) -> None:
        if len(self.lengths) > 1 and self.chance.random() < 0.3:
            self.lengths = self.lengths[:-1]
        else:
            self.lengths = [*self.lengths, self.chance.randint(5, 40)]
        self.office.charts.ask("admit", patient=self.office.patient, lengths=self.lengths)
        self.office.later(1)

    def _try_to_kill(self) -> None:
        if self.chance.random() < _AT_ANY_TIME:
            self.run(kill_after=self.chance.uniform(0, 1.2) * self._usual())
        else:
            self.run(hooks=[{"at": moment, "do": "kill"} for moment in self.tally.rarest(self.chance)])

    def _usual(self) -> float:
        whole = sorted(run.seconds for run in self.office.runs[-30:] if not run.killed)
        return whole[len(whole) // 2] if whole else 0.3

    def run(self, **how: Any) -> Run:
        """One run, and what must hold after each."""
        run = self.office.sync(**how)
        if run.killed:
            last = run.steps[-1] if run.steps else "outside"
            self.tally.kills[last if "hooks" in how else f"any time ({last})"] += 1
            self.log.append(f"killed at {last}")
        else:
            self.log.append(f"exit {run.exit} {run.document.get('status') if run.lines else run.err}")
            self._surfaced(run)
        self._no_duplicates()
        return run

    def go_on_until_quiet(self) -> None:
        """Run on, and do what is asked of people, until a run has nothing to say; then look whether all is well."""
        for _ in range(MOST_RUNS):
            self.office.later(LEASE)
            run = self.run()
            if run.exit == 0:
                break
            last = self.office.attempts()[-1]
            if last.state == "unknown":
                self.office.later(SETTLED)
            elif last.state == "needs_person":
                self._person(last)
        self._ends_as_written()

    def _surfaced(self, run: Run) -> None:
        """What is in doubt is said: by the exit code, by the run, and by the list of writes."""
        assert run.lines, f"{self.log} {run.err}"
        attempts = self.office.attempts()
        last = attempts[-1] if attempts else None
        assert run.exit in (0, 4, 6), f"{self.log} {run.err}"
        if last is None or last.state not in ("unknown", "needs_person"):
            assert run.exit != 6, self.log
            return
        assert run.exit == 6, self.log
        self.tally.counts[f"runs that said {last.state}"] += 1
        detail = run.document["detail"]
        assert run.document["status"] == last.state, self.log
        for word in (self.office.patient, last.month, last.content_hash):
            assert word in detail, (detail, self.log)
        if self.chance.random() < 0.5:
            return
        listed = self.office.writes("list", "--state", last.state, "--json")
        assert last.id in [write["id"] for write in json.loads(listed.out)], self.log

    def _no_duplicates(self) -> None:
        """No two requests have filed the same thing in a row, and there is one document where one is kept."""
        chart = self.office.chart()
        live = [item for item in chart["documents"] if item["status"] == "current"]
        came = {item["id"]: item["request"] for item in reversed(chart["filed"])}
        singles = list({came[item["id"]]: item for item in live}.values())
        hashes = [item["hash"] for item in singles]
        doubled = [one for one, two in pairwise(hashes) if one == two]
        if self.office.charts.vendor == "oracle":
            doubled = hashes[1:]
        replaced = [reference for item in singles for reference in item["replaces"]]
        if self.office.charts.vendor == "generic" and len(singles) > 1:
            heads = [item for item in singles if f"DocumentReference/{item['id']}" not in replaced]
            doubled += hashes[1:] if len(heads) != 1 else []
        self.tally.counts["duplicates"] += len(doubled)
        assert not doubled, (self.log, chart)

    def _person(self, write: Write) -> None:
        """Do what the ledger asks of a person, with the chart at hand."""
        self.tally.counts[f"for a person ({write.reason})"] += 1
        chart = self.office.chart()
        live = [item for item in chart["documents"] if item["status"] == "current"]
        known = {item.reference for item in self.office.attempts() if item.id != write.id}
        there = [item for item in live if item["hash"] == write.content_hash and _named(item) not in known]
        for twin in there[1:]:
            self.office.charts.ask("strike", identity=twin["id"])
            self.tally.counts["filed twice by the EHR, and surfaced"] += 1
        if write.reason == "other_document":
            self.office.charts.ask("strike", identity=str(write.reference).partition("/")[2])
        answer = ["--written", _named(there[0])] if there else ["--not-written"]
        self.log.append(f"person {write.reason} {answer}")
        resolved = self.office.writes("resolve", str(write.id), *answer)
        assert resolved.exit == 0, (resolved.err, self.log)

    def _ends_as_written(self) -> None:
        """The chart's last document says what the month says, the ledger knows it, and a further run is idle."""
        before = self.office.chart()
        run = self.run()
        after = self.office.chart()
        assert (run.exit, after) == (0, before), (run.err, self.log)
        attempts = self.office.attempts()
        assert attempts, self.log
        live = [item for item in after["documents"] if item["status"] == "current"]
        twins = len(live) - len({item["request"] for item in _filed(after) if item["id"] in {d["id"] for d in live}})
        assert twins == 0 or self.office.charts.vendor == "oracle", ("a twin that nobody was told of", self.log, after)
        lost = not live or live[-1]["hash"] != run.wanted
        self.tally.counts["lost"] += lost
        assert not lost, (self.log, after)
        assert attempts[-1].state == "written", self.log
        held = {_named(item) for item in after["documents"]}
        amended = {item.target for item in attempts}
        stated = {item.reference for item in attempts if item.state == "written" and item.kind != "retract"}
        assert stated <= held, self.log
        assert {_named(item) for item in live} <= stated | amended, (self.log, attempts, after)
        self.tally.counts["months that ended as written"] += 1


def _filed(chart: Json) -> list[Json]:
    """The request that filed each document first."""
    return list({item["id"]: item for item in reversed(chart["filed"])}.values())


def _named(document: Json) -> str:
    return f"DocumentReference/{document['id']}"
