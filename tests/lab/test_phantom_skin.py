"""Procedural dermoscopy: determinism, layers that are the truth, attributes, captions, classes, patients, lesions."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lab.data.phantom_image import PhantomImage
from lab.data.phantom_skin import LABEL_NAMES, LABELS, SkinRecipe, render
from lab.data.phantom_skin.attributes import asymmetry
from lab.data.phantom_skin.captions import ARTEFACTS
from lab.data.phantom_skin.classes import KINDS, SHARES
from lab.data.phantom_skin.frame import make_frame
from lab.data.phantom_skin.plan import draw_lesion, draw_patient
from lab.data.phantom_skin.scene import AREA, make_scene
from lab.data.phantom_skin.structures import STRUCTURES, lay_down
from lab.features.families.descriptors import lab_colours

SEED = 3
MANY = 90


@pytest.fixture(scope="module")
def pictures() -> list[PhantomImage]:
    """The first film of 90 patients."""
    return [render(SkinRecipe(SEED, patient, 0)) for patient in range(MANY)]


def touched(picture: PhantomImage) -> np.ndarray:
    return np.logical_or.reduce([picture.layers[name] for name in ("hair", *ARTEFACTS)])


def test_a_recipe_always_gives_the_same_picture_in_any_order() -> None:
    recipes = [SkinRecipe(SEED, patient, film) for patient in (0, 1, 5) for film in (0, 1)]
    first = {recipe: render(recipe) for recipe in recipes}
    random.Random(1).shuffle(recipes)
    for recipe in recipes:
        again = render(recipe)
        assert again.image.tobytes() == first[recipe].image.tobytes()
        assert again.mask.tobytes() == first[recipe].mask.tobytes() and again.record == first[recipe].record
    assert len({picture.image.tobytes() for picture in first.values()}) == len(recipes)


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import hashlib; from lab.data.phantom_skin import *; "
        f"print(hashlib.sha256(render(SkinRecipe({SEED}, 4, 1)).image.tobytes()).hexdigest())"
    )
    import hashlib

    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert told == hashlib.sha256(render(SkinRecipe(SEED, 4, 1)).image.tobytes()).hexdigest()


def test_a_picture_has_the_promised_shapes_and_a_record_of_text(pictures: list[PhantomImage]) -> None:
    for picture in pictures[:20]:
        assert picture.image.shape == (192, 192, 3) and picture.image.dtype == np.uint8
        assert picture.mask.shape == (192, 192) and set(np.unique(picture.mask)) <= {0, 1}
        assert all(isinstance(value, str) for value in picture.record.values())
        assert picture.record["view"] == "dermoscopy" and picture.record["label"] in LABELS
        assert re.fullmatch(rf"skin-{SEED}-\d{{5}}", picture.record["patient_id"])
    large = render(SkinRecipe(SEED, 0, 0), size=256)
    assert large.image.shape == (256, 256, 3)
    assert large.mask.mean() == pytest.approx(pictures[0].mask.mean(), abs=0.02)


def test_the_picture_equals_the_clean_one_wherever_no_layer_says_otherwise(
    pictures: list[PhantomImage],
) -> None:
    changed = 0
    for picture in pictures:
        differs = (picture.image != picture.layers["clean"]).any(axis=2)
        assert not (differs & ~touched(picture)).any()
        changed += int(differs.any())
        hair = picture.layers["hair"]
        if hair.sum() > 50:
            # A layer that marked much more than it changes would be no truth.
            assert differs[hair].mean() > 0.8
    assert changed > MANY / 2


def test_every_artefact_is_drawn_sometimes_and_named_when_it_is(pictures: list[PhantomImage]) -> None:
    found: Counter[str] = Counter()
    for picture in [*pictures, *(render(SkinRecipe(SEED, patient, 0)) for patient in range(MANY, 240))]:
        for name, word in ARTEFACTS.items():
            there = picture.layers[name].mean() > 0.002
            assert (word in picture.record["artefacts"]) == there
            found[name] += int(there)
        words = picture.record["artefacts"].split("; ")
        named = any(word in ("hair", "dark hair", "light hair") for word in words)
        assert named == (picture.record["hair"] != "none")
        assert not named or picture.layers["hair"].any()
        found["hair"] += int(named)
    assert set(found) == {"hair", *ARTEFACTS} and min(found.values()) >= 1 and found["hair"] > 60


def test_dark_hair_is_darker_and_light_hair_lighter_than_what_it_covers(pictures: list[PhantomImage]) -> None:
    for word, sign in (("dark hair", -1), ("light hair", 1)):
        gaps = []
        for picture in pictures:
            if picture.record["artefacts"].split("; ")[0] == word and picture.layers["hair"].sum() > 200:
                change = picture.image.astype(float).mean(2) - picture.layers["clean"].astype(float).mean(2)
                gaps.append(change[picture.layers["hair"]].mean())
        assert len(gaps) >= 3 and np.mean(np.sign(gaps) == sign) > 0.7


def test_asymmetry_is_that_of_the_mask(pictures: list[PhantomImage]) -> None:
    y, x = np.mgrid[0:120, 0:120] - 60.0
    assert asymmetry(((x / 40) ** 2 + (y / 25) ** 2 < 1).astype(np.float32)) == 0
    half = ((x / 40) ** 2 + (y / 40) ** 2 < 1) & (y < 0)
    comma = ((x / 40) ** 2 + (y / 12) ** 2 < 1) & (x < 20) | (((x - 25) / 12) ** 2 + ((y - 22) / 25) ** 2 < 1)
    masks = [(shape * 1.0).astype(np.float32) for shape in (half, comma, np.zeros((9, 9)))]
    assert [asymmetry(mask) for mask in masks] == [1, 2, 0]
    for picture in pictures:
        assert picture.record["asymmetry"] == str(asymmetry(picture.mask.astype(np.float32)))
    counts = Counter(picture.record["asymmetry"] for picture in pictures)
    assert len(counts) == 3


def test_melanomas_are_less_symmetric_and_more_colourful_than_nevi() -> None:
    told: dict[str, list[tuple[bool, int]]] = {"NV": [], "MEL": []}
    for patient in range(160):
        label = draw_patient(5, patient).labels[0]
        if label in told:
            record = render(SkinRecipe(5, patient, 0), size=96).record
            uneven = record["asymmetry"] != "0" or record["pigment_asymmetry"] != "0"
            told[label].append((uneven, int(record["colours"])))
    share = {label: np.mean([uneven for uneven, _ in values]) for label, values in told.items()}
    hues = {label: np.mean([count for _, count in values]) for label, values in told.items()}
    assert share["MEL"] > share["NV"] + 0.25 and hues["MEL"] > hues["NV"] + 0.3


def test_a_lesion_differs_from_the_skin_around_it(pictures: list[PhantomImage]) -> None:
    gaps: dict[str, list[float]] = {label: [] for label in LABELS}
    for picture in pictures:
        mask = picture.mask > 0
        if 0.03 < mask.mean() < 0.8:
            lab = lab_colours(picture.layers["clean"] / 255.0)
            gaps[picture.record["label"]].append(
                float(np.linalg.norm(lab[mask].mean(0) - lab[~mask].mean(0)))
            )
    means = {label: float(np.mean(values)) for label, values in gaps.items()}
    assert min(means.values()) > 4 and means["NV"] > means["BCC"] and means["MEL"] > means["SCC"]


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_every_structure_changes_the_lesion_it_is_drawn_in(name: str) -> None:
    label = next(label for label, kinds in KINDS.items() if any(name in kind.structures for kind in kinds))
    seen = []
    for patient in range(4):
        lesion = draw_lesion(SEED, patient, 0, label)
        lesion = replace(lesion, structures={name: 0.9}, brown=max(lesion.brown, 0.6), radius=2.8)
        scene = make_scene(lesion, make_frame(96, 11.0, 0.3, (0.1, 0.0), 1.0), (SEED, patient, 0))
        lay_down(scene)
        seen.append(scene.seen[name])
        assert all(np.isfinite(part).all() for part in (scene.mel, scene.deep, scene.blood))
    assert np.median(seen) > AREA


def test_no_structure_is_seen_in_a_lesion_that_has_none() -> None:
    lesion = replace(draw_lesion(SEED, 0, 0, "MEL"), structures={})
    scene = make_scene(lesion, make_frame(96, 11.0, 0.0, (0.0, 0.0), 1.0), (SEED, 0, 0))
    lay_down(scene)
    assert scene.seen == {}


def test_captions_say_what_is_drawn_and_nothing_else(pictures: list[PhantomImage]) -> None:
    every = [words for _, words in STRUCTURES.values() if words]
    for picture in pictures:
        record = picture.record
        text = record["text"]
        assert LABEL_NAMES[record["label"]] in text and f"on the {record['localization']} of" in text
        assert f"{record['age']}-year-old {'man' if record['sex'] == 'male' else 'woman'}" in text
        parts = [part.strip(" .") for part in text.split(",")[1:]]
        drawn = {STRUCTURES[name][1] for name in record["structures"].split("; ") if name}
        drawn |= set(record["artefacts"].split("; ")) | {"symmetric", "asymmetric", "asymmetric pigment"}
        drawn |= {"sharp border", "blurred border"}
        assert set(parts) <= drawn
        assert ("asymmetric" in parts) == (record["asymmetry"] != "0")
        assert ("symmetric" in parts) == (record["asymmetry"] == record["pigment_asymmetry"] == "0")
        assert ("regular network" in parts) <= (record["network"] == "regular")
        assert not {part for part in parts if part in every} - drawn


def test_what_belongs_to_one_class_is_drawn_in_no_other() -> None:
    only = {
        "arborising": "BCC",
        "leaves": "BCC",
        "cobblestones": "NV",
        "fingerprint": "BKL",
        "strawberry": "SCC",
    }
    for name, label in only.items():
        assert {key for key, kinds in KINDS.items() for kind in kinds if name in kind.structures} == {label}
    for kinds in KINDS.values():
        assert sum(kind.weight for kind in kinds) == pytest.approx(1)
        assert all(name in STRUCTURES for kind in kinds for name in kind.structures)


def test_classes_can_be_told_apart_by_colour_and_texture_alone() -> None:
    """Leave-one-patient-out nearest class mean on descriptors: far above the 20 % of chance."""
    from lab.features.families.descriptors import describe

    features, labels = [], []
    patient = 0
    while min(labels.count(label) for label in LABELS) < 16:
        label = draw_patient(11, patient).labels[0]
        if labels.count(label) < 16:
            clean = render(SkinRecipe(11, patient, 0), size=96).layers["clean"]
            features.append(describe(clean.astype(np.float32)))
            labels.append(label)
        patient += 1
    values, names = np.stack(features).astype(float), np.array(labels)
    values = (values - values.mean(0)) / (values.std(0) + 1e-6)
    right = 0
    for row in range(len(values)):
        others = np.arange(len(values)) != row
        means = {label: values[others & (names == label)].mean(0) for label in LABELS}
        right += min(means, key=lambda label: float(np.linalg.norm(values[row] - means[label]))) == names[row]
    assert right / len(values) > 0.40


def test_class_shares_and_people_are_as_declared() -> None:
    people = [draw_patient(1, patient) for patient in range(3000)]
    shares = [np.mean([person.labels[0] == label for person in people]) for label in LABELS]
    assert np.abs(np.array(shares) - SHARES).max() < 0.03
    two = np.mean([len(person.labels) == 2 for person in people])
    assert 0.25 < two < 0.45
    light = np.mean([person.tone in ("I", "II", "III") for person in people])
    assert 0.8 < light < 0.97 and {person.tone for person in people} == {"I", "II", "III", "IV", "V", "VI"}
    ages = {label: np.mean([p.age for p in people if p.labels[0] == label]) for label in LABELS}
    assert ages["NV"] < ages["MEL"] < ages["BCC"]


def test_films_of_a_patient_go_round_its_lesions_and_differ() -> None:
    double = next(patient for patient in range(50) if len(draw_patient(SEED, patient).labels) == 2)
    single = next(patient for patient in range(50) if len(draw_patient(SEED, patient).labels) == 1)
    both = [render(SkinRecipe(SEED, double, film), size=96) for film in range(4)]
    ids = [picture.record["lesion_id"] for picture in both]
    assert ids[0] == ids[2] != ids[1] == ids[3] and len({p.record["patient_id"] for p in both}) == 1
    one = [render(SkinRecipe(SEED, single, film), size=96) for film in range(3)]
    assert len({picture.record["lesion_id"] for picture in one}) == 1
    assert len({picture.record["label"] for picture in one}) == 1
    assert len({picture.mask.tobytes() for picture in one}) == 3
    sizes = [float(picture.mask.mean()) for picture in one]
    assert max(sizes) < 2.2 * min(sizes)


@pytest.mark.slow
def test_a_picture_takes_less_than_a_tenth_of_a_second() -> None:
    import time

    start = time.process_time()
    for patient in range(40):
        render(SkinRecipe(2, patient, 0))
    assert (time.process_time() - start) / 40 < 0.1
