"""Supply periods: consecutive stretches of days from the start of monitoring (assessment §6)."""

from dataclasses import dataclass
from datetime import date, timedelta

from fhir_rpm.model import Bounds, MonthRecord
from fhir_rpm.month import BillingMonth


@dataclass(frozen=True)
class Period:
    """A supply period that ends in the month, and its days with a reading: a device's, and those of unknown origin."""

    first: date
    last: date
    device: frozenset[date]
    other: frozenset[date]

    @property
    def days(self) -> Bounds:
        """How many days count, and how many could."""
        return Bounds(certain=len(self.device), possible=len(self.device | self.other))

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def periods_of(record: MonthRecord, month: BillingMonth, length: int) -> tuple[Period, ...] | None:
    """The consecutive periods from the start of monitoring that end in the month (assessment §6).

    A period is the month's in which it ends: only then are its days known, and it is billed by its last day.

    Args:
        record: the days with readings; those before the month too.
        month: whose periods are asked for.
        length: days of a period, at most 31.

    Returns:
        None when the start is not known; none when no period ends in the month, or monitoring begins after it.
    """
    if record.monitoring_start is None:
        return None
    found = []
    gone = max(0, (month.first_day - record.monitoring_start).days // length)
    first = record.monitoring_start + timedelta(days=gone * length)
    device, other = record.device_days | record.earlier_device_days, record.other_days | record.earlier_other_days
    while (last := first + timedelta(days=length - 1)) <= month.last_day:
        if last >= month.first_day:
            found.append(Period(first, last, _within(device, first, last), _within(other, first, last)))
        first = last + timedelta(days=1)
    return tuple(found)


def _within(days: frozenset[date], first: date, last: date) -> frozenset[date]:
    return frozenset(day for day in days if first <= day <= last)
