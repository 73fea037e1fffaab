"""What a token endpoint answered: a token, or a refusal with its cause and remedy named.

Nothing of the answer's own words is repeated: an error_description can hold what was sent.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from fhir_rpm.client.discovery import Discovery, what_came
from fhir_rpm.client.scopes import GrantedScopes
from fhir_rpm.client.transport import Answer
from fhir_rpm.errors import AccessError, UnavailableError

USUAL_LIFETIME = 300.0
"""Seconds a token is taken to live when the reply does not say (SMART App Launch 2.2 advises at most 300)."""

LONGEST_LIFETIME = 12 * 3600.0
"""No token is kept longer, whatever the reply says; milliseconds given for seconds are seen."""

SKEW = 60.0
"""Seconds by which clocks may differ before an assertion's `iat` and `exp` can be the reason of a refusal."""

_REMEDIES = {
    "invalid_client": "Check client_id, key_id and that the public key is registered; a new registration can take "
    "up to an hour in a sandbox and 12 hours at a customer.",
    "unauthorized_client": "Ask the site whether the app is enabled and mapped to a background user.",
    "invalid_scope": "Ask for scopes that the app is registered for, in the syntax the server expects (v1 or v2).",
    "invalid_grant": "Check the token URL, the audience and this machine's clock.",
    "invalid_request": "Check client_id, token_url and how the app is registered.",
    "unsupported_grant_type": "The server does not offer client_credentials to this app; ask the site.",
}


@dataclass(frozen=True)
class Token:
    """A token in use; its text is kept out of every representation."""

    text: str = field(repr=False)
    lifetime: float
    granted: GrantedScopes


class TokenRefusedError(AccessError):
    """The token endpoint said no, for the OAuth reason `code`; None when it gave none that is known."""

    def __init__(self, problem: str, remedy: str, code: str | None, status: int) -> None:
        super().__init__(problem, remedy)
        self.code = code
        self.status = status


def read_token(answer: Answer) -> Token:
    """The token of a reply.

    Raises:
        TokenRefusedError: the server refused, or says something that is no use.
        UnavailableError: the server failed in a way that may pass.
    """
    reply = answer.json()
    _raise_for_failure(answer, reply)
    text = (reply or {}).get("access_token")
    kind = (reply or {}).get("token_type", "Bearer")
    if not is_usable(text):
        raise _useless(answer, "holds no usable access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _useless(answer, "is for a token of another type than bearer")
    return Token(str(text), _lifetime((reply or {}).get("expires_in")), GrantedScopes.parse((reply or {}).get("scope")))


def is_usable(token: object) -> bool:
    """Whether a token can stand in a header: visible ASCII, no spaces (a line end would open a second header)."""
    return isinstance(token, str) and token != "" and all("!" <= character <= "~" for character in token)


def _raise_for_failure(answer: Answer, reply: Mapping[str, Any] | None) -> None:
    if 300 <= answer.status < 400:
        problem = f"The token endpoint answers with a redirect (HTTP {answer.status}), which is never followed."
        raise TokenRefusedError(problem, "Set token_url to the endpoint itself.", None, answer.status)
    if answer.status >= 500 or answer.status == 429:
        raise UnavailableError(f"The token endpoint failed with HTTP {answer.status}.", "Try again later.")
    if answer.status >= 400 or (reply or {}).get("error"):
        raise _refusal(answer.status, reply or {})
    if reply is None:
        came = what_came(answer, reply, "") if answer.status == 200 else "no JSON object"
        if came == "a web page":
            raise _useless(answer, "is a web page")
        raise UnavailableError(f"The token endpoint's answer is {came}.", "Try again; else check token_url.")


def _useless(answer: Answer, what: str) -> TokenRefusedError:
    problem = f"The token endpoint's answer {what}."
    return TokenRefusedError(problem, "Check token_url, and proxies on the way.", None, answer.status)


def _refusal(status: int, reply: Mapping[str, Any]) -> TokenRefusedError:
    code = reply.get("error")
    known = code if isinstance(code, str) and code in _REMEDIES else None
    cause = f"{known} (HTTP {status})" if known else f"HTTP {status}"
    remedy = _REMEDIES[known] if known else "Check client_id, key and token_url."
    return TokenRefusedError(f"The token request was refused: {cause}.", remedy, known, status)


def with_hints(refused: TokenRefusedError, answer: Answer, now: float, hints: tuple[str, ...]) -> TokenRefusedError:
    """The refusal, with what speaks for a cause: clocks that differ, and what the server declares of itself."""
    said = (refused.remedy, *clock_hint(answer, now), *hints)
    return TokenRefusedError(refused.problem, " ".join(said), refused.code, refused.status)


def clock_hint(answer: Answer, now: float) -> tuple[str, ...]:
    """A sentence when the server's Date and this machine's clock are too far apart for an assertion."""
    try:
        ahead = now - parsedate_to_datetime(answer.headers.get("Date") or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return ()
    if abs(ahead) <= SKEW:
        return ()
    way = "ahead of" if ahead > 0 else "behind"
    return (f"This machine's clock is {abs(ahead):.0f} seconds {way} the server's; set it (NTP).",)


def method_hints(found: Discovery, method: str, algorithm: str | None) -> tuple[str, ...]:
    """What the server declares against the way we authenticate; said only after a refusal, for it may be wrong."""
    hints = []
    if found.methods and method not in found.methods:
        hints.append(f"The server does not declare {method}.")
    if algorithm is not None and found.algorithms and algorithm not in found.algorithms:
        hints.append(f"The server does not declare {algorithm}; make a key of the other kind with fhir-rpm keys new.")
    return tuple(hints)


def _lifetime(expires_in: object) -> float:
    """Seconds, taken literally where they can be; absent, zero, negative or absurd ones are the usual few minutes."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, int | float | str) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if isinstance(expires_in, bool) or not seconds > 0:
        return USUAL_LIFETIME
    return min(seconds, LONGEST_LIFETIME)
