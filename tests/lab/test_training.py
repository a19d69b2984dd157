"""The training recipe at toy size: stages, resume, export, and what it refuses."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from lab.errors import DatasetError, GeneratorError, InputError, NotFoundError, WeightsError
from lab.generators.card import read_card
from lab.generators.load import load
from lab.generators.request import request_for
from lab.generators.training import checkpoint, data, decoder, loop, phantom_source, text, unet, vae
from lab.generators.training.driven import Clock
from lab.generators.training.export import export
from lab.generators.training.recipe import TrainingRecipe, train
from lab.generators.training.tokens import build_tokenizer
from lab.generators.training.wording import drawn_caption, reworded, vocabulary
from tests.builders.training import finished

TOY = TrainingRecipe(
    "toy", "Toy", patients=10, films_per_patient=1, held_out=2, size=32, vae_channels=(8, 8, 16), latent_channels=4,
    vae_steps=6, vae_batch=2, decoder_steps=6, text_width=32, text_layers=1,
    text_steps=6, text_batch=4, unet_channels=(16, 32),
    unet_steps=6, unet_batch=2, copies=1,
)  # fmt: skip


class StopAfter(Clock):
    """A clock that is out of time after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(0.0)
        object.__setattr__(self, "left", steps)

    def out_of_time(self) -> bool:
        object.__setattr__(self, "left", self.left - 1)
        return self.left < 0


