"""The assessment contract by sentence, and which tests name which."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])
HERE = Path(__file__).parent
SPEC = HERE.parents[2] / "shared" / "spec" / "assessment.md"
SECTIONS = ("1", "2", "3", "4", "5", "6")


def sentence(section: str, quote: str) -> Callable[[Test], Test]:
    """Names a sentence of the contract that a test covers.

    Args:
        section: the section it stands in: `2`, or a numbered rule of it: `2.3`.
        quote: the sentence or a telling part of it, verbatim.
    """

    def named(test: Test) -> Test:
        vars(test).setdefault("sentences", []).append((section, quote))
        return test

    return named


def sentences_in(spec: str) -> list[tuple[str, str]]:
    """The contract's sentences as `(section, sentence)`.

    A paragraph or list item ends at a blank line, a heading or the next item; in it a sentence ends at `.`, `;` or `?`
    before white space. A row of a table is one sentence. Headings, code, rulers and labels without a stop are none.
    """
    found: list[tuple[str, str]] = []
    for section, block in _blocks(spec):
        if block.startswith("|"):
            found.append((section, block))
        elif re.search(r"[.;?:]$", block):
            found += [(section, part) for part in re.split(r"(?<=[.;?])\s+(?=\S)", block)]
    return found


def _blocks(spec: str) -> Iterator[tuple[str, str]]:
    section, rule, fenced, lines = "", "", False, []
    for raw in [*spec.splitlines(), ""]:
        line = " ".join(raw.split())
        fenced ^= line.startswith("```")
        item = re.match(r"(?:[-*]|(\d+)\.) (.*)", line)
        if not line or item or line.startswith(("#", "|", "```")) or fenced:
            if lines:
                yield f"{section}{rule}", " ".join(lines)
            lines = []
        if fenced or line.startswith("```"):
            continue
        if heading := re.match(r"#+ (?:(\d)\.)?", line):
            section, rule = heading[1] or section, ""
        elif line.startswith("|"):
            if not re.fullmatch(r"[|\s:-]+", line):
                yield section, line
        elif item:
            rule = f".{item[1]}" if item[1] else ""
            lines = [item[2]]
        elif line:
            lines.append(line)


def named_sentences() -> list[tuple[str, str, str]]:
    """`(section, quote, test)` of every `@sentence` in this folder, read from the files."""
    return [found for path in sorted(HERE.glob("test_*.py")) for found in _named_in(path)]


def _named_in(path: Path) -> Iterator[tuple[str, str, str]]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        name.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    for test in module.body:
        for mark in test.decorator_list if isinstance(test, ast.FunctionDef) else ():
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "sentence":
                section, quote = (constants.get(getattr(item, "id", ""), item) for item in mark.args)
                yield ast.literal_eval(section), ast.literal_eval(quote), f"{path.name}::{test.name}"


def covers(quoted_section: str, quote: str, section: str, text: str) -> bool:
    """Whether a quote names the sentence: a part of it, in its section; a rule's number may be left out."""
    return (
        section.partition(".")[0] == quoted_section.partition(".")[0]
        and ("." not in quoted_section or quoted_section == section)
        and quote in text
    )
