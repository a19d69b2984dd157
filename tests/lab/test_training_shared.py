"""What generators share and what they learn from: bases, real films, twins, withheld combinations, captions' facts."""

from __future__ import annotations

import dataclasses
import json
import random

import numpy as np
import pytest

from lab.errors import DatasetError, GeneratorError
from lab.generators.card import read_card
from lab.generators.load import autoencoder_digest, load, model_digest
from lab.generators.request import request_for
from lab.generators.training import base, combinations, data, export, facts, phantom_source, text
from lab.generators.training.films import Films, drawn_rows
from lab.generators.training.recipe import RECIPES, train
from lab.generators.training.texture import texture_loss
from tests.builders.training import TOY_BASE, finished

CAPTIONS = (
    ("round", "Normal paediatric chest radiograph."),
    ("square", "Viral pneumonia, paediatric chest radiograph."),
)
GENERATOR = dataclasses.replace(
    TOY_BASE, id="toy-generator", title="Toy", base="toy-base", unet_channels=(16, 32), unet_steps=3, unet_batch=3,
    copies=1, twins=True,
)  # fmt: skip


@pytest.fixture
def shared(workspace):
    """The toy base, trained and exported into the workspace."""
    card = finished(train(TOY_BASE))
    assert card is not None
    return card.parent


def test_generators_on_one_base_share_its_autoencoder(shared):
    cards = [
        read_card(finished(train(dataclasses.replace(GENERATOR, id=name, seed=seed))))
        for name, seed in (("toy-one", 0), ("toy-two", 1))
    ]
    assert all(base.PARTS[0] in card.part_folders for card in cards)
    assert {card.part_folders["vae"].resolve() for card in cards} == {(shared / "vae").resolve()}
    assert autoencoder_digest(cards[0]) == autoencoder_digest(cards[1])
    assert model_digest(cards[0]) != model_digest(cards[1])
    generator = load(cards[0], "cpu")
    batch = next(generator.generate(request_for(cards[0], "small left effusion", 1, 3, steps=2)))
    assert batch[0].image.shape == (32, 32)


def test_refined_base_keeps_its_latents_and_words(shared):
    import torch

    before = base.read(shared)
    words = (shared / "base.json").read_text()
    recipe = dataclasses.replace(TOY_BASE, id="toy-base-decoder", refines="toy-base", decoder_steps=6)
    assert recipe.stages == ("data", "decoder", "export")
    card = finished(train(recipe))
    assert card.parent == shared
    after = base.read(shared)
    films = torch.linspace(-1, 1, 2 * 32 * 32).view(2, 1, 32, 32)
    coded = [parts.autoencoder.encode(films).latent_dist.mean for parts in (before, after)]
    assert torch.equal(*coded)
    assert not torch.equal(*(parts.autoencoder.decode(coded[0]).sample for parts in (before, after)))
    assert torch.equal(*(parts.encoder.get_input_embeddings().weight for parts in (before, after)))
    assert not any(str(shared.parent) in file.read_text() for file in shared.rglob("*.json"))
    told, earlier = json.loads(card.read_text()), json.loads(words)
    assert told["id"] == "toy-base" and told["vocabulary"] == earlier["vocabulary"]
    assert set(told["training"]) == {*earlier["training"], "decoder, trained further"}


def test_generator_without_its_base_says_what_to_train(workspace):
    with pytest.raises(GeneratorError, match="train it first: python -m lab train toy-base"):
        list(train(GENERATOR))


@pytest.mark.slow
def test_recipe_goes_on_from_another_generators_denoiser(shared, tmp_path):
    card = read_card(finished(train(GENERATOR)))
    recipe = dataclasses.replace(GENERATOR, id="toy-further", starts=card.id, unet_steps=1, unet_rate=1e-9)
    further = read_card(finished(train(recipe)))
    assert list(further.measured["training"]) == ["unet", "unet, trained further"]
    one, two = (load(c, "cpu").pipeline.unet.state_dict() for c in (card, further))
    assert all((one[name] - two[name]).abs().max() < 1e-3 for name in one)
    earlier = {"unet": {}, "unet, trained further": {}}
    assert export._another("unet, trained further", earlier) == "unet, trained further (2)"
    other = dataclasses.replace(recipe, id="toy-other", unet_channels=(32, 32))
    with pytest.raises(GeneratorError, match="same channels"):
        list(train(other))


