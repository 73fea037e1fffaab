"""One patient's month, asked of one server: its recipe, what it declares, and what belongs to the question."""

from dataclasses import dataclass, replace

from fhir_rpm.client.capability import Capability
from fhir_rpm.client.extent import Extent
from fhir_rpm.client.gaps import code_of_error, gap
from fhir_rpm.client.pull import Pull
from fhir_rpm.client.recipe import Query, SearchRecipe, TypeRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.month import BillingMonth


@dataclass(frozen=True)
class Inquiry:
    """What every evidence module asks with.

    Attributes:
        searcher: how to search.
        recipe: how this vendor wants to be searched.
        capability: what the server declares.
        patients: the patient's ids, the one in force first.
        month: the month that is judged.
    """

    searcher: Searcher
    recipe: SearchRecipe
    capability: Capability
    patients: tuple[str, ...]
    month: BillingMonth

    def recipe_for(self, resource_type: str) -> TypeRecipe:
        """The type's recipe; a type without one is not searched."""
        return self.recipe.types.get(resource_type, TypeRecipe(searches=()))

    def extent(self, resource_type: str) -> Extent:
        """What a search of the type should bring."""
        return Extent(self.patients, self.month, self.recipe_for(resource_type).late)

    def ask(self, resource_type: str) -> Pull:
        """Everything of a type that belongs to the patient's month.

        Raises:
            AccessError: the token was refused.
            UnavailableError: the server could not be reached.
        """
        return self.ask_for(resource_type, self.patients[0], self.extent(resource_type))

    def ask_for(self, resource_type: str, who: str, extent: Extent) -> Pull:
        """The same for anybody's resources; errors as there."""
        recipe = self.recipe_for(resource_type)
        if not recipe.searches:
            return Pull()
        declared = self.capability.parameters(resource_type)
        queries = recipe.queries(who, self.month, declared) if self.capability.may_search(resource_type) else []
        if not queries:
            return Pull(gaps=(gap(resource_type, "not_declared"),)) if recipe.needed else Pull()
        pull = self.search_all(resource_type, queries, extent)
        if self.recipe.silent_zero and declared is None and not pull.resources and not pull.gaps:
            plain = recipe.queries(who, self.month, frozenset({recipe.by, *recipe.required}))
            if plain and plain != queries:
                return self.search_all(resource_type, plain, extent)
        return pull

    def search_all(self, resource_type: str, queries: list[Query], extent: Extent) -> Pull:
        """Several searches; one that fails leaves a gap and never loses the others.

        Raises:
            AccessError, UnavailableError: all of them failed.
        """
        pull = Pull()
        errors: list[AccessError | UnavailableError] = []
        most = self.recipe_for(resource_type).most
        for query in queries:
            try:
                pull += self.searcher.search(resource_type, query, extent, most=most)
            except (AccessError, UnavailableError) as error:
                errors.append(error)
        if errors and len(errors) == len(queries):
            raise errors[0]
        return pull + Pull(gaps=tuple(failed(resource_type, error).gaps[0] for error in errors))

    def for_anybody(self) -> "Inquiry":
        """The same question about everybody's resources, for searches that cannot ask for a patient."""
        return replace(self, patients=())


def failed(resource_type: str, error: AccessError | UnavailableError) -> Pull:
    """A search that brought nothing, as a gap."""
    return Pull(gaps=(gap(resource_type, code_of_error(error)),))
