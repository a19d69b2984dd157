"""Extractor families: each reads its published layout and gives what the reference implementation gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.features.drafts import draft
from lab.features.extractors import get_extractor
from lab.features.families.efficientnet_lite import unrolled
from lab.features.loaded import LoadedExtractor, prepare
from lab.features.record import ExtractorRecord
from lab.features.records import add_record, get_record
from tests.builders.extractor_files import (
    inception_state,
    toy_biomedclip,
    toy_biovil,
    toy_densenet,
    toy_dino,
)

torch = pytest.importorskip("torch")
FILMS = [
    np.random.default_rng(size).integers(0, 256, (size, size + 30), dtype=np.uint8) for size in (50, 300)
]
COLOUR = np.random.default_rng(9).integers(0, 256, (70, 60, 3), dtype=np.uint8)


def _with_file(name: str, folder: Path, state: dict[str, Any], **changes: Any) -> LoadedExtractor:
    """The shipped record, its weights file replaced by a toy one in the same layout."""
    record = get_record(name)
    file = next(iter(record.weights))
    folder.mkdir(parents=True, exist_ok=True)
    if file.endswith(".safetensors"):
        from safetensors.torch import save_file

        save_file({key: value.contiguous() for key, value in state.items()}, folder / file)
    else:
        torch.save(state, folder / file)
    changed = dataclasses.replace(record, folder=str(folder), weights={file: ""}, **changes)
    return LoadedExtractor(changed, "cpu")


def test_inception_equals_torch_fidelity(tmp_path: Path) -> None:
    """Resampling, normalisation and network together, on films of two sizes, at three layers."""
    reference = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    extractor = _with_file("inception-fid", tmp_path, inception_state())
    file = tmp_path / next(iter(extractor.record.weights))
    layers = ["2048", "768", "192"]
    theirs = reference.FeatureExtractorInceptionV3("x", layers, feature_extractor_weights_path=str(file))
    planes = [torch.from_numpy(np.repeat(film[None, None], 3, axis=1)) for film in FILMS]
    expected = [theirs(plane) for plane in planes]
    for position, layer in enumerate(layers):
        films = FILMS if layer == "2048" else FILMS[:1]
        record = dataclasses.replace(extractor.record, layer=layer, dimension=int(layer))
        ours = LoadedExtractor(record, "cpu").embed(films)
        for row, answer in zip(ours, expected, strict=False):
            wanted = answer[position][0].numpy()
            np.testing.assert_allclose(row, wanted, atol=2e-4 * np.abs(wanted).max())


def test_densenet_equals_torchvision(tmp_path: Path) -> None:
    network = toy_densenet()
    extractor = _with_file("xrv-densenet121", tmp_path, network.state_dict(), dimension=16)
    batch = prepare(extractor.record, FILMS, "cpu")
    assert batch.shape == (2, 1, 224, 224) and -1024 <= batch.min() < -700 and 700 < batch.max() <= 1024
    with torch.inference_mode():
        expected = torch.relu(network.features(batch)).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(extractor.embed(FILMS), expected, rtol=1e-4, atol=1e-4 * expected.max())


@pytest.mark.parametrize("layer", ["projected", "encoder"])
def test_biovil_equals_the_model_put_together_from_torch_layers(tmp_path: Path, layer: str) -> None:
    state, forward = toy_biovil()
    dimension = 4 if layer == "projected" else 12
    extractor = _with_file("biovil-t", tmp_path, state, layer=layer, dimension=dimension, unit=False)
    with torch.inference_mode():
        expected = forward(prepare(extractor.record, FILMS, "cpu"), layer == "projected").numpy()
    np.testing.assert_allclose(extractor.embed(FILMS), expected, atol=1e-4 * np.abs(expected).max())
    assert np.ptp(expected[:, :dimension]) > 0.01


@pytest.mark.parametrize("version", [2, 3])
def test_dino_equals_the_transformers_library(tmp_path: Path, version: int) -> None:
    from transformers import AutoModel

    folder = toy_dino(tmp_path / "dino", version)
    record = draft(folder)
    images = [*FILMS, COLOUR]
    batch = prepare(record, images, "cpu")
    with torch.inference_mode():
        tokens = AutoModel.from_pretrained(folder, local_files_only=True)(
            batch.contiguous()
        ).last_hidden_state
    patches = tokens[:, 1:] if version == 2 else tokens[:, 4:]
    assert patches.shape[1] == 16, "class and register tokens are left out"
    expected = {"cls": tokens[:, 0], "patches": patches.mean(1)}
    expected["cls+patches"] = torch.cat([expected["cls"], expected["patches"]], 1)
    for layer, wanted in expected.items():
        chosen = dataclasses.replace(record, layer=layer, dimension=wanted.shape[1])
        np.testing.assert_allclose(LoadedExtractor(chosen, "cpu").embed(images), wanted.numpy(), atol=1e-4)


def test_open_clip_folder_equals_open_clip(tmp_path: Path, workspace: Path) -> None:
    """Drafted preprocessing, image tower and normalisation against the library's own pipeline."""
    from lab.features.text_image import open_text_image
    from tests.builders.toy_clip import build_toy_clip

    folder = build_toy_clip(tmp_path / "toy-clip")
    record = add_record(folder)
    assert (record.id, record.dimension, record.input_size, record.unit) == ("toy-clip", 16, 32, True)
    expected = open_text_image(folder).embed_images([*FILMS, COLOUR])
    np.testing.assert_allclose(get_extractor("toy-clip").embed([*FILMS, COLOUR]), expected, atol=1e-4)


