"""Slices and frames of a volume become pictures: by number, by phase, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.preprocess.phases import LV, Phases, phases_by_mask, phases_by_rule
from lab.data.preprocess.picture import Fact, Picture
from lab.data.preprocess.recipe import Recipe
from lab.data.preprocess.steps.cine import CineChoice
from lab.errors import InputError


@dataclass(frozen=True, eq=False)
class Volume:
    """A stack of slices, perhaps over time.

    Attributes:
        image: (T, Z, H, W), or (Z, H, W) for one moment; any number type.
        mask: label images in the app's order, of the same shape, or None.
        spacing_mm: of a pixel in a slice, (down a column, along a row), or None.
        phases: where the source names end-diastole and end-systole; wins over every rule.

    Raises:
        InputError: for another number of dimensions, an empty volume, or a mask of another shape.
    """

    image: NDArray[Any]
    mask: NDArray[Any] | None = None
    spacing_mm: tuple[float, float] | None = None
    phases: Phases | None = None

    def __post_init__(self) -> None:
        if self.image.ndim not in (3, 4) or 0 in self.image.shape:
            raise InputError("The volume has not 3 or 4 dimensions; nothing was read; choose another file.")
        if self.mask is not None and self.mask.shape != self.image.shape:
            raise InputError(
                "The mask is not of the volume's size; nothing was read; choose the mask that belongs to it."
            )

    def frames(self) -> NDArray[Any]:
        """(T, Z, H, W) view of the image."""
        return self.image if self.image.ndim == 4 else self.image[None]

    def masks(self) -> NDArray[Any] | None:
        """(T, Z, H, W) view of the mask."""
        return self.mask if self.mask is None or self.mask.ndim == 4 else self.mask[None]


@dataclass(frozen=True, eq=False)
class ChosenSlice:
    """One picture out of a volume.

    Attributes:
        picture: its `notes` hold slice, frame, phase and the rule behind the phase.
        frame, slice_: numbers from 0.
        phase: "ED", "ES" or "".
    """

    picture: Picture
    frame: int
    slice_: int
    phase: str


def find_phases(volume: Volume) -> Phases:
    """End-diastole and end-systole: as the source names them, else by mask, else by the stated rule."""
    if volume.phases is not None:
        return volume.phases
    frames, masks = volume.frames(), volume.masks()
    if len(frames) == 1:
        return Phases(0, 0, "The volume has one frame.")
    if masks is not None and np.any(masks == LV):
        return phases_by_mask(masks)
    return phases_by_rule(frames)


def choice_of(recipe: Recipe) -> CineChoice:
    """The recipe's slice and frame step; its defaults where the recipe has none."""
    return next((step for step in recipe.steps if isinstance(step, CineChoice)), CineChoice())


def choose(volume: Volume, choice: CineChoice) -> list[ChosenSlice]:
    """The pictures a choice takes out of a volume, by frame and then by slice.

    Raises:
        InputError: for a number outside the volume, or a choice by label without masks.
    """
    phases = find_phases(volume)
    images, masks = volume.frames(), volume.masks()
    chosen = []
    for frame in _frames(choice, phases, len(images)):
        for slice_ in _slices(choice, masks, phases.ed, frame, images.shape[1]):
            mask = None if masks is None else masks[frame, slice_].astype(np.uint8)
            name = phases.name(frame)
            notes: dict[str, Fact] = {
                "slice": slice_,
                "frame": frame,
                "phase": name,
                "phase_rule": phases.rule,
            }
            picture = Picture(_pixels(images[frame, slice_]), mask, volume.spacing_mm, notes)
            chosen.append(ChosenSlice(picture, frame, slice_, name))
    return chosen


def _pixels(plane: NDArray[Any]) -> NDArray[Any]:
    """uint8 and uint16 as they are; signed and wider numbers as float32, unit kept."""
    return plane.copy() if plane.dtype in (np.uint8, np.uint16) else plane.astype(np.float32)


def _frames(choice: CineChoice, phases: Phases, count: int) -> list[int]:
    if choice.frames == "number":
        return [_number(choice.frame_number, count, "frame")]
    if choice.frames == "all":
        return list(range(count))
    wanted = {"ED": [phases.ed], "ES": [phases.es], "ED and ES": [phases.ed, phases.es]}[choice.frames]
    return sorted({_number(frame, count, "frame") for frame in wanted})


def _slices(choice: CineChoice, masks: NDArray[Any] | None, ed: int, frame: int, count: int) -> list[int]:
    if choice.slices == "number":
        return [_number(choice.slice_number, count, "slice")]
    if choice.slices == "middle":
        return [count // 2]
    if choice.slices == "all":
        return list(range(count))
    if masks is None or not masks.any():
        raise InputError(
            "The volume has no mask to choose slices by; nothing was chosen; choose the middle slice, all, or one "
            "by number."
        )
    if choice.slices == "labelled":
        return [int(number) for number in np.flatnonzero(masks[frame].any(axis=(1, 2)))]
    # The same slice at every moment, so that a pair of ED and ES shows one place.
    areas = np.count_nonzero(masks[ed] == LV, axis=(1, 2))
    return [int(np.argmax(areas if areas.any() else np.count_nonzero(masks[ed], axis=(1, 2))))]


def _number(number: int, count: int, kind: str) -> int:
    if not 0 <= number < count:
        raise InputError(
            f"The volume has no {kind} {number}; nothing was chosen; choose a number from 0 to {count - 1}."
        )
    return number
