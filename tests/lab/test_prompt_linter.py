"""What is said of a prompt before it is asked, and what is not."""

from __future__ import annotations

import json

import pytest

from lab.data.phantoms.captions import VOCABULARY
from lab.generators.card import card_from_json
from lab.generators.cards import get_card
from lab.generators.prompts import read_prompt
from lab.prompts.linter import lint
from lab.prompts.tokens import count, estimate
from tests.builders.clip_files import write_clip_tokenizer

SIXTY = (
    "Large right-sided pleural effusion with adjacent compressive atelectasis of the right lower lobe, mild "
    "cardiomegaly and pulmonary vascular congestion, small left pleural effusion, endotracheal tube terminating four "
    "centimetres above the carina, enteric tube coursing below the diaphragm, right internal jugular central venous "
    "catheter ending in the upper superior vena cava, and no evidence of pneumothorax or acute displaced rib "
    "fracture."
)


def card(**changes):
    told = {"id": "g", "title": "G", "modality": "chest radiograph", "folder": "model"}
    return card_from_json(told | changes)


def rules(prompt, **changes):
    return [remark.rule for remark in lint(prompt, card(**changes))]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A model folder with the real CLIP tokenizer, as Stable Diffusion is published."""
    folder = tmp_path_factory.mktemp("sd") / "model"
    write_clip_tokenizer(folder / "tokenizer")
    return folder


@pytest.mark.row("C5")
def test_sixty_words_are_cut_for_clip_and_not_for_sana(clip, workspace):
    assert len(SIXTY.split()) == 60
    sd, sana = get_card("sd-v1-5"), get_card("sana")
    counted = count(SIXTY, sd, clip)
    assert (counted.limit, counted.encoder, counted.about) == (75, "CLIP", False) and counted.tokens > 75
    (remark,) = [one for one in lint(SIXTY, sd, counted) if one.rule == "cut words"]
    assert remark.severity == "warning" and f"{counted.tokens} tokens" in remark.text
    assert remark.text.endswith(" ".join(counted.dropped)) and SIXTY.endswith(" ".join(counted.dropped))
    ((start, end),) = remark.spans
    assert SIXTY[start:end].split() == list(counted.dropped)
    roomy = count(SIXTY, sana, None)
    assert roomy.about and roomy.limit == 299 and roomy.words.startswith("about ")
    assert not [one for one in lint(SIXTY, sana, roomy) if one.rule == "cut words"]
    assert "left and right" in [one.rule for one in lint(SIXTY, sana, roomy)], (
        "both were trained with mirrored films"
    )


def test_tokens_are_those_of_clip_itself(clip):
    """The tokenizer opened here, without torch, cuts text exactly as CLIP's own does."""
    import open_clip

    theirs = open_clip.tokenizer.SimpleTokenizer()
    for text in (SIXTY, "It's 12 cm, naïve ___ cafés!", "PA view.  Two   spaces", "右 pleural"):
        mine = read_prompt(clip / "tokenizer", text)
        assert mine.tokens == len(theirs.encode(text)), text


def test_the_encoder_that_reads_least_counts_and_is_named(clip, tmp_path):
    second = tmp_path / "model" / "tokenizer_2"
    write_clip_tokenizer(second, length=20)
    (tmp_path / "model" / "tokenizer").symlink_to(clip / "tokenizer")
    settings = json.loads((second / "tokenizer_config.json").read_text())
    (second / "tokenizer_config.json").write_text(
        json.dumps(settings | {"tokenizer_class": "SmallTokenizer"})
    )
    counted = count("Large right pleural effusion.", card(), tmp_path / "model")
    assert (counted.encoder, counted.limit) == ("Small", 18)
    bounded = count("Large right pleural effusion.", card(token_limit=3), clip)
    assert bounded.limit == 3 and bounded.dropped[-1] == "effusion."


def test_an_estimate_is_close_to_the_count_and_says_about(clip):
    counted = count(SIXTY, card(), clip)
    guess = estimate(SIXTY, 75)
    assert guess.about and abs(guess.tokens - counted.tokens) <= 0.2 * counted.tokens
    (remark,) = [one for one in lint(SIXTY, card(token_limit=75), guess) if one.rule == "cut words"]
    assert "about" in remark.text
    assert count("nodule", card(), None) is None, "no tokenizer and no limit: nothing is claimed"


@pytest.mark.row("C5")
def test_marks_of_removed_text_are_found():
    (remark,) = lint("Compared to ___, nodule seen by Dr. ___.", card())
    assert remark.rule == "removed text" and [end - start for start, end in remark.spans] == [3, 3]
    assert rules("[**Name**] has cardiomegaly.") == ["removed text"] and rules("x_ray of a nodule") == []


@pytest.mark.row("C5")
def test_sides_mean_little_to_a_generator_trained_with_mirrored_films():
    assert rules("Left pleural effusion.", flipped=True) == ["left and right"]
    assert rules("RLL consolidation.", flipped=True) == ["left and right"]
    assert rules("Left pleural effusion.") == [] and rules("Cardiomegaly.", flipped=True) == []


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ("No effusion. Large left effusion.", "contradiction"),
        (
            "No pleural effusion, pneumothorax or consolidation. Consolidation in the right lower lobe.",
            "contradiction",
        ),
        ("Small right effusion, large right effusion.", "contradiction"),
        ("Left right-sided pleural effusion.", "contradiction"),
        ("Nodule in the left middle lobe.", "contradiction"),
        ("Normal chest radiograph with a nodule.", "contradiction"),
        ("No acute finding. Small right pneumothorax.", "contradiction"),
        ("Normal heart size. Severe cardiomegaly.", "contradiction"),
        ("Clear lungs with consolidation.", "contradiction"),
        ("AP view. PA view. Nodule.", "contradiction"),
        ("Young man. Elderly woman.", "contradiction"),
        ("Left pleural effusion. Right-sided pleural effusion.", "two sides"),
    ],
)
def test_words_that_cannot_be_true_together_are_named(prompt, rule):
    found = [remark for remark in lint(prompt, card(vocabulary=words(prompt))) if remark.rule == rule]
    assert len(found) >= 1, prompt
    assert found[0].spans and all(0 <= start < end <= len(prompt) for start, end in found[0].spans)


