"""One picture, a cine of one slice, or a whole beating volume, from a seed and the number of a patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_heart.body import Build, draw_build, paint_body
from lab.data.phantom_heart.canvas import Canvas, Map, canvas_of
from lab.data.phantom_heart.draws import VENDORS, Patient, stream
from lab.data.phantom_heart.heart import paint_heart
from lab.data.phantom_heart.record import record_of
from lab.data.phantom_heart.scanner import acquire, limits_of, windowed
from lab.data.phantom_heart.shape import APEX, Heart, heart_of, slice_at
from lab.data.phantom_heart.signal import TISSUES, level
from lab.data.phantom_heart.vendors import Scan, scan_of
from lab.data.phantom_image import PhantomImage
from lab.errors import DatasetError

Grey = NDArray[np.uint8]
FRAMES = 25
SIZE = 160
OFFSETS = 12
POSITIONS = ("basal", "mid", "apical")


@dataclass(frozen=True)
class HeartRecipe:
    """Names one picture: the same recipe always gives the same bytes.

    `film` 0 to 5 is basal, mid and apical, each at end-diastole and then end-systole; further films are the other
    slices through the left ventricle, from the base to the apex, each at both phases.
    """

    seed: int
    patient: int
    film: int
    vendor: str = ""


@dataclass(frozen=True, eq=False)
class Volume:
    """A beating stack.

    Attributes:
        images, masks: (T, Z, H, W) uint8, slices from base to apex.
        spacing: mm between slices, down and across.
        repetition: s between frames.
        record: of the patient, without a slice or phase.
    """

    images: Grey
    masks: Grey
    spacing: tuple[float, float, float]
    repetition: float
    record: dict[str, str]


@dataclass(frozen=True, eq=False)
class Case:
    """A patient on a scanner: what all pictures of it share."""

    seed: int
    number: int
    heart: Heart
    scan: Scan
    build: Build
    depths: tuple[float, ...]

    @property
    def patient(self) -> Patient:
        """Who it is."""
        return self.heart.patient


@lru_cache(maxsize=8)
def case_of(seed: int, number: int, vendor: str = "") -> Case:
    """Build a patient's heart, trunk and examination; another vendor's scanner where one is named.

    Raises:
        DatasetError: for a negative number or an unknown vendor.
    """
    if seed < 0 or number < 0 or vendor not in ("", *VENDORS):
        raise DatasetError(
            "A phantom needs a seed and a patient from 0 and a vendor from vendor A to vendor D; nothing was "
            "rendered; name others."
        )
    heart = heart_of(seed, number)
    scan = scan_of(seed, number, vendor or heart.patient.vendor)
    if vendor:
        heart = replace(heart, patient=replace(heart.patient, vendor=vendor))
    middle = slice_at(heart, 0.5 * heart.length, 0.0)
    front = float(middle.epi.mean() + middle.crescent.max()) + heart.patient.rv_wall
    rng = stream(seed, "body", number)
    build = draw_build(heart.patient, front, float(middle.epi.mean()), rng)
    return Case(seed, number, heart, scan, build, _plan(heart, scan.spacing, float(rng.uniform())))


def _plan(heart: Heart, spacing: float, start: float) -> tuple[float, ...]:
    """Depths of the slices, laid so that the sum over slices gives the ejection fractions of both ventricles."""
    best: tuple[float, tuple[float, ...]] = (np.inf, ())
    for step in range(OFFSETS):
        first = ((start + step / OFFSETS) % 1.0 - 0.5) * spacing
        depths = tuple(float(d) for d in np.arange(first, heart.length * (APEX + 0.03), spacing))
        sums = []
        for moment in (0.0, heart.patient.systole):
            cuts = [cut for cut in (slice_at(heart, depth, moment) for depth in depths) if cut.height >= 0]
            left = sum(float((cut.endo**2).sum()) for cut in cuts)
            right = sum(float(((cut.epi + cut.crescent) ** 2 - cut.epi**2).sum()) for cut in cuts)
            sums.append((left, right))
        found = [100 * (1 - after / before) for before, after in zip(*sums, strict=True)]
        error = max(abs(found[0] - heart.patient.lv_ef), abs(found[1] - heart.patient.rv_ef))
        best = min(best, (error, depths))
    return best[1]


@lru_cache(maxsize=8)
def films_of(case: Case) -> tuple[tuple[int, str, float], ...]:
    """What the films of a patient show: number of the slice, phase, and moment of the cycle."""
    es = case.patient.systole
    lowest = [slice_at(case.heart, depth, es).height for depth in case.depths]
    highest = [slice_at(case.heart, depth, 0.0).height for depth in case.depths]
    nearest = [int(np.argmin([abs(h - wanted) for h in lowest])) for wanted in (0.12, 0.42, 0.74)]
    others = [z for z, (low, high) in enumerate(zip(lowest, highest, strict=True)) if low > 0 and high < 1.0]
    order = nearest + [z for z in others if z not in nearest]
    return tuple((z, phase, moment) for z in order for phase, moment in (("ED", 0.0), ("ES", es)))


def render(recipe: HeartRecipe, size: int = SIZE) -> PhantomImage:
    """Render one picture.

    Args:
        size: pixels a side; the field of view stays the patient's.

    Returns:
        image and mask (size, size) uint8; mask 0 background, 1 right cavity, 2 myocardium, 3 left cavity.

    Raises:
        DatasetError: for a film the patient does not have.
    """
    case = case_of(recipe.seed, recipe.patient, recipe.vendor)
    films = films_of(case)
    if not 0 <= recipe.film < len(films):
        raise DatasetError(
            f"The patient has {len(films)} films, not film {recipe.film}; nothing was rendered; name a lower film."
        )
    index, phase, moment = films[recipe.film]
    picture, mask = _frame(case, index, moment, round(moment * FRAMES), size)
    image = windowed(picture, limits_of(picture, case.scan.top))
    record = record_of(case.heart, case.scan, size) | _place(case, index, phase, moment)
    return PhantomImage(image, mask, _captioned(record))


def render_cine(
    seed: int, patient: int, slice_index: int, frames: int = FRAMES, size: int = SIZE, vendor: str = ""
) -> tuple[Grey, Grey]:
    """One slice over the cycle, frame 0 at end-diastole, all frames in one window.

    Returns:
        images and masks, each (frames, size, size) uint8.

    Raises:
        DatasetError: for a slice the patient does not have, or no frames.
    """
    case = case_of(seed, patient, vendor)
    if not 0 <= slice_index < len(case.depths) or frames < 1:
        raise DatasetError(
            f"The patient has {len(case.depths)} slices and a cine at least one frame; nothing was rendered; "
            "name another slice or number of frames."
        )
    pairs = [_frame(case, slice_index, t / frames, t, size) for t in range(frames)]
    limits = limits_of(pairs[0][0], case.scan.top)
    return np.stack([windowed(p, limits) for p, _ in pairs]), np.stack([m for _, m in pairs])


def volume(seed: int, patient: int, frames: int = FRAMES, size: int = SIZE, vendor: str = "") -> Volume:
    """Every slice over the cycle, from above the valve plane to below the apex.

    Raises:
        DatasetError: for an unknown patient or no frames.
    """
    case = case_of(seed, patient, vendor)
    cines = [render_cine(seed, patient, z, frames, size, vendor) for z in range(len(case.depths))]
    pixel = case.scan.field / size
    return Volume(
        np.stack([images for images, _ in cines], axis=1),
        np.stack([masks for _, masks in cines], axis=1),
        (case.scan.spacing, pixel, pixel),
        round(60 / float(record_of(case.heart, case.scan, size)["heart_rate"]) / frames, 4),
        record_of(case.heart, case.scan, size),
    )


def _frame(case: Case, index: int, moment: float, noise: int, size: int) -> tuple[Map, Grey]:
    """Signal (size, size) float32 and label mask of one slice at one moment."""
    depth = case.depths[index]
    levels = {tissue: level(case.scan.sequence, tissue) for tissue in TISSUES}
    canvas = _canvas(case, index, size)
    address = (case.number, index)
    around = paint_body(canvas, case.build, depth, levels, stream(case.seed, "texture", *address, 0))
    cut = slice_at(case.heart, depth, moment)
    texture = stream(case.seed, "texture", *address, 1)
    mask = paint_heart(
        canvas, case.heart, cut, levels, case.scan.thickness, around, case.build.nestle, texture
    )
    return acquire(canvas, case.scan, around, stream(case.seed, "noise", *address, noise)), mask


def _canvas(case: Case, index: int, size: int) -> Canvas:
    """The canvas of a slice: breath-holds differ by a millimetre or two."""
    shift = stream(case.seed, "body", case.number, index).normal(0, 1.1, 2)
    scan = case.scan
    place = (scan.heart[0] * scan.field + float(shift[0]), scan.heart[1] * scan.field + float(shift[1]))
    return canvas_of(size, scan.field, place, scan.turn)


def _place(case: Case, index: int, phase: str, moment: float) -> dict[str, str]:
    height = slice_at(case.heart, case.depths[index], case.patient.systole).height
    position = POSITIONS[0 if height < 0.27 else 1 if height < 0.58 else 2]
    return {
        "phase": phase,
        "slice": position,
        "slice_index": str(index),
        "n_slices": str(len(case.depths)),
        "frame": str(round(moment * FRAMES)),
    }


def _captioned(record: dict[str, str]) -> dict[str, str]:
    from lab.data.phantom_heart.record import caption

    return record | {"text": caption(record)}
