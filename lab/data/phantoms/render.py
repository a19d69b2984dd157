"""One film from one recipe."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from lab.data.phantoms import captions
from lab.data.phantoms.anatomy import Anatomy, Positioning, draw_anatomy, draw_positioning, stream
from lab.data.phantoms.detector import detect, develop, scattered, transmitted
from lab.data.phantoms.film import collimate, label, lead_thickness, mark
from lab.data.phantoms.findings import (
    Contents,
    FindingSpec,
    Shape,
    add_consolidation,
    add_effusion,
    add_pneumothorax,
    draw_findings,
    draw_shape,
)
from lab.data.phantoms.geometry import Map, Plane, blurred, ellipsoid, film_plane, fractal, smoothstep
from lab.data.phantoms.skeleton import bone_thickness, rib_paths, tube
from lab.data.phantoms.thorax import Chest, build_chest
from lab.data.phantoms.vessels import tree_points, vessel_thickness


@dataclass(frozen=True)
class PhantomRecipe:
    """Names one film: the same recipe always gives the same bytes."""

    seed: int
    patient: int
    film: int


@dataclass(frozen=True)
class Film:
    """A film and what is known about it.

    ``image`` (size, size) uint8; ``masks`` "lesion", "lungs" and "heart", each (size, size) bool;
    ``record``: patient_id, label, side, size, lobe, caption, view, sex, age, findings (JSON list).
    """

    image: np.ndarray
    masks: dict[str, np.ndarray]
    record: dict[str, object]


def shapes_of(findings: tuple[FindingSpec, ...], recipe: PhantomRecipe) -> list[Shape]:
    """The continuous size of each finding, from its own stream so that a change of side or size changes little else."""
    return [
        draw_shape(f, np.random.default_rng([recipe.seed, recipe.patient, recipe.film, 7, i]))
        for i, f in enumerate(findings)
    ]


def fill_chest(
    chest: Chest,
    vessels: Map,
    findings: tuple[FindingSpec, ...],
    shapes: list[Shape],
    anatomy: Anatomy,
    plane: Plane,
    texture: np.random.Generator,
) -> Contents:
    """The lungs' contents after every finding has had its effect."""
    split = plane.x < 0
    own = [vessels * split * (chest.lungs[0] > 0.2), vessels * ~split * (chest.lungs[1] > 0.2)]
    contents = Contents(
        list(chest.lungs), np.zeros_like(vessels), np.zeros_like(vessels), own, np.zeros(vessels.shape, bool)
    )
    for finding, shape in zip(findings, shapes, strict=True):
        if finding.label == "effusion":
            add_effusion(contents, finding, shape, anatomy, plane, chest)
        elif finding.label == "pneumothorax":
            add_pneumothorax(contents, finding, shape, anatomy, plane, chest)
        elif finding.label == "consolidation":
            add_consolidation(contents, finding, shape, anatomy, plane, chest, texture)
        elif finding.label == "cardiomegaly":
            contents.lesion |= chest.heart > 0.5
    return contents


def soft_tissue(
    chest: Chest, contents: Contents, anatomy: Anatomy, position: Positioning, plane: Plane, grain: Map
) -> Map:
    """Centimetres of water along the beam."""
    gravity = np.float32(0.68) + np.float32(0.62 / anatomy.lung_height) * np.clip(plane.y, 0, None)
    density = (
        np.float32(min(0.5, anatomy.lung_density * position.aeration))
        * gravity
        * (1 + np.float32(0.05) * grain)
    )
    lungs = contents.air[0] + contents.air[1]
    blood = np.minimum(contents.vessels[0] + contents.vessels[1], 0.75 * lungs)
    soft = chest.body - lungs * (1 - density) - contents.free * np.float32(0.99) + contents.fluid
    soft = blurred(soft, 1.8 * plane.size / 256) + blood * (1 - density)
    soft = soft - np.minimum(chest.airway, 0.5 * chest.body) - chest.gas * (chest.body > 5)
    return np.maximum(soft * (1 + np.float32(0.008) * grain), 0).astype(np.float32)


def uneven(soft: Map, size: int, rng: np.random.Generator) -> Map:
    """Muscle, fat and clothing that lie unevenly: about half a centimetre over some five centimetres."""
    from scipy import ndimage

    coarse = rng.standard_normal((8, 8)).astype(np.float32)
    field = ndimage.zoom(coarse, size / 8, order=3, mode="nearest", grid_mode=True).astype(np.float32)
    return np.maximum(soft + np.float32(0.6) * field * soft / (soft + 3), 0)