def test_biomedclip_layout_gives_images_without_its_text_settings(tmp_path: Path) -> None:
    tower = toy_biomedclip(tmp_path / "biomed")
    record = draft(tmp_path / "biomed")
    assert record.weights == {"open_clip_pytorch_model.bin": ""} and record.input_size == 224
    with torch.inference_mode():
        expected = tower(prepare(record, FILMS, "cpu").contiguous()).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(LoadedExtractor(record, "cpu").embed(FILMS), expected, atol=1e-5)


@pytest.mark.parametrize("variant", ["lite0", "lite2"])
def test_lite_networks_equal_those_of_timm(variant: str) -> None:
    """The shipped weights in timm's own network, whose tensors come in the same order under other names."""
    from timm import create_model

    from lab.features.families.efficientnet_lite import LiteNetwork
    from lab.features.places import find
    from lab.features.weights_file import read_state

    record = get_record(f"efficientnet-{variant}")
    state = read_state(find(record).only)
    theirs = create_model(f"tf_efficientnet_{variant}", pretrained=False).eval()
    names = theirs.state_dict()
    assert [tuple(value.shape) for value in names.values()] == [
        tuple(value.shape) for value in state.values()
    ]
    theirs.load_state_dict(dict(zip(names, state.values(), strict=True)))
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    with torch.inference_mode():
        batch = prepare(record, images, "cpu")
        expected = theirs(batch.contiguous()).numpy()
        scores = LiteNetwork(state, "cpu", variant).logits(batch).numpy()
    np.testing.assert_allclose(scores, expected, atol=2e-4)
    assert 698 in np.argsort(-scores[0])[:5], "a photograph of a palace"
    assert len(unrolled(variant)) == {"lite0": 16, "lite2": 21}[variant]


def test_every_batch_size_gives_the_same_vectors() -> None:
    record: ExtractorRecord = get_record("efficientnet-lite2")
    one = LoadedExtractor(dataclasses.replace(record, batch=1), "cpu").embed([*FILMS, COLOUR])
    three = LoadedExtractor(dataclasses.replace(record, batch=3), "cpu").embed([*FILMS, COLOUR])
    np.testing.assert_allclose(one, three, atol=2e-5)
