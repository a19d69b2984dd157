"""Every structure by name, the order in which they are laid down, and the words for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.data.phantom_skin import keratosis_structures as keratosis
from lab.data.phantom_skin import pigment_structures as pigment
from lab.data.phantom_skin import vessel_structures as vessel
from lab.data.phantom_skin.fields import Map
from lab.data.phantom_skin.scene import CHANGE, Scene

Structure = Callable[[Scene, float], None]
STRUCTURES: dict[str, tuple[Structure, str]] = {
    "centre": (pigment.centre, ""),
    "second_lobe": (pigment.second_lobe, ""),
    "moth_eaten": (keratosis.moth_eaten, "moth-eaten border"),
    "blotches": (pigment.blotches, "dark blotches"),
    "network": (pigment.network, "regular network"),
    "irregular_network": (pigment.irregular_network, "irregular network"),
    "cobblestones": (pigment.cobblestones, "cobblestone globules"),
    "fingerprint": (keratosis.fingerprint, "fingerprint lines"),
    "ridges": (keratosis.ridges, "ridges and furrows"),
    "grey": (pigment.grey, "grey-blue tinge"),
    "redness": (vessel.redness, "redness"),
    "nests": (vessel.nests, "blue-grey ovoid nests"),
    "leaves": (vessel.leaves, "leaf-like areas"),
    "regression": (pigment.regression, "regression"),
    "peppering": (pigment.peppering, "blue-grey peppering"),
    "dots": (pigment.dots, "dots and globules"),
    "irregular_dots": (pigment.irregular_dots, "irregular dots and globules"),
    "streaks": (pigment.streaks, "streaks"),
    "openings": (keratosis.openings, "comedo-like openings"),
    "strawberry": (keratosis.strawberry, "strawberry pattern"),
    "dotted_vessels": (vessel.dotted_vessels, "dotted vessels"),
    "arborising": (vessel.arborising, "arborising vessels"),
    "veil": (pigment.veil, "blue-white veil"),
    "follicles": (keratosis.follicles, "follicular openings"),
    "milia": (keratosis.milia, "milia-like cysts"),
    "shiny": (keratosis.shiny, "shiny white structures"),
    "ulcer": (keratosis.ulcer, "ulceration"),
    "keratin": (keratosis.keratin, "central keratin"),
    "crust": (keratosis.crust, "crust"),
    "scale": (keratosis.scale, "scale"),
}
"""Name to what draws it, and its words in a caption; what has none is a matter of shading."""


def lay_down(scene: Scene) -> None:
    """Draw every structure of the lesion, and note how much of the picture each changes."""
    for name, (draw, _) in STRUCTURES.items():
        strength = scene.lesion.structures.get(name, 0.0)
        if not strength:
            continue
        before, covers = (scene.mel.copy(), scene.deep.copy(), scene.blood.copy()), len(scene.covers)
        draw(scene, strength)
        changed = _change(scene, before)
        for opacity, _ in scene.covers[covers:]:
            changed = np.maximum(changed, opacity)
        scene.seen[name] = float((changed > CHANGE).mean())


def _change(scene: Scene, before: tuple[Map, Map, Map]) -> Map:
    after = (scene.mel, scene.deep, scene.blood)
    return np.maximum.reduce([np.abs(new - old) for new, old in zip(after, before, strict=True)])
