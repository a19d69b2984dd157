"""What a metric run is given: feature arrays and the patients, labels and flags beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.metrics.identity import Identity
from lab.metrics.pairs import Pairs
from lab.metrics.pictures import Image, Pictures

FloatArray = NDArray[np.floating]
_PARALLEL = (
    "patients",
    "groups",
    "labels",
    "digests",
    "pairs",
    "pictures",
    "masks",
    "sources",
    "prompts",
    "findings",
    "segmented",
)
BoolArray = NDArray[np.bool_]
StrArray = NDArray[np.str_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Space:
    """The same images in another feature space; rows as in the `MetricInput`.

    Args:
        real: (n, d) training images.
        synthetic: (m, d) samples.
        held_out: (h, d) held-out images, None where there are none.
        extractor: id of what made it.
    """

    real: FloatArray
    synthetic: FloatArray
    held_out: FloatArray | None = None
    extractor: str = ""


@dataclass(frozen=True, eq=False)
class MetricInput:
    """Features of training images, samples and held-out images, with what belongs to each row.

    Args:
        real: (n, d) float32 or float64, the training images.
        real_patients: (n,) patient of each image.
        synthetic: (m, d).
        synthetic_groups: (m,) patient where the synthetic side has patients, else None: each sample is its
            own.
        held_out: (h, d) real images that no generator saw, or None; the control of every number.
        held_out_patients: (h,) with `held_out`.
        real_labels, synthetic_labels, held_out_labels: label of each image; the prompted label of each sample.
        real_findings, synthetic_findings, held_out_findings: every finding of each image joined by "|"; "" where
            nobody said; of a sample those its prompt asks for.
        near_copy: (m,) True where the calibrated verdict on a sample is "near-copy".
        near_copy_of: (m,) row of the training image that each of them lies nearest to by that verdict, -1 for none.
        control_near_copy: (h,) the same verdict on each held-out image.
        synthetic_pairs, held_out_pairs: (m) and (h) images beside their prompts or captions, by a text-image model.
        no_pairs: why there are none, as one sentence for the person.
        spaces: the images in other feature spaces, by name: "logits" (class scores of the Inception network),
            "depth:NAME" (further layers), "resolution:PIXELS" (after resampling to that side), "re-id" and
            "copy" (embeddings trained for those questions). The needs of a metric decide which are there.
        real_pictures, synthetic_pictures, held_out_pictures: pixels, read on demand.
        real_masks, synthetic_masks, held_out_masks: label maps beside the images: for samples the mask they were
            asked for.
        real_segmented, synthetic_segmented, held_out_segmented: label maps that a segmenter finds in the images.
        structures: names of the mask values, where the dataset's card has them.
        synthetic_sources: (m,) row of the training image whose prompt or pair each sample belongs to, -1 for none.
        synthetic_prompts: (m,) prompt of each sample; samples with an equal one are siblings.
        task_labels: labels of a second task by side name ("real", "synthetic", "held_out").
        perceptual: LPIPS of two pictures, where its weights are on this machine.
        identity: head and measured verification of the network whose embeddings `spaces["re-id"]` holds.
        absent: for a need, why it could not be had, as one sentence for the person.
        options: numbers a person changed, "metric.option" to value.
        real_digests, synthetic_digests, held_out_digests: content digests; equal ones on two sides are
            refused.
        extractor, split, group: copied into each result.

    Raises:
        InputError: when an array does not match the rows it belongs to.
    """

    real: FloatArray
    real_patients: StrArray
    synthetic: FloatArray
    synthetic_groups: StrArray | None = None
    held_out: FloatArray | None = None
    held_out_patients: StrArray | None = None
    real_labels: StrArray | None = None
    synthetic_labels: StrArray | None = None
    held_out_labels: StrArray | None = None
    real_findings: StrArray | None = None
    synthetic_findings: StrArray | None = None
    held_out_findings: StrArray | None = None
    near_copy: BoolArray | None = None
    near_copy_of: IntArray | None = None
    control_near_copy: BoolArray | None = None
    synthetic_pairs: Pairs | None = None
    held_out_pairs: Pairs | None = None
    no_pairs: str = ""
    spaces: Mapping[str, Space] = field(default_factory=dict)
    real_pictures: Pictures | None = None
    synthetic_pictures: Pictures | None = None
    held_out_pictures: Pictures | None = None
    real_masks: Pictures | None = None
    synthetic_masks: Pictures | None = None
    held_out_masks: Pictures | None = None
    real_segmented: Pictures | None = None
    synthetic_segmented: Pictures | None = None
    held_out_segmented: Pictures | None = None
    structures: Mapping[int, str] = field(default_factory=dict)
    synthetic_sources: NDArray[np.int64] | None = None
    synthetic_prompts: StrArray | None = None
    task_labels: Mapping[str, StrArray] = field(default_factory=dict)
    perceptual: Callable[[Image, Image], float] | None = None
    identity: Identity | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)
    real_digests: tuple[str, ...] = ()
    synthetic_digests: tuple[str, ...] = ()
    held_out_digests: tuple[str, ...] = ()
    extractor: str = ""
    split: str = "train"
    group: str = "all"

    def __post_init__(self) -> None:
        for name, rows in (
            ("real", self.n_real),
            ("synthetic", self.n_synthetic),
            ("held_out", self.n_held_out),
        ):
            features = getattr(self, name)
            if features is not None and features.ndim != 2:
                raise InputError(
                    f"The {name} features are not a table of rows; nothing was computed; embed the set again."
                )
            for suffix in _PARALLEL:
                self._same_length(f"{name}_{suffix}", rows)
        self._same_length("near_copy", self.n_synthetic)
        self._same_length("near_copy_of", self.n_synthetic)
        self._same_length("control_near_copy", self.n_held_out)
        if self.held_out is not None and self.held_out_patients is None:
            raise InputError(
                "The held-out images come without patients; nothing was computed; give one patient an image."
            )

    def _same_length(self, name: str, rows: int) -> None:
        values = getattr(self, name, None)
        if values is None or (isinstance(values, tuple) and not values):
            return
        if len(values) != rows:
            raise InputError(
                f"{name} holds {len(values)} values for {rows} images; nothing was computed; give one"
                f" value an image."
            )

    @property
    def n_real(self) -> int:
        """Training images."""
        return len(self.real)

    @property
    def n_synthetic(self) -> int:
        """Samples."""
        return len(self.synthetic)

    @property
    def n_held_out(self) -> int:
        """Held-out images, 0 when there are none."""
        return 0 if self.held_out is None else len(self.held_out)

    @property
    def dimension(self) -> int:
        """Length of a training image's feature vector."""
        return int(self.real.shape[1])

    def groups_of_samples(self) -> StrArray:
        """(m,) patient of each sample: its own row where it has none."""
        if self.synthetic_groups is not None:
            return np.asarray(self.synthetic_groups).astype(str)
        return np.asarray([f"sample-{row:08d}" for row in range(self.n_synthetic)])

    def take(self, real: IntArray, synthetic: IntArray, held_out: IntArray | None, group: str) -> MetricInput:
        """Some rows of each side, for a breakdown by label, view or vendor.

        Args:
            real, synthetic, held_out: rows to keep; None keeps no held-out image.
            group: what they are, copied into each result.
        """
        rows = {"real": real, "synthetic": synthetic, "held_out": held_out}
        changed: dict[str, Any] = {"group": group, "spaces": {}, "task_labels": {}}
        for side, kept in rows.items():
            for name in (side, *(f"{side}_{suffix}" for suffix in _PARALLEL)):
                values = getattr(self, name, None)
                if values is not None and not (isinstance(values, tuple) and not values):
                    changed[name] = None if kept is None else _taken(values, kept)
        if held_out is None:
            changed["held_out_digests"] = ()
        changed["near_copy"] = None if self.near_copy is None else self.near_copy[synthetic]
        if self.near_copy_of is not None:
            changed["near_copy_of"] = _renumbered(self.near_copy_of[synthetic], real, self.n_real)
        if self.control_near_copy is not None:
            changed["control_near_copy"] = None if held_out is None else self.control_near_copy[held_out]
        for name, space in self.spaces.items():
            control = None if held_out is None or space.held_out is None else space.held_out[held_out]
            changed["spaces"][name] = Space(
                space.real[real], space.synthetic[synthetic], control, space.extractor
            )
        for side, labels in self.task_labels.items():
            kept = rows[side]
            if kept is not None:
                changed["task_labels"][side] = labels[kept]
        if self.synthetic_sources is not None:
            changed["synthetic_sources"] = _renumbered(self.synthetic_sources[synthetic], real, self.n_real)
        return replace(self, **changed)


def _taken(values: Any, rows: IntArray) -> Any:
    if isinstance(values, tuple):
        return tuple(values[row] for row in rows)
    return values.take(rows) if isinstance(values, (Pairs, Pictures)) else values[rows]


def _renumbered(sources: IntArray, real: IntArray, n: int) -> IntArray:
    """Source rows after only some of the training images were kept; -1 where the source was not."""
    place = np.full(n + 1, -1, dtype=np.int64)
    place[real] = np.arange(len(real))
    return place[sources]
