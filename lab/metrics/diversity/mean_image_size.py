"""Variety by the file size of the average picture (Xing et al.)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import FLOOR_DRAWS, Comparison, Measurement
from lab.metrics.mean_image import Sums, average, eight_bit, file_sizes
from lab.metrics.patients import FEW, Z95, balanced_draw, jackknife_error
from lab.metrics.pictures import Pictures
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

SIDE = MetricOption(
    "side", "Side of the average picture", 256, 16, 512, "Pixels a side; every picture is squashed to it."
)


@metric(
    MetricSpec(
        name="mean-image-size",
        title="File size of the average image",
        symbol="Bytes of the mean",
        axis="diversity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line; the floor line is the average of as many training images as there are samples",
        null_line=None,
        needs=("pictures",),
        minimum_n=2,
        bias="too large with few images, whose average is not smooth yet: compare groups of one size, or read the"
        " floor, which has the samples' number; noise makes the file larger and blur smaller, whatever the variety",
        cost="reading every picture once: about 8 s for 1,000 x 1,000 images of 256 pixels",
        reference="Xing et al. 2023, You don't have to be perfect to be amazing: unveil the utility of synthetic"
        " images",
        definition="Bytes of the average of all samples as a lossless PNG: the more varied the samples, the blurrier"
        " the average and the smaller the file.",
        options=(SIDE,),
    )
)
def mean_image_size(comparison: Comparison) -> Measurement:
    """Bytes of the image-weighted average; raw, so that groups can be compared later by `mean_image.renormalised`.

    Interval by jackknife over patient groups. `published` averages class means, truncates grey levels and floors to
    whole kB.
    """
    given = comparison.given
    if given.synthetic_pictures is None or given.real_pictures is None:
        raise NotComputable("The pictures of a side are missing; choose sets whose images lie here.")
    side = int(comparison.option("mean-image-size", "side", SIDE.default))
    shown = next((picture for picture in given.synthetic_pictures if picture is not None), None)
    in_colour = shown is not None and shown.ndim == 3
    samples = _read(comparison.synthetic, given.synthetic_pictures, side, in_colour, given.synthetic_labels)
    low, high = samples.interval()
    told: dict[str, Any] = {}
    if comparison.held_out is not None and given.held_out_pictures is not None:
        control = _read(comparison.held_out, given.held_out_pictures, side, in_colour, None)
        ends = control.interval()
        told = {"control": control.size(), "control_low": ends[0], "control_high": ends[1]}
    floors, n = _floors(comparison, given.real_pictures, side, in_colour)
    if len(floors):
        told |= {
            "floor": float(floors.mean()),
            "floor_low": float(floors.min()),
            "floor_high": float(floors.max()),
        }
    note = [
        f"Averages of {samples.count} samples, {comparison.given.n_held_out} held-out and {n} training images."
    ]
    if low is None:
        note.append(FEW)
    return Measurement(
        value=samples.size(), low=low, high=high, floor_n=n or None, **told,
        note=" ".join(note),
        published=float(samples.published_kb()),
        published_note="Published code averages the class means whatever their sizes, cuts grey levels down to whole"
        " ones and counts whole kB only.",
        details={"bars": {f"{name} (bytes)": size for name, size in file_sizes(samples.picture()).items()}},
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Averaged:
    """Sums of a side: whole, by jackknife group and by label."""

    total: Sums
    count: int
    groups: list[tuple[Sums, int]]
    labels: dict[str, tuple[Sums, int]]

    def picture(self) -> NDArray[np.uint8]:
        """The average picture."""
        return average(self.total, self.count)

    def size(self) -> float:
        """Bytes of the average as PNG."""
        return float(file_sizes(self.picture(), ["png"])["png"])

    def interval(self) -> tuple[float | None, float | None]:
        """95 % by jackknife over patient groups."""
        if not self.groups:
            return None, None
        left = [average(self.total - part, self.count - n) for part, n in self.groups]
        sizes = np.asarray([file_sizes(picture, ["png"])["png"] for picture in left], dtype=np.float64)
        reach = Z95 * jackknife_error(sizes)
        return self.size() - reach, self.size() + reach

    def published_kb(self) -> int:
        """Whole kB of the average of class means, cut to whole grey levels."""
        means = [np.floor(total / count) for total, count in self.labels.values()]
        picture = np.floor(np.mean(means, axis=0)).astype(np.uint8)
        return int(file_sizes(picture, ["png"])["png"] // 1024)


def _read(
    points: Points, pictures: Pictures, side: int, in_colour: bool, labels: NDArray[np.str_] | None
) -> Averaged:
    shape = (side, side, 3) if in_colour else (side, side)
    groups: list[list[Any]] = [[np.zeros(shape, dtype=np.int64), 0] for _ in range(points.group_count)]
    by_label: dict[str, list[Any]] = {}
    total = np.zeros(shape, dtype=np.int64)
    for position, row in enumerate(points.order):
        image = pictures[int(row)]
        if image is None:
            raise NotComputable(
                "A picture of these sets cannot be read; no number was computed; import the set again."
            )
        values = eight_bit(image, side, in_colour)
        total += values
        holders = [by_label.setdefault("" if labels is None else str(labels[row]), [0, 0])]
        if points.groups is not None:
            holders.append(groups[int(points.groups[position])])
        for holder in holders:
            holder[0] = holder[0] + values
            holder[1] += 1
    return Averaged(
        total, points.n, [(a, n) for a, n in groups], {name: (a, n) for name, (a, n) in by_label.items()}
    )


def _floors(
    comparison: Comparison, pictures: Pictures, side: int, in_colour: bool
) -> tuple[NDArray[np.float64], int]:
    """Bytes of averages of training images at the samples' number; one draw where all are needed."""
    real, rng = comparison.real, comparison.rng("mean-image-size floor")
    n = min(comparison.synthetic.n, real.n)
    draws = [balanced_draw(real.patients, n, rng) for _ in range(1 if n == real.n else FLOOR_DRAWS)]
    shape = (side, side, 3) if in_colour else (side, side)
    totals = [np.zeros(shape, dtype=np.int64) for _ in draws]
    member = [np.isin(np.arange(real.n), draw) for draw in draws]
    for position, row in enumerate(real.order):
        if any(inside[position] for inside in member) and (image := pictures[int(row)]) is not None:
            values = eight_bit(image, side, in_colour)
            for total, inside in zip(totals, member, strict=True):
                if inside[position]:
                    total += values
    sizes = [file_sizes(average(total, n), ["png"])["png"] for total in totals]
    return np.asarray(sizes, dtype=np.float64), n
