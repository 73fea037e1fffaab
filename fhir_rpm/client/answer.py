"""An answer read to its end, and its JSON, read as tolerantly as losing nothing allows."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None: servers answer with HTML, nothing, or half of it.

        UTF-8 with or without a mark, else the charset that Content-Type names; nothing is guessed, for a page that
        cannot be read is reported as missing. NaN, Infinity and numbers beyond a double become null: they are no
        JSON and no value. Other decimals become floats, whose shortest form has the digits that were sent but for
        trailing zeros; readings are shown, and never reckoned with. Of a repeated key the last counts, but where the
        key is `entry` or `link`: half of a search result would be lost without a word. A body of far more values than
        FHIR of any size a server pages by has is not read, for each of them takes a hundred times its bytes of memory.
        """
        if sum(self.body.count(mark) for mark in _MARKS) > _MOST_MARKS:
            return None
        hook = _unrepeated if any(self.body.count(key) > 1 for key in _COUNTED) else None
        try:
            value = json.loads(
                self._text(), parse_constant=lambda _name: None, parse_float=_finite, object_pairs_hook=hook
            )
            value = _without_surrogates(value) if _SURROGATE.search(self.body) else value
        except (ValueError, RecursionError, LookupError):
            return None
        return value if isinstance(value, dict) else None

    def _text(self) -> str:
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            charset = _CHARSET.search(self.headers.get("Content-Type") or "")
            return self.body.decode(charset[1] if charset else "utf-8")


_MARKS = (b"{", b"[", b",")
_MOST_MARKS = 5_000_000
"""Objects, lists and commas; FHIR has one in 15 bytes or more, so that 64 MB of it stay below."""

_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9._:-]+)", re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _without_surrogates(node: Any) -> Any:
    """Half an emoji, cut off by a server's column, cannot be written anywhere: it becomes U+FFFD."""
    if isinstance(node, str):
        return node.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(node, dict):
        return {_without_surrogates(key): _without_surrogates(value) for key, value in node.items()}
    return [_without_surrogates(item) for item in node] if isinstance(node, list) else node


_COUNTED = (b'"entry"', b'"link"')


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if names.count("entry") > 1 or names.count("link") > 1:
        raise ValueError("a key is repeated")
    return dict(pairs)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if abs(value) != float("inf") else None
