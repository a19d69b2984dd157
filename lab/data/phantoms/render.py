"""One film from one recipe."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from lab.data.phantoms import captions
from lab.data.phantoms.anatomy import Anatomy, Positioning, draw_anatomy, draw_positioning, stream
from lab.data.phantoms.detector import detect, develop, scattered, transmitted
from lab.data.phantoms.devices import device_thickness
from lab.data.phantoms.draws import (
    DEVICES,
    NO_FINDING,
    FindingSpec,
    Shape,
    draw_findings,
    draw_shape,
    number_of,
)
from lab.data.phantoms.film import collimate, label, lead_thickness, mark
from lab.data.phantoms.findings import Contents, add_consolidation, add_effusion, add_pneumothorax
from lab.data.phantoms.focal import add_nodule
from lab.data.phantoms.geometry import Map, Plane, film_plane, fractal
from lab.data.phantoms.lateral import LATERAL, build_lateral, lateral_position, turned
from lab.data.phantoms.lateral_bones import lateral_bone
from lab.data.phantoms.lateral_findings import SHOWN, fill_lateral
from lab.data.phantoms.oedema import add_oedema
from lab.data.phantoms.skeleton import bone_thickness, rib_bark, rib_paths, tube
from lab.data.phantoms.thorax import Chest, build_chest
from lab.data.phantoms.tissue import bowel_gas, soft_tissue, uneven
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

    ``image`` (size, size) uint8; ``masks`` "lesion", "lungs" and "heart", each (size, size) bool: "lesion" is where any
    finding changes the film, the haze of oedema, the whole heart in cardiomegaly and every device (two pixels wide or
    more) among it. ``record``: patient_id, label, side, size, lobe (of the first pathology; a film with devices alone
    has "no finding"), caption, view, sex, age, findings (JSON list: pathologies, then devices).
    """

    image: np.ndarray
    masks: dict[str, np.ndarray]
    record: dict[str, object]


Findings = FindingSpec | tuple[FindingSpec, ...] | None


def findings_of(recipe: PhantomRecipe, view: str, wanted: Findings) -> tuple[FindingSpec, ...]:
    """What a film shows: what is wanted, or what its own stream draws where nothing is named."""
    if wanted is None:
        return draw_findings(stream(recipe.seed, "finding", recipe.patient, recipe.film), view)
    several = (wanted,) if isinstance(wanted, FindingSpec) else wanted
    return tuple(f for f in several if f.label != NO_FINDING.label)


def stream_of(finding: FindingSpec, recipe: PhantomRecipe, use: int) -> np.random.Generator:
    """A finding's own stream, so that another side, size or company of it changes little else."""
    return np.random.default_rng([recipe.seed, recipe.patient, recipe.film, use, number_of(finding)])


def shapes_of(findings: tuple[FindingSpec, ...], recipe: PhantomRecipe) -> list[Shape]:
    """The continuous size of each finding."""
    return [draw_shape(f, stream_of(f, recipe, 7)) for f in findings]


def heart_ratio_of(shapes: list[Shape], anatomy: Anatomy) -> float | None:
    """The heart's width as a share of the chest's where a finding widens it, None where it stays the patient's."""
    ratio = max((s.heart_ratio for s in shapes if s.heart_ratio), default=0.0)
    return ratio if ratio > 1.07 * anatomy.heart_ratio else None


def fill_chest(
    chest: Chest,
    vessels: Map,
    findings: tuple[FindingSpec, ...],
    shapes: list[Shape],
    anatomy: Anatomy,
    plane: Plane,
    recipe: PhantomRecipe,
) -> Contents:
    """The lungs' contents after every finding has had its effect."""
    split = plane.x < 0
    own = [vessels * split * (chest.lungs[0] > 0.2), vessels * ~split * (chest.lungs[1] > 0.2)]
    contents = Contents(
        list(chest.lungs), np.zeros_like(vessels), np.zeros_like(vessels), own, np.zeros(vessels.shape, bool)
    )
    own_way = {"effusion": add_effusion, "pneumothorax": add_pneumothorax}
    textured = {"oedema": add_oedema, "consolidation": add_consolidation, "nodule": add_nodule}
    # A nodule comes last: it is put where the others have left lung.
    for finding, shape in sorted(
        zip(findings, shapes, strict=True), key=lambda pair: pair[0].label == "nodule"
    ):
        if finding.label in own_way:
            own_way[finding.label](contents, finding, shape, anatomy, plane, chest)
        elif finding.label in textured:
            texture = stream_of(finding, recipe, 8)
            textured[finding.label](contents, finding, shape, anatomy, plane, chest, texture)
        elif finding.label == "cardiomegaly":
            contents.lesion |= chest.heart > 0.5
    return contents


