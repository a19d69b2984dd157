"""The figures of the adherence gate, and its table by finding, from readings of samples and of held-out films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lab.data.phantoms.draws import DEVICES, LABELS, SIDED
from lab.gates.adherence_scores import (
    Estimate,
    Floats,
    Statistic,
    auroc,
    estimate,
    flips,
    mean_of,
    normalised,
    rank_correlation,
    share,
    side_hits,
    table,
    whole,
)
from lab.gates.probe import ALL, Reading, targets
from lab.gates.prompts import Prompt
from lab.gates.report import Figure

MACRO, LOWEST = "Normalised adherence, mean over findings", "Normalised adherence, lowest finding"
SIDE, FLIPS, SIZE = (
    "Prompted side taken",
    "Side changes with the swapped word",
    "Size follows the word, mean Spearman rho",
)
BOTH = "Both sides of a swapped pair as asked"
NEVER = "Prompts with a combination that was never trained"
LIMITS = {MACRO: 0.85, LOWEST: 0.6, SIDE: 0.90, FLIPS: 0.85, SIZE: 0.6, NEVER: 0.20}
CEILING_NOTE = "the ceiling is taken as exact"
BOOTSTRAP_SEED = 0
ILL = tuple(ALL.index(label) for label in LABELS)
SIDED_ILL = tuple(SIDED.index(label) for label in SIDED if label not in DEVICES)


@dataclass(frozen=True, eq=False)
class Read:
    """Images of prompts as the probe reads them: prompt after prompt, `seeds` images each."""

    prompts: Sequence[Prompt]
    reading: Reading
    seeds: int


@dataclass(frozen=True, eq=False)
class Swapped:
    """Samples of the same seeds with the words right and left exchanged, beside those of the prompts themselves."""

    before: Read
    after: Reading


def ceilings(films: Read) -> dict[str, Estimate]:
    """AUROC of each of `ALL` on held-out films; interval over the patients, who are one a prompt."""
    truth = targets([p.findings for p in films.prompts])
    scores = table(films.reading.present, films.seeds)
    return {
        label: estimate(
            auroc(scores[..., k], truth.present[:, k] > 0),
            len(scores),
            BOOTSTRAP_SEED,
            int(truth.present[:, k].sum()),
        )
        for k, label in enumerate(ALL)
    }


def figures(samples: Read, films: Read, swaps: Swapped) -> tuple[list[Figure], dict[str, Any]]:
    """All figures that the probe gives, and the table by finding.

    Args:
        samples: of the generator.
        films: of held-out patients through the autoencoder, for the same prompts.
        swaps: some of the samples again, and their counterparts.
    """
    top = {label: found.value for label, found in ceilings(films).items()}
    areas = _areas(samples, top)
    ill, placed = [areas[label] for label in LABELS], [areas[label] for label in DEVICES]
    each = {label: _of(samples, areas[label]) for label in ALL}
    lowest = min(LABELS, key=lambda label: -1.0 if np.isnan(each[label].value) else each[label].value)
    truth = targets([p.findings for p in samples.prompts])
    hits = side_hits(samples.reading, truth, samples.seeds)
    moved = flips(swaps.before.reading, swaps.after, _truth(swaps.before), swaps.before.seeds)
    other = side_hits(swaps.after, _truth(swaps.before), swaps.before.seeds)
    both = np.where(np.isfinite(moved), (1 - other) * moved, np.nan)
    sizes = [rank_correlation(*_sizes(samples, label)) for label in LABELS]
    never = np.asarray([[float(p.withheld)] for p in samples.prompts])
    found = [
        _figure(MACRO, _of(samples, mean_of(ill)), CEILING_NOTE),
        _figure(LOWEST, each[lowest], lowest),
        _figure(SIDE, _of(samples, share(hits[..., SIDED_ILL]), _known(hits[..., SIDED_ILL]))),
        _figure(FLIPS, _of(swaps.before, share(moved[..., SIDED_ILL]), _known(moved[..., SIDED_ILL]))),
        _figure(SIZE, _of(samples, mean_of(sizes)), "in prompts that state a size"),
        Figure(NEVER, float(never.mean()), limit=LIMITS[NEVER], n=len(never)),
        _figure(BOTH, _of(swaps.before, share(both[..., SIDED_ILL]), _known(both[..., SIDED_ILL]))),
        *_told(samples, top, hits, placed),
    ]
    return found, {label: _row(label, samples, films, swaps, each[label], top[label]) for label in ALL}


def _told(samples: Read, top: dict[str, float], hits: Floats, placed: list[Statistic]) -> list[Figure]:
    """Figures without a limit: combinations that were never trained, and devices."""
    never = np.asarray([p.withheld for p in samples.prompts])
    plain = np.asarray([not _ill(p) for p in samples.prompts])
    truth, scores = (
        targets([p.findings for p in samples.prompts]),
        table(samples.reading.present, samples.seeds),
    )
    parts: list[Statistic] = []
    for label in LABELS:
        k = ALL.index(label)
        positive = truth.present[:, k] > 0
        # Only those never trained count as showing it; those that were trained with it are left out.
        used = (positive & never) | ~positive
        if (positive & never).any():
            parts.append(normalised(_among(scores[..., k], positive, used), top[label]))
    unseen = np.where(never[:, None, None], hits[..., SIDED_ILL], np.nan)
    devices = [k for k, label in enumerate(SIDED) if label in DEVICES]
    return [
        _figure(
            "Normalised adherence, combinations never trained", _of(samples, mean_of(parts), int(never.sum()))
        ),
        _figure(
            "Prompted side taken, combinations never trained", _of(samples, share(unseen), _known(unseen))
        ),
        _figure("Normalised adherence, mean over devices", _of(samples, mean_of(placed))),
        _figure(
            "Prompted side taken, devices",
            _of(samples, share(hits[..., devices]), _known(hits[..., devices])),
        ),
        Figure("Prompts without pathology", float(plain.mean()), n=len(plain)),
    ]


def _row(
    label: str, samples: Read, films: Read, swaps: Swapped, area: Estimate, top: float
) -> dict[str, Any]:
    """One finding in the table: samples, and held-out films beside them."""
    row: dict[str, Any] = {
        "n_prompts": int(_truth(samples).present[:, ALL.index(label)].sum()),
        "ceiling": _plain(top),
    }
    row |= {"normalised": _plain(area.value), "low": _plain(area.low), "high": _plain(area.high)}
    row["auroc"] = _plain(0.5 + area.value * (top - 0.5))
    for name, side in (("", samples), ("films_", films)):
        if label in SIDED:
            hits = side_hits(side.reading, _truth(side), side.seeds)[..., SIDED.index(label)]
            row |= {f"{name}side": _plain(_all(share(hits), side)), f"{name}n_side": _known(hits)}
        if label in LABELS:
            row[f"{name}rho"] = _plain(_all(rank_correlation(*_sizes(side, label)), side))
    if label in SIDED:
        before = swaps.before
        moved = flips(before.reading, swaps.after, _truth(before), before.seeds)[..., SIDED.index(label)]
        row |= {"flips": _plain(_all(share(moved), before)), "n_flips": _known(moved)}
    return row


def _areas(samples: Read, top: dict[str, float]) -> dict[str, Statistic]:
    present, scores = _truth(samples).present > 0, table(samples.reading.present, samples.seeds)
    return {
        label: normalised(auroc(scores[..., k], present[:, k]), top[label]) for k, label in enumerate(ALL)
    }


def _among(scores: Floats, positive: Any, used: Any) -> Statistic:
    """AUROC among some of the prompts only."""
    area = auroc(scores[used], positive[used])
    return lambda counts: area(counts[:, used])


def _sizes(read: Read, label: str) -> tuple[Floats, Floats]:
    """(p, s) size scores of a finding and the (p,) sizes that the sentences state."""
    k = LABELS.index(label)
    wanted = _truth(read).size[:, k].copy()
    for row, prompt in enumerate(read.prompts):
        if not any(f.label == label and prompt.states_size(f) for f in prompt.findings):
            wanted[row] = np.nan
    return table(read.reading.size, read.seeds)[..., k], wanted


def _truth(read: Read) -> Any:
    return targets([p.findings for p in read.prompts])


def _ill(prompt: Prompt) -> bool:
    return any(f.label in LABELS for f in prompt.findings)


def _of(read: Read, statistic: Statistic, n: int | None = None) -> Estimate:
    count = len(read.prompts) * read.seeds if n is None else n
    return estimate(statistic, len(read.prompts), BOOTSTRAP_SEED, count)


def _all(statistic: Statistic, read: Read) -> float:
    return whole(statistic, len(read.prompts))


def _known(hits: Floats) -> int:
    return int(np.isfinite(hits).sum())


def _figure(name: str, found: Estimate, note: str = "", side: Literal[">=", "<="] = ">=") -> Figure:
    limit = LIMITS.get(name)
    if not np.isfinite(found.value):
        return Figure(
            name, None, limit=limit, side=side, n=found.n, note=f"{note}; nothing to measure".lstrip("; ")
        )
    return Figure(name, found.value, _plain(found.low), _plain(found.high), limit, side, n=found.n, note=note)


def _plain(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
