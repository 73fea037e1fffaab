"""Calendar months and FHIR times in the practice's zone: the only date logic of the project.

Two clocks never meet here: nothing in this module asks what time it is now.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from fhir_rpm.errors import ConfigurationError

Precision = Literal["year", "month", "day", "time"]

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_FHIR_TIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"\s*(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?)?)?"
)


@dataclass(frozen=True, slots=True)
class FhirTime:
    """A FHIR `date`, `dateTime` or `instant` as far as it is stated.

    Attributes:
        earliest: the first instant the value can mean, aware, in the practice's zone.
        precision: how much of it was stated; a value without a time of day is a local date (assessment §2, rule 3).
    """

    earliest: datetime
    precision: Precision

    @property
    def day(self) -> date | None:
        """The local calendar date, or None when only a month or a year is stated."""
        return self.earliest.date() if self.precision in ("day", "time") else None

    @property
    def instant(self) -> datetime | None:
        """The point in time, or None when no time of day is stated."""
        return self.earliest if self.precision == "time" else None

    def __str__(self) -> str:
        if self.precision == "time":
            return self.earliest.isoformat()
        return self.earliest.date().isoformat()[: {"year": 4, "month": 7, "day": 10}[self.precision]]


def parse_fhir_time(value: object, zone: tzinfo) -> FhirTime | None:
    """Read a FHIR date or dateTime tolerantly; anything else is None, never an exception.

    Accepts partial dates, a missing zone (taken as local), missing seconds, a space for the `T`, and leap seconds
    (read as the last second of the minute). The result is expressed in `zone`.
    """
    match = _FHIR_TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    part = {name: int(text) for name, text in match.groupdict().items() if text and name not in ("zone", "fraction")}
    try:
        day = datetime(part["year"], part.get("month", 1), part.get("day", 1), tzinfo=zone)
        if "hour" not in part:
            return FhirTime(day, "day" if "day" in part else "month" if "month" in part else "year")
        clock = time(part["hour"], part["minute"], min(part.get("second", 0), 59), _microseconds(match["fraction"]))
        moment = datetime.combine(day.date(), clock, _offset(match["zone"]) or zone)
        return FhirTime(moment.astimezone(zone), "time")
    except (ValueError, OverflowError):
        return None


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "0")[:6].ljust(6, "0"))


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    return datetime.strptime(text.replace(":", ""), "%z").tzinfo


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open stretch of real time; both ends aware, kept in UTC so that a change of clocks adds nothing."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    @property
    def seconds(self) -> int:
        """Whole seconds elapsed; 0 when the end is not after the start."""
        return max(0, int((self.end - self.start).total_seconds()))

    def clipped(self, lower: datetime, upper: datetime) -> "Interval":
        """The part of the interval within `[lower, upper)`; empty when there is none."""
        start, end = max(self.start, lower.astimezone(UTC)), min(self.end, upper.astimezone(UTC))
        return Interval(start, max(start, end))


def union_of(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Unite overlapping or touching intervals, in order of time."""
    united: list[Interval] = []
    for interval in sorted(intervals):
        if united and interval.start <= united[-1].end:
            united[-1] = Interval(united[-1].start, max(united[-1].end, interval.end))
        else:
            united.append(interval)
    return tuple(united)


@dataclass(frozen=True, slots=True)
class BillingMonth:
    """A calendar month in the practice's time zone: `[start, end)`."""

    year: int
    month: int
    zone: ZoneInfo

    @classmethod
    def parse(cls, label: str, time_zone: str) -> "BillingMonth":
        """Read `2026-05` and an IANA zone name.

        Raises:
            ConfigurationError: either is not what it should be.
        """
        match = _MONTH.fullmatch(label)
        if match is None or not 1 <= int(match[1]) <= 9998:
            raise ConfigurationError(f"{label!r} is not a month.", "Write it as YYYY-MM, for example 2026-05.")
        return cls(int(match[1]), int(match[2]), zone_named(time_zone))

    @property
    def first_day(self) -> date:
        """The first calendar day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last calendar day."""
        return (self.first_day + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    @property
    def start(self) -> datetime:
        """Local midnight that opens the month."""
        return datetime.combine(self.first_day, time(), self.zone)

    @property
    def end(self) -> datetime:
        """Local midnight that opens the next month."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), self.zone)

    @property
    def pull_start(self) -> datetime:
        """Where a pull begins: a day early, for calls that run across midnight into the month (assessment §6)."""
        return datetime.combine(self.first_day - timedelta(days=1), time(), self.zone)

    @property
    def before(self) -> "BillingMonth":
        """The month before."""
        day = self.first_day - timedelta(days=1)
        return BillingMonth(day.year, day.month, self.zone)

    def holds(self, moment: FhirTime) -> bool:
        """Whether a contact that starts at `moment` belongs to this month (assessment §2, rule 3)."""
        if moment.precision == "year":
            return False
        return (moment.earliest.year, moment.earliest.month) == (self.year, self.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        remedy = "Use an IANA name, for example America/Chicago."
        raise ConfigurationError(f"{name!r} is not a known time zone.", remedy) from error
