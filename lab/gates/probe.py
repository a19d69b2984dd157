"""The probe: a classifier of findings, trained on phantom films; it judges generators and trains none.

For every pathology and device it scores whether it is there; for the sided ones on which side, for pathologies how
large, both learnt from films that show them. Side and size answer "if it is there": they are read where it was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.config import settings
from lab.data.phantoms.draws import DEVICES, LABELS, SIDED, SIZES, FindingSpec
from lab.gates.probe_network import STRIDE, augmented, network, standardised
from lab.provenance import code_digest, digest_json

Floats = NDArray[np.float64]
OnStep = Callable[[int, int], None]
ALL = (*LABELS, *DEVICES)
EPOCHS, BATCH, RATE, SEED = 45, 32, 3e-3, 5
SIDE_WEIGHT, SIZE_WEIGHT, MAP_WEIGHT = 0.5, 0.5, 1.0
READ = 50


@dataclass(frozen=True, eq=False)
class Reading:
    """What the probe says of films.

    Attributes:
        present: (n, 10) scores of `ALL`, higher where a finding shows.
        side: (n, 6) scores of `SIDED`, above 0 on the patient's right.
        size: (n, 6) scores of `LABELS`, about -1 small, 0 moderate, 1 large.
    """

    present: Floats
    side: Floats
    size: Floats


@dataclass(frozen=True, eq=False)
class Targets:
    """What films show, as numbers; not-a-number where a film says nothing.

    Attributes:
        present: (n, 10) 1 where a finding of `ALL` is there, else 0.
        side: (n, 6) 1 right, 0 left, of `SIDED`.
        size: (n, 6) -1 small, 0 moderate, 1 large, of `LABELS`.
    """

    present: Floats
    side: Floats
    size: Floats


def targets(findings: Sequence[Sequence[FindingSpec]]) -> Targets:
    """The numbers of `n` films or prompts."""
    n = len(findings)
    present = np.zeros((n, len(ALL)))
    side, size = np.full((n, len(SIDED)), np.nan), np.full((n, len(LABELS)), np.nan)
    for row, shown in enumerate(findings):
        for finding in shown:
            present[row, ALL.index(finding.label)] = 1.0
            if finding.side:
                side[row, SIDED.index(finding.label)] = float(finding.side == "right")
            if finding.size:
                size[row, LABELS.index(finding.label)] = SIZES.index(finding.size) - 1.0
    return Targets(present, side, size)


class Probe:
    """A trained probe."""

    def __init__(self, model: Any) -> None:
        self.model = model.eval()

    def read(self, images: NDArray[np.uint8]) -> Reading:
        """Scores of (n, S, S) uint8 films of the side that it was trained on."""
        import torch

        parts: list[list[Any]] = [[], [], []]
        with torch.no_grad():
            for start in range(0, len(images), READ):
                scores = self.model(standardised(images[start : start + READ]))[:3]
                for kept, found in zip(parts, scores, strict=True):
                    kept.append(found.double().numpy())
        present, side, size = (np.concatenate(kept) for kept in parts)
        return Reading(present, side, size)


def train(
    images: NDArray[np.uint8],
    lesions: NDArray[np.uint8],
    findings: Sequence[Sequence[FindingSpec]],
    on_step: OnStep,
    epochs: int = EPOCHS,
    seed: int = SEED,
) -> Probe:
    """Train a probe; one thread of one machine gives the same probe again.

    Args:
        images, lesions: (n, S, S) uint8; lesions 0 to 255, the share of a pixel inside any finding. S is a multiple
            of 16.
        findings: what each film shows.
        on_step: called with steps done and in all.
    """
    import torch

    wanted = [torch.from_numpy(part).float() for part in vars(targets(findings)).values()]
    pixels, (regions, counted) = standardised(images), _regions(lesions, wanted[0])
    model = network(len(ALL), len(SIDED), len(LABELS), seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    total = max(1, epochs * len(images) // BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=total, pct_start=0.2)
    draw = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in range(total):
            rows = torch.randint(0, len(pixels), (BATCH,), generator=draw)
            seen, places = augmented(pixels[rows], regions[rows], draw)
            error = _loss(model(seen), [part[rows] for part in wanted], places, counted[rows])
            optimizer.zero_grad()
            error.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            rates.step()
            on_step(step + 1, total)
    return Probe(model)


def kept_probe(key: Sequence[Any], make: Callable[[], Probe]) -> Probe:
    """The probe that was trained before on the same films by the same code, else a new one, which is kept."""
    from safetensors import SafetensorError
    from safetensors.torch import load, save

    from lab.atomic import write_bytes

    code = code_digest(["lab.gates.probe", "lab.gates.probe_network"])
    path = settings().workspace / "gates" / f"probe-{digest_json([*key, code])[:24]}.safetensors"
    model = network(len(ALL), len(SIDED), len(LABELS), SEED)
    try:
        model.load_state_dict(load(Path(path).read_bytes()))
    except (OSError, RuntimeError, SafetensorError):
        probe = make()
        write_bytes(path, save(probe.model.state_dict()))
        return probe
    return Probe(model)


def _regions(lesions: NDArray[np.uint8], present: Any) -> tuple[Any, Any]:
    """(n, labels, C, C) where each finding is, and (n, labels, 1, 1) whether that is known.

    A lesion mask shows all findings of a film together: it is one finding's own only where there is one.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    share = adaptive_avg_pool2d(torch.from_numpy(lesions).float()[:, None] / 255, lesions.shape[1] // STRIDE)
    alone = present.sum(1, keepdim=True) == 1
    known = (present == 0) | alone
    return share * present[..., None, None], known.float()[..., None, None]


def _loss(scores: Any, wanted: Sequence[Any], regions: Any, counted: Any) -> Any:
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
    from torch.nn.functional import smooth_l1_loss

    present, side, size, maps = scores
    there, where, large = wanted
    error = cross_entropy(present, 0.96 * there + 0.02)
    # Small lesions weigh as much as a whole heart: a cell with a lesion counts ten times.
    places = cross_entropy(maps, regions, reduction="none") * counted * (1 + 9 * regions)
    error = error + MAP_WEIGHT * places.mean()
    for found, truth, weight, loss in (
        (side, where, SIDE_WEIGHT, cross_entropy),
        (size, large, SIZE_WEIGHT, smooth_l1_loss),
    ):
        known = ~truth.isnan()
        if known.any():
            error = error + weight * loss(found[known], truth[known])
    return error
