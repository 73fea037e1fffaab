"""How one vendor wants to be searched: the `[search]` table of its mapping file."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from fhir_rpm.client.search import SearchLimits
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth

Query = dict[str, list[str] | str]


class TypeRecipe(Frozen):
    """How to search one resource type.

    Attributes:
        searches: parameters of each search to make; none where the vendor's resource does not serve.
        by: whose resources are asked for: the `patient`'s, or those sent to a `recipient` among the staff.
        dates: parameters that ask for the month; each makes a search of its own.
        date_style: `instants` (ge and lt, with time), `closed` (ge and le, with time), `days` (ge and le, dates only)
            or `none`.
        late_days: how long after the month's end what belongs to it may be dated.
        count: entries a page; 0 leaves it to the server.
        required: parameters without which the server refuses; the rest is dropped where it is not declared.
        needed: whether a server that does not declare the type leaves a gap.
        threads: the parameter that finds a thread's messages by their header, if the vendor has such.
        most: the number of results beyond which the server silently stops.
    """

    searches: tuple[dict[str, str], ...] = ({},)
    by: Literal["patient", "recipient"] = "patient"
    dates: tuple[str, ...] = ()
    date_style: Literal["instants", "closed", "days", "none"] = "none"
    late_days: int = Field(default=0, ge=0, le=366)
    count: int = Field(default=100, ge=0, le=1000)
    required: tuple[str, ...] = ()
    needed: bool = True
    threads: str | None = None
    most: int | None = None

    @property
    def late(self) -> timedelta:
        """How long after the month's end the window reaches."""
        return timedelta(days=self.late_days)

    def queries(self, who: str, month: BillingMonth, declared: frozenset[str] | None) -> list[Query]:
        """The query parameters of each search; none when the server does not declare what it takes.

        Args:
            who: the id of the patient, or the recipient's reference.
            month: the month; the window begins a day before it.
            declared: the search parameters that the server declares; None when it does not say.
        """
        whose = self._whose(who, declared)
        if whose is None or any(_is_missing(name, declared) for name in self.required):
            return []
        fixed: Query = {**whose, **({"_count": str(self.count)} if self.count else {})}
        dates = [name for name in self.dates if not _is_missing(name, declared)] if self.date_style != "none" else []
        windows: list[Query] = [{name: self._window(month)} for name in dates] or [{}]
        found: list[Query] = []
        for search in self.searches:
            kept = {name: value for name, value in search.items() if not _is_missing(name, declared)}
            found += [query for window in windows if (query := {**fixed, **window, **kept}) not in found]
        return found

    def _whose(self, who: str, declared: frozenset[str] | None) -> Query | None:
        if not _is_missing(self.by, declared):
            return {self.by: who}
        if self.by == "patient" and not _is_missing("subject", declared):
            return {"subject": f"Patient/{who}"}
        return None

    def _window(self, month: BillingMonth) -> list[str]:
        start, end = month.pull_start, month.end + self.late
        if self.date_style == "days":
            return [f"ge{start.date().isoformat()}", f"le{end.date().isoformat()}"]
        return [f"ge{start.isoformat()}", f"{'le' if self.date_style == 'closed' else 'lt'}{end.isoformat()}"]


class SearchRecipe(Frozen):
    """How to search each type; types without a recipe are not searched.

    Attributes:
        restart_codes: errors by which the server says that a search has ended on the way.
        honest_total: whether `Bundle.total` counts the matches.
        silent_zero: whether an empty answer may only mean that the server does not know a parameter; where it lists
            none, it is then asked again without those that can be done without.
    """

    restart_codes: tuple[str, ...] = ()
    honest_total: bool = True
    silent_zero: bool = False
    limits: SearchLimits = SearchLimits()
    types: dict[str, TypeRecipe] = Field(default_factory=dict)


def _is_missing(name: str, declared: frozenset[str] | None) -> bool:
    """Whether a server that lists its parameters leaves this one out; `_count` and its like need no listing."""
    return declared is not None and not name.startswith("_") and name.partition(":")[0] not in declared
