"""The band of middle spatial frequencies of an image, and structural similarity, on tensors (n, c, h, w)."""

from __future__ import annotations

from typing import Any

LOW, HIGH = 0.15, 0.85
WINDOW = 7


def middle_band(images: Any, low: float = LOW, high: float = HIGH) -> Any:
    """The images with only the frequencies whose radius is `low` to `high` of the half width, same shape."""
    import torch

    height, width = images.shape[-2:]
    rows = torch.fft.fftfreq(height, device=images.device) * 2.0
    columns = torch.fft.fftfreq(width, device=images.device) * 2.0
    radius = torch.sqrt(rows[:, None] ** 2 + columns[None, :] ** 2)
    kept = ((radius >= low) & (radius <= high)).to(images.dtype)
    return torch.fft.ifft2(torch.fft.fft2(images) * kept).real


def similarity(images: Any, reference: Any) -> Any:
    """(n,) mean structural similarity (Wang et al. 2004), -1..1, in a square window of 7 pixels or what fits.

    Sample covariances; the data range is that of each reference image.
    """
    import torch.nn.functional as f

    side = min(WINDOW, *images.shape[-2:])
    side -= 1 - side % 2
    count = side * side
    spans = reference.flatten(1).max(1).values - reference.flatten(1).min(1).values
    span = spans.clamp_min(1e-12).view(-1, 1, 1, 1)

    def mean(values: Any) -> Any:
        return f.avg_pool2d(values, side, stride=1)

    ours, theirs = mean(images), mean(reference)
    scale = count / max(1, count - 1)
    spread = scale * (mean(images * images) - ours * ours)
    other = scale * (mean(reference * reference) - theirs * theirs)
    shared = scale * (mean(images * reference) - ours * theirs)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    told = ((2 * ours * theirs + c1) * (2 * shared + c2)) / (
        (ours**2 + theirs**2 + c1) * (spread + other + c2)
    )
    return told.flatten(1).mean(1)
