"""Packs CQL and its ELM into the FHIR Library that carries both: `pack.py ELM`."""

import base64
import json
import sys
from pathlib import Path

PROFILES = Path(__file__).parents[2] / "profiles"
CQL = PROFILES / "cql" / "RpmMonth.cql"
LIBRARY = PROFILES / "Library-rpm-month.json"


def main(elm: Path) -> None:
    """Write the content of the Library; everything else in it stays as it is."""
    library = json.loads(LIBRARY.read_text())
    compact = json.dumps(json.loads(elm.read_text()), ensure_ascii=False, separators=(",", ":"))
    library["content"] = [
        {"contentType": "text/cql", "data": base64.b64encode(CQL.read_bytes()).decode()},
        {"contentType": "application/elm+json", "data": base64.b64encode(compact.encode()).decode()},
    ]
    LIBRARY.write_text(json.dumps(library, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