def test_missing_shared_part_is_named(shared):
    import shutil

    card = read_card(finished(train(GENERATOR)))
    shutil.rmtree(shared / "text_encoder")
    with pytest.raises(GeneratorError, match="text_encoder"):
        load(card, "cpu")


def test_recipe_of_real_films_reads_the_training_split_alone(workspace, tmp_path):
    from PIL import Image

    from lab.data.store import add_folder

    for folder, patients in (("seen", ("a", "b", "c")), ("control", ("d", "e"))):
        rows = ["image,patient_id,label"]
        (tmp_path / folder).mkdir()
        for number, patient in enumerate(patients):
            pixels = np.full((40, 60), 20 * number + (100 if folder == "control" else 10), np.uint8)
            pixels[0, 0] = ord(patient)
            Image.fromarray(pixels).save(tmp_path / folder / f"{patient}.png")
            rows.append(f"{patient}.png,{patient},{'round' if number % 2 else 'square'}")
        (tmp_path / folder / "metadata.csv").write_text("\n".join(rows))
    add_folder(tmp_path / "seen", "toy-real", licence="CC BY 4.0", control=tmp_path / "control")
    recipe = dataclasses.replace(TOY_BASE, patients=0, dataset="toy-real", captions=CAPTIONS)
    list(data.prepare(recipe, tmp_path / "place"))
    films = data.load_films(recipe, tmp_path / "place", "train")
    assert {record["patient_id"] for record in films.records} == {"a", "b", "c"}
    assert {record["caption"] for record in films.records} == {caption for _, caption in CAPTIONS}
    assert films.images.shape == (3, 32, 32) and not films.lesions.any()
    held_out = data.load_films(recipe, tmp_path / "place", "held-out")
    assert {record["patient_id"] for record in held_out.records} == {"d", "e"} and held_out.images.min() >= 95


def test_recipe_whose_films_are_not_installed_says_how_to_add_them(workspace, tmp_path):
    recipe = dataclasses.replace(TOY_BASE, patients=0, dataset="not-here")
    with pytest.raises(DatasetError, match="dataset add FOLDER --id not-here"):
        list(data.prepare(recipe, tmp_path))


def test_twins_differ_in_side_and_stand_side_by_side(tmp_path):
    recipe = dataclasses.replace(GENERATOR, base="", patients=12)
    list(data.prepare(recipe, tmp_path))
    films = data.load_films(recipe, tmp_path, "train")
    paired = [row for row in range(len(films.images)) if films.twins[row] != row]
    assert paired
    for row in paired:
        other = films.twins[row]
        one, two = films.records[row], films.records[other]
        assert films.twins[other] == row and one["patient_id"] == two["patient_id"]
        sides = [{f["label"]: f["side"] for f in record["findings"] if f["side"]} for record in (one, two)]
        assert all(sides[0][label] != side for label, side in sides[1].items() if label in sides[0])


def test_size_twins_differ_in_size_alone(tmp_path):
    recipe = dataclasses.replace(GENERATOR, base="", patients=12, films_per_patient=2, size_twins=True)
    list(data.prepare(recipe, tmp_path))
    films = data.load_films(recipe, tmp_path, "train")
    paired = [
        row for row, record in enumerate(films.records) if films.twins[row] > row and record["film"] % 2 == 1
    ]
    assert paired
    for row in paired:
        one, two = (films.records[k]["findings"] for k in (row, films.twins[row]))
        assert [(f["label"], f["side"], f["lobe"]) for f in one] == [
            (f["label"], f["side"], f["lobe"]) for f in two
        ]
        assert all(f["size"] != g["size"] for f, g in zip(one, two, strict=True) if f["size"])
    assert data.digest(recipe) != data.digest(dataclasses.replace(recipe, size_twins=False))


def test_withheld_combinations_are_never_trained_on():
    sided = {"effusion", "pneumothorax", "consolidation", "nodule"}
    assert {label for label, _, _ in combinations.WITHHELD} == sided
    for label in sided:
        kept = {(side, size) for side in ("left", "right") for size in ("small", "moderate", "large")} - {
            (side, size) for name, side, size in combinations.WITHHELD if name == label
        }
        assert {side for side, _ in kept} == {"left", "right"} and len({size for _, size in kept}) == 3
    rng, seen = random.Random(3), set()
    for _ in range(400):
        _, found = text.drawn_pair(RECIPES.get("cxr-base"), rng)
        seen.add(tuple(found))
    asked = facts.questions()
    side, size = (asked.index(facts.Question(t, "nodule", n)) for t, n in (("side", 3), ("size", 4)))
    assert not any(row[side] == 2 and row[size] == 2 for row in seen)
    assert any(row[side] == 2 and row[size] == 1 for row in seen)