def bowel_gas(chest: Chest, plane: Plane, rng: np.random.Generator) -> Map:
    """A few pockets of gas under the domes, cm along the beam."""
    total = np.zeros_like(plane.x)
    for _ in range(int(rng.integers(0, 6))):
        radius = rng.uniform(0.5, 1.3)
        centre = (rng.normal(5, 4.5), chest.diaphragm[1] + 2.0 + rng.gamma(2.0, 1.6))
        total = np.maximum(
            total,
            ellipsoid(
                plane.x,
                plane.y,
                centre,
                (radius * rng.uniform(1, 1.9), radius, radius),
                rng.uniform(-0.7, 0.7),
            ),
        )
    below = smoothstep((plane.y - np.float32(max(chest.diaphragm) + 0.5)) / 1.5)
    return blurred(total * below * np.float32(0.9), 1.2 * plane.size / 256)


def record_of(
    recipe: PhantomRecipe, anatomy: Anatomy, position: Positioning, findings: tuple[FindingSpec, ...]
) -> dict[str, object]:
    """The manifest row of one film."""
    first = findings[0] if findings else FindingSpec("no finding")
    text = captions.caption(findings, stream(recipe.seed, "caption", recipe.patient, recipe.film))
    return {
        "patient_id": f"phantom-{recipe.seed}-{recipe.patient:05d}",
        "label": first.label,
        "side": first.side,
        "size": first.size,
        "lobe": first.lobe,
        "caption": text,
        "view": position.view,
        "sex": anatomy.sex,
        "age": anatomy.age,
        "findings": json.dumps([asdict(f) for f in findings]),
    }


@dataclass(frozen=True)
class Body:
    """What stays the same on all films of one patient: points (n, 3) cm and volumes (n,) cm^3 of ribs and vessels."""

    anatomy: Anatomy
    ribs: tuple[Map, Map]
    vessels: tuple[Map, Map, Map]


def body_of(seed: int, patient: int) -> Body:
    """Build one patient."""
    anatomy = draw_anatomy(stream(seed, "anatomy", patient))
    return Body(anatomy, tube(*rib_paths(anatomy), anatomy.cortex), tree_points(anatomy, seed, patient))


def render(recipe: PhantomRecipe, size: int = 256, finding: FindingSpec | None = None) -> Film:
    """Render one film. ``finding`` replaces the drawn findings: the same patient and exposure with another finding.

    Pass ``FindingSpec("no finding")`` for the healthy counterpart. Same recipe, size and finding: same bytes.
    """
    return render_body(body_of(recipe.seed, recipe.patient), recipe, size, finding)


def render_body(
    body: Body, recipe: PhantomRecipe, size: int = 256, finding: FindingSpec | None = None
) -> Film:
    """As ``render``, for a patient already built: several films of one patient cost less."""
    seed, patient, film = recipe.seed, recipe.patient, recipe.film
    anatomy = body.anatomy
    position = draw_positioning(stream(seed, "positioning", patient, film))
    findings = draw_findings(stream(seed, "finding", patient, film)) if finding is None else (finding,)
    findings = tuple(f for f in findings if f.label != "no finding")
    shapes = shapes_of(findings, recipe)
    plane = film_plane(position, 0.53 * anatomy.lung_height, size)
    ratio = next((s.heart_ratio for s in shapes if s.heart_ratio), None)
    chest = build_chest(anatomy, plane, position, ratio, sum(s.shift for s in shapes))
    texture = stream(seed, "texture", patient, film)
    grain = fractal(texture, size, 1.6, 3.0)
    contents = fill_chest(
        chest, vessel_thickness(anatomy, plane, body.vessels), findings, shapes, anatomy, plane, texture
    )
    soft = soft_tissue(chest, contents, anatomy, position, plane, grain)
    bone = bone_thickness(anatomy, plane, position, body.ribs)
    soft = soft - bowel_gas(chest, plane, texture)
    soft = uneven(soft, size, stream(seed, "tissue", patient, film))
    if position.leads:
        bone = bone + lead_thickness(plane, position, texture)
    primary = transmitted(soft, bone)
    signal = detect(
        primary + scattered(primary, soft, plane, position.grid),
        plane,
        position,
        stream(seed, "noise", patient, film),
    )
    image = label(mark(collimate(develop(signal, chest, plane, position), position), position), position)
    lungs = (chest.lungs[0] + chest.lungs[1]) > 1.0
    masks = {"lesion": contents.lesion, "lungs": lungs, "heart": chest.heart > 0.5}
    return Film(
        np.round(np.clip(image, 0, 1) * 255).astype(np.uint8),
        masks,
        record_of(recipe, anatomy, position, findings),
    )
