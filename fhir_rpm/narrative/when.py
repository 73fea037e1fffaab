"""Dates and clock times in the forms that notes use."""

import re
from datetime import date, datetime, time

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

CLOCK = (
    r"(?:(?<!\d)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s*[ap]\.?m?\.?(?!\w))?|"
    r"(?<![\d/:.])(?:[01]\d|2[0-4])[0-5]\d(?![\d/]|:\d|-\d{2}-)|(?<!\d)(?:1[0-2]|"
    r"[1-9])\s*[ap]\.?m\.?(?!\w))"
)
CLOCKS = re.compile(CLOCK)
"""Clock times as notes write them."""


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
    clock = time_at(text)
    return datetime.combine(day or date(2000, 1, 1), clock) if clock else None


def time_at(text: str) -> time | None:
    """The time of day of a clock time as notes write it."""
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
