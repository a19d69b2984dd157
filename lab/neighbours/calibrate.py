"""Calibration: both detectors measured on real films before any sample is judged.

The reference distribution holds every training film's distance to the nearest training film of another
patient, with the same variants as a sample's search. False alarms are measured on held-out patients, never
on films that set the threshold. Canaries are planted copies of training films, one film a patient.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.features.extractor import FeatureExtractor
from lab.features.store import FeatureStore
from lab.neighbours.calibration import Calibration
from lab.neighbours.canaries import THROUGH_VAE, Canary, CanaryRate, Image, kinds
from lab.neighbours.contrast import FLOOR, REACH
from lab.neighbours.detect import detect
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.lowres import LowResolution
from lab.neighbours.memo import Memo
from lab.neighbours.neighbours import first_rows
from lab.neighbours.reference import Queries, ReferenceSet, Step, new_queries, reference_set, stored_queries
from lab.neighbours.registered import ANGLES, SCALES, SHIFTS, WINDOW
from lab.neighbours.verdict import CLOSE_P, COSINE, NEAR_COPY_P, REGISTERED, combined_p, p_values
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

REVISION = 2
BLOCK = 64
CANARY_BLOCK = 8
CANARIES = 100
OFF_MAP_PERCENTILE = 99.0
DETECTORS = (REGISTERED, COSINE)


def calibration_digest(
    train: ImageSet,
    held_out: ImageSet | None,
    extractor: FeatureExtractor,
    canaries: int,
    seed: int,
    vae: str = "",
) -> str:
    """Digest of everything a calibration depends on; `vae` names the round trip's weights, "" for none."""
    sets = [
        [part.digests(), [str(p) for p in part.patients()]] if part else None for part in (train, held_out)
    ]
    search = [SCALES, ANGLES, SHIFTS, WINDOW, REACH, FLOOR, LowResolution.digest]
    return digest_json([REVISION, sets, extractor.digest, search, canaries, seed, vae])


def calibrate(
    train: ImageSet,
    held_out: ImageSet | None,
    extractor: FeatureExtractor,
    store: FeatureStore,
    canaries: int = CANARIES,
    seed: int = 0,
    vae: Callable[[Image], Image] | None = None,
    vae_digest: str = "",
    memo: Memo | None = None,
) -> Generator[Step, None, Calibration]:
    """Calibrate both detectors; yields (stage, done, total) after each batch and returns the calibration.

    `reference.prepare(..., mirrored=True)` must have been run on both sets.

    Args:
        train, held_out: films of different patients; without held-out films no false alarms are measured.
        canaries: planted copies of each kind, at most one a patient.
        vae, vae_digest: the generator's own round trip, image to image, and what identifies it.

    Raises:
        NotComputable: when the training films are of fewer than two patients.
        NotFoundError: when features are missing.
    """
    reference = reference_set(train, extractor, store, "train")
    patients = len(set(reference.patients.tolist()))
    if patients < 2:
        raise NotComputable(
            "The training films are of one patient; no detector was calibrated; add other patients."
        )
    memo = memo or Memo()
    queries = stored_queries(train, extractor, store)
    own = yield from _distances("Calibrating on training films", queries, reference, memo, reference.patients)
    sorted_own = {name: np.sort(values) for name, values in own.items()}
    away: dict[str, NDArray[np.float64]] = {name: np.empty(0) for name in own}
    alarms = close = None
    if held_out is not None and len(held_out.ids()):
        away = yield from _distances(
            "Measuring false alarms", stored_queries(held_out, extractor, store), reference, memo
        )
        ps, people = _combined(away, sorted_own), len(set(held_out.patients().tolist()))
        alarms, close = _share(ps <= NEAR_COPY_P, people), _share(ps <= CLOSE_P, people)
    planted = _Planted(train, reference, extractor, sorted_own, memo)
    rates = yield from _canary_rates(planted, canaries, seed, kinds(vae), vae_digest)
    off_map = float(np.percentile(away[COSINE], OFF_MAP_PERCENTILE)) if len(away[COSINE]) else None
    digest = calibration_digest(train, held_out, extractor, canaries, seed, vae_digest)
    names = extractor.id, len(reference), patients
    return Calibration(digest, *names, sorted_own, away, alarms, close, off_map, rates)


