"""Extractor records: data that states everything, checked at the border, added without code."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import InputError, LabError, NotFoundError, WeightsError
from lab.features.drafts import draft
from lab.features.extractors import default_extractors, get_extractor
from lab.features.loaded import LoadedExtractor, prepare
from lab.features.loaders import LOADERS
from lab.features.places import find, state
from lab.features.record import read_record, record_from_json
from lab.features.record_check import LAYERS
from lab.features.records import (
    EMBEDDED,
    add_record,
    broken_records,
    get_record,
    list_records,
    workspace_folder,
)
from lab.runs.dependencies import known_extractor
from tests.builders.extractor_files import toy_biomedclip, toy_dino

COLOUR = np.random.default_rng(3).integers(0, 256, (90, 64, 3), dtype=np.uint8)
BASE: dict[str, Any] = {
    "id": "mine", "title": "Mine", "family": "transformers", "layer": "cls", "dimension": 16,
    "weights": {"model.safetensors": ""},
}  # fmt: skip


def test_every_shipped_record_states_what_its_numbers_depend_on(workspace: Path) -> None:
    shipped = [read_record(file) for file in sorted(EMBEDDED.glob("*.json"))]
    assert len(shipped) >= 11 and broken_records() == []
    for record in shipped:
        assert record.licence and record.citation and record.trained_on and record.purposes, record.id
        assert record.family in LOADERS and record.layer in LAYERS[record.family]
        assert record.package or not record.hub_id or len(record.revision) == 40
        assert record_from_json(json.loads(json.dumps(record.to_json()))) == record
    assert set(LOADERS.names()) == set(LAYERS)


@pytest.mark.row("X-01")
def test_every_default_has_two_extractors_that_work_here(workspace: Path) -> None:
    for colour in (False, True):
        first, second = default_extractors(colour)
        assert first != second
        vectors = [get_extractor(name).embed([COLOUR]) for name in (first, second)]
        assert all(np.isfinite(one).all() and np.ptp(one) > 0 for one in vectors)
        assert all(state(get_record(name)) == "" for name in (first, second))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, "'colour' is not known"),
        ({"id": "../x"}, "the id must be"),
        ({"family": "keras"}, "family must be one of"),
        ({"layer": "pooled"}, "layer must be one of"),
        ({"resampling": "nearest"}, "resampling must be one of"),
        ({"dimension": True}, "'dimension' is not of the right kind"),
        ({"mean": [1, 2]}, "one number or one a channel"),
        ({"std": [0.0]}, "std must be above 0"),
        ({"value_range": [1, 0]}, "value_range must rise"),
        ({"revision": "main"}, "40-digit commit"),
        ({"package": "thing"}, "exact version"),
        ({"weights": {"../../x": ""}}, "outside its folder"),
        ({"weights": {"a.bin": "12"}}, "SHA-256"),
        ({"weights": {}}, "names no weights"),
        ({"options": {"trust_remote_code": True}}, "code of its own"),
        ({"resize_to": 100}, "smaller than the square"),
        ({"purposes": ["fun"]}, "purposes must be among"),
    ],
)
def test_a_record_that_says_something_else_is_refused_in_one_sentence(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words) as told:
        record_from_json(BASE | change)
    assert str(told.value).count(";") == 2


def test_preprocessing_of_a_drafted_record_is_that_of_the_processor_of_its_folder(tmp_path: Path) -> None:
    """The transformers library itself prepares the image; its own resampling may differ by a rounded level."""
    from transformers import AutoImageProcessor

    for version in (2, 3):
        folder = toy_dino(tmp_path / f"dino{version}", version)
        expected = AutoImageProcessor.from_pretrained(folder, local_files_only=True)(
            COLOUR, return_tensors="pt"
        )
        ours = prepare(draft(folder), [COLOUR], "cpu")
        gap = (ours - expected["pixel_values"]).abs() * 0.23 * 255
        assert gap.max() < 2.1 and gap.mean() < 0.3, version


@pytest.mark.parametrize("way", ["bicubic", "bilinear"])
def test_shorter_side_and_crop_are_those_of_torchvision(way: str) -> None:
    from PIL import Image
    from torchvision import transforms

    from lab.features.resize import to_square

    mode = transforms.InterpolationMode(way)
    steps = [transforms.Resize(51, interpolation=mode), transforms.CenterCrop(48), transforms.PILToTensor()]
    expected = transforms.Compose(steps)(Image.fromarray(COLOUR)).float()
    found = to_square([COLOUR.astype(np.float32)], 48, "cpu", f"pillow-{way}", "crop", 51)[0]
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


@pytest.mark.parametrize("side", [40, 64, 200])
def test_scikit_and_tensorflow_ways_are_those_of_their_libraries(side: int) -> None:
    import torch

    from lab.features.resize import to_square

    resize = pytest.importorskip("skimage.transform").resize
    compat = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow")
    plane = COLOUR[:, :, 0].astype(np.float32)
    expected = resize(plane[None], (1, side, side), mode="constant", preserve_range=True)[0]
    np.testing.assert_allclose(to_square([plane], side, "cpu", "scikit-linear")[0, 0], expected, atol=1e-3)
    corner = compat.interpolate_bilinear_2d_like_tensorflow1x(
        torch.from_numpy(plane)[None, None], (side, side), align_corners=False
    )[0, 0]
    np.testing.assert_allclose(
        to_square([plane], side, "cpu", "tensorflow-bilinear")[0, 0], corner, atol=1e-3
    )


def test_digest_follows_numbers_and_not_titles() -> None:
    record = record_from_json(BASE)
    told = dataclasses.replace(record, title="Other", licence="x", notes="y", folder="/z", batch=2)
    assert told.digest_with("a") == record.digest_with("a") != record.digest_with("b")
    for change in (
        {"layer": "patches"}, {"input_size": 225}, {"resampling": "torch-bilinear"}, {"mean": (0.1,)},
        {"unit": True}, {"channels": "grey"}, {"fit": "middle"}, {"edition": 2},
    ):  # fmt: skip
        assert dataclasses.replace(record, **change).digest_with("a") != record.digest_with("a"), change


def test_a_folder_is_added_without_code_and_known_everywhere(workspace: Path, tmp_path: Path) -> None:
    folder = toy_dino(tmp_path / "My DINO")
    with pytest.raises(NotFoundError):
        known_extractor("my-dino")
    record = add_record(folder)
    assert record.id == "my-dino" == known_extractor("my-dino")
    assert (record.input_size, record.resize_to, record.fit) == (32, 40, "crop")
    assert get_extractor("my-dino").embed([COLOUR]).shape == (1, 16)
    with pytest.raises(InputError, match="already there"):
        add_record(folder)
    (workspace_folder() / "broken.json").write_text("{")
    toy_biomedclip(workspace_folder() / "dropped-in")
    assert "dropped-in" in [one.id for one in list_records()], "a folder that lies there speaks for itself"
    assert [name for name, _ in broken_records()] == ["broken.json"]


def test_weights_that_are_not_here_say_what_to_do(workspace: Path) -> None:
    for record in list_records():
        reason = state(record)
        if record.comes_along or record.root == EMBEDDED and record.folder:
            assert not reason
            continue
        expected = f"extractors download {record.id}" if record.hub_id else f"into extractors/{record.id}"
        assert expected in reason and "everything else works" in reason
        assert not record.gate or record.gate in reason
        with pytest.raises(WeightsError, match="not on this machine"):
            LoadedExtractor(record).embed([COLOUR])
        with pytest.raises(LabError):
            _ = LoadedExtractor(record).digest


def test_weights_put_into_the_workspace_by_hand_are_found(workspace: Path) -> None:
    folder = toy_dino(workspace / "extractors" / "mine")
    record = dataclasses.replace(record_from_json(BASE), settings=("config.json",))
    assert find(record).only == folder / "model.safetensors"
    digest = LoadedExtractor(record).digest
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert LoadedExtractor(record).digest != digest, "settings count as weights do"
