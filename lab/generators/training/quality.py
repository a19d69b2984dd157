"""What a trained generator is measured by before it is exported; the figures stand in its card."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBE_SIZE = 32
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
    spectrum = np.abs(np.fft.fft2(images.astype(np.float64))) ** 2
    rows, columns = np.fft.fftfreq(images.shape[1]), np.fft.fftfreq(images.shape[2])
    high = np.hypot(rows[:, None], columns[None, :]) > 0.25
    return float(spectrum[:, high].sum())


def class_of(findings: list[dict[str, Any]]) -> str:
    """Finding and side of a film with at most one finding; "" for films with more."""
    if len(findings) > 1:
        return ""
    if not findings:
        return "no finding"
    return f"{findings[0]['label']} {findings[0]['side']}".strip()


def probe(images: NDArray[np.uint8], classes: list[str]) -> Any:
    """A logistic regression on 32 x 32 films: simple on purpose, it cannot see what is not plain."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=400))
    return model.fit(probe_features(images), classes)


def probe_features(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, H, W) uint8 to (n, 1024): box-averaged, each film to mean 0 and deviation 1."""
    factor = images.shape[1] // PROBE_SIZE
    n = len(images)
    small = images.astype(np.float32).reshape(n, PROBE_SIZE, factor, PROBE_SIZE, factor).mean(axis=(2, 4))
    flat = small.reshape(n, -1)
    return (flat - flat.mean(1, keepdims=True)) / (flat.std(1, keepdims=True) + 1e-6)


def agreement(model: Any, images: NDArray[np.uint8], classes: list[str]) -> dict[str, Any]:
    """Share of films whose predicted class is the wanted one, in all and a class, with n."""
    predicted = model.predict(probe_features(images))
    hit = np.array([a == b for a, b in zip(predicted, classes, strict=True)])
    names = sorted(set(classes))
    rows = {name: round(float(hit[[c == name for c in classes]].mean()), 3) for name in names}
    return {"share": round(float(hit.mean()), 3), "n": len(classes), "by_class": rows}
