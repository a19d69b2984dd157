"""Hearts of training patients on any vendor's scanner, at any moment, slice and turn, each with its label mask.

The pictures of the phantom set show each patient on one scanner, at two moments. A generator that is told mask and
vendor has to learn which of the two a grey level comes from, so here each picture of a patient has a vendor, a slice,
a moment and a position of its own. The patients are those of the set's training split and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_image import PhantomImage
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.source import Source, rows_of
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.phantom_heart.render import Case

RENDERED = 128
VERSION = 1
HIGHEST, LOWEST = 0.02, 0.93  # heights of slices that show the left ventricle, valve plane 0 to tip 1
SHIFT, TURN, ZOOM = 0.035, np.deg2rad(9.0), 0.09


def hearts(recipe: FamilyRecipe) -> Source:
    """The source of a recipe for phantom hearts: `recipe.films` pictures of each training patient."""
    from lab.data.phantom_dataset import phantom_split
    from lab.data.phantom_families import CMR

    patients, films = recipe.patients or CMR.patients, recipe.films or CMR.films
    numbers = [
        number
        for number in range(patients)
        if phantom_split(f"{CMR.prefix}-{recipe.seed}-{number:05d}") == "train"
    ]
    jobs = [(number, film) for number in numbers for film in range(films)]

    def read(first: int, last: int) -> dict[str, NDArray[Any]]:
        made = [picture(recipe.seed, *job) for job in jobs[first:last]]
        records: list[Mapping[str, str]] = [one.record for one in made]
        return rows_of(recipe, [one.image for one in made], [one.mask for one in made], records)

    asked = [VERSION, recipe.seed, patients, films, recipe.size, recipe.crop, recipe.colour]
    structures = tuple(CMR.mask_labels[k] for k in sorted(CMR.mask_labels))
    return Source(len(jobs), read, digest_json([CMR.digest, asked]), CMR.modality, structures, phantom=True)


def picture(seed: int, patient: int, film: int) -> PhantomImage:
    """One picture (128, 128) uint8 of a patient with its mask; vendors take turns, the rest is drawn.

    The record holds label, vendor and patient_id alone.
    """
    from lab.data.phantom_heart.draws import VENDORS
    from lab.data.phantom_heart.render import case_of
    from lab.data.phantom_heart.shape import slice_at

    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7, patient, film)))
    case = case_of(seed, patient, VENDORS[(patient + film) % len(VENDORS)])
    moment = _moment(case, rng)
    depth = float(rng.uniform(HIGHEST, LOWEST)) * case.heart.length
    height = slice_at(case.heart, depth, moment).height
    if height < HIGHEST:  # the valve plane has come down past this slice
        depth += (HIGHEST - height) * case.heart.length
    image, mask = _drawn(case, depth, moment, rng)
    record = {"patient_id": case.patient.patient_id, "label": case.patient.label, "vendor": case.scan.vendor}
    return PhantomImage(image, mask, record)


def _moment(case: Case, rng: np.random.Generator) -> float:
    """End-diastole, end-systole, or any moment, a third each: most pictures of the set show the first two."""
    kind = int(rng.integers(3))
    return (0.0, case.patient.systole, float(rng.uniform()))[kind]


def _drawn(case: Case, depth: float, moment: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Picture and mask of a slice, the field of view a little moved, turned and zoomed."""
    from lab.data.phantom_heart.body import paint_body
    from lab.data.phantom_heart.canvas import canvas_of
    from lab.data.phantom_heart.heart import paint_heart
    from lab.data.phantom_heart.scanner import acquire, limits_of, windowed
    from lab.data.phantom_heart.shape import slice_at
    from lab.data.phantom_heart.signal import TISSUES, level

    field = case.scan.field * float(1 + rng.uniform(-ZOOM, ZOOM))
    across, down = (float(at + rng.uniform(-SHIFT, SHIFT)) for at in case.scan.heart)
    turn = case.scan.turn + float(rng.uniform(-TURN, TURN))
    scan = replace(case.scan, field=field, heart=(across, down), turn=turn)
    levels = {tissue: level(scan.sequence, tissue) for tissue in TISSUES}
    place = (scan.heart[0] * scan.field, scan.heart[1] * scan.field)
    canvas = canvas_of(RENDERED, scan.field, place, scan.turn)
    around = paint_body(canvas, case.build, depth, levels, rng)
    cut = slice_at(case.heart, depth, moment)
    mask = paint_heart(canvas, case.heart, cut, levels, scan.thickness, around, case.build.nestle, rng)
    signal = acquire(canvas, scan, around, rng)
    return windowed(signal, limits_of(signal, scan.top)), mask
