"""Weights of a convolutional network taken by name, batch norms folded into the convolutions before them.

Folding leaves every output what it was up to rounding and saves a pass over each activation, which on a processor
is a good part of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lab.errors import WeightsError

if TYPE_CHECKING:
    import torch


class Convolution(NamedTuple):
    """Weight (out, in, h, w) and bias (out,)."""

    weight: torch.Tensor
    bias: torch.Tensor | None


class Folded:
    """A state dictionary whose every tensor has to be asked for by its published name.

    Args:
        state: name to tensor.
        device: where the tensors go.
        title: name of the model, for the sentence that says they do not fit.
        prefix: put before every name that is asked for.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], device: str, title: str, prefix: str = "") -> None:
        self._state = state
        self._device = device
        self._title = title
        self._prefix = prefix
        self._unread = {name for name in state if not name.endswith("num_batches_tracked")}

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._state

    def take(self, name: str) -> torch.Tensor:
        """A tensor of the file, on the processor.

        Raises:
            WeightsError: when it is not there.
        """
        full = self._prefix + name
        if full not in self._state:
            raise WeightsError(
                f"The weights are not those of {self._title}: tensor {full[:80]!r} is missing; "
                "nothing was computed; copy them again."
            )
        self._unread.discard(full)
        return self._state[full]

    def norm(self, name: str, epsilon: float) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch norm as factor and shift (channels,), float64."""
        import torch

        gamma, beta, mean, variance = (
            self.take(f"{name}.{part}").double() for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / torch.sqrt(variance + epsilon)
        return factor, beta - mean * factor

    def convolution(self, conv: str, norm: str | None, epsilon: float = 1e-5) -> Convolution:
        """A convolution with the batch norm after it, where there is one, folded in."""
        import torch

        weight = self.take(f"{conv}.weight").double()
        bias = self.take(f"{conv}.bias").double() if f"{conv}.bias" in self else None
        if weight.ndim == 2:  # a linear layer over channels
            weight = weight[:, :, None, None]
        if norm is not None:
            factor, shift = self.norm(norm, epsilon)
            if weight.ndim != 4 or len(factor) != len(weight):
                raise self.refused(conv)
            weight = weight * factor[:, None, None, None]
            bias = shift if bias is None else bias * factor + shift
        kept = weight.float().to(self._device, memory_format=torch.channels_last)
        return Convolution(kept, None if bias is None else bias.float().to(self._device))

    def finish(self, unused: Iterable[str] = ()) -> None:
        """Say that all is read; names that begin with one of `unused` may be left.

        Raises:
            WeightsError: when the file holds tensors this network does not have.
        """
        left = sorted(name for name in self._unread if not name.startswith(tuple(unused)))
        if left:
            raise WeightsError(
                f"The weights are not those of {self._title}: tensor {left[0][:80]!r} has no place in it; "
                "nothing was computed; copy them again."
            )

    def refused(self, name: str) -> WeightsError:
        """The sentence for a tensor of another shape."""
        return WeightsError(
            f"The weights are not those of {self._title}: tensor {name[:80]!r} has another shape; "
            "nothing was computed; copy them again."
        )


def convolve(
    x: torch.Tensor, layer: Convolution, stride: int = 1, padding: int | tuple[int, int] = 0
) -> torch.Tensor:
    """A convolution."""
    from torch.nn.functional import conv2d

    return conv2d(x, layer.weight, layer.bias, stride, padding)


def relu_convolve(
    x: torch.Tensor, layer: Convolution, stride: int = 1, padding: int | tuple[int, int] = 0
) -> torch.Tensor:
    """A convolution, then max(0, x)."""
    return convolve(x, layer, stride, padding).relu_()
