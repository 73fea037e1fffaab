"""Dates, clock times and minutes in the forms that notes use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fhir_rpm.narrative.lexicon import Span

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan enero",
            "february feb febrero",
            "march mar marzo",
            "april apr abril",
            "may mayo",
            "june jun junio",
            "july jul julio",
            "august aug agosto",
            "september sep sept septiembre",
            "october oct octubre",
            "november nov noviembre",
            "december dec diciembre",
        ),
        1,
    )
    for name in names.split()
}
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"(?<![\d/.-])(?P<y>20\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<![\d/.-])(?P<m>\d{1,2})[/.-](?P<d>\d{1,2})[/.-](?P<y>(?:20)?\d\d)(?![\d/]|-\d|\.\d)"),
    re.compile(rf"\b(?P<n>{_NAME})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>20\d\d(?!\d)|'?\d\d(?![\d:]))"),
    re.compile(
        rf"(?<![\d/])(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -](?:de |of )?(?P<n>{_NAME})\.?,?[ -](?:de |"
        rf"del )?(?P<y>20\d\d(?!\d)|'?\d\d(?![\d:]))"
    ),
)
_ENTRY = re.compile(
    r"(?:entered|entry (?:made|date)|signed|filed|typed|documented|dictated|printed|as of|"
    r"through|until|dob|born|d\.o\.b\.?|next|due|appt|appointment|recheck|f/u|scheduled|since|"
    r"last)\W{0,4}(?:on |for |by )?$"
)

_CLOCK = (
    r"(?:(?<!\d)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s*[ap]\.?m?\.?(?!\w))?|"
    r"(?<![\d/:.])(?:[01]\d|2[0-4])[0-5]\d(?![\d/:]|-\d{2}-)|(?<!\d)(?:1[0-2]|"
    r"[1-9])\s*[ap]\.?m\.?(?!\w))"
)
_TO = r"\s*(?:-{1,2}>?|to|until|till|thru|through|and|→|a|al|hasta|~|/)\s*"
_RANGE = re.compile(rf"({_CLOCK}){_TO}({_CLOCK})")
_LABELLED = re.compile(
    rf"(?:start(?:ed|s)?|began|begin|connected|on|from|t0|in|joined|inicio|opened|answered|"
    rf"picked up)(?: time| at)?\W{{0,4}}({_CLOCK})"
    rf".{{0,80}}?(?:stop(?:ped|s)?|end(?:ed|s)?|disconnect(?:ed)?|off|finish(?:ed)?|out|to|t1|"
    rf"hung up|fin|closed|left)(?: time| at)?\W{{0,4}}({_CLOCK})",
    re.DOTALL,
)
_TRAILING = re.compile(
    rf"({_CLOCK})\s*(?:on|connected|start(?:ed)?).{{0,400}}?({_CLOCK})\s*(?:off|disconnect(?:ed)?|end(?:ed)?|stop(?:ped)?|done)",
    re.DOTALL,
)

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
    rf"(?:(?<![\w./:$#-])|(?<=\bx))(?P<n>{_NUMBER})\s*-?\s*(?:min(?:ute|uto)?s?\b|mins?\b|m\b(?![a-z/])|'(?![\w'])|′)(?:\s*(?:and|,|y)?\s*(?P<s>\d{{1,2}})\s*(?:s|sec(?:ond)?s?)\b)?"
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
    """A length told in the text: seconds, where it stands, and clock times when it was told by them."""

    seconds: int
    span: Span
    begins: time | None = None
    ends: time | None = None


def dates_in(low: str) -> list[tuple[date, Span, bool]]:
    """Full calendar dates, where they stand, and whether they date the entry or a plan instead of the event."""
    found = []
    for pattern in _DATES:
        for match in pattern.finditer(low):
            day = _date(match)
            if day is not None:
                aside = _ENTRY.search(low[max(0, match.start() - 24) : match.start()]) is not None
                found.append((day, match.span(), aside))
    return sorted(found, key=lambda item: item[1])


def day_at(line: str) -> date | None:
    """The date that a line of a transcript states; a month and day without a year get a leap year, for order alone."""
    full = dates_in(line)
    if full:
        return full[0][0]
    match = re.search(
        rf"\b(?P<n>{_NAME})\.? (?P<d>\d{{1,2}})\b|(?<![\d/])(?P<m>1[0-2]|0?[1-9])/(?P<dd>\d{{1,2}})(?![\d/])", line[:40]
    )
    if match is None:
        week = re.search(r"\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b", line[:24])
        return date(2000, 1, 3 + _WEEK.index(week[1])) if week else None
    month = _MONTHS[match["n"]] if match["n"] else int(match["m"])
    try:
        return date(2000, month, int(match["d"] or match["dd"]))
    except ValueError:
        return None


_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _date(match: re.Match[str]) -> date | None:
    part = match.groupdict()
    month = _MONTHS[part["n"]] if part.get("n") else int(part["m"])
    year = int(part["y"].lstrip("'"))
    try:
        return date(year + 2000 if year < 100 else year, month, int(part["d"]))
    except ValueError:
        return None


def clock_at(text: str, day: date | None) -> datetime | None:
    """A clock time on a day, for comparing turns; without a day on an arbitrary one."""
    clock = _time(text)
    return datetime.combine(day or date(2000, 1, 1), clock) if clock else None


def _time(text: str) -> time | None:
    match = re.match(r"(\d{1,2}):?(\d\d)?(?::(\d\d))?\s*([ap])?", text.strip())
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[2] is None and len(match[1]) > 2:
        hour, minute = divmod(int(match[1]), 100)
    if match[4] == "p" and hour < 12:
        hour += 12
    if match[4] == "a" and hour == 12:
        hour = 0
    return time(hour % 24, minute, int(match[3] or 0)) if hour <= 24 and minute < 60 else None


def lengths_in(low: str) -> Iterator[Length]:
    """Every length told, by clock times or by a count of minutes, in order of position."""
    found = [*_by_clock(low)]
    for match in _MINUTES.finditer(low):
        if not _inside(match, found):
            number = match["n"]
            minutes = float(_WORDS[number]) if number in _WORDS else float(number)
            found.append(Length(int(minutes * 60) + int(match["s"] or 0), match.span()))
    for pattern, seconds in _PHRASES:
        found += [Length(seconds, match.span()) for match in pattern.finditer(low) if not _inside(match, found)]
    for match in _STOPWATCH.finditer(low):
        found.append(Length(int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3]), match.span()))
    found += [Length(int(match[1]), match.span()) for match in _SECONDS.finditer(low) if not _inside(match, found)]
    yield from sorted(found, key=lambda length: length.span)


def _inside(match: re.Match[str], found: list[Length]) -> bool:
    return any(length.span[0] <= match.start() < length.span[1] for length in found)


def _by_clock(low: str) -> Iterator[Length]:
    spans: list[Span] = []
    for pattern in (_RANGE, _LABELLED, _TRAILING):
        for match in pattern.finditer(low):
            if any(start < match.end() and match.start() < end for start, end in spans):
                continue
            begins, ends = _paired(match[1], match[2])
            if begins is None or ends is None:
                continue
            seconds = _between(begins, ends)
            if 0 < seconds <= 3 * 3600:
                spans.append(match.span())
                yield Length(seconds, match.span(), begins, ends)


def _paired(first: str, second: str) -> tuple[time | None, time | None]:
    """Two clock times; `4:30-4:40 pm` gives its half of the day to both."""
    late = re.search(r"[ap]\.?m?\.?$", second.strip())
    if late and not re.search(r"[ap]", first) and ":" in first + second:
        begins, ends = _time(f"{first.strip()} {late[0]}"), _time(second)
        if begins and ends and _between(begins, ends) <= 3 * 3600:
            return begins, ends
    return _time(first), _time(second)


def _between(begins: time, ends: time) -> int:
    base = date(2000, 1, 1)
    gap = datetime.combine(base, ends) - datetime.combine(base, begins)
    return int((gap if gap >= timedelta(0) else gap + timedelta(days=1)).total_seconds())
