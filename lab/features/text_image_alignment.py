"""How well a sample goes with its prompt: a cosine, placed among the cosines of held-out films.

A bare cosine cannot be read: its level depends on the model. It is placed among two reference distributions that
were measured when the model was exported, on films of patients that neither the model nor a generator of the same
phantoms has seen, one film a patient: films beside their own captions ("matched") and beside captions that are not
true of them ("mismatched"). Both are pooled over captions. The rank among films beside this very prompt would be the
alternative, and is worse to read: a perfect sample of a frequent finding ranks in the middle of it, because half of
the films show that finding too. Pooled, "above 98 of 100 wrong pairs" means the same for every prompt. The reference
lies in the model's card, so that an answer embeds nothing but its own samples, and a model trained here brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable

TELLS_APART = 0.7
"""Share of right answers on held-out films below which a question is not asked of samples; a blind guess has 0.5."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairReference:
    """What a text-image model scored on held-out films.

    Attributes:
        matched: equally spaced quantiles of the cosines of films beside their own captions, rising.
        mismatched: the same beside captions that are not true of the films.
        films: how many films; None where the card does not say.
        sides: share of the films whose caption scores above the same with left and right exchanged; None unknown.
        sides_films: how many films that was asked of.
    """

    matched: tuple[float, ...]
    mismatched: tuple[float, ...]
    films: int | None = None
    sides: float | None = None
    sides_films: int = 0

    @property
    def tells_apart(self) -> float:
        """Probability that a matched pair scores above a mismatched one, 0..1 (area under the ROC curve)."""
        return float(np.mean([_share_below(value, self.mismatched) for value in self.matched]))

    @property
    def knows_sides(self) -> bool:
        """Whether its word on left and right counts."""
        return self.sides is not None and self.sides >= TELLS_APART

    def to_json(self) -> dict[str, Any]:
        """What a person needs to judge the judge, without the quantiles."""
        told = {name: getattr(self, name) for name in ("films", "sides", "sides_films")}
        return {**told, "tells_apart": self.tells_apart}


@dataclass(frozen=True)
class Alignment:
    """How well a sample goes with its prompt.

    Attributes:
        cosine: of the two vectors, -1..1.
        matched: share of held-out films beside their own caption that score lower, 0..1.
        mismatched: share of held-out films beside a wrong caption that score lower, 0..1.
        swapped: cosine with the prompt whose left and right are exchanged; None where it names no side or the
            model cannot tell sides.
        note: words of the prompt that the score leaves out, as a sentence; "" when there are none.
    """

    cosine: float
    matched: float
    mismatched: float
    swapped: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields, and whether the prompted side is preferred over the other (None where not asked)."""
        preferred = None if self.swapped is None else self.cosine > self.swapped
        return {**asdict(self), "side_as_asked": preferred}


def reference_of(card: dict[str, Any]) -> PairReference:
    """The reference in a model's card.

    Raises:
        NotComputable: in one sentence, when there is none or it shows that the model cannot tell captions apart.
    """
    told, measured = card.get("reference") or {}, card.get("measured") or {}
    if not told.get("matched") or not told.get("mismatched"):
        raise NotComputable(
            "Samples and prompts are not compared, because the text-image model was not measured on "
            "held-out films; train it again."
        )
    side = measured.get("side") or {}
    found = PairReference(
        tuple(map(float, told["matched"])),
        tuple(map(float, told["mismatched"])),
        told.get("films"),
        side.get("share"),
        int(side.get("n") or 0),
    )
    if found.tells_apart < TELLS_APART:
        raise NotComputable(
            "Samples and prompts are not compared, because on held-out films the text-image model takes "
            f"the right caption over a wrong one in {100 * found.tells_apart:.0f} % of pairs only; train it longer."
        )
    return found


def aligned(
    images: NDArray[np.floating],
    prompt: NDArray[np.floating],
    reference: PairReference,
    swapped: NDArray[np.floating] | None = None,
    note: str = "",
) -> list[Alignment]:
    """Cosine of each sample with its prompt and where it stands.

    Args:
        images: (n, d) vectors of samples.
        prompt: (d,) vector of the prompt they were made from.
        reference: of the model that gave the vectors.
        swapped: (d,) vector of the prompt with its sides exchanged.
        note: words that the score leaves out.
    """
    own = cosines(images, prompt)
    other = cosines(images, swapped) if swapped is not None and reference.knows_sides else None
    return [
        Alignment(
            float(value),
            _share_below(value, reference.matched),
            _share_below(value, reference.mismatched),
            None if other is None else float(other[row]),
            note,
        )
        for row, value in enumerate(own)
    ]


def cosines(rows: NDArray[np.floating], vector: NDArray[np.floating]) -> Floats:
    """(n,) cosines of (n, d) rows with a (d,) vector, in float64."""
    table, one = rows.astype(np.float64), vector.astype(np.float64)
    return np.asarray(table @ one / (np.linalg.norm(table, axis=1) * np.linalg.norm(one)))


def _share_below(value: float, quantiles: Sequence[float]) -> float:
    """Share of a distribution below `value`, from its equally spaced quantiles."""
    return float(np.interp(value, np.asarray(quantiles), np.linspace(0.0, 1.0, len(quantiles))))