def test_training_films_hold_no_withheld_combination(tmp_path):
    recipe = dataclasses.replace(GENERATOR, base="", patients=30)
    list(phantom_source.prepare(recipe, tmp_path))
    films = data.read_films(tmp_path, "train")
    assert not any(combinations.is_withheld(record["findings"]) for record in films.records)


def test_answers_are_what_the_caption_says():
    asked = facts.questions()
    findings = [{"label": "nodule", "side": "left", "size": "small", "lobe": "LUL"}]
    said = dict(
        zip(
            asked, facts.answers(findings, "Elderly woman. Small nodule in the left upper lobe."), strict=True
        )
    )
    by_name = {(q.topic, q.label): answer for q, answer in said.items()}
    assert by_name["present", "nodule"] == 1 and by_name["present", "effusion"] == 0
    assert by_name["side", "nodule"] == facts.SIDES.index("left")
    assert by_name["lobe", "nodule"] == facts.LOBES.index("LUL")
    assert by_name["side", "effusion"] == facts.IGNORED and by_name["child", ""] == 0
    assert (by_name["sex", ""], by_name["age", ""]) == (
        facts.SEXES.index("woman"),
        facts.AGES.index("elderly"),
    )
    lateral = dict(
        zip(asked, facts.answers(findings, "Lateral view. Small nodule in the upper lobe."), strict=True)
    )
    assert lateral[facts.Question("side", "nodule", 3)] == facts.IGNORED
    child = dict(zip(asked, facts.answers([], "viral pneumonia in a child"), strict=True))
    assert child[facts.Question("child", "", 4)] == facts.CHILD.index("viral")


def test_sources_are_drawn_in_turn():
    import torch

    records = [{"source": "a", "patient_id": str(k), "film": 0} for k in range(2)]
    records += [{"source": "b", "patient_id": str(k), "film": 0} for k in range(98)]
    films = Films(np.zeros((100, 2, 2), np.uint8), np.zeros((100, 2, 2), np.uint8), records, np.arange(100))
    rows = drawn_rows(films, 40, torch.Generator().manual_seed(0))
    assert len(rows) == 40 and (rows < 2).sum() == 20


def test_moving_a_film_keeps_its_fine_detail_and_its_black():
    import torch

    from lab.data.phantoms import PhantomRecipe, render
    from lab.gates.autoencoder import finest_band
    from lab.generators.training.augment import augmented, regained

    film = phantom_source.shrink(render(PhantomRecipe(0, 3, 0)).image, 128)
    films = torch.from_numpy(film).float().view(1, 1, 128, 128).repeat(8, 1, 1, 1) / 127.5 - 1
    films[:, :, :8] = -1
    given, _ = augmented(films, torch.zeros_like(films), torch.Generator().manual_seed(0))
    kept = [(finest_band(x[:, 0, 24:-24, 24:-24].numpy()) ** 2).mean() for x in (given, films)]
    assert 0.75 < kept[0] / kept[1] < 1.25
    gained = regained(films, torch.Generator().manual_seed(0))
    assert (gained[:, :, :8] == -1).all() and gained.min() >= -1 and gained.max() <= 1
    assert (gained.flatten(1).std(1) / films.flatten(1).std(1)).sub(1).abs().max() < 0.1


def test_texture_is_missed_where_it_is_blurred_and_not_where_it_moved():
    import torch
    from torch.nn.functional import avg_pool2d

    grain = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = avg_pool2d(grain, 3, 1, 1)
    assert texture_loss(grain, grain) == 0
    assert texture_loss(grain, blurred) > 2 * texture_loss(grain, grain.roll((3, 5), (2, 3)))
    stripes = torch.arange(64).remainder(2).float().expand(1, 1, 64, 64)
    assert texture_loss(stripes, stripes.transpose(2, 3)) > texture_loss(stripes, stripes.roll(1, 3)) == 0
