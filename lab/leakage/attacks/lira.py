"""LiRA (Carlini et al. 2022): is a film's loss what models give that saw it, or what models give that did not?

A score is minus the loss. Shadow models are trained on random halves of the patients; a film's scores by those that saw
it and by those that did not are two normal distributions, and the attacked model's score is held against both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.leakage.attacks.denoiser import Floats

# With fewer shadow models a spread of each film's own is too uncertain: one spread for all films.
OWN_SPREAD = 64


def online(target: Floats, shadows: Floats, inside: NDArray[np.bool_]) -> Floats:
    """(n,) log N(s; mean in, spread in) - log N(s; mean out, spread out), higher for members.

    Args:
        target: (n,) scores by the attacked model.
        shadows: (k, n) scores by shadow models.
        inside: (k, n) which of them saw which film.

    Raises:
        NotComputable: when a film was in all shadow models or in none, or spreads cannot be told.
    """
    parts = []
    for kept in (inside, ~inside):
        mean, spread = _moments(shadows, kept)
        parts.append(-np.log(spread) - (target - mean) ** 2 / (2.0 * spread**2))
    return np.asarray(parts[0] - parts[1], np.float64)


def offline(target: Floats, shadows: Floats, inside: NDArray[np.bool_]) -> Floats:
    """(n,) log of the share of scores below this one among models that did not see the film, higher for members.

    Raises:
        NotComputable: as `online`.
    """
    from scipy.special import log_ndtr

    mean, spread = _moments(shadows, ~inside)
    return np.asarray(log_ndtr((target - mean) / spread), np.float64)


def _moments(shadows: Floats, kept: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean (n,) and spread (n,) of each film's kept scores; the spread is pooled below 64 shadow models."""
    shadows, count = np.asarray(shadows, np.float64), kept.sum(0)
    if not kept.any(0).all() or int(count.sum()) <= len(count):
        raise NotComputable(
            "Some film was in all shadow models or in none, so it cannot be judged; nothing was computed; train more."
        )
    mean = (shadows * kept).sum(0) / count
    squares = ((shadows - mean) ** 2 * kept).sum(0)
    if len(shadows) < OWN_SPREAD:
        spread = np.full(len(mean), np.sqrt(squares.sum() / (count.sum() - len(count))))
    else:
        spread = np.sqrt(squares / np.maximum(count - 1, 1))
    return mean, np.maximum(spread, 1e-12)


def balanced_halves(patients: int, shadows: int, seed: int) -> NDArray[np.bool_]:
    """(shadows, patients) which patients each shadow model sees: a random half, and the other half for the next one.

    So every patient is in exactly half of them.

    Raises:
        NotComputable: for an odd number of shadow models, fewer than four, or fewer than eight patients.
    """
    if shadows < 4 or shadows % 2 or patients < 8:
        raise NotComputable(
            "LiRA needs an even number of shadow models, four or more, and eight patients; nothing was trained; "
            "ask for more."
        )
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(shadows // 2):
        chosen = np.zeros(patients, dtype=bool)
        chosen[rng.permutation(patients)[: patients // 2]] = True
        rows += [chosen, ~chosen]
    return np.array(rows)
