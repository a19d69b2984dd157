"""The white box attacks, with the words a page shows and what each costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.leakage.attacks import fcre, loss, pia, secmi
from lab.leakage.attacks.denoiser import Denoiser, Floats
from lab.leakage.attacks.trained import cross_fitted

WHITE = "white-box "
BLACK_BOX = "black-box"
BATCH = 16


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: in settings and results.
        title: on the screen.
        words: what it asks, in a sentence for somebody who never heard of it.
        calls: how often the denoiser is asked for each film.
        measure: (denoiser, clean, words) to (n, k) measures, lower for members.
        trained: whether it learns from the members of some patients.
    """

    name: str
    title: str
    words: str
    calls: int
    measure: Callable[[Denoiser, Any, Any], Floats]
    trained: bool = False

    def judge(
        self,
        members: Floats,
        others: Floats,
        member_patients: NDArray[Any],
        other_patients: NDArray[Any],
        seed: int = 0,
    ) -> tuple[Floats, Floats]:
        """Scores (m,) and (n,), higher for members, from measures (m, k) and (n, k).

        Raises:
            NotComputable: for a trained attack with fewer than four patients on a side.
        """
        if self.trained:
            return cross_fitted(members, others, member_patients, other_patients, seed)
        return -np.asarray(members, np.float64).mean(1), -np.asarray(others, np.float64).mean(1)


ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("loss", "Denoising loss", "Does the denoiser err less on this film?", loss.CALLS, loss.measure),
        Attack("secmi", "SecMI", "Noise is added as the model expects it: does one step up and back return to the same "
               "place?", secmi.CALLS, secmi.measure),
        Attack("pia", "PIA", "The noise the model sees in the clean film is put in: does it see the same noise again?",
               pia.CALLS, pia.measure),
        Attack("pian", "PIAN", "As PIA, with that noise scaled to the size of real noise.", pia.CALLS,
               pia.measure_normalised),
        Attack("fcre", "FCRE", "Is a noised film restored in its middle frequencies, neither outline nor grain?",
               fcre.CALLS, fcre.measure),
        Attack("fcre-trained", "FCRE, trained", "Two such measures, weighed by what gave other patients away.",
               fcre.CALLS, fcre.features, trained=True),
    )
}  # fmt: skip
EVERY = (BLACK_BOX, *ATTACKS)


def checked_attacks(names: Sequence[str]) -> list[str]:
    """Names of attacks in the order of the catalogue, each once.

    Raises:
        InputError: for none, or one that is not known.
    """
    if not names or (unknown := sorted(set(names) - set(EVERY))):
        told = f"{unknown[0]!r} is not an attack" if names else "No attack was chosen"
        raise InputError(f"{told}; nothing was started; choose among {', '.join(EVERY)}.")
    return [name for name in EVERY if name in names]


def calls_per_film(names: Sequence[str]) -> int:
    """How often these attacks ask the denoiser for each film."""
    return sum(ATTACKS[name].calls for name in names if name in ATTACKS)


def measured(
    denoiser: Denoiser, attacks: Sequence[Attack], films: Sequence[NDArray[np.uint8]], captions: Sequence[str]
) -> dict[str, Floats]:
    """(n, k) measures of films by each attack, all from one encoding.

    Args:
        films: (H, W) or (H, W, 3) uint8 of the generator's own size; a batch, as they are held together.
        captions: of each film; passed by where the generator reads no text.
    """
    import torch

    with torch.no_grad():
        clean, words = denoiser.encode(films), denoiser.condition(captions)
        return {attack.name: attack.measure(denoiser, clean, words) for attack in attacks}
