"""The layers of StyleGAN2, written from their definitions: dense, filtered sampling, modulated convolution.

Every weight has an equalised learning rate: it is stored with unit variance and scaled where it is used. Pictures and
activations are (n, channels, height, width) float32 tensors.
"""

from __future__ import annotations

import math
from typing import Any

SLOPE = 0.2
GAIN = math.sqrt(2)
TAPS = (1.0, 3.0, 3.0, 1.0)


def resample_filter() -> Any:
    """The (4, 4) low-pass filter [1, 3, 3, 1] x [1, 3, 3, 1], its sum 1."""
    import torch

    taps = torch.tensor(TAPS)
    both = taps[:, None] * taps[None, :]
    return both / both.sum()


def rectified(x: Any, gain: float = 1.0, clamp: float | None = None) -> Any:
    """Leaky ReLU that keeps the variance; `clamp` bounds it before the gain."""
    import torch

    x = torch.nn.functional.leaky_relu(x, SLOPE) * (GAIN * gain)
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)


def dense(t: Any, name: str, x: Any, rate: float = 1.0) -> Any:
    """(n, in) to (n, out) by the weight and bias of `name`; `rate` is the learning-rate multiplier."""
    import torch

    weight, bias = t[f"{name}.weight"], t[f"{name}.bias"]
    return torch.addmm(bias * rate if rate != 1 else bias, x, (weight * (rate / math.sqrt(x.shape[1]))).t())


def filtered(x: Any, taps: Any, front: int, back: int, gain: float = 1.0, step: int = 1) -> Any:
    """Convolve each channel with a small filter.

    Args:
        x: (n, c, h, w).
        taps: (k, k).
        front, back: zeros put before and after rows and columns.
        gain: what the filter is multiplied with.
        step: every how many pixels are kept.
    """
    from torch.nn import functional

    channels = x.shape[1]
    kernel = (taps.flip(0, 1) * gain)[None, None].expand(channels, 1, -1, -1)
    if front == back:
        return functional.conv2d(x, kernel, stride=step, padding=front, groups=channels)
    padded = functional.pad(x, (front, back, front, back))
    return functional.conv2d(padded, kernel, stride=step, groups=channels)


def upsampled(x: Any, taps: Any) -> Any:
    """(n, c, h, w) to (n, c, 2 h, 2 w): zeros between the pixels, then the low-pass filter."""
    import torch

    n, channels, height, width = x.shape
    spread = torch.zeros(n, channels, height, 2, width, 2, dtype=x.dtype, device=x.device)
    spread[:, :, :, 0, :, 0] = x
    return filtered(spread.reshape(n, channels, 2 * height, 2 * width), taps, 2, 1, gain=4.0)


def modulated(x: Any, weight: Any, styles: Any, taps: Any | None = None, demodulate: bool = True) -> Any:
    """Convolution whose input channels are scaled by a style, each output channel brought back to unit variance.

    Scaling the activations before and after one shared convolution gives what a kernel of each sample's own would.

    Args:
        x: (n, in, h, w).
        weight: (out, in, k, k).
        styles: (n, in).
        taps: low-pass filter; given, the result has twice the side.
        demodulate: whether the output is divided by the norm of the scaled kernel.
    """
    from torch.nn import functional

    n, k = len(x), weight.shape[-1]
    x = x * styles.view(n, -1, 1, 1)
    if taps is None:
        x = functional.conv2d(x, weight, padding=k // 2)
    else:
        x = filtered(functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2), taps, 1, 1, gain=4.0)
    if not demodulate:
        return x
    power = styles.square() @ weight.square().sum(dim=(2, 3)).t()
    return x * (power + 1e-8).rsqrt().view(n, -1, 1, 1)


def convolved(t: Any, name: str, x: Any, stride: int = 1, padding: int | None = None) -> Any:
    """Plain convolution by the weight of `name`, and its bias where there is one; padded to keep the side."""
    from torch.nn import functional

    weight = t[f"{name}.weight"]
    side = weight.shape[-1]
    scaled = weight / math.sqrt(weight.shape[1] * side * side)
    edge = side // 2 if padding is None else padding
    return functional.conv2d(x, scaled, t.get(f"{name}.bias"), stride=stride, padding=edge)


def halved(t: Any, name: str, x: Any, taps: Any) -> Any:
    """Low-pass filter, then a 3 x 3 convolution of every second pixel: (n, c, h, w) to (n, out, h / 2, w / 2)."""
    return convolved(t, name, filtered(x, taps, 2, 2), stride=2, padding=0)


def doubled(t: Any, name: str, x: Any, taps: Any) -> Any:
    """A 3 x 3 convolution between new pixels, then the low-pass filter: (n, c, h, w) to (n, out, 2 h, 2 w)."""
    from torch.nn import functional

    weight = t[f"{name}.weight"]
    scaled = weight.transpose(0, 1) / math.sqrt(weight.shape[1] * 9)
    spread = functional.conv_transpose2d(x, scaled, stride=2)
    return filtered(spread, taps, 1, 1, gain=4.0) + t[f"{name}.bias"].view(1, -1, 1, 1)
