"""One picture from one recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_image import PhantomImage
from lab.data.phantom_skin.artefacts import Artefacts, make_artefacts
from lab.data.phantom_skin.attributes import asymmetry, border, colours, pigment_asymmetry
from lab.data.phantom_skin.camera import DEVICES, balance, cast, expose, grain, shade
from lab.data.phantom_skin.captions import ARTEFACTS, caption, shown
from lab.data.phantom_skin.classes import LABEL_NAMES
from lab.data.phantom_skin.fields import Map, stream
from lab.data.phantom_skin.frame import make_frame
from lab.data.phantom_skin.plan import Patient, Shot, draw_lesion, draw_patient, draw_shot
from lab.data.phantom_skin.scene import Scene, make_scene
from lab.data.phantom_skin.skin import Skin, make_skin
from lab.data.phantom_skin.structures import lay_down

# Density in red, green and blue of a unit of pigment. Little melanin looks tan, much of it dark brown to black.
TAN, SEPIA, BLUE, RED = (0.45, 1.02, 1.52), (0.72, 1.22, 1.26), (1.12, 1.04, 0.84), (0.22, 1.25, 0.98)
TURN = 1.1  # melanin, in density, over which tan turns to sepia

NETWORKS = {"irregular_network": "irregular", "network": "regular"}
DOTS = {"irregular_dots": "irregular", "cobblestones": "cobblestone", "dots": "regular"}


@dataclass(frozen=True)
class SkinRecipe:
    """Names one picture: the same recipe always gives the same bytes. Numbers are 0 or more."""

    seed: int
    patient: int
    film: int


def render(recipe: SkinRecipe, size: int = 192) -> PhantomImage:
    """Render one picture of `size` pixels a side.

    Films of a patient go round its one or two lesions: film 0 shows the first, film 1 the second, if there is one.

    Returns:
        image (size, size, 3) uint8 sRGB; mask 0 skin, 1 lesion, whatever lies on top of it; layers "clean"
        (size, size, 3) uint8, the picture without artefacts, and "hair", "ruler", "vignette", "bubbles", "glare",
        "ink" (size, size) bool, every pixel that artefact changes: elsewhere image and clean are equal.
    """
    seed, person, film = recipe.seed, recipe.patient, recipe.film
    patient = draw_patient(seed, person)
    number = film % len(patient.labels)
    lesion = draw_lesion(seed, person, number, patient.labels[number])
    shot = draw_shot(seed, person, film, lesion.radius)
    frame = make_frame(size, shot.field, shot.turn, shot.centre, shot.squeeze)
    scene = make_scene(lesion, frame, (seed, person, number))
    lay_down(scene)
    skin = make_skin(patient, frame, patient.sites[number], (seed, person, number))
    light = balance(patient.device, stream(seed, "camera", person))
    view = stream(seed, "grain", person, film)
    bare = expose(_linear(scene, skin, light, shot, patient), shot, size)
    noise = grain(size, shot, view)
    artefacts = make_artefacts(patient, shot, size, patient.sites[number], (seed, person, film))
    mask = scene.edge > 0
    return PhantomImage(
        _covered(bare, noise, artefacts),
        mask.astype(np.uint8),
        _record(recipe, patient, number, scene, mask, artefacts),
        {"clean": _bytes(bare + noise), **_layers(artefacts, size)},
    )


def _linear(scene: Scene, skin: Skin, light: Map, shot: Shot, patient: Patient) -> Map:
    """Linear light (size, size, 3), 0..1."""
    tan, sepia, blue, red = (np.asarray(unit, np.float32) for unit in (TAN, SEPIA, BLUE, RED))
    thick = np.float32(DEVICES[patient.device][2] * shot.contrast)
    melanin = np.maximum(scene.mel + skin.mel, -0.2)
    light_part = (
        np.float32(TURN) * (1 - np.exp(-np.maximum(melanin, 0) / np.float32(TURN))) + np.minimum(melanin, 0)
    )[..., None]
    yellow = np.float32(scene.lesion.hue[0]) + np.float32(0.22 * scene.lesion.patchy) * scene.coarse
    hue = np.stack([np.zeros_like(yellow), np.full_like(yellow, scene.lesion.hue[1]), yellow], axis=-1)
    density = (
        light_part * (tan + hue) + (melanin[..., None] - light_part) * sepia + scene.deep[..., None] * blue
    )
    density = thick * (density + (scene.blood + skin.blood)[..., None] * red + skin.relief[..., None])
    density[..., 2] += skin.yellow + cast(scene.frame.size, shot)
    tint = np.array([-shot.warmth, 0.0, shot.warmth], np.float32) + np.float32(shot.exposure)
    lamp = np.exp(-shade(scene.frame.size, shot))[..., None]
    linear = np.exp(-(density + light + tint))
    # A camera lifts black a little: flare in lens and gel.
    linear = linear * np.float32(0.99) + np.float32(0.003)
    white = np.exp(-0.6 * (light - light.min()) - np.float32(max(light.min() - 0.3, 0)))
    for opacity, colour in scene.covers:
        veil = opacity[..., None]
        linear = linear * (1 - veil) + veil * np.asarray(colour, np.float32) * white
    return np.asarray(linear * lamp, np.float32)


def _covered(bare: Map, noise: Map, artefacts: Artefacts) -> NDArray[np.uint8]:
    image = bare
    for layer in artefacts.layers:
        veil = layer.opacity[..., None]
        image = np.where(veil > 0, image * (1 - veil) + veil * layer.colour, image)
    return _bytes(image + noise)


def _bytes(image: Map) -> NDArray[np.uint8]:
    return np.round(np.clip(image, 0, 255)).astype(np.uint8)


def _layers(artefacts: Artefacts, size: int) -> dict[str, NDArray[Any]]:
    found = {name: np.zeros((size, size), np.bool_) for name in ("hair", *ARTEFACTS)}
    for layer in artefacts.layers:
        found[layer.name] |= layer.where
    return found


def _record(
    recipe: SkinRecipe,
    patient: Patient,
    number: int,
    scene: Scene,
    mask: NDArray[np.bool_],
    artefacts: Artefacts,
) -> dict[str, str]:
    label, site = patient.labels[number], patient.sites[number]
    structures = shown(scene.seen)
    present = {layer.name for layer in artefacts.layers if layer.where.mean() > 0.002}
    words = ([artefacts.hair] if artefacts.hair else []) + [
        w for name, w in ARTEFACTS.items() if name in present
    ]
    hues = colours(scene, mask)
    attributes = {
        "asymmetry": str(asymmetry(mask.astype(np.float32))),
        "pigment_asymmetry": str(pigment_asymmetry(scene, mask)),
        "border": border(scene),
    }
    rng = stream(recipe.seed, "caption", recipe.patient, recipe.film)
    patient_id = f"skin-{recipe.seed}-{recipe.patient:05d}"
    return {
        "patient_id": patient_id,
        "lesion_id": f"{patient_id}-{number + 1}",
        "label": label,
        "label_name": LABEL_NAMES[label],
        "view": "dermoscopy",
        "sex": patient.sex,
        "age": str(patient.age),
        "localization": site,
        "tone": patient.tone,
        "vendor": f"camera {patient.device + 1}",
        "text": caption(label, (patient.sex, patient.age, site), attributes, structures, words, rng),
        **attributes,
        "colours": str(len(hues)),
        "colour_names": "; ".join(hues),
        "network": next((word for name, word in NETWORKS.items() if name in structures), "none"),
        "dots": next((word for name, word in DOTS.items() if name in structures), "none"),
        "structures": "; ".join(structures),
        "hair": artefacts.density,
        "artefacts": "; ".join(words),
    }
