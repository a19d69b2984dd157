"""DenseNet with one grey channel, in the layout of torchxrayvision: a chest radiograph network.

Huang et al. 2017 (arXiv 1608.06993), Cohen et al. 2022 (arXiv 2111.00595). Depth and widths are read from the
weights. Its input range is -1024 to 1024, which the record states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from lab.features.families.folded import Convolution, Folded, convolve, relu_convolve

if TYPE_CHECKING:
    import torch

Norm = tuple["torch.Tensor", "torch.Tensor"]


class _Layer(NamedTuple):
    norm: Norm
    narrow: Convolution
    wide: Convolution


class DenseNet:
    """The features of a DenseNet as functions over its weights; its classifier is not used.

    Raises:
        WeightsError: when a tensor is missing, superfluous or of another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], device: str) -> None:
        given = {name.removeprefix("model."): tensor for name, tensor in state.items()}
        self._weights = Folded(given, device, "a torchxrayvision DenseNet", "features.")
        self._device = device
        self._stem = self._weights.convolution("conv0", "norm0")
        self._blocks: list[list[_Layer]] = []
        self._transitions: list[tuple[Norm, Convolution]] = []
        block = 1
        while f"denseblock{block}.denselayer1.conv1.weight" in self._weights:
            self._blocks.append(self._block(f"denseblock{block}"))
            if f"transition{block}.conv.weight" in self._weights:
                name = f"transition{block}"
                self._transitions.append(
                    (self._norm(f"{name}.norm"), self._weights.convolution(f"{name}.conv", None))
                )
            block += 1
        self._last = self._norm("norm5")
        self._weights.finish(("classifier.", "op_threshs"))

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Images (n, 1, H, W), already in their range, to features (n, dimension)."""
        import torch
        from torch.nn.functional import avg_pool2d, max_pool2d

        x = max_pool2d(relu_convolve(batch, self._stem, 2, 3), 3, 2, 1)
        for number, block in enumerate(self._blocks):
            for layer in block:
                new = relu_convolve(_scaled(x, layer.norm), layer.narrow)
                x = torch.cat([x, convolve(new, layer.wide, 1, 1)], 1)
            if number < len(self._transitions):
                norm, narrow = self._transitions[number]
                x = avg_pool2d(convolve(_scaled(x, norm), narrow), 2, 2)
        return _scaled(x, self._last).mean(dim=(2, 3))

    def _block(self, name: str) -> list[_Layer]:
        layers: list[_Layer] = []
        while f"{name}.denselayer{len(layers) + 1}.conv1.weight" in self._weights:
            place = f"{name}.denselayer{len(layers) + 1}"
            layers.append(
                _Layer(
                    self._norm(f"{place}.norm1"),
                    self._weights.convolution(f"{place}.conv1", f"{place}.norm2"),
                    self._weights.convolution(f"{place}.conv2", None),
                )
            )
        return layers

    def _norm(self, name: str) -> Norm:
        factor, shift = self._weights.norm(name, 1e-5)
        return (
            factor.float().to(self._device)[:, None, None],
            shift.float().to(self._device)[:, None, None],
        )


def _scaled(x: torch.Tensor, norm: Norm) -> torch.Tensor:
    """A batch norm that has no convolution before it, then max(0, x)."""
    return (x * norm[0]).add_(norm[1]).relu_()
