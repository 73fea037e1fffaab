"""Every sentence of the contract is named by a test, and every quote stands in the contract."""

import pytest

from tests.contract.sentences import SECTIONS, SPEC, covers, named_sentences, sentences_in

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="../shared/spec/assessment.md is not here")


def _spec() -> list[tuple[str, str]]:
    return [(section, text) for section, text in sentences_in(SPEC.read_text(encoding="utf-8")) if section]


def test_every_sentence_is_named_by_a_test() -> None:
    named = named_sentences()
    unnamed = [
        f"§{section}: {text}"
        for section, text in _spec()
        if not any(covers(at, quote, section, text) for at, quote, _ in named)
    ]
    assert not unnamed, "\n".join(unnamed)


def test_every_quote_stands_in_the_contract() -> None:
    spec = _spec()
    stray = [
        f"{test}: §{at}: {quote}"
        for at, quote, test in named_sentences()
        if len(quote) < 10 or not any(covers(at, quote, section, text) for section, text in spec)
    ]
    assert not stray, "\n".join(stray)


def test_the_contract_is_split_as_stated() -> None:
    sections = {section.partition(".")[0] for section, _ in _spec()}
    assert sections == set(SECTIONS)
    sample = (
        "## 2. A\n1. One; two. Three\n   goes on.\n\n| a | b |\n|---|---|\n| c | d |\n```json\nNo. None.\n```\nLabel\n"
    )
    assert sentences_in(sample) == [
        ("2.1", "One;"),
        ("2.1", "two."),
        ("2.1", "Three goes on."),
        ("2", "| a | b |"),
        ("2", "| c | d |"),
    ]
