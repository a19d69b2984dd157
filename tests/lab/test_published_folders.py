"""What published folders hold besides the plain case: half precision only, shards, a safety checker, a ControlNet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.errors import GeneratorError, InputError, WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition, encode_mask
from lab.generators.load import load
from lab.generators.request import request_for
from tests.builders.published import drawn, published, published_card, spied  # noqa: F401
from tests.builders.published_pipelines import control_network, unconditional


@pytest.fixture(scope="module")
def plain(published):  # noqa: F811
    return load(published.card("sd-v1-5"), "cpu")


def test_a_folder_with_half_precision_files_only(published, tmp_path, plain):  # noqa: F811
    import torch

    folder = tmp_path / "half"
    kind = type(plain.pipeline)
    kind.from_pretrained(published.folder("sd"), dtype=torch.float16).save_pretrained(folder, variant="fp16")
    assert not (folder / "unet" / "diffusion_pytorch_model.safetensors").exists()
    half = load(replace(plain.card, folder=str(folder)), "cpu")
    assert half.pipeline.unet.dtype == torch.float32
    difference = np.abs(drawn(half).image.astype(int) - drawn(plain).image).mean()
    assert 0 <= difference < 20


def test_a_header_length_that_looks_like_a_pickle_is_no_pickle(tmp_path):
    from safetensors.numpy import save_file

    from lab.generators.weights import check_folder

    # 0x0280 bytes of header: the file then begins with 80 02, as a pickle of protocol 2 does.
    for note in range(8, 700, 8):
        save_file({"a": np.zeros(2, np.float32)}, tmp_path / "a.safetensors", metadata={"note": "x" * note})
        if (tmp_path / "a.safetensors").read_bytes()[:2] == b"\x80\x02":
            break
    else:
        pytest.fail("no such header came about")
    check_folder(tmp_path)
    (tmp_path / "b.safetensors").write_bytes(b"\x80\x02}q\x00." + b"\0" * 700)
    with pytest.raises(WeightsError, match="can run code"):
        check_folder(tmp_path)


def test_weights_in_shards_give_the_same_pixels(published, tmp_path, plain):  # noqa: F811
    folder = published.copy("sd", tmp_path / "shards")
    for part, kind in (("unet", plain.pipeline.unet), ("text_encoder", plain.pipeline.text_encoder)):
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()
        kind.save_pretrained(folder / part, max_shard_size="40KB")
        assert len(list((folder / part).glob("*-of-*.safetensors"))) > 1
        assert list((folder / part).glob("*.index.json"))
    assert (
        drawn(load(replace(plain.card, folder=str(folder)), "cpu")).image.tolist()
        == drawn(plain).image.tolist()
    )
    next(iter((folder / "unet").glob("*-of-*.safetensors"))).unlink()
    with pytest.raises(WeightsError):
        load(replace(plain.card, folder=str(folder)), "cpu")


@pytest.mark.row("R5")
def test_the_safety_checker_is_off_where_a_folder_names_one(published, plain):  # noqa: F811
    from diffusers import StableDiffusionPipeline

    folder = published.folder("sd-safety")
    checked = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    assert checked.safety_checker is not None
    generator = load(replace(plain.card, folder=str(folder)), "cpu")
    assert generator.pipeline.safety_checker is None
    assert np.array_equal(drawn(generator).image, drawn(plain).image)


@pytest.mark.row("R1")
def test_missing_weights_give_the_route(workspace, monkeypatch):
    for name, words in (("roentgen-v2", "generators download roentgen-v2"), ("roentgen-v1", "Access|folder")):
        with pytest.raises(GeneratorError, match=words):
            load(published_card(name), "cpu")


@pytest.mark.row("CM-05")
def test_a_control_network_reads_the_mask(published, tmp_path, monkeypatch, plain):  # noqa: F811
    network = control_network(tmp_path / "controlnet")
    card = replace(
        published_card("cardiac-controlnet"), published=False, folder=str(published.folder("sd")),
        parts={"controlnet": str(network)},
    )  # fmt: skip
    generator = load(card, "cpu")
    assert type(generator.pipeline).__name__ == "StableDiffusionControlNetPipeline"
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 3
    round_, moved = Condition(mask=encode_mask(mask)), Condition(mask=encode_mask(np.roll(mask, 12, 1)))
    made = [drawn(generator, condition=condition, steps=1) for condition in (round_, moved)]
    assert not np.array_equal(made[0].image, made[1].image)
    assert made[0].recipe["condition"]["mask"] != made[1].recipe["condition"]["mask"]
    with pytest.raises(InputError, match="needs a mask"):
        drawn(generator)
    calls = spied(monkeypatch, generator)
    drawn(generator, condition=round_)
    picture = np.asarray(calls[0]["image"][0])
    assert (
        picture.shape == (512, 512, 3) and picture[240, 240].tolist() == [255] * 3 and not picture[0, 0].any()
    )
    with pytest.raises(WeightsError, match="'controlnet'"):
        load(replace(card, parts={"controlnet": str(tmp_path / "away")}), "cpu")


@pytest.mark.row("SG-06")
@pytest.mark.parametrize("kind", ["DDPMPipeline", "DDIMPipeline", "LDMPipeline"])
def test_unconditional_pipelines(tmp_path, kind):
    folder = unconditional(tmp_path / kind, kind)
    size = 128 if kind == "LDMPipeline" else 32
    card = GeneratorCard(
        "films",
        "Films",
        conditioning="none",
        folder=str(folder),
        pipeline=kind,
        size=size,
        steps=3,
        guidance=0.0,
    )
    generator, seen = load(card, "cpu"), []
    request = request_for(card, "", 2, 7)
    first = next(iter(generator.generate(request, seen.append)))
    again = next(iter(generator.generate(request)))
    assert [s.png() for s in first] == [s.png() for s in again] and first[0].image.shape == (size, size)
    assert [told.step for told in seen] == [1, 2, 3] and not np.array_equal(first[0].image, first[1].image)
    assert first[0].recipe["prompt"] == "" and generator.prompt_reading("").tokens == 0
    if kind == "LDMPipeline":
        images = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
        assert generator.autoencode(images).shape == images.shape
