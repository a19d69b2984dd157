"""SecMI-stat (Duan et al. 2023): a member lies on a path that the model walks up and down without straying."""

from __future__ import annotations

from typing import Any

from lab.leakage.attacks.denoiser import Denoiser, Floats, as_measures, published_level

TIME, STRIDES = 100, 10
CALLS = STRIDES + 1


def measure(denoiser: Denoiser, clean: Any, words: Any) -> Floats:
    """(n, 1) squared gap after one step up to time t and back, k = t/10; lower for members.

    The film is inverted deterministically in steps of k up to t - k; from there one step up to t and one back. t is 100
    of the published schedule of 1,000, and elsewhere the time with as much noise.
    """
    stride = max(1, round(denoiser.at_level(published_level(TIME)) / STRIDES))
    x, t = clean, 0
    for _ in range(STRIDES - 1):
        x = denoiser.moved(x, denoiser.noise(x, t, words), t, t + stride)
        t += stride
    up = denoiser.moved(x, denoiser.noise(x, t, words), t, t + stride)
    back = denoiser.moved(up, denoiser.noise(up, t + stride, words), t + stride, t)
    return as_measures([((back - x) ** 2).flatten(1).sum(1)])
