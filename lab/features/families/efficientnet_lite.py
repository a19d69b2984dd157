"""The EfficientNet-Lite networks: our own definition, batch norms folded into the convolutions.

Architecture: Tan and Le 2019, arXiv 1905.11946, the "lite" variants (no squeeze-and-excite, ReLU6 everywhere; stem,
head and the number of blocks of the first and last stage are not scaled).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lab.errors import WeightsError

if TYPE_CHECKING:
    import torch

# repeat, kernel, stride, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320),
)  # fmt: skip
EPSILON = 1e-3
SCALES = {"lite0": (1.0, 1.0), "lite2": (1.1, 1.2)}  # width, depth
LAST = len(STAGES) - 1


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after an axis of `size` pixels, TensorFlow's "same": the odd pixel goes after."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class LiteNetwork:
    """An EfficientNet-Lite as plain functions over folded weights.

    Args:
        state: the published state dictionary; every key has to be used.
        device: where it computes.
        variant: "lite0" or "lite2".

    Raises:
        WeightsError: when a weight is missing, superfluous or of another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], device: str, variant: str = "lite0") -> None:
        self._unread = {key for key in state if not key.endswith("num_batches_tracked")}
        self._state = state
        self._device = device
        try:
            self._stem = self._folded("_conv_stem", "_bn0", (32, 3, 3, 3))
            self._blocks = [self._block(number, *shape) for number, shape in enumerate(unrolled(variant))]
            last = unrolled(variant)[-1][-1]
            self._head = self._folded("_conv_head", "_bn1", (1280, last, 1, 1))
            self._classes = (self._take("_fc.weight").to(device), self._take("_fc.bias").to(device))
        except (KeyError, ValueError) as error:
            raise _wrong_weights() from error
        if self._unread:
            raise _wrong_weights()
        self._state = {}

    def blocks(self, batch: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, H, W), already normalised, to the last block's map (n, channels, H/32, W/32)."""
        from torch.nn.functional import relu6

        x = relu6(_convolve(batch, self._stem, stride=2), inplace=True)
        for expand, depthwise, project, stride in self._blocks:
            y = relu6(_convolve(x, expand), inplace=True) if expand else x
            y = relu6(_convolve(y, depthwise, stride=stride, groups=y.shape[1]), inplace=True)
            y = _convolve(y, project)
            x = x + y if y.shape == x.shape else y
        return x

    def pooled(self, batch: torch.Tensor, layer: str = "pooled") -> torch.Tensor:
        """Features averaged over the image: (n, 1280) after the 1x1 head, or (n, channels) for layer "blocks"."""
        from torch.nn.functional import relu6

        x = self.blocks(batch)
        if layer == "pooled":
            x = relu6(_convolve(x, self._head), inplace=True)
        return x.mean(dim=(2, 3))

    def logits(self, batch: torch.Tensor) -> torch.Tensor:
        """ImageNet class scores (n, 1000); kept to check the network, not used as features."""
        weight, bias = self._classes
        return self.pooled(batch) @ weight.T + bias

    def _take(self, key: str) -> torch.Tensor:
        self._unread.discard(key)
        return self._state[key]

    def _folded(self, conv: str, norm: str, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        weight = self._take(f"{conv}.weight").double()
        if tuple(weight.shape) != shape:
            raise ValueError(conv)
        gamma, beta, mean, variance = (
            self._take(f"{norm}.{part}").double()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / torch.sqrt(variance + EPSILON)
        weight, bias = (weight * factor[:, None, None, None]).float(), (beta - mean * factor).float()
        return weight.to(self._device, memory_format=torch.channels_last), bias.to(self._device)

    def _block(
        self, number: int, kernel: int, stride: int, expansion: int, before: int, after: int
    ) -> tuple[Any, ...]:
        name, wide = f"_blocks.{number}.", before * expansion
        expand = None
        if expansion > 1:
            expand = self._folded(name + "_expand_conv", name + "_bn0", (wide, before, 1, 1))
        depthwise = self._folded(name + "_depthwise_conv", name + "_bn1", (wide, 1, kernel, kernel))
        project = self._folded(name + "_project_conv", name + "_bn2", (after, wide, 1, 1))
        return expand, depthwise, project, stride


def unrolled(variant: str) -> list[tuple[int, int, int, int, int]]:
    """Each block of a variant: kernel, stride, expansion, channels in, channels out."""
    width, depth = SCALES[variant]
    rows: list[tuple[int, int, int, int, int]] = []
    before = 32
    for number, (repeat, kernel, stride, expansion, _, out) in enumerate(STAGES):
        after = _channels(out * width)
        count = repeat if number in (0, LAST) else math.ceil(repeat * depth)
        rows.append((kernel, stride, expansion, before, after))
        rows += [(kernel, 1, expansion, after, after)] * (count - 1)
        before = after
    return rows


def _channels(wanted: float) -> int:
    """The next multiple of 8, never more than a tenth below."""
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _convolve(
    x: torch.Tensor, layer: tuple[torch.Tensor, torch.Tensor], stride: int = 1, groups: int = 1
) -> torch.Tensor:
    from torch.nn.functional import conv2d, pad

    weight, bias = layer
    kernel = weight.shape[2]
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    if top == bottom and left == right:
        return conv2d(x, weight, bias, stride, (top, left), 1, groups)
    return conv2d(pad(x, (left, right, top, bottom)), weight, bias, stride, 0, 1, groups)


def _wrong_weights() -> WeightsError:
    return WeightsError(
        "The weights are not those of this EfficientNet-Lite; nothing was computed; reinstall requirements.txt."
    )
