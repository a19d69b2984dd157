"""Inception v3 with the weights of the Frechet Inception Distance, read in their published PyTorch layout.

Not the Inception of torchvision: averages inside blocks leave the border out, and the last block takes a maximum
where the others average (Heusel et al. 2017; the layout of pytorch-fid and torch-fidelity, arXiv 1512.00567).
Widths are read from the weights, so that the same code runs a network of toy size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lab.features.families.folded import Convolution, Folded, relu_convolve

if TYPE_CHECKING:
    import torch

EPSILON = 1e-3
BLOCKS = {
    "5b": "A", "5c": "A", "5d": "A", "6a": "B", "6b": "C", "6c": "C", "6d": "C", "6e": "C",
    "7a": "D", "7b": "E", "7c": "E",
}  # fmt: skip
_DOUBLE = ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
_SEVENS = tuple(f"branch7x7dbl_{step}" for step in range(1, 6))
PARTS = {
    "A": ("branch1x1", "branch5x5_1", "branch5x5_2", *_DOUBLE, "branch_pool"),
    "B": ("branch3x3", *_DOUBLE),
    "C": ("branch1x1", "branch7x7_1", "branch7x7_2", "branch7x7_3", *_SEVENS, "branch_pool"),
    "D": ("branch3x3_1", "branch3x3_2", "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"),
    "E": (
        "branch1x1", "branch3x3_1", "branch3x3_2a", "branch3x3_2b", "branch3x3dbl_1", "branch3x3dbl_2",
        "branch3x3dbl_3a", "branch3x3dbl_3b", "branch_pool",
    ),
}  # fmt: skip
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
Parts = Mapping[str, Convolution]


class InceptionFid:
    """The network up to its last average, as functions over folded weights.

    Args:
        state: the published state dictionary; the classifier `fc` is not used.
        device: where it computes.
        layer: "64", "192", "768" or "2048": which activations are the features.

    Raises:
        WeightsError: when a tensor is missing, superfluous or of another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], device: str, layer: str = "2048") -> None:
        weights = Folded(state, device, "Inception v3 for the Frechet distance")

        def folded(name: str) -> Convolution:
            return weights.convolution(f"{name}.conv", f"{name}.bn", EPSILON)

        self._layer = layer
        self._stem = [folded(name) for name in STEM]
        self._blocks = {
            name: {part: folded(f"Mixed_{name}.{part}") for part in PARTS[kind]}
            for name, kind in BLOCKS.items()
        }
        weights.finish(("fc.", "AuxLogits."))

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, 299, 299), already normalised, to features (n, dimension)."""
        from torch.nn.functional import max_pool2d

        x = relu_convolve(batch, self._stem[0], stride=2)
        x = relu_convolve(relu_convolve(x, self._stem[1]), self._stem[2], padding=1)
        x = max_pool2d(x, 3, 2)
        if self._layer != "64":
            x = max_pool2d(relu_convolve(relu_convolve(x, self._stem[3]), self._stem[4]), 3, 2)
        if self._layer in ("768", "2048"):
            for name, kind in BLOCKS.items():
                if self._layer == "768" and name == "7a":
                    break
                x = (
                    _FORWARD[kind](x, self._blocks[name])
                    if name != "7c"
                    else _block_e(x, self._blocks[name], True)
                )
        return x.mean(dim=(2, 3))


def _chain(x: torch.Tensor, parts: Parts, *names: str) -> torch.Tensor:
    """Convolutions one after the other, each keeping the size."""
    for name in names:
        height, width = parts[name].weight.shape[2:]
        x = relu_convolve(x, parts[name], padding=(height // 2, width // 2))
    return x


def _averaged(x: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _block_a(x: torch.Tensor, p: Parts) -> torch.Tensor:
    import torch

    return torch.cat(
        [
            _chain(x, p, "branch1x1"),
            _chain(x, p, "branch5x5_1", "branch5x5_2"),
            _chain(x, p, *_DOUBLE),
            _chain(_averaged(x), p, "branch_pool"),
        ],
        1,
    )


def _block_b(x: torch.Tensor, p: Parts) -> torch.Tensor:
    import torch
    from torch.nn.functional import max_pool2d

    double = _chain(x, p, "branch3x3dbl_1", "branch3x3dbl_2")
    double = relu_convolve(double, p["branch3x3dbl_3"], stride=2)
    return torch.cat([relu_convolve(x, p["branch3x3"], stride=2), double, max_pool2d(x, 3, 2)], 1)


def _block_c(x: torch.Tensor, p: Parts) -> torch.Tensor:
    import torch

    return torch.cat(
        [
            _chain(x, p, "branch1x1"),
            _chain(x, p, "branch7x7_1", "branch7x7_2", "branch7x7_3"),
            _chain(x, p, *_SEVENS),
            _chain(_averaged(x), p, "branch_pool"),
        ],
        1,
    )


def _block_d(x: torch.Tensor, p: Parts) -> torch.Tensor:
    import torch
    from torch.nn.functional import max_pool2d

    three = relu_convolve(_chain(x, p, "branch3x3_1"), p["branch3x3_2"], stride=2)
    seven = _chain(x, p, "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3")
    seven = relu_convolve(seven, p["branch7x7x3_4"], stride=2)
    return torch.cat([three, seven, max_pool2d(x, 3, 2)], 1)


def _block_e(x: torch.Tensor, p: Parts, largest: bool = False) -> torch.Tensor:
    import torch
    from torch.nn.functional import max_pool2d

    three = _chain(x, p, "branch3x3_1")
    double = _chain(x, p, "branch3x3dbl_1", "branch3x3dbl_2")
    pooled = max_pool2d(x, 3, 1, 1) if largest else _averaged(x)
    branches = [_chain(x, p, "branch1x1")]
    branches += [_chain(three, p, f"branch3x3_2{side}") for side in "ab"]
    branches += [_chain(double, p, f"branch3x3dbl_3{side}") for side in "ab"]
    return torch.cat([*branches, _chain(pooled, p, "branch_pool")], 1)


_FORWARD: dict[str, Callable[[torch.Tensor, Parts], torch.Tensor]] = {
    "A": _block_a, "B": _block_b, "C": _block_c, "D": _block_d, "E": _block_e,
}  # fmt: skip