def _distances(
    stage: str,
    queries: Queries,
    reference: ReferenceSet,
    memo: Memo,
    groups: NDArray[Any] | None = None,
) -> Generator[Step, None, dict[str, NDArray[np.float64]]]:
    parts: list[NDArray[np.float64]] = []
    for start in range(0, len(queries), BLOCK):
        stop = min(start + BLOCK, len(queries))
        key = f"{'false alarms' if groups is None else 'training'} {start}"
        parts.append(
            memo.block(
                key,
                (len(DETECTORS), stop - start),
                partial(_block, queries.part(start, stop), reference, groups, start),
            )
        )
        yield stage, stop, len(queries)
    return dict(zip(DETECTORS, np.concatenate(parts, axis=1), strict=True))


def _block(
    queries: Queries, reference: ReferenceSet, groups: NDArray[Any] | None, start: int
) -> NDArray[np.float64]:
    """Distances (detectors, m) of some queries to their nearest films."""
    chosen = None if groups is None else groups[start : start + len(queries)]
    near = detect(queries, reference, 1, chosen).nearest()
    return np.stack([near[name] for name in DETECTORS])


def _combined(
    distances: Mapping[str, NDArray[np.float64]], reference: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    return combined_p(np.stack([p_values(distances[name], reference[name]) for name in reference]))


def _share(hits: NDArray[np.bool_], clusters: int | None = None) -> Share:
    return wilson(int(hits.sum()), len(hits), clusters)


@dataclass(frozen=True)
class _Planted:
    """Where canaries are planted, and by what they are told."""

    train: ImageSet
    reference: ReferenceSet
    extractor: FeatureExtractor
    thresholds: Mapping[str, NDArray[np.float64]]
    memo: Memo

    def found(self, alter: Canary, rows: NDArray[np.int64], seeds: tuple[int, int]) -> NDArray[np.float64]:
        """Copies of some films: distances by detector, and whether their source comes first, (detectors + 1, m)."""
        films = [
            alter(self.train.image(self.reference.ids[row]), np.random.default_rng([*seeds, int(row)]))
            for row in rows
        ]
        seen = detect(new_queries(films, self.extractor), self.reference, 1)
        near = seen.nearest()
        return np.stack([*(near[name] for name in DETECTORS), first_rows(seen, self.thresholds) == rows])


def _canary_rates(
    planted: _Planted, count: int, seed: int, wanted: Mapping[str, Canary], vae_digest: str
) -> Generator[Step, None, tuple[CanaryRate, ...]]:
    rows = _one_a_patient(planted.reference.patients, count, seed)
    thresholds, rates = planted.thresholds, list[CanaryRate]()
    for number, (kind, alter) in enumerate(wanted.items() if len(rows) else ()):
        parts = []
        for start in range(0, len(rows), CANARY_BLOCK):
            chosen = rows[start : start + CANARY_BLOCK]
            key = f"canary {number} {start}" + (f" {vae_digest}" if kind == THROUGH_VAE else "")
            work = partial(planted.found, alter, chosen, (seed, number))
            parts.append(planted.memo.block(key, (len(DETECTORS) + 1, len(chosen)), work))
            yield "Planting canaries", number * len(rows) + start + len(chosen), len(wanted) * len(rows)
        *distances, first = np.concatenate(parts, axis=1)
        near = dict(zip(DETECTORS, distances, strict=True))
        alone = {name: _share(p_values(near[name], thresholds[name]) <= NEAR_COPY_P) for name in thresholds}
        rates.append(
            CanaryRate(kind, _share(_combined(near, thresholds) <= NEAR_COPY_P), alone, _share(first > 0))
        )
    return tuple(rates)


def _one_a_patient(patients: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """At most `count` rows, no two of one patient, chosen by `seed`."""
    order = np.random.default_rng(seed).permutation(len(patients))
    _, first = np.unique(patients[order], return_index=True)
    return np.sort(order[np.sort(first)][:count]).astype(np.int64)
