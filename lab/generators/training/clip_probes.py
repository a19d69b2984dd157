"""What a text-image model is asked on held-out films: does it find the pair, and does one word make a difference?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.features.text_image import TextImageModel, Vectors
from lab.generators.training.clip_data import distinct
from lab.generators.training.clip_words import NOUNS, other_sizes, swapped_sides

Record = Mapping[str, Any]
PAIRS = 200
WITHIN = 10
MISMATCHED = 20
# Equally spaced quantiles of a distribution kept in a card.
QUANTILES = 101


@dataclass(frozen=True)
class Answers:
    """Right and wrong answers to one question.

    Attributes:
        hits: one a question asked.
        patients: how many patients the films are of.
        chance: share a blind guess gets right.
    """

    hits: NDArray[np.bool_]
    patients: int
    chance: float

    @property
    def share(self) -> float | None:
        """Share of right answers; None when nothing was asked."""
        return float(self.hits.mean()) if len(self.hits) else None


def probe(model: TextImageModel, images: NDArray[np.uint8], records: Sequence[Record]) -> dict[str, Answers]:
    """All questions about held-out films.

    Args:
        images: (n, H, W) uint8.
        records: n records with caption, findings, view and patient_id.

    Returns:
        "image-to-text", "text-to-image" (the pair among the best 10), "side", "size", "present" and "absent".
    """
    vectors = model.embed_images(list(images))
    rows = distinct(records, PAIRS)
    found = retrieval(vectors[rows], model.embed_texts([records[row]["caption"] for row in rows]))
    chance = min(1.0, WITHIN / max(1, len(rows)))
    patients = len({records[row]["patient_id"] for row in rows})
    answers = {name: Answers(hits, patients, chance) for name, hits in found.items()}
    frontal = [row for row, record in enumerate(records) if record["view"] in ("AP", "PA")]
    sided = [(row, records[row]["caption"], swapped_sides(records[row]["caption"])) for row in frontal]
    sized = [
        (row, record["caption"], other)
        for row, record in enumerate(records)
        for other in other_sizes(record["caption"])
    ]
    asked = {"side": [one for one in sided if one[2]], "size": sized, **_denials(records)}
    for name, questions in asked.items():
        answers[name] = _ask(model, vectors, records, questions)
    return answers


def retrieval(images: Vectors, texts: Vectors, within: int = WITHIN) -> dict[str, NDArray[np.bool_]]:
    """For (n, d) pairs row by row: is a row's partner among the best `within`? A tie counts against it."""
    from lab.metrics.alignment.retrieval_recall import recall_hits

    to_text, to_image = recall_hits(images.astype(np.float64), texts.astype(np.float64), within)
    return {"image-to-text": to_text, "text-to-image": to_image}


def reference(
    model: TextImageModel, images: NDArray[np.uint8], records: Sequence[Record], seed: int
) -> dict[str, Any]:
    """Quantiles (101) of the cosines of held-out pairs ("matched"), and of films beside captions that are not true of
    them ("mismatched"); and how many films these are.
    """
    from lab.generators.training.clip_words import claims, fits

    vectors = model.embed_images(list(images))
    texts = model.embed_texts([record["caption"] for record in records])
    cosines = vectors.astype(np.float64) @ texts.T
    said = [claims(record["caption"], record) for record in records]
    rng = np.random.default_rng(seed)
    others = [
        cosines[row, column]
        for row, record in enumerate(records)
        for column in rng.permutation(len(records))[:MISMATCHED]
        if not fits(said[column], record)
    ]
    spaced = np.linspace(0.0, 1.0, QUANTILES)
    drawn = {"matched": np.diag(cosines), "mismatched": np.asarray(others or [0.0])}
    quantiles = {name: [round(float(q), 5) for q in np.quantile(one, spaced)] for name, one in drawn.items()}
    return {"films": len(records), **quantiles}


def _denials(records: Sequence[Record]) -> dict[str, list[tuple[int, str, str]]]:
    """Films with a finding: its name against its denial; films without one: the other way round, a finding a film."""
    present, absent = [], []
    for row, record in enumerate(records):
        shown = {finding["label"] for finding in record["findings"]}
        lacking = [label for label in NOUNS if label not in shown]
        present += [(row, NOUNS[label], f"no {NOUNS[label]}") for label in NOUNS if label in shown]
        noun = NOUNS[lacking[row % len(lacking)]]
        absent.append((row, f"no {noun}", noun))
    return {"present": present, "absent": absent}


def _ask(
    model: TextImageModel,
    vectors: Vectors,
    records: Sequence[Record],
    questions: Sequence[tuple[int, str, str]],
) -> Answers:
    rows = [row for row, _, _ in questions]
    patients = len({records[row]["patient_id"] for row in rows})
    if not rows:
        return Answers(np.zeros(0, bool), 0, 0.5)
    seen = vectors[rows].astype(np.float64)
    right = model.embed_texts([question[1] for question in questions]).astype(np.float64)
    apart = right - model.embed_texts([question[2] for question in questions])
    return Answers((seen * apart).sum(axis=1) > 0, patients, 0.5)
