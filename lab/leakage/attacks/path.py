"""How noise is mixed into an image, and how a network's prediction is read: diffusion and flow matching.

At time t an image x becomes a x + b e with noise e. Diffusion: a^2 is the running product of 1 - beta, b^2 is 1 - a^2.
Flow matching: a straight line, a = 1 - t/T and b = t/T, whose velocity from image to noise is e - x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Below this a division would only amplify rounding.
TINY = 1e-4


class Path(Protocol):
    """The way from an image to noise in times 0..last; tensors are (n, c, h, w) float32."""

    @property
    def last(self) -> int:
        """The largest time."""
        ...

    @property
    def steps(self) -> int:
        """Length T of the schedule, of which times are shares."""
        ...

    def signal(self, t: int) -> float:
        """Weight a of the image at time t."""
        ...

    def spread(self, t: int) -> float:
        """Weight b of the noise at time t."""
        ...

    def noise(self, output: Any, noisy: Any, t: int) -> Any:
        """The noise that a network's output stands for."""
        ...

    def compared(self, output: Any, noisy: Any, t: int) -> Any:
        """The output as what its error is told in: the noise in diffusion, the velocity in flow matching."""
        ...

    def target(self, clean: Any, noise: Any) -> Any:
        """What `compared` should have been."""
        ...


@dataclass(frozen=True, eq=False)
class DiffusionPath:
    """A diffusion schedule.

    Attributes:
        alphas: (T,) running product of 1 - beta, falling, within 0..1.
        prediction: "epsilon", "v_prediction" or "sample".
    """

    alphas: Floats
    prediction: str

    @property
    def steps(self) -> int:
        """T."""
        return len(self.alphas)

    @property
    def last(self) -> int:
        """T - 1: times are counted from 0."""
        return len(self.alphas) - 1

    def signal(self, t: int) -> float:
        """The root of the running product."""
        return float(np.sqrt(self.alphas[t]))

    def spread(self, t: int) -> float:
        """The root of the rest."""
        return float(np.sqrt(1.0 - self.alphas[t]))

    def noise(self, output: Any, noisy: Any, t: int) -> Any:
        """Epsilon: as it is, from the velocity a e - b x, or from the image."""
        if self.prediction == "epsilon":
            return output
        a, b = self.signal(t), self.spread(t)
        if self.prediction == "v_prediction":
            return a * output + b * noisy
        return (noisy - a * output) / max(b, TINY)

    def compared(self, output: Any, noisy: Any, t: int) -> Any:
        """Epsilon."""
        return self.noise(output, noisy, t)

    def target(self, clean: Any, noise: Any) -> Any:
        """The noise."""
        return noise


@dataclass(frozen=True)
class FlowPath:
    """A straight path of flow matching with `steps` times; the network gives the velocity noise - image."""

    steps: int = 1000

    @property
    def last(self) -> int:
        """T: all noise."""
        return self.steps

    def signal(self, t: int) -> float:
        """1 - t/T."""
        return 1.0 - t / self.steps

    def spread(self, t: int) -> float:
        """t/T."""
        return t / self.steps

    def noise(self, output: Any, noisy: Any, t: int) -> Any:
        """The end of the straight line."""
        return noisy + self.signal(t) * output

    def compared(self, output: Any, noisy: Any, t: int) -> Any:
        """The velocity."""
        return output

    def target(self, clean: Any, noise: Any) -> Any:
        """The velocity of the line between both."""
        return noise - clean
