"""What a trained generator is measured by before it is exported; the figures stand in its card."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBE_SIZE = 64
PROMPTS: dict[str, tuple[str, ...]] = {
    "no finding": ("No acute finding.", "Clear lungs, normal heart size."),
    "effusion right": ("Large right pleural effusion.", "Moderate pleural effusion on the right."),
    "effusion left": ("Large left pleural effusion.", "Moderate pleural effusion on the left."),
    "pneumothorax right": ("Large right pneumothorax.", "Moderate pneumothorax on the right."),
    "pneumothorax left": ("Large left pneumothorax.", "Moderate pneumothorax on the left."),
    "cardiomegaly": ("Severe cardiomegaly.", "Moderate enlargement of the heart."),
    "consolidation right": (
        "Large consolidation in the right upper lobe.",
        "Large right lower lobe consolidation.",
    ),
    "consolidation left": (
        "Large consolidation in the left upper lobe.",
        "Large left lower lobe consolidation.",
    ),
}


def psnr(wanted: NDArray[np.uint8], given: NDArray[np.uint8]) -> float:
    """Mean over (n, H, W) uint8 image pairs of the peak signal-to-noise ratio in dB."""
    error = ((wanted.astype(np.float64) - given) ** 2).mean(axis=(1, 2))
    return float(np.mean(10 * np.log10(255.0**2 / np.maximum(error, 1e-9))))


def fine_energy(wanted: NDArray[np.uint8], given: NDArray[np.uint8]) -> float:
    """Energy above a quarter of the sampling rate in `given` over that in `wanted`, both (n, H, W)."""
    return float(_fine(given) / max(_fine(wanted), 1e-12))


def _fine(images: NDArray[np.uint8]) -> float:
    # Windowed: without it the step from one edge of the film to the other counts as fine detail.
    _, height, width = images.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    pixels = images.astype(np.float64)
    spectrum = np.abs(np.fft.fft2((pixels - pixels.mean((1, 2), keepdims=True)) * window)) ** 2
    high = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]) > 0.25
    return float(spectrum[:, high].sum())


def class_of(findings: list[dict[str, Any]]) -> str:
    """Finding and side of a film with at most one finding; "" for films with more."""
    if len(findings) > 1:
        return ""
    if not findings:
        return "no finding"
    return f"{findings[0]['label']} {findings[0]['side']}".strip()


class Probe:
    """A small convolutional classifier of finding and side on 64 px films; it judges, it never trains a generator.

    Args:
        images: (n, H, W) uint8 films of training patients.
        classes: their classes, each one of `PROMPTS`.
    """

    def __init__(
        self, images: NDArray[np.uint8], classes: list[str], epochs: int = 14, seed: int = 0
    ) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        self.names = sorted(PROMPTS)
        self.model = _network(len(self.names), seed)
        pixels, wanted = _standardised(images), torch.tensor([self.names.index(name) for name in classes])
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, weight_decay=0.05)
        draw, total = torch.Generator().manual_seed(seed), max(1, epochs * len(pixels) // 32)
        rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=total + 2)
        for _ in range(total):
            rows = torch.randint(0, len(pixels), (32,), generator=draw)
            shift = torch.randint(-4, 5, (2,), generator=draw).tolist()
            scores = self.model(torch.roll(pixels[rows], shift, (2, 3)))
            optimizer.zero_grad()
            cross_entropy(scores, wanted[rows], label_smoothing=0.05).backward()
            optimizer.step()
            rates.step()
        self.model.eval()

    def predict(self, images: NDArray[np.uint8]) -> list[str]:
        """Class of each film."""
        import torch

        with torch.no_grad():
            return [self.names[k] for k in self.model(_standardised(images)).argmax(1).tolist()]


def agreement(probe: Probe, images: NDArray[np.uint8], classes: list[str]) -> dict[str, Any]:
    """Share of films whose predicted class is the wanted one, in all and a class, with n."""
    hit = np.array([a == b for a, b in zip(probe.predict(images), classes, strict=True)])
    names = sorted(set(classes))
    rows = {name: round(float(hit[[c == name for c in classes]].mean()), 3) for name in names}
    return {"share": round(float(hit.mean()), 3), "n": len(classes), "by_class": rows}


def _network(outputs: int, seed: int) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    widths, layers = (1, 24, 48, 96, 128), []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.ReLU()]
    cells = (PROBE_SIZE // 2 ** (len(widths) - 1)) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(widths[-1] * cells, outputs))


def _standardised(images: NDArray[np.uint8]) -> Any:
    """(n, H, W) uint8 to (n, 1, 64, 64): box-averaged or enlarged, each film to mean 0 and deviation 1."""
    import torch
    from torch.nn.functional import interpolate

    pixels = torch.from_numpy(np.ascontiguousarray(images)).float()[:, None]
    small = interpolate(pixels, size=(PROBE_SIZE, PROBE_SIZE), mode="area")
    small = small - small.mean((2, 3), keepdim=True)
    return small / (small.std((2, 3), keepdim=True) + 1e-6)
