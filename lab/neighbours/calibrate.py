"""Calibration: both detectors measured on real films before any sample is judged.

The reference distribution holds every training film's distance to the nearest training film of another
patient, with the same variants as a sample's search. False alarms are measured on held-out patients, never
on films that set the threshold. Canaries are planted copies of training films, one film a patient.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.features.extractor import FeatureExtractor
from lab.features.store import FeatureStore
from lab.neighbours.calibration import Calibration
from lab.neighbours.canaries import Canary, CanaryRate, Image, kinds
from lab.neighbours.detect import detect
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.lowres import LowResolution
from lab.neighbours.neighbours import first_rows
from lab.neighbours.reference import Queries, ReferenceSet, Step, new_queries, reference_set, stored_queries
from lab.neighbours.registered import ANGLES, SCALES, SHIFTS, WINDOW
from lab.neighbours.verdict import CLOSE_P, COSINE, NEAR_COPY_P, combined_p, p_values
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

REVISION = 1
BLOCK = 64
CANARY_BLOCK = 8
CANARIES = 40
OFF_MAP_PERCENTILE = 99.0


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
    search = [SCALES, ANGLES, SHIFTS, WINDOW, LowResolution.digest]
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
    queries = stored_queries(train, extractor, store)
    own = yield from _distances("Calibrating on training films", queries, reference, reference.patients)
    sorted_own = {name: np.sort(values) for name, values in own.items()}
    away: dict[str, NDArray[np.float64]] = {name: np.empty(0) for name in own}
    alarms = close = None
    if held_out is not None and len(held_out.ids()):
        away = yield from _distances(
            "Measuring false alarms", stored_queries(held_out, extractor, store), reference
        )
        ps, people = _combined(away, sorted_own), len(set(held_out.patients().tolist()))
        alarms, close = _share(ps <= NEAR_COPY_P, people), _share(ps <= CLOSE_P, people)
    rates = yield from _canary_rates(train, reference, extractor, sorted_own, canaries, seed, kinds(vae))
    off_map = float(np.percentile(away[COSINE], OFF_MAP_PERCENTILE)) if len(away[COSINE]) else None
    digest = calibration_digest(train, held_out, extractor, canaries, seed, vae_digest)
    names = extractor.id, len(reference), patients
    return Calibration(digest, *names, sorted_own, away, alarms, close, off_map, rates)


def _distances(
    stage: str, queries: Queries, reference: ReferenceSet, groups: NDArray[Any] | None = None
) -> Generator[Step, None, dict[str, NDArray[np.float64]]]:
    parts: list[dict[str, NDArray[np.float64]]] = []
    for start in range(0, len(queries), BLOCK):
        stop = min(start + BLOCK, len(queries))
        chosen = None if groups is None else groups[start:stop]
        parts.append(detect(queries.part(start, stop), reference, 1, chosen).nearest())
        yield stage, stop, len(queries)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _combined(
    distances: Mapping[str, NDArray[np.float64]], reference: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    return combined_p(np.stack([p_values(distances[name], reference[name]) for name in reference]))


def _share(hits: NDArray[np.bool_], clusters: int | None = None) -> Share:
    return wilson(int(hits.sum()), len(hits), clusters)


def _canary_rates(
    train: ImageSet,
    reference: ReferenceSet,
    extractor: FeatureExtractor,
    thresholds: Mapping[str, NDArray[np.float64]],
    count: int,
    seed: int,
    wanted: Mapping[str, Canary],
) -> Generator[Step, None, tuple[CanaryRate, ...]]:
    rows = _one_a_patient(reference.patients, count, seed)
    rates: list[CanaryRate] = []
    if not len(rows):
        return ()
    for number, (kind, alter) in enumerate(wanted.items()):
        parts, first = [], []
        for start in range(0, len(rows), CANARY_BLOCK):
            block = rows[start : start + CANARY_BLOCK]
            films = [
                alter(train.image(reference.ids[row]), np.random.default_rng([seed, number, int(row)]))
                for row in block
            ]
            found = detect(new_queries(films, extractor), reference, 1)
            parts.append(found.nearest())
            first.append(first_rows(found, thresholds) == block)
            yield "Planting canaries", number * len(rows) + start + len(block), len(wanted) * len(rows)
        near = {name: np.concatenate([part[name] for part in parts]) for name in thresholds}
        alone = {name: _share(p_values(near[name], thresholds[name]) <= NEAR_COPY_P) for name in thresholds}
        rates.append(
            CanaryRate(
                kind, _share(_combined(near, thresholds) <= NEAR_COPY_P), alone, _share(np.concatenate(first))
            )
        )
    return tuple(rates)


def _one_a_patient(patients: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """At most `count` rows, no two of one patient, chosen by `seed`."""
    order = np.random.default_rng(seed).permutation(len(patients))
    _, first = np.unique(patients[order], return_index=True)
    return np.sort(order[np.sort(first)][:count]).astype(np.int64)
