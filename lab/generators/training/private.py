"""DP-SGD: a denoiser trained so that what any one patient adds is bounded, by Opacus (Abadi et al. 2016).

Each film's gradient is clipped, noise is added to their sum, films are drawn by Poisson sampling. The unit is one
training film; where a recipe takes one film a patient and draws none twice, it is a patient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError

if TYPE_CHECKING:
    from lab.generators.training.checkpoint import TrainingState
    from lab.generators.training.recipe import TrainingRecipe


@dataclass(frozen=True)
class Private:
    """What bounds a film's influence.

    Attributes:
        noise: standard deviation of the noise, in units of `clip`.
        clip: largest norm of a film's gradient.
        delta: chance that the bound does not hold; below one over the number of films.
    """

    noise: float
    clip: float = 1.0
    delta: float = 1e-3


@dataclass(frozen=True)
class Ledger:
    """What was spent: epsilon and delta, and all that they follow from.

    Attributes:
        epsilon, delta: of the whole training.
        noise, clip: as in `Private`.
        rate: chance of each film to be drawn in a step.
        steps: taken.
        accountant: how epsilon was counted.
        unit: whose influence is bounded.
    """

    epsilon: float
    delta: float
    noise: float
    clip: float
    rate: float
    steps: int
    accountant: str = "RDP (Opacus)"
    unit: str = "patient"


def check(recipe: TrainingRecipe) -> None:
    """Refuse a recipe whose bound would not be the one it states.

    Raises:
        InputError: unless it takes few films, one a patient and none twice, unmoved.
    """
    if recipe.private is None:
        return
    plant = recipe.plant
    if plant is None or not plant.deduplicated or plant.augment or recipe.starts or recipe.twins:
        raise InputError(
            "A private recipe draws every film equally often and starts from random weights; nothing was trained; give "
            "it a plant without repeats, and no twins, augmentation or generator to start from."
        )
    if (
        recipe.private.noise <= 0
        or recipe.private.clip <= 0
        or not 0 < recipe.private.delta < 1 / plant.films
    ):
        raise InputError(
            "Noise and clipping must be above 0 and delta below one over the number of films; nothing was trained; "
            "correct the recipe."
        )


def spent(recipe: TrainingRecipe, films: int, steps: int) -> Ledger:
    """The ledger of a training of that many steps on so many films.

    Raises:
        InputError: for a recipe that is not private, or no step.
    """
    from opacus.accountants import RDPAccountant

    if recipe.private is None or steps < 1:
        raise InputError("Nothing private was trained; nothing was counted; choose a private recipe.")
    rate = recipe.unet_batch / films
    accountant = RDPAccountant()
    accountant.history = [(recipe.private.noise, rate, steps)]
    epsilon = float(accountant.get_epsilon(recipe.private.delta))
    return Ledger(
        round(epsilon, 3), recipe.private.delta, recipe.private.noise, recipe.private.clip, rate, steps
    )


def poisson_batch(films: int, expected: int, draw: Any) -> NDArray[np.int64]:
    """Rows of a batch: each film by itself with the same chance; at least one.

    A batch without any film, which has the chance exp(-expected), is drawn again.
    """
    import torch

    while True:
        rows = torch.nonzero(torch.rand(films, generator=draw) < expected / films).numpy().ravel()
        if len(rows):
            return np.asarray(rows, dtype=np.int64)


def stepper(recipe: TrainingRecipe, state: TrainingState) -> tuple[Any, Callable[[Any, Any], None]]:
    """The model to compute losses with, and a step of clipped and noised gradients.

    Returns:
        The wrapped model, which shares its weights with the state's; and a function of (loss, torch generator).
    """
    from opacus.grad_sample import GradSampleModule
    from opacus.optimizers import DPOptimizer

    assert recipe.private is not None  # noqa: S101 - called for private recipes
    wrapped = GradSampleModule(state.model, loss_reduction="mean")
    optimizer = DPOptimizer(
        state.optimizer,
        noise_multiplier=recipe.private.noise,
        max_grad_norm=recipe.private.clip,
        expected_batch_size=recipe.unet_batch,
    )

    def step(loss: Any, draw: Any) -> None:
        # Noise of a step is drawn by its address, so that a resumed training goes on as if it had not stopped.
        optimizer.generator = draw
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return wrapped, step
