"""Prompts from choices: the phrasing of the phantoms, of impressions, and of RoentGen-v2's line about the patient."""

from __future__ import annotations

import random

import pytest

from lab.data.phantoms.captions import VOCABULARY
from lab.generators.card import card_from_json
from lab.prompts import heart, skin
from lab.prompts.chest import ChestChoice, Phrase, compose
from lab.prompts.heart import HeartChoice
from lab.prompts.linter import lint
from lab.prompts.offer import chips_for, devices_for, examples_for, findings_for, kind_of, surprise
from lab.prompts.past import found, numbers_of, words_of
from lab.prompts.skin import SkinChoice


def card(**changes):
    told = {"id": "g", "title": "G", "modality": "chest radiograph", "folder": "model"}
    return card_from_json(told | changes)


# Impressions as RoentGen's model card and pictures write them.
IMPRESSIONS = [
    (
        ChestChoice((Phrase("Effusion", "Large", "Right"), Phrase("Cardiomegaly"))),
        "Large right-sided pleural effusion. Cardiomegaly.",
    ),
    (
        ChestChoice((Phrase("Effusion", None, "Left"),), (Phrase("Pacemaker"),)),
        "Left-sided pleural effusion. Pacemaker.",
    ),
    (
        ChestChoice((Phrase("Effusion", None, "Right"), Phrase("Pneumonia", None, "Right upper lobe"))),
        "Right-sided pleural effusion. Right upper lobe pneumonia.",
    ),
    (ChestChoice((Phrase("Effusion", "Small", "Both sides"),)), "Small bilateral pleural effusions."),
    (
        ChestChoice((Phrase("Oedema", "Large"),), absent=("Effusion", "Pneumothorax")),
        "Severe pulmonary edema. No pleural effusion or pneumothorax.",
    ),
    (ChestChoice((Phrase("No finding"),), view="Lateral"), "Lateral view. No acute finding."),
    (ChestChoice(free="status post lobectomy"), "Status post lobectomy."),
    (ChestChoice(), ""),
]


@pytest.mark.row("R3")
@pytest.mark.parametrize(("choice", "text"), IMPRESSIONS)
def test_impressions_read_as_radiologists_write_them(choice, text):
    assert compose(choice) == text


CAPTIONS = [
    (ChestChoice((Phrase("Effusion", "Large", "Right"),)), "Large right pleural effusion."),
    (
        ChestChoice((Phrase("Consolidation", "Moderate", "Right lower lobe"),)),
        "Moderate consolidation in the right lower lobe.",
    ),
    (
        ChestChoice((Phrase("Effusion", "Small", "Both sides"),)),
        "Small right pleural effusion. Small left pleural effusion.",
    ),
    (ChestChoice((Phrase("Cardiomegaly", "Large"),)), "Severe cardiomegaly."),
    (
        ChestChoice(devices=(Phrase("Endotracheal tube"), Phrase("Central line", None, "Left"))),
        "Endotracheal tube in place. Left central line.",
    ),
    (
        ChestChoice((Phrase("Nodule", "Small", "Left upper lobe"),), view="AP", age=72, sex="Female"),
        "Elderly woman. AP view. Small nodule in the left upper lobe.",
    ),
    (
        ChestChoice(
            (Phrase("Effusion", None, "Left"),), absent=("Pneumothorax", "Cardiomegaly"), no_devices=True
        ),
        "Left pleural effusion. No pneumothorax. Normal heart size. No support devices.",
    ),
    (ChestChoice((Phrase("No finding"), Phrase("Nodule", "Large"))), "Large nodule."),
]


@pytest.mark.row("R3")
@pytest.mark.parametrize(("choice", "text"), CAPTIONS)
def test_a_generator_with_a_vocabulary_is_asked_in_its_captions_words(choice, text):
    assert compose(choice, VOCABULARY) == text
    told = card(vocabulary=list(VOCABULARY))
    assert lint(text, told) == (), "what the composer writes gives its linter nothing to say"


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"age": 65, "race": "White", "sex": "Male"}, "65 year old WHITE male. Cardiomegaly."),
        ({"age": 65, "sex": "Female"}, "65 year old female. Cardiomegaly."),
        ({"sex": "Female"}, "Female. Cardiomegaly."),
        ({"race": "Asian", "sex": "Female"}, "ASIAN female. Cardiomegaly."),
        ({"age": 0}, "0 year old patient. Cardiomegaly."),
        ({"race": "Black"}, "BLACK patient. Cardiomegaly."),
        ({}, "Cardiomegaly."),
    ],
)
def test_blank_fields_of_the_patient_line_drop_out(fields, line):
    text = compose(ChestChoice((Phrase("Cardiomegaly"),), **fields))
    assert text == line and "  " not in text and ". ." not in text