NEVER = Clock(float("inf"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A toy run from films to UNet without interruption."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("whole")
    list(data.prepare(TOY, place))
    for stage in (vae, decoder, text, unet):
        for _ in stage.train(TOY, place, NEVER):
            pass
    yield place
    torch.set_num_threads(threads)


@pytest.mark.parametrize("stage", [vae, decoder, text, unet])
def test_interrupted_and_resumed_training_gives_the_same_weights(stage, whole, tmp_path):
    from safetensors.torch import load_file

    place = tmp_path / "run"
    import shutil

    shutil.copytree(whole, place)
    file = place / f"{stage.STAGE}.safetensors"
    file.unlink()
    assert finished(stage.train(TOY, place, StopAfter(2))) is False
    half = load_file(file)
    assert finished(stage.train(TOY, place, NEVER)) is True
    wanted, given = load_file(whole / file.name), load_file(file)
    assert set(wanted) == set(given) and any(not (half[k] == given[k]).all() for k in given)
    for name in wanted:
        assert (wanted[name] == given[name]).all(), name


def test_stopping_from_outside_keeps_the_last_step(whole, tmp_path):
    import shutil

    shutil.copytree(whole / "films", tmp_path / "films")
    shutil.copy(whole / "films.json", tmp_path)
    recipe = dataclasses.replace(TOY, vae_steps=40)
    steps = vae.train(recipe, tmp_path, NEVER)
    next(steps)
    steps.close()
    state = loop.new_state(vae.build(recipe), 1e-3, 0.9)
    assert checkpoint.restore(state, tmp_path / "vae.safetensors") and 0 < state.step < 40


def test_films_are_training_patients_only(whole):
    splits = phantom_source.patients_of(TOY)
    names = {f"phantom-0-{number:05d}" for number in splits["train"]}
    films = data.load_films(TOY, whole, "train")
    seen = {record["patient_id"] for record in films.records}
    # A patient whose only film shows a withheld combination is left out.
    assert seen and seen <= names and len(films.images) == len(seen)
    assert not names & {record["patient_id"] for record in data.load_films(TOY, whole, "held-out").records}
    assert films.images.shape[1:] == (32, 32) and films.images.dtype == np.uint8


def test_recipe_without_training_films_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no training films"):
        list(train(dataclasses.replace(TOY, patients=0), folder=tmp_path / "run"))
    with pytest.raises(NotFoundError):
        list(train("nothing"))
    with pytest.raises(InputError, match="Minutes"):
        list(train(TOY, minutes=float("nan"), folder=tmp_path / "run"))


def test_export_opens_like_any_other_model(whole, tmp_path):
    card_path = export(TOY, whole, tmp_path / "toy-out", generator="toy-out")
    card = read_card(card_path)
    assert card.phantom_trained and card.measured["training"]["unet"]["steps"] == 6
    assert card.measured["training_films"] == len(data.load_films(TOY, whole, "train").images)
    generator = load(card, "cpu")
    batch = next(generator.generate(request_for(card, card.examples[1], 1, 3, steps=3)))
    assert batch[0].image.shape == (32, 32)
    readme = (tmp_path / "toy-out" / "README.md").read_text()
    assert "no patient" in readme and "| seconds |" in readme
    assert (tmp_path / "toy-out" / "contact_sheet.png").is_file()
    assert not (tmp_path / "toy-out" / "model" / "vae").exists() and card.parts["vae"] == "base/vae"


def test_export_before_training_is_refused(tmp_path):
    with pytest.raises(GeneratorError, match="not trained yet"):
        export(TOY, tmp_path, tmp_path / "out", "toy")


def test_new_run_keeps_the_older_one(whole, tmp_path):
    place = tmp_path / "run"
    place.mkdir()
    (place / "vae.safetensors").write_bytes(b"old")
    with pytest.raises(DatasetError):
        list(train(dataclasses.replace(TOY, patients=0), folder=place))
    assert (tmp_path / "run.1" / "vae.safetensors").read_bytes() == b"old"


def test_checkpoint_of_another_recipe_is_refused(whole, tmp_path):
    import shutil

    shutil.copytree(whole, tmp_path / "run")
    with pytest.raises(WeightsError, match="another recipe"):
        finished(unet.train(dataclasses.replace(TOY, unet_channels=(16, 48)), tmp_path / "run", NEVER))


def test_latent_scale_is_folded_without_changing_pictures(whole):
    import torch

    films = data.load_films(TOY, whole, "train").images
    plain = vae.build(TOY).eval()
    before = vae.reconstructed(plain, films)
    vae.fold_scale(plain, films)
    pixels = torch.from_numpy(films).float()[:, None] / 127.5 - 1
    with torch.no_grad():
        latents = plain.encode(pixels).latent_dist.mean
    assert latents.mean((0, 2, 3)).abs().max() < 1e-3 and (latents.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert np.abs(vae.reconstructed(plain, films).astype(int) - before).max() <= 1


def test_every_known_word_is_one_token_and_others_fall_back_to_bytes():
    words = vocabulary()
    tokenizer = build_tokenizer(words, 32)
    for word in words:
        assert len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1, word
    ids = tokenizer("größe 🫁", add_special_tokens=False)["input_ids"]
    assert len(ids) > 5 and tokenizer.unk_token_id not in ids[:1]
    assert tokenizer.bos_token_id == tokenizer("left")["input_ids"][0]


def test_rewording_keeps_side_and_negation():
    rng = random.Random(0)
    for _ in range(300):
        drawn = drawn_caption(rng)
        words = reworded(drawn.text, rng)
        for side in ("left", "right"):
            assert (side in drawn.text.lower()) == (side in words)


def test_losses():
    import torch

    image = torch.rand(2, 1, 32, 32)
    assert vae.pyramid_loss(image, image) == 0
    shifted, noisy = image + 0.1, image + 0.1 * torch.randn_like(image).sign()
    assert vae.pyramid_loss(image, noisy) > vae.pyramid_loss(image, shifted) > 0
    alphas = unet.scheduler_of().alphas_cumprod
    assert alphas[-1] == 0
    noise, times = torch.randn(2, 1, 8, 8), torch.tensor([999, 999])

    def given(noisy, times, words, return_dict):
        assert torch.equal(noisy, noise)
        return (-image[..., :8, :8],)

    inside = torch.zeros(2, 1, 8, 8)
    assert unet.velocity_loss(given, image[..., :8, :8], noise, times, None, inside, alphas) < 1e-10


def test_small_findings_are_focused_on_and_large_ones_stay_as_they_are():
    import torch

    inside = torch.zeros(3, 1, 8, 8)
    inside[0, :, 0, :2], inside[1, :, :5] = 1.0, 1.0
    focused = unet.focused(inside, 20.0)
    assert torch.equal(focused[0], 6 * inside[0]) and torch.equal(focused[1:], inside[1:])
    assert torch.equal(unet.focused(inside, 0.0), inside)


def test_rate_does_not_depend_on_the_total_before_the_decay():
    assert loop.rate_at(500, 1000, 1.0) == loop.rate_at(500, 4000, 1.0) == 1.0
    assert loop.rate_at(0, 1000, 1.0) < 0.05 and loop.rate_at(999, 1000, 1.0) <= 0.02
