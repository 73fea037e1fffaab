"""Seeded ways to break a FHIR payload: what is dropped, of the wrong type, huge, deep, duplicated or unprintable."""

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Place = tuple[Any, Any]
"""A container and the key or index of a value in it."""

WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5e308, 10**40, "", " ", [], {}, [[]], [None], "2026-13-45T99:99:99Z")
ODD = (
    "\x00\x01\x1b[31m\x7f",
    "‮‏\ufeff\u200b\u2028",
    "\ud800 lone \udfff",
    "é́́́́́́́́́ 𝔘𝔫𝔦 👩🏽‍⚕️",
    "٢٠٢٦-٠٥-١٤",
    "2026-05-14T14:02:60.123456789+14:00",
    "../../../etc/passwd#%00",
    "Encounter/" * 50,
    "{\\rtf1 {{{{\\'zz",
    "<html><div><p>" * 20,
)
LONG = 20_000
DEEP = 150


def copied(value: Any) -> Any:
    """A copy that shares nothing, as a payload read from a server shares nothing."""
    return json.loads(json.dumps(value))


def places(value: Any) -> Iterator[Place]:
    """Every value within a payload, by its container, outer ones first."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys: Any = range(len(holder)) if isinstance(holder, list) else list(holder)
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def _drop(place: Place, random: Random) -> None:
    holder, key = place
    del holder[key]


def _wrong(place: Place, random: Random) -> None:
    holder, key = place
    holder[key] = copied(random.choice(WRONG))


def _nest(place: Place, random: Random) -> None:
    holder, key = place
    holder[key] = random.choice([[holder[key]], {"value": holder[key]}, [[holder[key]], holder[key]]])


def _long(place: Place, random: Random) -> None:
    holder, key = place
    piece = random.choice(["a", "1", "9:00-9:", "(", "patient called ", "<b>", "5/", "\n", "10 min, "])
    holder[key] = (piece * LONG)[:LONG]


def _odd(place: Place, random: Random) -> None:
    holder, key = place
    old = holder[key] if isinstance(holder[key], str) else ""
    holder[key] = random.choice([random.choice(ODD), old + random.choice(ODD)])


def _deep(place: Place, random: Random) -> None:
    holder, key = place
    for level in range(DEEP):
        holder[key] = [holder[key]] if level % 2 else {random.choice(["extension", "coding", "resource"]): holder[key]}


def _twice(place: Place, random: Random) -> None:
    holder, key = place
    if isinstance(holder, list):
        holder += [copied(holder[key]) for _ in range(random.choice([1, 5]))]
    else:
        holder[key] = [holder[key], copied(holder[key])]


def _swap(place: Place, random: Random) -> None:
    holder, key = place
    other, elsewhere = random.choice(list(places(holder)))
    holder[key] = copied(other[elsewhere])


MUTATIONS: tuple[Callable[[Place, Random], None], ...] = (_drop, _wrong, _nest, _long, _odd, _deep, _twice, _swap)


def mutated(payload: list[Any], random: Random, times: int) -> list[Any]:
    """A copy of the payload, broken in `times` places."""
    broken = copied(payload)
    for _ in range(times):
        if found := list(places(broken)):
            random.choice(MUTATIONS)(random.choice(found), random)
    return broken


EVIDENCE = re.compile(
    "author|context|data|date|display|end|individual|length|participant|payload|period|received|sender|sent|start"
)
"""Elements that only ever speak for a contact; of status, type, class, medium or category that is not so."""


def weakened(payload: list[Any], random: Random, times: int) -> list[Any]:
    """A copy of the payload in which evidence is dropped or corrupted, and nothing else."""
    broken = copied(payload)
    for _ in range(times):
        if found := [(holder, key) for holder, key in places(broken) if EVIDENCE.fullmatch(str(key))]:
            random.choice((_drop, _wrong))(random.choice(found), random)
    return broken
