"""What is said before a number is computed: from sizes before launch, from the arrays when the run starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.metrics.inputs import FloatArray, MetricInput
from lab.metrics.spec import MetricSpec

IntArray = NDArray[np.int64]
Level = Literal["stop", "warn", "note"]
FEW_IMAGES, FEW_PATIENTS, NAMED = 500, 50, 8
CONSTANT_SHARE = 0.02
NOT_CALIBRATED = (
    "needs a calibrated dataset with held-out images; all others are computed; prepare it on the Library "
    "page, then measure again."
)


@dataclass(frozen=True)
class Finding:
    """One sentence for the person who is about to launch.

    Args:
        level: "stop" (this metric, or with no metric the whole run, cannot be computed), "warn", or "note".
        sentence: what is the matter and what would suffice.
        metric: the metric it is about; empty for all.
    """

    level: Level
    sentence: str
    metric: str = ""


@dataclass(frozen=True)
class InputSizes:
    """Counts known before any feature is extracted. Zero patients means unknown.

    `no_pairs` says why images and captions cannot be compared; empty where they can. `unknown_patients` are training
    images whose patient nobody named, each its own patient; `duplicate_reals` pairs of training or held-out images that
    are one picture under two patients, where somebody has looked for them. `absent` says for a need why it cannot be
    had.
    """

    n_real: int
    n_synthetic: int
    n_held_out: int = 0
    dimension: int = 0
    real_patients: int = 0
    held_out_patients: int = 0
    has_labels: bool = False
    has_verdicts: bool = True
    no_pairs: str = ""
    unknown_patients: int = 0
    duplicate_reals: int = 0
    absent: Mapping[str, str] = field(default_factory=dict)


def sizes_of(given: MetricInput) -> InputSizes:
    """The sizes of arrays already at hand."""
    return InputSizes(
        n_real=given.n_real,
        n_synthetic=given.n_synthetic,
        n_held_out=given.n_held_out,
        dimension=given.dimension,
        real_patients=len(set(map(str, given.real_patients))),
        held_out_patients=0
        if given.held_out_patients is None
        else len(set(map(str, given.held_out_patients))),
        has_labels=given.real_labels is not None and given.synthetic_labels is not None,
        has_verdicts=given.near_copy is not None,
        no_pairs=given.no_pairs,
        absent=given.absent,
    )


def check(specs: Iterable[MetricSpec], sizes: InputSizes) -> list[Finding]:
    """What can be said from sizes alone, stops first; loads neither torch nor features.

    Args:
        specs: the metrics chosen.
        sizes: counts of both sides; a dimension of 0 means that no extractor is chosen yet.
    """
    chosen = list(specs)
    found = [finding for spec in chosen for finding in _check_metric(spec, sizes)]
    axes = {spec.axis for spec in chosen}
    if "fidelity" in axes and "privacy" not in axes:
        found.append(
            Finding("warn", "Fidelity improves when a set copies its training images: add a privacy metric.")
        )
    if "privacy" in axes and "fidelity" not in axes:
        found.append(Finding("warn", "Noise is perfectly private: add a fidelity metric."))
    fewest = min(sizes.n_real, sizes.n_synthetic)
    if 0 < fewest < FEW_IMAGES:
        found.append(
            Finding(
                "note", f"{fewest} images on one side: read intervals, not digits ({FEW_IMAGES} are better)."
            )
        )
    if 0 < sizes.real_patients < FEW_PATIENTS:
        found.append(
            Finding(
                "note",
                f"{sizes.real_patients} real patients: {FEW_PATIENTS} or more give steadier intervals.",
            )
        )
    if sizes.unknown_patients:
        found.append(
            Finding(
                "warn",
                f"{sizes.unknown_patients} real images name no patient and count as a patient each: images of one "
                "person may stand in train and held-out, and intervals come out too narrow.",
            )
        )
    if sizes.duplicate_reals:
        found.append(
            Finding(
                "warn",
                f"{sizes.duplicate_reals} pairs of real images are one picture under two patients: privacy numbers and "
                "their controls are touched; divide the dataset anew with these pairs kept together.",
            )
        )
    if sizes.n_held_out == 0:
        found.append(Finding("warn", "There are no held-out images, so no number gets its control line."))
    return sorted(found, key=lambda finding: ("stop", "warn", "note").index(finding.level))


def _check_metric(spec: MetricSpec, sizes: InputSizes) -> Iterable[Finding]:
    sides = {"training images": sizes.n_real, "samples": sizes.n_synthetic}
    if "held-out" in spec.needs:
        sides["held-out images"] = sizes.n_held_out
    for side, count in sides.items():
        if count < spec.minimum_n:
            few = f"{spec.title} is not computed from {count} {side}: it needs {spec.minimum_n} or more."
            yield Finding("stop", few, spec.name)
    if "labels" in spec.needs and not sizes.has_labels:
        yield Finding("stop", f"{spec.title} needs a label for each image and each sample.", spec.name)
    if "captions" in spec.needs and sizes.no_pairs:
        yield Finding("stop", f"{spec.title}: {sizes.no_pairs}", spec.name)
    if "near-copy" in spec.needs and not sizes.has_verdicts:
        yield Finding("stop", f"{spec.title} {NOT_CALIBRATED}", spec.name)
    for need in spec.needs:
        if need in sizes.absent:
            yield Finding("stop", f"{spec.title}: {sizes.absent[need]}", spec.name)
    if spec.name == "frechet-distance" and 0 < min(sizes.n_real, sizes.n_synthetic) < 2 * sizes.dimension:
        yield Finding(
            "note",
            f"Fewer than {2 * sizes.dimension} images for {sizes.dimension} features: {spec.title} is"
            f" computed on principal"
            " components, and the kernel distance is the number to trust.",
            spec.name,
        )


def inspect(given: MetricInput) -> list[Finding]:
    """What the arrays show: rows that are not numbers, constant features, duplicates, shared images."""
    found: list[Finding] = []
    sides = {"training": given.real, "synthetic": given.synthetic, "held-out": given.held_out}
    for side, features in sides.items():
        if features is None or len(features) == 0:
            continue
        if features.shape[1] != given.dimension:
            found.append(
                Finding(
                    "stop",
                    f"The {side} features have length {features.shape[1]}, the training features"
                    f" {given.dimension};"
                    " embed all sets with one extractor.",
                )
            )
        found.extend(_inspect_rows(side, np.asarray(features)))
    found.extend(_shared(given))
    return found


def _inspect_rows(side: str, features: FloatArray) -> Iterable[Finding]:
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        yield Finding(
            "stop",
            f"The {side} features are not numbers in {len(bad)} rows ({_rows(bad)}); nothing was computed;"
            f" remove or repair these images.",
        )
        return
    if len(features) > 1 and bool((features == features[0]).all()):
        yield Finding(
            "warn", f"All {side} images have the same features: one image repeated, or blank images."
        )
        return
    constant = int((features == features[0]).all(axis=0).sum()) if len(features) > 1 else 0
    if constant >= CONSTANT_SHARE * features.shape[1]:
        yield Finding(
            "warn", f"{constant} of {features.shape[1]} features are constant over the {side} images."
        )
    repeats = _repeats(features)
    if len(repeats):
        yield Finding(
            "warn",
            f"{len(repeats)} {side} images repeat the features of another one (rows {_rows(repeats)}).",
        )


def _repeats(features: FloatArray) -> IntArray:
    """Rows whose bytes an earlier row has already."""
    seen: set[bytes] = set()
    found = []
    for row, values in enumerate(np.ascontiguousarray(features)):
        key = values.tobytes()
        if key in seen:
            found.append(row)
        seen.add(key)
    return np.asarray(found, dtype=np.int64)


def _shared(given: MetricInput) -> Iterable[Finding]:
    known = {"training": given.real_digests, "held-out": given.held_out_digests}
    for side, digests in known.items():
        present = set(digests)
        rows = np.asarray(
            [row for row, digest in enumerate(given.synthetic_digests) if digest in present], dtype=np.int64
        )
        if len(rows):
            yield Finding(
                "stop",
                f"{len(rows)} synthetic images are {side} files, byte for byte (rows {_rows(rows)});"
                f" nothing was computed;"
                " take the real files out of the synthetic set.",
            )
    if given.held_out_patients is not None:
        held_out = {str(patient) for patient in given.held_out_patients}
        rows = np.flatnonzero([str(patient) in held_out for patient in given.real_patients])
        if len(rows):
            patients = len({str(given.real_patients[row]) for row in rows})
            yield Finding(
                "stop",
                f"{patients} patients are in training and held-out at once (training rows {_rows(rows)});"
                f" nothing was computed;"
                " split by patient.",
            )


def _rows(rows: IntArray) -> str:
    names = ", ".join(str(int(row)) for row in rows[:NAMED])
    return f"{names} and {len(rows) - NAMED} more" if len(rows) > NAMED else names
