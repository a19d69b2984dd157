"""The control of LiRA: the same attack, with the same claim, on models that were trained on other halves.

Each shadow model is attacked with the others, and is asked which films the *attacked* model saw. It cannot know: shadow
models come in pairs that saw opposite halves, so whatever films it finds easy cancels. All films and all shadow models
take part, which makes this far steadier than one half of the unseen films against the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.leakage.attacks.denoiser import Floats

Mask = NDArray[np.bool_]
Attack = Callable[[Floats, Floats, Mask], Floats]


def on_other_models(
    attack: Attack, shadows: Floats, inside: Mask, seen: Mask, patients: NDArray[Any], seed: int
) -> dict[str, Any] | None:
    """The curve of an attack that has nothing to find, as JSON; None where too few shadow models are left.

    Args:
        attack: from (n,) scores of a model, (k, n) scores of its shadows and (k, n) who saw which film, to (n,) scores.
        shadows, inside: (k, n) of all shadow models.
        seen: (n,) which films the attacked model saw.
        patients: (n,).
        seed: of the bootstrap by patient.
    """
    from lab.leakage.roc import roc_of

    turns = range(len(shadows))
    try:
        told = [
            _comparable(attack(shadows[turn], np.delete(shadows, turn, 0), np.delete(inside, turn, 0)))
            for turn in turns
        ]
    except NotComputable:
        return None
    found, claimed = np.concatenate(told), np.tile(seen, len(told))
    people = np.tile(np.asarray(patients), len(told))
    return roc_of(found[claimed], found[~claimed], people[claimed], people[~claimed], seed).to_json()


def _comparable(scores: Floats) -> Floats:
    """Ranks of one model's scores, 0 to 1: models differ in how large their losses are."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(scores) / len(scores), np.float64)