def test_only_known_words_are_offered():
    everything = [term.title for term in findings_for(card())]
    assert len(everything) == 15 and everything[0] == "No finding"
    few = card(vocabulary=["no", "finding", "effusion", "left", "on", "the"])
    assert [term.title for term in findings_for(few)] == ["No finding", "Effusion"]
    assert devices_for(few) == () and chips_for(few) == ("on the left",)
    phantom = card(vocabulary=list(VOCABULARY))
    assert "Atelectasis" not in [term.title for term in findings_for(phantom)]
    assert {"Pacemaker", "Central line"} <= {term.title for term in devices_for(phantom)}


def test_a_prompt_drawn_by_chance_holds_known_words_only():
    told = card(vocabulary=list(VOCABULARY))
    drawn = {surprise(told, random.Random(seed)) for seed in range(30)}
    assert len(drawn) > 15 and all(lint(text, told) == () for text in drawn)


def test_the_composer_follows_the_card():
    assert kind_of(card()) == "chest" and kind_of(card(modality="dermoscopy")) == "skin"
    assert kind_of(card(modality="cardiac MRI")) == "heart" and kind_of(card(modality="")) == "free"
    assert kind_of(card(captions=["Normal film."])) == "captions"
    assert kind_of(card(conditioning="class", classes=["melanoma"])) == "none"
    assert examples_for(card(examples=["A."])) == ("A.",) and len(examples_for(card())) == 5


def test_dermoscopy_reads_as_the_phantoms_captions():
    from lab.data.phantom_skin.captions import ARTEFACTS
    from lab.data.phantom_skin.classes import LABEL_NAMES, SITES
    from lab.data.phantom_skin.structures import STRUCTURES

    choice = SkinChoice(
        "Melanoma", "back", symmetry="asymmetric", border="blurred", age=62, sex="Male", structures=("streaks",),
        artefacts=("dark hair",),
    )  # fmt: skip
    assert skin.compose(choice) == (
        "Dermoscopy of a melanoma on the back of a 62-year-old man, asymmetric, blurred border, streaks, dark hair."
    )
    assert skin.compose(SkinChoice(age=82)) == "Dermoscopy of a skin lesion of an 82-year-old person."
    assert skin.compose(SkinChoice(free=" red  spot ")) == "red spot" and skin.compose(SkinChoice()) == ""
    assert set(skin.CLASSES.values()) == set(LABEL_NAMES.values()) and skin.SITES == SITES
    assert set(skin.STRUCTURES) == {words for _, words in STRUCTURES.values() if words}
    assert set(ARTEFACTS.values()) <= set(skin.ARTEFACTS)


def test_cardiac_prompts_read_as_the_phantoms_captions():
    from lab.data.phantom_heart.draws import GROUPS
    from lab.data.phantom_heart.record import PHASES
    from lab.data.phantom_heart.render import POSITIONS

    choice = HeartChoice("Mid", "End of contraction", "Dilated", "vendor B", 28)
    assert heart.compose(choice) == (
        "Short-axis cine MRI, mid slice at end-systole, dilated cardiomyopathy, vendor B, ejection fraction 28 %."
    )
    assert heart.compose(HeartChoice(disease="Normal")) == "Short-axis cine MRI, normal heart."
    assert heart.compose(HeartChoice()) == ""
    assert set(heart.PHASES.values()) == set(PHASES.values())
    assert tuple(name.lower() for name in heart.SLICES) == POSITIONS
    assert set(heart.DISEASES.values()) - {"normal heart"} == set(GROUPS.values()) - {"normal"}


PAST = {"generator": "gan", "prompt": "", "seeds": [7, 99], "steps": 1, "guidance": 1.0,
        "condition": {"label": "melanoma", "vendor": "vendor A", "numbers": {"psi": 0.7}}}  # fmt: skip


def test_a_run_without_words_is_called_by_its_conditions():
    assert words_of(PAST) == "Melanoma, vendor A"
    assert (
        words_of({"prompt": "Nodule."}) == "Nodule." and words_of({"prompt": ""}) == "No words, chance alone"
    )
    assert numbers_of(PAST) == "2 images · seed 7 · psi 0.7"
    assert numbers_of({**PAST, "condition": {}}) == "2 images · seed 7"


def test_history_is_searched_by_words_generator_seed_and_notes():
    assert found("", PAST) and found("GAN melanoma", PAST) and found("99", PAST) and found("seed:7", PAST)
    assert found("figure", PAST, "for figure 2") and not found("9", PAST) and not found("gan nodule", PAST)
