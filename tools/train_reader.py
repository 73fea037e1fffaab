"""Train the note reader's weights on labelled notes: `python tools/train_reader.py [--judge]`.

Without options, trains on the notes of every author and writes `mappings/narrative/weights.json`. With `--judge`, each
author is left out in turn: the reader is trained on the others, reads the notes of the one left out, and its score is
printed: the figures to expect for an author never seen. Needs scikit-learn, which fhir-rpm itself does not.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import hstack
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from fhir_rpm.narrative import model, reader
from fhir_rpm.narrative.features import features_of
from fhir_rpm.narrative.lengths import Length, length_features, lengths_in
from fhir_rpm.narrative.model import Scorer
from fhir_rpm.narrative.text import note_of, without_unchecked
from fhir_rpm.narrative.thread import thread_of
from fhir_rpm.narrative.who import mentions_in, names_in
from fhir_rpm.narrative.words import Row, words_of

ROOT = Path(__file__).parent.parent
WEIGHTS = ROOT / "mappings" / "narrative" / "weights.json"
OF_NOTE = 0.1
"""Strength C of the logistic regression for questions about the whole note: a smaller one keeps weights small."""
EVENLY = {"modality": 0.5}
"""Question → how far its seldom answers are raised: phone is most of what there is."""
OF_CLAUSES = 10.0
"""Strength of the penalty on weights for questions about a clause."""
OF_CANDIDATES = 0.5
"""The same for questions about a candidate: is this role, name or length the one?"""
QUESTIONS = ("contact", "modality", "participant", "content", "decision", "verdict")
SELDOM = 3
"""A feature seen in fewer examples says nothing."""

Example = tuple[set[str] | frozenset[str], str]
Labelled = dict[str, Any]


def main() -> None:
    """Write the weights, or judge them on authors left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", action="store_true", help="leave each author out in turn and print the scores")
    args = parser.parse_args()
    files = sorted((ROOT / "tests/golden/notes").glob("*.jsonl"))
    authors = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines() if line.strip()] for path in files
    }
    examples = {author: [Examples(note) for note in notes] for author, notes in authors.items()}
    if args.judge:
        judge(authors, examples)
    else:
        write(train([example for each in examples.values() for example in each]))


class Examples:
    """What one labelled note teaches."""

    def __init__(self, label: Labelled) -> None:
        note = note_of(without_unchecked(label["text"]))
        clauses = words_of(note)
        self.label, self.note, self.row = label, note, Row(clauses)
        self.features = features_of(note, thread_of(note), clauses)
        self.mentions = mentions_in(note, self.row)
        self.lengths = lengths_in(note.low)

    def of_note(self, question: str) -> list[Example]:
        """The whole note's answer to a question."""
        given = {f"given:{self.label['contact']}"} if question == "modality" else set()
        return [(self.features.note | given, str(self.label[question]))]

    def of_role(self) -> list[Example]:
        """Each role that is named: is it that of who acted?"""
        return [(mention.features, str(mention.role == self.label["staff_role"])) for mention in self.mentions]

    def of_name(self, role: Scorer) -> list[Example]:
        """Each name: is it that of who acted?"""
        actor = max(self.mentions, key=lambda mention: role.share(mention.features), default=None)
        wanted = plain(self.label["staff_name"] or "")
        names = names_in(self.note, self.row, actor)
        return [(name.features, str(plain(name.text) == wanted)) for name in names]

    def of_length(self) -> list[Example]:
        """Each length: is it that of the exchange, or of one leg of it?"""
        if self.label["contact"] not in ("two_way", "unclear"):
            return []
        wanted = _legs(self.lengths, self.label["minutes"])
        return [(length_features(self.row, item, self.lengths), str(item in wanted)) for item in self.lengths]


