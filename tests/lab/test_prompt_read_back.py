"""From a prompt back to its choices: what is read gives the same prompt again, and what no field says is not read."""

from __future__ import annotations

import random

import pytest

from lab.generators.cards import all_cards
from lab.prompts import chest, heart, skin
from lab.prompts.chest import ChestChoice, Phrase
from lab.prompts.heart import HeartChoice
from lab.prompts.offer import kind_of, surprise
from lab.prompts.read_back import read_back
from lab.prompts.read_back_pictures import read_heart, read_skin
from lab.prompts.skin import SkinChoice


def card(closed: bool):
    return next(one for one in all_cards() if kind_of(one) == "chest" and bool(one.vocabulary) is closed)


@pytest.mark.row("R3")
@pytest.mark.parametrize(
    "choice",
    [
        ChestChoice(
            (Phrase("Pneumonia", None, "Right upper lobe"), Phrase("Effusion", "Small", "Both sides")),
            (Phrase("Pacemaker", None, "Left"), Phrase("Endotracheal tube")),
            ("Pneumothorax", "Cardiomegaly"), False, "PA", 65, "Male", "White", "Status post lobectomy.",
        ),
        ChestChoice((Phrase("No finding"),), view="Lateral", sex="Female", no_devices=True),
        ChestChoice((Phrase("Cardiomegaly", "Large"),), absent=("Mass", "Pneumothorax", "Nodule")),
        ChestChoice(age=7),
    ],
)  # fmt: skip
def test_every_field_of_an_open_chest_prompt_comes_back(choice):
    told = card(closed=False)
    assert read_back(chest.compose(choice, told.vocabulary), told) == choice


@pytest.mark.parametrize(
    "choice",
    [
        ChestChoice((Phrase("Effusion", "Small", "Both sides"), Phrase("Nodule", None, "Left lower lobe"))),
        ChestChoice((Phrase("Oedema", "Moderate"),), sex="Female", age=55),
        ChestChoice((Phrase("Effusion", "Large", "Right"),), free="As seen before."),
    ],
)
def test_every_field_of_a_closed_chest_prompt_comes_back(choice):
    told = card(closed=True)
    assert read_back(chest.compose(choice, told.vocabulary), told) == choice


@pytest.mark.parametrize("closed", [True, False])
def test_what_chance_draws_always_comes_back(closed):
    told, draw = card(closed), random.Random(5)
    for _ in range(200):
        prompt = surprise(told, draw)
        choice = read_back(prompt, told)
        assert isinstance(choice, ChestChoice) and chest.compose(choice, told.vocabulary) == prompt


@pytest.mark.parametrize(
    "prompt",
    ["", "My own words.", "left-sided pleural effusion and pacemaker", "My words. Pleural effusion."],
)
def test_words_that_no_field_makes_are_not_read(prompt):
    assert read_back(prompt, card(closed=True)) is None and read_back(prompt, card(closed=False)) is None


def test_a_phrasing_of_another_generator_is_not_read():
    assert read_back("Large right-sided pleural effusion.", card(closed=True)) is None
    assert read_back("Large right-sided pleural effusion.", card(closed=False)) is not None


def test_a_caption_is_read_where_it_is_offered():
    told = next(one for one in all_cards() if one.captions and not one.over_trained)
    assert read_back(told.captions[0], told) == told.captions[0]
    assert read_back(told.captions[0] + " Rotated.", told) is None


def test_dermoscopy_and_cardiac_prompts_come_back():
    lesion = SkinChoice(
        "Melanoma", "lower extremity", "Dark", "asymmetric", "blurred", 82, "Female",
        ("blue-white veil", "streaks"), ("ruler",), "My words. And more.",
    )  # fmt: skip
    for choice in (lesion, SkinChoice(site="back"), SkinChoice("Nevus", sex="Male")):
        assert read_skin(skin.compose(choice)) == choice
    for choice in (
        HeartChoice("Mid", "End of contraction", "Dilated", "vendor B", 28, "My words."),
        HeartChoice(phase="End of filling"), HeartChoice(slice="Basal", disease="Right ventricle"),
    ):  # fmt: skip
        assert read_heart(heart.compose(choice)) == choice
    assert (
        read_skin("Dermoscopy of a dragon.") is None
        and read_heart("Short-axis cine MRI, in a dream.") is None
    )
