"""The published cards as they ship: which class they open, and what they really ask of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.errors import GeneratorError, WeightsError
from lab.generators.load import load
from lab.generators.open_pipeline import open_pipeline
from lab.generators.request import request_for
from tests.builders.published import PROMPT, published, published_card, spied  # noqa: F401

# class, scheduler, steps, guidance, side, and the arguments of the call that are the model's own
TABLE = {
    "sd-v1-4": ("StableDiffusionPipeline", "PNDMScheduler", 50, 7.5, 512, {}),
    "sd-v1-5": ("StableDiffusionPipeline", "PNDMScheduler", 50, 7.5, 512, {}),
    "sd-v2": ("StableDiffusionPipeline", "PNDMScheduler", 50, 7.5, 512, {}),
    "sd-v2-1": ("StableDiffusionPipeline", "PNDMScheduler", 50, 7.5, 512, {}),
    "radedit": ("StableDiffusionPipeline", "DDIMScheduler", 100, 7.5, 512, {}),
    "pixart-sigma": (
        "PixArtSigmaPipeline", "DPMSolverMultistepScheduler", 20, 4.5, 512,
        {"max_sequence_length": 300, "use_resolution_binning": False},
    ),
    "sana": (
        "SanaPipeline", "DPMSolverMultistepScheduler", 20, 4.5, 512,
        {"max_sequence_length": 300, "use_resolution_binning": False},
    ),
    "sd-v3-5": (
        "StableDiffusion3Pipeline", "FlowMatchEulerDiscreteScheduler", 40, 4.5, 1024, {"max_sequence_length": 512},
    ),
    "lumina": (
        "Lumina2Pipeline", "FlowMatchEulerDiscreteScheduler", 50, 4.0, 1024,
        {"cfg_trunc_ratio": 0.25, "cfg_normalization": True},
    ),
    "flux": ("FluxPipeline", "FlowMatchEulerDiscreteScheduler", 50, 3.5, 512, {"max_sequence_length": 512}),
    "roentgen-v1": ("StableDiffusionPipeline", "PNDMScheduler", 75, 4.0, 512, {}),
    "roentgen-v2": ("StableDiffusionPipeline", "PNDMScheduler", 75, 3.0, 512, {}),
}  # fmt: skip


@pytest.mark.row("C1", "C3", "R1", "R2")
@pytest.mark.parametrize("name", TABLE)
def test_the_published_call(published, monkeypatch, name):  # noqa: F811
    kind, scheduler, steps, guidance, side, own = TABLE[name]
    generator = load(published.card(name), "cpu")
    assert type(generator.pipeline).__name__ == kind
    assert type(generator.pipeline.scheduler).__name__ == scheduler
    calls = spied(monkeypatch, generator)
    sample = next(iter(generator.generate(request_for(generator.card, PROMPT, 2, 7))))[0]
    given = calls[0]
    assert (given["num_inference_steps"], given["guidance_scale"]) == (steps, guidance)
    assert given["height"] == given["width"] == side
    assert given["prompt"] == [PROMPT] * 4 and len(given["generator"]) == 4
    assert {key: given.get(key) for key in own} == own
    assert [g.initial_seed() for g in given["generator"]] == [7, 8, 8, 8]
    assert sample.recipe["scheduler"] == scheduler and sample.recipe["steps"] == steps


@pytest.mark.row("C3")
def test_radedit_is_put_together_from_three_repositories(published):  # noqa: F811
    generator = load(published.card("radedit"), "cpu")
    pipeline, config = generator.pipeline, generator.pipeline.scheduler.config
    assert type(pipeline.text_encoder).__name__ == "BertModel" and pipeline.text_encoder.pooler is None
    assert pipeline.tokenizer.model_max_length == 128 and pipeline.safety_checker is None
    assert (config.beta_schedule, config.timestep_spacing, config.prediction_type) == (
        "linear", "trailing", "epsilon",
    )  # fmt: skip
    assert config.steps_offset == 1 and config.clip_sample is False
    pipeline.scheduler.set_timesteps(100)
    # Trailing spacing begins at the very last step of training.
    assert int(pipeline.scheduler.timesteps[0]) == 999


@pytest.mark.row("C3")
def test_a_part_of_radedit_that_is_missing_is_named(published, tmp_path):  # noqa: F811
    card = published.card("radedit")
    with pytest.raises(WeightsError, match="'vae' of RadEdit was not found"):
        load(replace(card, parts=card.parts | {"vae": str(tmp_path / "away")}), "cpu")
    with pytest.raises(WeightsError, match=r"no model_index\.json"):
        load(replace(card, pipeline="NoSuchPipeline"), "cpu")
    on_hub = f"hf://stabilityai/sdxl-vae@{'0' * 40}"
    with pytest.raises(
        GeneratorError, match="stabilityai/sdxl-vae at its pinned commit.*generators download radedit"
    ):
        load(replace(card, parts=card.parts | {"vae": on_hub}), "cpu")


@pytest.mark.row("C3")
def test_sanas_instruction_is_a_recorded_switch(published, monkeypatch):  # noqa: F811
    generator = load(published.card("sana"), "cpu")
    calls = spied(monkeypatch, generator)
    card = generator.card

    def asked(value):
        from lab.generators.condition import Condition

        numbers = () if value is None else (("complex_human_instruction", value),)
        request = request_for(card, PROMPT, 1, 7, condition=Condition(numbers=numbers))
        recipe = next(iter(generator.generate(request)))[0].recipe
        return calls[-1].get("complex_human_instruction", "as built in"), recipe["condition"]["numbers"]

    assert asked(None) == ("as built in", {"complex_human_instruction": 1})
    assert asked(1.0) == ("as built in", {"complex_human_instruction": 1.0})
    assert asked(0.0) == (None, {"complex_human_instruction": 0.0})


@pytest.mark.row("R2")
def test_the_presets_of_roentgen(published):  # noqa: F811
    first, second = published_card("roentgen-v1"), published_card("roentgen-v2")
    assert (first.steps, first.guidance, first.size, first.dtype) == (75, 4.0, 512, "float32")
    assert (second.steps, second.guidance, second.size, second.dtype) == (75, 3.0, 512, "bfloat16")
    card = published.card("roentgen-v2")
    pipeline = open_pipeline(card, card.path, "cpu")
    config = pipeline.scheduler.config
    assert (config.beta_schedule, config.beta_start, config.beta_end) == ("scaled_linear", 0.00085, 0.012)
    assert config.skip_prk_steps is True and config.steps_offset == 1
    assert str(pipeline.unet.dtype) == str(pipeline.text_encoder.dtype) == "torch.bfloat16"


@pytest.mark.row("C1")
@pytest.mark.parametrize("name", ["pixart-sigma", "sana", "sd-v3-5"])
def test_half_precision_where_the_card_says_so(published, name):  # noqa: F811
    from lab.generators.places import pipeline_folder

    card = published.card(name)
    pipeline = open_pipeline(card, pipeline_folder(card), "cpu")
    assert card.dtype == "float16" and str(pipeline.transformer.dtype) == "torch.float16"
    # Sana's autoencoder, and any that says so itself, overflows in float16.
    assert str(pipeline.vae.dtype) == "torch.float32"


def test_a_card_gets_the_class_it_names(published):  # noqa: F811
    card = replace(published.card("sana"), folder=str(published.folder("sd")))
    with pytest.raises(WeightsError, match="holds a StableDiffusionPipeline and its card says SanaPipeline"):
        load(card, "cpu")
