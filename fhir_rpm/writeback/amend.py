"""An amendment says what changed since the earlier document, by codes and resource ids."""

import base64
import textwrap
from collections.abc import Iterator

from fhir_rpm.model.write import Outline, WriteKind
from fhir_rpm.writeback.desk import Json

_WIDTH = 76
_VERBS: dict[WriteKind, str] = {"replace": "It replaces", "update": "It is a new version of", "addendum": "It amends"}


def preface(kind: WriteKind, earlier: str | None, before: Outline | None, after: Outline) -> str:
    """The lines above an amended summary."""
    named = earlier or "an earlier summary whose id is not known"
    lines = ["AMENDED SUMMARY", f"{_VERBS[kind]} {named}. What changed since then:"]
    if before is None:
        lines.append("- the earlier summary is not on record in detail; compare the two")
    else:
        lines += [f"- {change}" for change in changes(before, after)] or ["- details of contacts or remarks"]
    wrapped = [piece for line in lines for piece in textwrap.wrap(line, _WIDTH, subsequent_indent="    ")]
    return "\n".join(wrapped) + "\n\n"


def changes(before: Outline, after: Outline) -> Iterator[str]:
    """Each code, count or contact that is not as it was, in order."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name == "gaps":
            yield f"could not be read: {old or 'nothing'} -> {new or 'nothing'}"
        elif old is None:
            yield f"{name}: new, {new}"
        elif new is None:
            yield f"{name}: no longer on record, was {old}"
        else:
            yield f"{name}: {old} -> {new}"


def with_preface(document: Json, text: str) -> Json:
    """The document with those lines above each of its plain texts."""
    return {**document, "content": [_prefaced(item, text) for item in document["content"]]}


def _prefaced(item: Json, text: str) -> Json:
    attachment = item["attachment"]
    if not str(attachment.get("contentType")).startswith("text/plain") or "data" not in attachment:
        return item
    data = base64.b64encode(text.encode() + base64.b64decode(attachment["data"])).decode()
    return {**item, "attachment": {**attachment, "data": data}}
