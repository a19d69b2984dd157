"""Recipes that are ready: two skin pipelines of SkinGenBench, the cardiac recipe, the radiograph recipe, none."""

from __future__ import annotations

from dataclasses import dataclass

from lab.data.preprocess.recipe import Recipe
from lab.data.preprocess.step import Step
from lab.data.preprocess.steps.cine import CineChoice
from lab.data.preprocess.steps.clip import Clip
from lab.data.preprocess.steps.depth import Depth
from lab.data.preprocess.steps.flip import Flip
from lab.data.preprocess.steps.grey import Grey
from lab.data.preprocess.steps.hair import RemoveHair
from lab.data.preprocess.steps.inversion import InversionCheck
from lab.data.preprocess.steps.resize import Resize
from lab.data.preprocess.steps.roi import CropAboutMask
from lab.data.preprocess.steps.rotate import Rotate
from lab.data.preprocess.steps.scale import Scale
from lab.data.preprocess.steps.spacing import Spacing
from lab.data.preprocess.steps.square import Square
from lab.data.preprocess.steps.store import Store
from lab.registry import Registry


@dataclass(frozen=True)
class Preset:
    """A recipe with what a page says about it.

    Attributes:
        recipe: ready to run.
        description: one or two plain sentences.
        modality: "dermoscopy", "cardiac MRI", "chest radiograph", or "" for any.
    """

    recipe: Recipe
    description: str
    modality: str


PRESETS: Registry[Preset] = Registry("preprocessing recipe")
# Public re-implementations of DullRazor agree on the steps and differ in the numbers; these are the two usual sets.
DULLRAZOR_9 = RemoveHair(kernel=9, shape="rect", blur=True, threshold=10, dilate=False, radius=6)
DULLRAZOR_17 = RemoveHair(kernel=17, shape="cross", blur=False, threshold=10, dilate=False, radius=1)
# Both take dots and network of the lesion for hair; the third keeps long thin lines only and is ours.
LONG_LINES = RemoveHair(kernel=9, shape="rect", blur=True, threshold=10, shortest=25, dilate=False, radius=6)
SKIN: tuple[Step, ...] = (Rotate(degrees=20, fill="reflect"), Flip(0.5, 0.5), Resize(256, 256, "bicubic"))


def _add(name: str, title: str, description: str, modality: str, *steps: Step) -> None:
    PRESETS.register(name)(Preset(Recipe(name, title, steps), description, modality))


_add(
    "skin-a", "Skin, basic (A)",
    "SkinGenBench's basic pipeline: random rotation, flips, 256 x 256. Its angles are not published; ours are up to "
    "20 degrees.",
    "dermoscopy", *SKIN,
)  # fmt: skip
# Hair goes first: the elements of both presets are in source pixels, turning and shrinking soften the thin lines they
# look for, and a mirrored corner would be searched too. And so A and B of one picture differ by the hair alone.
_add(
    "skin-b-9", "Skin, hair removed (B, DullRazor 9)",
    "The basic pipeline after hair removal with a 9 x 9 element. Look at the mask: it can take the lesion's own "
    "network for hair.",
    "dermoscopy", DULLRAZOR_9, *SKIN,
)  # fmt: skip
_add(
    "skin-b-17", "Skin, hair removed (B, DullRazor 17)",
    "The basic pipeline after hair removal with a 17 x 17 cross, which finds thicker hair. Look at the mask: it can "
    "take the lesion's own network for hair.",
    "dermoscopy", DULLRAZOR_17, *SKIN,
)  # fmt: skip
_add(
    "skin-b-lines", "Skin, long hairs removed (B, gentle)",
    "As DullRazor 9, but only long thin lines are painted over: much less of the lesion's own network. Not published; "
    "ours. Look at the mask: long vessels look like hair to it.",
    "dermoscopy", LONG_LINES, *SKIN,
)  # fmt: skip
# Percentiles are taken of the whole slice, before the crop: its padding must not count into them.
_add(
    "cardiac", "Cardiac short axis",
    "Slices at end-diastole and end-systole, one spacing, percentiles 1 to 99, -1 to 1, 128 x 128 about the mask.",
    "cardiac MRI",
    CineChoice("all", 0, "ED and ES", 0), Spacing(1.5, "leave", "lanczos"), Clip(1, 99), Scale(),
    CropAboutMask(128, "box", "middle", "minimum"), Store("8"),
)  # fmt: skip
_add(
    "radiograph", "Chest radiograph",
    "States the bit depth, flags films that look inverted (and changes none), pads to a square, 512 x 512 by Lanczos.",
    "chest radiograph",
    Grey("equal"), Depth("keep", "used"), InversionCheck(confirmed=False), Square("pad", "zero"),
    Resize(512, 512, "lanczos"),
)  # fmt: skip
_add("as-is", "As is", "Every pixel as it was imported.", "")


def preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        NotFoundError: with the known names.
    """
    return PRESETS.get(name)


def presets(modality: str = "") -> list[Preset]:
    """Presets in the order of a list; with a modality, its own first and then those for any."""
    every = [entry for _, entry in PRESETS]
    if not modality:
        return every
    return [e for e in every if e.modality == modality] + [e for e in every if not e.modality]
