"""The 95 known quirks of EHR servers: each is tested, or its page says why it does not concern us."""

import ast
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
PAGES = sorted((HERE.parents[1] / "docs" / "vendors").glob("*.md"))
EVERY = set(range(1, 96))
NOT_APPLICABLE = "not applicable: "
_ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)


def _marked() -> dict[int, set[str]]:
    """Number → the tests that are marked with it."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.quirk":
                    for number in mark.args:
                        found[ast.literal_eval(number)].add(node.name)
    return found


def _rows() -> dict[int, list[str]]:
    """Number → the answers that the vendor pages give to it."""
    found: dict[int, list[str]] = defaultdict(list)
    for page in PAGES:
        table = page.read_text(encoding="utf-8").partition("\n## Quirks\n")[2]
        for number, _, answer in _ROW.findall(table):
            found[int(number)].append(answer)
    return found


def test_every_quirk_is_tested_or_told_to_be_not_applicable() -> None:
    foreign = {number for number, answers in _rows().items() if any(a.startswith(NOT_APPLICABLE) for a in answers)}
    tested = set(_marked())
    assert tested | foreign == EVERY
    assert tested & foreign == set()


def test_every_quirk_has_one_row_that_names_its_tests() -> None:
    rows, marked = _rows(), _marked()
    assert {number: len(answers) for number, answers in rows.items()} == dict.fromkeys(EVERY, 1)
    for number, (answer,) in rows.items():
        named = set(re.findall(r"`(test_\w+)`", answer))
        if answer.startswith(NOT_APPLICABLE):
            assert len(answer) > len(NOT_APPLICABLE) + 20, f"quirk {number} has no reason"
        else:
            assert named, f"quirk {number} names no test"
        assert named <= marked[number], f"quirk {number} names a test that is not marked with it"
