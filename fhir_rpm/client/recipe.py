"""How one vendor wants to be searched: the `[search]` table of its mapping file."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth

LATE_NOTES = timedelta(days=7)
"""Notes are filed after the contact; the pull reaches this far beyond the month."""


class TypeRecipe(Frozen):
    """How to search one resource type.

    Attributes:
        searches: parameters of each search to make; none where the vendor's resource does not serve.
        date: the parameter that asks for the month.
        date_style: `instants` (ge and lt, with time), `days` (ge and le, dates only) or `none`.
        count: entries a page.
    """

    searches: tuple[dict[str, str], ...] = ({},)
    date: str | None = None
    date_style: Literal["instants", "days", "none"] = "none"
    count: int = Field(default=100, ge=1, le=1000)


class SearchRecipe(Frozen):
    """How to search each type; types without a recipe are not searched."""

    restart_codes: tuple[str, ...] = ()
    types: dict[str, TypeRecipe] = Field(default_factory=dict)

    def queries(self, resource_type: str, patient: str, month: BillingMonth) -> list[dict[str, list[str] | str]]:
        """The query parameters of each search for a patient's month."""
        recipe = self.types.get(resource_type)
        if recipe is None:
            return []
        common: dict[str, list[str] | str] = {"patient": patient, "_count": str(recipe.count)}
        if recipe.date is not None and recipe.date_style != "none":
            common[recipe.date] = _window(recipe.date_style, month, resource_type)
        return [{**common, **search} for search in recipe.searches]


def _window(style: str, month: BillingMonth, resource_type: str) -> list[str]:
    end = month.end + LATE_NOTES if resource_type == "DocumentReference" else month.end
    if style == "days":
        return [f"ge{month.pull_start.date().isoformat()}", f"le{end.date().isoformat()}"]
    return [f"ge{month.pull_start.isoformat()}", f"lt{end.isoformat()}"]
