"""From thicknesses to a grey film: attenuation, scatter, quanta, blur, and what a digital unit does afterwards."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Positioning
from lab.data.phantoms.geometry import Map, Plane, blurred
from lab.data.phantoms.thorax import Chest

SPECTRUM = ((0.55, 0.225, 0.78), (0.45, 0.178, 0.44))  # share, cm^-1 of soft tissue, cm^-1 of cortical bone
TOE = np.float32(0.16)  # below this tone the curve flattens, so that skin fades into the open field
QUANTA = 250000.0  # detected in the open field per 1.4 mm pixel at unit exposure


def transmitted(soft: Map, bone: Map) -> Map:
    """Beer-Lambert: share of the beam that passes ``soft`` and ``bone`` cm, two energies, (size, size) float32."""
    total = np.zeros_like(soft)
    for share, mu_soft, mu_bone in SPECTRUM:
        total += np.float32(share) * np.exp(
            -np.float32(mu_soft) * soft - np.float32(mu_bone - mu_soft) * bone
        )
    return total


def scattered(primary: Map, soft: Map, plane: Plane, grid: float) -> Map:
    """Scatter: what was removed inside the body comes back spread over many centimetres."""
    source = (primary * np.clip(soft / 12, 0, 2) ** np.float32(1.5)).astype(np.float32)
    narrow, wide = blurred(source, 2.2 / plane.pixel), blurred(source, 6.0 / plane.pixel)
    return np.float32(grid) * (np.float32(0.45) * narrow + np.float32(0.55) * wide)


def detect(signal: Map, plane: Plane, position: Positioning, rng: np.random.Generator) -> Map:
    """Quantum noise through the scintillator's blur, then a little read-out noise."""
    scale = np.float32(QUANTA * position.exposure * (plane.pixel / 0.1465) ** 2)
    counts = signal * scale
    grain = rng.standard_normal(signal.shape, dtype=np.float32) * np.sqrt(np.maximum(counts, 1))
    sigma = position.blur * plane.size / 256
    noisy = blurred(counts, sigma) + blurred(grain, 0.6 * sigma)
    noisy += np.float32(3.0) * rng.standard_normal(signal.shape, dtype=np.float32)
    return np.maximum(noisy, 1.0) / scale


def develop(signal: Map, chest: Chest, plane: Plane, position: Positioning) -> Map:
    """Logarithm, multi-scale contrast (wide structures compressed, fine ones lifted), window, tone curve: 0..1."""
    density = -np.log(signal)
    wide = blurred(density, 3.2 / plane.pixel)
    middle = blurred(density, 0.9 / plane.pixel)
    fine = blurred(density, 0.22 / plane.pixel)
    d = np.float32(position.detail)
    image = (
        np.float32(position.latitude) * wide
        + (1 + 0.30 * d) * (middle - wide)
        + (1 + 0.9 * d) * (fine - middle)
        + (1.35 + 1.9 * d) * (density - fine)
    )
    lungs = chest.lungs[0] + chest.lungs[1] > 4
    low = np.percentile(image[lungs], 12)
    high = np.percentile(image[::2, ::2][chest.body[::2, ::2] > 4], 97)
    grey = np.float32(position.lung_grey)
    tone = np.minimum(grey + (image - low) / (high - low) * (np.float32(0.99) - grey), np.float32(1.3))
    tone = np.where(tone > TOE, tone, TOE * np.exp(np.minimum(tone / TOE - 1, 0))).astype(np.float32)
    curve = tone ** np.float32(position.gamma)
    shoulder = np.where(curve > 0.7, 0.7 + 0.3 * np.tanh((curve - 0.7) / 0.3), curve)
    span = position.white - position.black
    return (np.float32(position.black) + np.float32(span) * np.clip(shoulder, 0, 1)).astype(np.float32)
