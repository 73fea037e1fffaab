"""Lengths of time that a note tells, as candidates for the length of the exchange to be weighed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import combinations, islice

from fhir_rpm.narrative.lexicon import Span
from fhir_rpm.narrative.when import CLOCK, CLOCKS, time_at
from fhir_rpm.narrative.words import Row

_TO = r"\s*(?:-{1,2}>?|to|until|til|till|thru|through|and|→|a|al|hasta|~|/)\s*"
_RANGE = re.compile(rf"({CLOCK}){_TO}({CLOCK})")
_LONGEST = 3 * 3600
_MOST_CLOCKS = 14

MOST = 40
"""Lengths of one form that are weighed; a note of one contact tells fewer."""

_WORDS = {
    name: value
    for value, names in {
        1: "one a un una",
        2: "two dos",
        3: "three tres",
        4: "four cuatro",
        5: "five cinco",
        6: "six seis",
        7: "seven siete",
        8: "eight ocho",
        9: "nine nueve",
        10: "ten diez",
        11: "eleven once",
        12: "twelve doce",
        13: "thirteen trece",
        14: "fourteen catorce",
        15: "fifteen quince",
        16: "sixteen",
        17: "seventeen",
        18: "eighteen",
        19: "nineteen",
        20: "twenty veinte",
        25: "twenty-five",
        30: "thirty treinta",
        40: "forty",
        45: "forty-five",
        50: "fifty",
    }.items()
    for name in names.split()
}
_NUMBER = rf"\d{{1,3}}(?:\.\d)?|{'|'.join(sorted(_WORDS, key=len, reverse=True))}"
_MINUTES = re.compile(
    rf"(?:(?<![\w./:$#-])|(?<=\bx))(?P<n>{_NUMBER})\s*-?\s*(?:min(?:ute|uto)?s?\b|mins?\b|"
    rf"(?:(?<=\d)|(?<=\d ))m\b(?![a-z/])|'(?![\w'])|′)(?:\s*(?:and|,|y)?\s*(?P<s>\d{{1,2}})\s*(?:s|sec(?:ond)?s?)\b)?"
)
_PHRASES = (
    (re.compile(r"\b(?:half an hour|half hour|1/2 hour|media hora)\b"), 1800),
    (re.compile(r"\b(?:a )?quarter(?: of an)? hour\b|\bun cuarto de hora\b"), 900),
    (re.compile(r"\bthree[- ]quarters of an hour\b"), 2700),
    (re.compile(r"\b(?:an|one|1) hour\b"), 3600),
)
_STOPWATCH = re.compile(
    r"\b(?:duration|length|talk time|call time|total time|dur|elapsed|time|lasted|timer|"
    r"connected)\W{0,5}(?:(\d{1,2}):)?(\d{1,2}):(\d\d)\b(?!\s*[ap]m)"
)
_SECONDS = re.compile(r"(?<![\d.:])(\d{1,3})\s*-?(?:secs?|seconds?|segundos)\b")


@dataclass(frozen=True)
class Length:
    """A length told in the text.

    Attributes:
        seconds: how long.
        span: where its words stand.
        kind: `range` (two clock times joined), `count` (of minutes), `pair` (two apart) or `sitting`
            (of messages).
        begins, ends: local clock times, when told by them.
        parts: the words of its beginning and of its end, for a `pair`.
    """

    seconds: int
    span: Span
    kind: str
    begins: time | None = None
    ends: time | None = None
    parts: tuple[Span, ...] = ()


def lengths_in(low: str) -> list[Length]:
    """Every length that the text could tell, by a count, by joined clock times, by any two of them; in order."""
    found = [*_ranges(low)]
    for match in islice(_MINUTES.finditer(low), MOST):
        if not _inside(match, found):
            number = match["n"]
            minutes = float(_WORDS[number]) if number in _WORDS else float(number)
            found.append(Length(int(minutes * 60) + int(match["s"] or 0), match.span(), "count"))
    for pattern, seconds in _PHRASES:
        found += [
            Length(seconds, match.span(), "count")
            for match in islice(pattern.finditer(low), MOST)
            if not _inside(match, found)
        ]
    for match in islice(_STOPWATCH.finditer(low), MOST):
        seconds = int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])
        found.append(Length(seconds, match.span(), "count"))
    found += [
        Length(int(match[1]), match.span(), "count")
        for match in islice(_SECONDS.finditer(low), MOST)
        if not _inside(match, found)
    ]
    return sorted([*found, *_pairs(low, found)], key=lambda length: length.span)


def _inside(match: re.Match[str], found: list[Length]) -> bool:
    return any(length.span[0] <= match.start() < length.span[1] for length in found)


def _ranges(low: str) -> Iterator[Length]:
    for match in islice(_RANGE.finditer(low), MOST):
        begins, ends = _paired(match[1], match[2])
        if begins is not None and ends is not None and 0 < (seconds := _between(begins, ends)) <= _LONGEST:
            yield Length(seconds, match.span(), "range", begins, ends)


def _pairs(low: str, ranges: list[Length]) -> Iterator[Length]:
    """Clock times that stand apart, two by two: "connected 10:02 … 10:21 off"."""
    clocks = [match for match in islice(CLOCKS.finditer(low), MOST) if not _inside(match, ranges)][:_MOST_CLOCKS]
    for first, second in combinations(clocks, 2):
        begins, ends = _paired(first[0], second[0])
        if begins is not None and ends is not None and 0 < (seconds := _between(begins, ends)) <= _LONGEST:
            yield Length(seconds, (first.start(), second.end()), "pair", begins, ends, (first.span(), second.span()))


def length_features(row: Row, length: Length, every: list[Length]) -> set[str]:
    """What speaks for or against a length being that of the exchange."""
    minutes = length.seconds // 60
    size = next(f"<{limit}" for limit in (1, 3, 6, 11, 21, 31, 61, 999) if minutes < limit)
    alike = [other for other in every if other.kind == length.kind]
    found = {f"kind:{length.kind}", f"{length.kind}{size}", f"{length.kind} of {min(3, len(alike))}"}
    found |= {f"beside:{other.kind}" for other in every if other is not length and other.seconds == length.seconds}
    found |= {f"also:{other.kind}" for other in every if other.kind != length.kind}
    if length.kind == "pair":
        first, second = length.parts
        found |= row.around(first, "from") | row.around(second, "till")
        found.add(f"outermost:{first[0] == min(x.span[0] for x in alike)}:{second[1] == max(x.span[1] for x in alike)}")
    else:
        found |= {f"{length.kind}{feature}" for feature in row.around(length.span)} | row.around(length.span)
        found.add("last" if length is alike[-1] else "first" if length is alike[0] else "between")
    return found


def _paired(first: str, second: str) -> tuple[time | None, time | None]:
    """Two clock times; `4:30-4:40 pm` gives its half of the day to both."""
    late = re.search(r"[ap]\.?m?\.?$", second.strip())
    if late and not re.search(r"[ap]", first) and ":" in first + second:
        begins, ends = time_at(f"{first.strip()} {late[0]}"), time_at(second)
        if begins and ends and _between(begins, ends) <= _LONGEST:
            return begins, ends
    return time_at(first), time_at(second)


def _between(begins: time, ends: time) -> int:
    base = date(2000, 1, 1)
    gap = datetime.combine(base, ends) - datetime.combine(base, begins)
    return int((gap if gap >= timedelta(0) else gap + timedelta(days=1)).total_seconds())
