"""Train the note reader's weights on labelled notes: `python tools/train_reader.py [--without AUTHOR] [--out FILE]`.

Needs scikit-learn, which fhir-rpm itself does not.
"""

import argparse
import json
from pathlib import Path

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from fhir_rpm.narrative.features import features_of
from fhir_rpm.narrative.text import note_of, without_unchecked
from fhir_rpm.narrative.thread import thread_of

ROOT = Path(__file__).parent.parent
QUESTIONS = {"contact": 0.4, "modality": 0.4, "participant": 0.4, "content": 0.25, "decision": 0.25, "verdict": 0.4}


def main() -> None:
    """Fit one multinomial logistic regression for each question and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "mappings" / "narrative" / "weights.json")
    args = parser.parse_args()
    files = [path for path in sorted((ROOT / "tests/golden/notes").glob("*.jsonl")) if path.stem != args.without]
    notes = [json.loads(line) for path in files for line in path.read_text().splitlines() if line.strip()]
    rows = [dict.fromkeys(_features(note["text"]), 1.0) for note in notes]
    args.out.write_text(
        json.dumps({name: _fit(rows, notes, name, c) for name, c in QUESTIONS.items()}, indent=0) + "\n"
    )


def _features(text: str) -> frozenset[str]:
    note = note_of(without_unchecked(text))
    return features_of(note, thread_of(note))


def _fit(rows: list[dict[str, float]], notes: list[dict], name: str, strength: float) -> dict:
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(rows)
    keep = [place for place, count in enumerate((matrix > 0).sum(axis=0).A1) if count >= 3]
    answers = [str(note[name]) for note in notes]
    model = LogisticRegression(C=strength, max_iter=2000).fit(matrix[:, keep], answers)
    names = vectorizer.get_feature_names_out()[keep]
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients, bias = [[-w for w in coefficients[0]], coefficients[0]], [-bias[0], bias[0]]
        coefficients = [[w / 2 for w in row] for row in coefficients]
        bias = [value / 2 for value in bias]
    weights = {
        str(feature): [round(float(row[place]), 3) for row in coefficients]
        for place, feature in enumerate(names)
        if max(abs(float(row[place])) for row in coefficients) >= 0.01
    }
    return {
        "answers": [str(answer) for answer in model.classes_],
        "bias": [round(float(b), 3) for b in bias],
        "weights": weights,
    }


if __name__ == "__main__":
    main()
