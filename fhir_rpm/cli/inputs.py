"""Files given on the command line: Bundles and NDJSON, of one patient or of many."""

import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhir_rpm.errors import InputError

Json = dict[str, Any]


def read_patients(files: Iterable[str]) -> list[list[Json]]:
    """The documents of each patient, in order of first appearance; what belongs to nobody goes to everybody.

    A document is a resource or a Bundle; Bundles keep their links and full URLs, which references and gaps rest on.

    Raises:
        InputError: a file cannot be read, is no FHIR JSON, or speaks of no patient; the message names file and line.
    """
    documents = [document for name in files for document in read_documents(name)]
    owners = dict.fromkeys(owner for document in documents for owner in _owners(document) if owner is not None)
    if not owners:
        remedy = "Give a Bundle or NDJSON that holds the Patient, or resources with a subject."
        raise InputError("The input speaks of no patient.", remedy)
    if len(owners) == 1:
        return [documents]
    return [[share for document in documents if (share := _share(document, owner))] for owner in owners]


def patient_in(documents: Iterable[Json]) -> str | None:
    """`Patient/id` of whom one patient's documents speak."""
    return next((owner for document in documents for owner in _owners(document) if owner is not None), None)


def read_documents(name: str) -> list[Json]:
    """The resources and Bundles of one file; `-` is standard input, and .gz is unpacked.

    Raises:
        InputError: the file cannot be read or is no FHIR JSON.
    """
    text = read_text(name)
    if not text.strip():
        raise InputError(f"{name} is empty.", "Give a FHIR Bundle as JSON, or NDJSON.")
    try:
        values = [(1, json.loads(text))]
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        if len(lines) == 1 or not _looks_like_ndjson(lines):
            problem = f"{name}, line {error.lineno}: this is no JSON ({error.msg})."
            raise InputError(problem, "Give a FHIR Bundle as JSON, or NDJSON.") from None
        values = list(_ndjson(name, lines))
    except RecursionError:
        raise InputError(f"{name} is nested too deeply to be FHIR.", "Give a FHIR Bundle as JSON, or NDJSON.") from None
    return [document for line, value in values for document in _documents(name, line, value)]


def read_text(name: str) -> str:
    """A file as text; `-` is standard input, and .gz is unpacked.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or 'not a file'}.", "Check the path.") from None
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile):
        raise InputError(f"{name} is no UTF-8 text.", "Give a FHIR Bundle as JSON, or NDJSON.") from None


def _looks_like_ndjson(lines: list[str]) -> bool:
    try:
        return isinstance(json.loads(next(line for line in lines if line.strip())), dict)
    except ValueError:
        return False


def _ndjson(name: str, lines: list[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError:
            problem = f"{name}, line {number}: this line is no complete JSON object."
            raise InputError(problem, "It may have been cut off; export it again.") from None


def _documents(name: str, line: int, value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for item in value:
            yield from _documents(name, line, item)
    elif isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        yield value
    else:
        remedy = "Give FHIR resources; each has a resourceType."
        raise InputError(f"{name}, line {line}: this JSON is no FHIR resource.", remedy)


def _owners(document: Json) -> Iterator[str | None]:
    """Whose each resource of a document is."""
    if document.get("resourceType") == "Bundle":
        for entry in _entries(document):
            yield from _owners({**entry["resource"], "id": _identity(entry)})
    else:
        yield _patient_of(document)


def _share(document: Json, patient: str) -> Json | None:
    """What of a document is the patient's or nobody's."""
    if document.get("resourceType") != "Bundle":
        return document if _patient_of(document) in (patient, None) else None
    entries = _entries(document)
    mine = [entry for entry in entries if {patient, None} & set(_owners({**entry["resource"], "id": _identity(entry)}))]
    return {**document, "entry": mine}


def _entries(bundle: Json) -> list[Json]:
    entries = bundle.get("entry")
    every = entries if isinstance(entries, list) else []
    return [entry for entry in every if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)]


def _identity(entry: Json) -> str:
    return str(entry["resource"].get("id") or str(entry.get("fullUrl", "")).rpartition(":")[2])


def _patient_of(resource: Json) -> str | None:
    if resource.get("resourceType") == "Patient":
        return f"Patient/{resource.get('id')}"
    if resource.get("resourceType") in ("RelatedPerson", "Device", "CareTeam", "Group"):
        return None
    for element in ("subject", "patient"):
        reference = resource.get(element)
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str) and ("Patient/" in text or text.startswith("urn:uuid:")):
            return f"Patient/{text.rpartition('/')[2].rpartition(':')[2]}"
    return None


def read_ids(name: str) -> list[str]:
    """Patient ids, one a line; `#` begins a comment, and repeats are dropped.

    Raises:
        InputError: the file cannot be read, a line is no id, or there is none.
    """
    found = []
    for number, line in enumerate(read_text(name).splitlines(), 1):
        identity = line.partition("#")[0].strip().removeprefix("Patient/")
        if not identity:
            continue
        if any(char.isspace() or char in ",;/\"'" for char in identity) or len(identity) > 256:
            raise InputError(f"{name}, line {number}: this is no patient id.", "Write one id a line.")
        found.append(identity)
    if not found:
        raise InputError(f"{name} names no patient.", "Write one id a line.")
    return list(dict.fromkeys(found))