def _legs(lengths: list[Length], minutes: int | None) -> list[Length]:
    """The lengths that give the labelled minutes: alone, else two of a kind together."""
    if minutes is None:
        return []
    alone = [length for length in lengths if length.seconds // 60 == minutes]
    pairs = (pair for pair in combinations(lengths, 2) if pair[0].kind == pair[1].kind != "pair")
    return alone or next((list(pair) for pair in pairs if sum(leg.seconds for leg in pair) // 60 == minutes), [])


def plain(name: str) -> str:
    """A name without titles, in lower case."""
    return " ".join(word for word in name.lower().replace(".", " ").split() if word not in ("dr", "mr", "mrs", "ms"))


def train(examples: list[Examples]) -> dict[str, Any]:
    """The weights of every question."""
    tables = {
        question: fit(
            (pair for example in examples for pair in example.of_note(question)), OF_NOTE, EVENLY.get(question, 0.0)
        )
        for question in QUESTIONS
    }
    for question in ("content", "decision"):
        bags = [(example.features.clauses, bool(example.label[question])) for example in examples]
        tables[f"{question} in a clause"] = fit_clauses(bags)
    tables["role"] = fit((pair for example in examples for pair in example.of_role()), OF_CANDIDATES)
    role = scorer(tables["role"])
    tables["name"] = fit((pair for example in examples for pair in example.of_name(role)), OF_CANDIDATES)
    tables["length"] = fit((pair for example in examples for pair in example.of_length()), OF_CANDIDATES)
    return tables


def fit(pairs: Iterable[Example], strength: float, evenly: float = 0.0) -> dict[str, Any]:
    """One logistic regression: its answers, biases and the weights of each feature, rounded.

    With `evenly`, an answer given n times as often as another weighs only n ** (1 - evenly) times as much.
    """
    rows, answers = zip(*pairs, strict=True)
    weigh = {answer: count**-evenly for answer, count in Counter(answers).items()} if evenly else None
    if weigh:
        mean = sum(weigh[answer] for answer in answers) / len(answers)
        weigh = {answer: weight / mean for answer, weight in weigh.items()}
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform([dict.fromkeys(sorted(row), 1.0) for row in rows])
    keep = [place for place, count in enumerate((matrix > 0).sum(axis=0).A1) if count >= SELDOM]
    model = LogisticRegression(C=strength, max_iter=400, tol=1e-3, class_weight=weigh).fit(matrix[:, keep], answers)
    names = vectorizer.get_feature_names_out()[keep]
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients, bias = [-coefficients[0] / 2, coefficients[0] / 2], [-bias[0] / 2, bias[0] / 2]
    weights = {
        str(feature): [round(float(row[place]), 2) for row in coefficients]
        for place, feature in enumerate(names)
        if max(abs(float(row[place])) for row in coefficients) >= 0.015
    }
    return {
        "answers": [str(answer) for answer in model.classes_],
        "bias": [round(float(value), 3) for value in bias],
        "weights": weights,
    }


def fit_clauses(bags: list[tuple[tuple[frozenset[str], ...], bool]]) -> dict[str, Any]:
    """A logistic regression of clauses from labels of notes: a note tells something when any of its clauses does.

    Multiple-instance learning with a noisy-or: the probability that a note does not tell it is the product, over its
    clauses, of theirs.
    """
    clauses = [clause for bag, _ in bags for clause in bag]
    bag_of = np.repeat(np.arange(len(bags)), [len(bag) for bag, _ in bags])
    is_told = np.array([label for _, label in bags], dtype=float)
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform([dict.fromkeys(sorted(clause), 1.0) for clause in clauses]).tocsr()
    keep = [place for place, count in enumerate((matrix > 0).sum(axis=0).A1) if count > SELDOM]
    columns = hstack([matrix[:, keep], np.ones((matrix.shape[0], 1))]).tocsr()
    rows = columns.T.tocsr()

    def loss(weights: Any) -> tuple[float, Any]:
        score = np.clip(columns @ weights, -30, 30)
        log_none = np.bincount(bag_of, weights=-np.logaddexp(0, score), minlength=len(bags))
        log_none = np.minimum(log_none, -1e-9)
        some = -np.expm1(log_none)
        total = -(is_told * np.log(some) + (1 - is_told) * log_none).sum()
        pull = np.where(is_told == 1, -np.exp(log_none) / some, 1.0)
        shrunk = np.append(weights[:-1], 0.0)
        return total + OF_CLAUSES / 2 * shrunk @ shrunk, rows @ (
            pull[bag_of] / (1 + np.exp(-score))
        ) + OF_CLAUSES * shrunk

    start = np.append(np.zeros(len(keep)), -2.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
    names = vectorizer.get_feature_names_out()[keep]
    half = {str(name): [round(-value / 2, 2), round(value / 2, 2)] for name, value in zip(names, found, strict=False)}
    return {
        "answers": ["False", "True"],
        "bias": [round(-found[-1] / 2, 3), round(found[-1] / 2, 3)],
        "weights": {name: row for name, row in half.items() if any(row)},
    }


def scorer(table: dict[str, Any]) -> Scorer:
    """A question's weights as the reader holds them."""
    weights = {feature: tuple(values) for feature, values in table["weights"].items()}
    return Scorer(tuple(table["answers"]), tuple(table["bias"]), weights)


def write(tables: dict[str, Any]) -> None:
    """Write the weights, one feature a line, so that a change can be read."""
    questions = []
    for question, table in sorted(tables.items()):
        lines = [
            f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(row)}"
            for name, row in sorted(table["weights"].items())
        ]
        head = f'"answers": {json.dumps(table["answers"])}, "bias": {json.dumps(table["bias"])}'
        questions.append(f'"{question}": {{{head}, "weights": {{\n' + ",\n".join(lines) + "\n}}")
    WEIGHTS.write_text("{" + ",\n".join(questions) + "}\n", encoding="utf-8")


FIELDS: dict[str, Callable[[Any], Any]] = {
    **{field: lambda value: value for field in ("verdict", "contact", "modality", "participant", "staff_role")},
    "staff_name": lambda value: plain(value or ""),
    "date": lambda value: str(value),
    **{field: lambda value: value for field in ("minutes", "content", "decision")},
}


def judge(authors: dict[str, list[Labelled]], examples: dict[str, list[Examples]]) -> None:
    """Print, for each author, what the reader makes of their notes when trained without them."""
    total: Counter[str] = Counter()
    wrong = []
    for author, notes in authors.items():
        tables = train([example for name, each in examples.items() if name != author for example in each])
        held = {question: scorer(table) for question, table in tables.items()}
        reader.scorers = model.scorers = lambda held=held: held  # type: ignore[assignment]
        score: Counter[str] = Counter()
        for note in notes:
            facts = reader.read_note(note["text"])
            bad = [field for field, same in FIELDS.items() if same(note[field]) != same(getattr(facts, field))]
            score.update(set(FIELDS) - set(bad))
            score.update(_verdicts(note["verdict"], facts.verdict))
            wrong.append((author, note, facts, bad))
        print(author, _line(score), flush=True)  # noqa: T201
        total += score
    print("all", _line(total))  # noqa: T201
    return wrong


def _verdicts(wanted: str, read: str) -> list[str]:
    found = ["notes", "positive" if wanted == "qualifies" else "negative"]
    found += ["false qualifies"] if read == "qualifies" != wanted else []
    return found + (["missed"] if wanted == "qualifies" != read else [])


def _line(score: Counter[str]) -> str:
    fields = " ".join(f"{field} {score[field] / score['notes']:.1%}" for field in FIELDS)
    missed, positive = score["missed"], score["positive"]
    return (
        f"{score['notes']} notes: {fields}; false qualifies {score['false qualifies']} of {score['negative']}"
        f" ({score['false qualifies'] / max(1, score['negative']):.1%}), missed {missed} of {positive}"
        f" ({missed / max(1, positive):.1%})"
    )


if __name__ == "__main__":
    main()
