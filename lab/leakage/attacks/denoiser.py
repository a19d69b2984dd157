"""What an attack may ask of a generator: mix noise into a film, predict that noise, take a step along the path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leakage.attacks.path import TINY, Path

Floats = NDArray[np.float64]
NOISE_SEED = 0


@dataclass(frozen=True, eq=False)
class Denoiser:
    """A model that predicts noise or velocity; tensors are (n, c, h, w) float32 of the model's own space.

    Attributes:
        path: how noise is mixed in and how the network's output is read.
        network: (noisy, time, words) to the network's own prediction.
        encode: n films, (H, W) or (H, W, 3) uint8, to clean tensors.
        condition: n captions to what `network` takes as words; None where there are none.
    """

    path: Path
    network: Callable[[Any, int, Any], Any]
    encode: Callable[[Sequence[NDArray[np.uint8]]], Any]
    condition: Callable[[Sequence[str]], Any]

    def at(self, share: float) -> int:
        """The time at that share of the schedule."""
        return min(self.path.last, max(0, round(share * self.path.steps)))

    def at_level(self, level: float) -> int:
        """The time at which the image's share of the power is nearest to `level`, 0..1.

        So a time published for one schedule means the same amount of noise in every other.
        """
        times = range(self.path.last + 1)
        powers = np.array([(self.path.signal(t) ** 2, self.path.spread(t) ** 2) for t in times])
        return int(np.argmin(np.abs(powers[:, 0] / powers.sum(1) - level)))

    def noised(self, clean: Any, noise: Any, t: int) -> Any:
        """The film with noise of time t."""
        return self.path.signal(t) * clean + self.path.spread(t) * noise

    def noise(self, noisy: Any, t: int, words: Any) -> Any:
        """The noise that the model sees in it."""
        return self.path.noise(self.network(noisy, t, words), noisy, t)

    def error(self, clean: Any, noise: Any, t: int, words: Any) -> tuple[Any, Any]:
        """Prediction and target at time t: of the noise in diffusion, of the velocity in flow matching."""
        noisy = self.noised(clean, noise, t)
        told = self.path.compared(self.network(noisy, t, words), noisy, t)
        return told, self.path.target(clean, noise).expand_as(told)

    def clean(self, noisy: Any, noise: Any, t: int) -> Any:
        """The film that is left when that noise is taken out."""
        return (noisy - self.path.spread(t) * noise) / max(self.path.signal(t), TINY)

    def moved(self, noisy: Any, noise: Any, t: int, to: int) -> Any:
        """A deterministic step (DDIM; in flow matching, Euler) from time t to another, with that noise."""
        return self.path.signal(to) * self.clean(noisy, noise, t) + self.path.spread(to) * noise


def published_level(time: int) -> float:
    """The image's share of the power at that time of the schedule attacks were published with: DDPM's linear one.

    Its thousand betas rise from 0.0001 to 0.02 (Ho, Jain and Abbeel 2020).
    """
    return float(np.prod(1.0 - np.linspace(1e-4, 0.02, 1000)[: time + 1]))


def fixed_noises(like: Any, count: int) -> Any:
    """(count, 1, c, h, w) noises, the same for every film and in every call."""
    import torch

    draw = torch.Generator().manual_seed(NOISE_SEED)
    return torch.randn((count, 1, *like.shape[1:]), generator=draw).to(like.device, like.dtype)


def per_film(values: Any) -> Any:
    """(n,) means over everything but the film."""
    return values.flatten(1).mean(1)


def as_measures(columns: Sequence[Any]) -> Floats:
    """(n, k) float64 from k tensors (n,)."""
    import torch

    return np.asarray(torch.stack(list(columns), 1).double().cpu().numpy(), np.float64)
