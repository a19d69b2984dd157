"""What a metric run is given: feature arrays and the patients, labels and flags beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.metrics.pairs import Pairs

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]
StrArray = NDArray[np.str_]


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
        near_copy: (m,) True where the calibrated verdict on a sample is "near-copy".
        control_near_copy: (h,) the same verdict on each held-out image.
        synthetic_pairs, held_out_pairs: (m) and (h) images beside their prompts or captions, by a text-image model.
        no_pairs: why there are none, as one sentence for the person.
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
    near_copy: BoolArray | None = None
    control_near_copy: BoolArray | None = None
    synthetic_pairs: Pairs | None = None
    held_out_pairs: Pairs | None = None
    no_pairs: str = ""
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
            for suffix in ("patients", "groups", "labels", "digests", "pairs"):
                self._same_length(f"{name}_{suffix}", rows)
        self._same_length("near_copy", self.n_synthetic)
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