def record_of(
    recipe: PhantomRecipe, anatomy: Anatomy, position: Positioning, findings: tuple[FindingSpec, ...]
) -> dict[str, object]:
    """The manifest row of one film."""
    first = next((f for f in findings if f.label not in DEVICES), NO_FINDING)
    text = captions.caption(
        findings,
        stream(recipe.seed, "caption", recipe.patient, recipe.film),
        view=position.view,
        sex=anatomy.sex,
        age=anatomy.age,
    )
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
    return Body(
        anatomy,
        tube(*rib_paths(anatomy, stream(seed, "bones", patient)), rib_bark(anatomy)),
        tree_points(anatomy, seed, patient),
    )


@dataclass(frozen=True)
class Crossed:
    """What the beam of one film crosses: ``bone`` with metal in cm, ``devices`` a mask, each (size, size)."""

    chest: Chest
    contents: Contents
    bone: Map
    devices: np.ndarray


def taken(recipe: PhantomRecipe, wanted: Findings) -> tuple[Positioning, tuple[FindingSpec, ...]]:
    """How a film is taken and what it shows.

    A lateral film leaves out of its own draw what it would not show well; where such a finding is asked for by name,
    the film is a frontal one.
    """
    position = draw_positioning(stream(recipe.seed, "positioning", recipe.patient, recipe.film))
    findings = findings_of(recipe, position.view, wanted)
    if position.view != LATERAL:
        return position, findings
    shown = tuple(f for f in findings if f.label in SHOWN)
    if wanted is not None and shown != findings:
        return replace(position, view="PA"), findings
    return lateral_position(position), shown


def crossed_frontally(
    body: Body,
    plane: Plane,
    position: Positioning,
    findings: tuple[FindingSpec, ...],
    shapes: list[Shape],
    recipe: PhantomRecipe,
) -> Crossed:
    """The patient along ``z``."""
    anatomy = body.anatomy
    shift = sum(s.shift for s in shapes)
    chest = build_chest(anatomy, plane, position, heart_ratio_of(shapes, anatomy), shift)
    vessels = vessel_thickness(anatomy, plane, body.vessels)
    contents = fill_chest(chest, vessels, findings, shapes, anatomy, plane, recipe)
    metal, devices = device_thickness(findings, shapes, anatomy, plane, chest)
    return Crossed(chest, contents, bone_thickness(anatomy, plane, position, body.ribs) + metal, devices)


def crossed_sideways(
    body: Body,
    plane: Plane,
    position: Positioning,
    findings: tuple[FindingSpec, ...],
    shapes: list[Shape],
    texture: np.random.Generator,
) -> Crossed:
    """The patient along ``x``."""
    anatomy = body.anatomy
    chest = build_lateral(anatomy, plane, position, heart_ratio_of(shapes, anatomy))
    cloud, radius, volume = body.vessels
    vessels = vessel_thickness(anatomy, plane, (turned(cloud), radius, volume))
    contents = fill_lateral(chest, vessels, findings, shapes, anatomy, plane, texture)
    bone = lateral_bone(anatomy, plane, position, body.ribs)
    return Crossed(chest, contents, bone, np.zeros(vessels.shape, bool))


def render(recipe: PhantomRecipe, size: int = 256, finding: Findings = None) -> Film:
    """Render one film. ``finding`` replaces the drawn findings: the same patient and exposure with another finding.

    Pass ``FindingSpec("no finding")`` for the healthy counterpart, a tuple for several findings and devices. Same
    recipe, size and finding: same bytes.

    Raises:
        DatasetError: when a finding is not known or lacks its side, size or lobe.
    """
    return render_body(body_of(recipe.seed, recipe.patient), recipe, size, finding)


def render_body(body: Body, recipe: PhantomRecipe, size: int = 256, finding: Findings = None) -> Film:
    """As ``render``, for a patient already built: several films of one patient cost less."""
    seed, patient, film = recipe.seed, recipe.patient, recipe.film
    anatomy = body.anatomy
    position, findings = taken(recipe, finding)
    shapes = shapes_of(findings, recipe)
    plane = film_plane(position, 0.53 * anatomy.lung_height, size)
    texture = stream(seed, "texture", patient, film)
    grain = fractal(texture, size, 1.0, 3.0)
    if position.view == LATERAL:
        crossed = crossed_sideways(body, plane, position, findings, shapes, texture)
    else:
        crossed = crossed_frontally(body, plane, position, findings, shapes, recipe)
    chest, contents, bone = crossed.chest, crossed.contents, crossed.bone
    soft = soft_tissue(chest, contents, anatomy, position, plane, grain)
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
    masks = {"lesion": contents.lesion | crossed.devices, "lungs": lungs, "heart": chest.heart > 0.5}
    return Film(
        np.round(np.clip(image, 0, 1) * 255).astype(np.uint8),
        masks,
        record_of(recipe, anatomy, position, findings),
    )
