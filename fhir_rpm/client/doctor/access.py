"""The token, and what it allows."""

from fhir_rpm.client.auth import ClientCredentials
from fhir_rpm.client.doctor.report import Finding, failed, ok, skipped, warning
from fhir_rpm.client.doctor.visit import Visit
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.scopes import Interaction
from fhir_rpm.client.token_reply import TokenRefusedError
from fhir_rpm.errors import UnavailableError
from fhir_rpm.vendor import vendor_section

_ALWAYS: tuple[tuple[str, Interaction], ...] = (("Patient", "read"), ("Binary", "read"))
_OPTIONAL: tuple[tuple[str, Interaction], ...] = (("Practitioner", "read"), ("CareTeam", "search"), ("Group", "read"))


def check_token(visit: Visit) -> Finding:
    """Whether the server gives a token."""
    auth = visit.authenticated()
    if not visit.has_credentials:
        return skipped("No credentials are configured; the server is read as an open one.")
    if not isinstance(auth, ClientCredentials):
        return ok("A ready-made token is used; the reads below show whether it is accepted.")
    try:
        auth.header(False)
    except TokenRefusedError as error:
        known = error.code is not None and error.code in visit.knowledge.causes
        return failed(str(error.code)) if known else failed("token_refused", error.problem)
    except UnavailableError as error:
        return failed("server_error", error.problem, error.remedy)
    return ok("The server gave a token.")


def check_scopes(visit: Visit) -> Finding:
    """Whether the scopes that came with the token cover everything a month is judged by."""
    auth = visit.authenticated()
    granted = auth.granted if isinstance(auth, ClientCredentials) else None
    if granted is None:
        return skipped("Only a token that the server has just given tells its scopes.")
    if not granted.text:
        return skipped("The server does not say which scopes it granted; the reads below show what is allowed.")
    recipe = vendor_section(visit.settings.vendor, "search", SearchRecipe)
    lacking = [need for need in (*_ALWAYS, *_needs(recipe, needed=True)) if granted.lacks(*need)]
    if lacking:
        kinds = {kind for kind, _ in lacking}
        unsearched = all(how == "search" and not granted.lacks(kind, "read") for kind, how in lacking)
        seen = f"Lacking: {', '.join(sorted(kinds))}."
        return failed("scope_without_search" if unsearched else "scopes_lacking", seen)
    if visit.settings.write_access and granted.lacks("DocumentReference", "create"):
        return warning("scope_without_create")
    optional = {kind for kind, how in (*_OPTIONAL, *_needs(recipe, needed=False)) if granted.lacks(kind, how)}
    if optional:
        return warning("scopes_optional_lacking", f"Lacking: {', '.join(sorted(optional))}.")
    return ok(f"{len(granted.text.split())} scopes cover what is read and written.")


def _needs(recipe: SearchRecipe, *, needed: bool) -> list[tuple[str, Interaction]]:
    """What the vendor's recipe searches: the types that a month is judged by, or those that only add to it."""
    kinds = [kind for kind, how in recipe.types.items() if how.searches and how.needed == needed]
    interactions: tuple[Interaction, ...] = ("read", "search")
    return [(kind, interaction) for kind in kinds for interaction in interactions]