def words(prompt):
    """A vocabulary that holds every word of a prompt, so that nothing but contradictions is said."""
    return sorted({part for word in prompt.lower().split() for part in word.strip(".,").split("-")})


@pytest.mark.parametrize(
    "prompt",
    [
        "Large right-sided pleural effusion. Cardiomegaly.",
        "Normal heart size. Left pleural effusion.",
        "No acute finding. Left pacemaker.",
        "No left pleural effusion. Small right pleural effusion.",
        "No pneumothorax but a small left effusion.",
        "No effusion, large right pneumothorax.",
        "Left effusion and right pneumothorax.",
        "Otherwise normal film with a nodule.",
        "Pericardial effusion. No pleural effusion.",
        "No acute cardiopulmonary abnormality.",
        "Bilateral pleural effusions.",
    ],
)
def test_sound_prompts_are_left_alone(prompt):
    assert lint(prompt, card(vocabulary=words(prompt))) == ()


def test_captions_of_the_phantoms_are_sound():
    """A thousand captions that the phantoms wrote for real films give nothing to say."""
    import numpy as np

    from lab.data.phantoms.captions import caption
    from lab.data.phantoms.draws import FindingSpec

    rng = np.random.default_rng(5)
    told = card(vocabulary=list(VOCABULARY))
    sizes, sides = ("small", "moderate", "large"), ("left", "right")
    spoken = []
    for number in range(1000):
        label = ("effusion", "pneumothorax", "cardiomegaly", "oedema")[number % 4]
        side = sides[number % 2] if label in ("effusion", "pneumothorax") else ""
        finding = FindingSpec(label, side=side, size=sizes[number % 3])
        spoken.append(caption([finding], rng, view=("AP", "PA")[number % 2], sex="FM"[number % 2], age=60))
    said = {text: remarks for text in spoken if (remarks := lint(text, told))}
    assert said == {}


def test_words_that_the_generator_never_saw_are_marked():
    prompt = "Large right pleural effusion with a swirling Halo."
    (remark,) = lint(prompt, card(vocabulary=list(VOCABULARY)))
    assert remark.rule == "unseen words" and "swirling, Halo" in remark.text
    assert [prompt[slice(*span)] for span in remark.spans] == ["swirling", "Halo"]
    assert rules(prompt) == [], "an open vocabulary has no unseen words"
    assert rules("Nodule.", captions=["Normal film."], vocabulary=["normal", "film", "nodule"]) == [
        "other captions"
    ]
    assert rules("Normal film.", captions=["Normal film."], vocabulary=["normal", "film"]) == []


@pytest.mark.parametrize(
    ("prompt", "what"),
    [
        ("Nodule, compared with 12/03/2021.", "a date"),
        ("Nodule, compared with 3 March 2021.", "a date"),
        ("Cardiomegaly since 2021-03-12.", "a date"),
        ("MRN: 00123456, effusion.", "a record number"),
        ("Effusion, patient id A-7731.", "a record number"),
        ("Effusion, 1234567.", "a record number"),
        ("Mr. Smith with effusion.", "a name"),
        ("Effusion in Patient John Smith.", "a name"),
        ("Effusion of Jane Miller.", "a name"),
        ("Effusion, call 020 7946 0958.", "a way to reach a person"),
        ("93 year old male. Cardiomegaly.", "an age over 89"),
    ],
)
def test_text_that_could_name_a_patient_is_warned_of(prompt, what):
    (remark,) = [one for one in lint(prompt, card()) if one.rule == "patient"]
    assert what in remark.text and remark.severity == "warning" and remark.spans


@pytest.mark.parametrize(
    "prompt",
    [
        "65 year old WHITE male. Large right-sided pleural effusion.",
        "Swan Ganz catheter and Kerley B lines.",
        "Nodule of 12 mm in the right upper lobe.",
        "May show mild cardiomegaly.",
        "PA view. Left Lower Lobe consolidation.",
    ],
)
def test_ordinary_reports_name_no_patient(prompt):
    assert "patient" not in rules(prompt)


def test_no_is_hinted_at_for_general_text_encoders_only():
    (hint,) = lint("Cardiomegaly. No pleural effusion.", card())
    assert hint.rule == "negation" and hint.severity == "hint"
    assert rules("Cardiomegaly. No pleural effusion.", vocabulary=list(VOCABULARY)) == []
    assert rules("No acute finding.") == []


def test_warnings_come_first_and_an_empty_box_is_silent():
    found = lint("No effusion. Left nodule, right nodule. ___", card(flipped=True))
    severities = [remark.severity for remark in found]
    assert severities == sorted(severities, key=lambda one: one != "warning") and "hint" in severities
    assert lint("  \n ", card()) == ()


@pytest.mark.fault(26)
def test_hostile_prompts_are_read_in_no_time():
    import time

    began = time.monotonic()
    for text in (
        "no " * 600,
        "left " * 400,
        "_" * 2000,
        "A" * 2000,
        "1-2/" * 500,
        "🫁 مرحبا <b>" * 150,
        "no effusion " * 160,
    ):
        lint(text, card(vocabulary=["no"], flipped=True), estimate(text, 75))
    assert time.monotonic() - began < 8.0
