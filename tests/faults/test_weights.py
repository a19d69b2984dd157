"""Weights that could run code, are damaged or do not fit are refused by content, through the one way to load."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import card_from_json
from lab.generators.card_store import add_card
from lab.generators.cards import broken_cards, list_cards, workspace_folder
from lab.generators.load import load
from tests.builders.hub import COMMIT
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card, toy_card_json, write_toy_card

PARTS = {
    "unet": "diffusion_pytorch_model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
    "text_encoder": "model.safetensors",
}


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.marker, "w"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "model"))


def old_checkpoint(evil: Evil) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({"weight": evil}, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def new_checkpoint(evil: Evil) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({"weight": evil}, stream)
    return stream.getvalue()


def zipped(evil: Evil) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("model/model.pt", pickle.dumps(evil))
    return stream.getvalue()


WRITERS: list[Callable[[Evil], bytes]] = [pickle.dumps, old_checkpoint, new_checkpoint, zipped]


@pytest.mark.fault(20)
@pytest.mark.parametrize("write", WRITERS, ids=["pickle", "old checkpoint", "new checkpoint", "zip"])
@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors", ".SafeTensors", ".txt"])
@pytest.mark.parametrize("instead", [False, True], ids=["beside the weights", "instead of them"])
def test_checkpoint_that_runs_code_never_does(
    copied: Path, tmp_path: Path, write: Callable[[Evil], bytes], suffix: str, instead: bool
) -> None:
    marker = tmp_path / "marker"
    data = write(Evil(marker))
    if write is pickle.dumps:
        pickle.loads(data).close()
        assert marker.is_file(), "the payload is live"
        marker.unlink()
    if instead:
        (copied / "unet" / PARTS["unet"]).unlink()
    (copied / "unet" / f"diffusion_pytorch_model{suffix}").write_bytes(data)
    with pytest.raises(WeightsError, match="can run code.*nothing was loaded"):
        load(toy_card(copied), "cpu")
    assert not marker.exists()


@pytest.mark.fault(20)
def test_pickle_without_a_signature_is_refused_as_damaged(copied: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (copied / "unet" / PARTS["unet"]).write_bytes(pickle.dumps(Evil(marker), protocol=0))
    with pytest.raises(WeightsError, match="damaged"):
        load(toy_card(copied), "cpu")
    assert not marker.exists()


def safetensors(header: Any, body: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def f32(shape: list[Any], start: Any, stop: Any, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.fault(21)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("data", "named"),
    [
        (safetensors({}, b"", length=2**60), "its header does not fit the file"),
        (b"", "its header does not fit the file"),
        (safetensors([], b""), "its header is not a table"),
        (safetensors({"a.weight": f32([1], 0, 4), "b.weight": f32([1], 2, 6)}, b"\0" * 6), "'b.weight' overlaps"),
        (safetensors({"a.weight": f32([1], 0, 4), "b.weight": f32([1], 8, 12)}, b"\0" * 12), "'b.weight' overlaps"),
        (safetensors({"a.weight": f32([2], 0, 4)}, b"\0" * 4), "'a.weight' lies outside"),
        (safetensors({"a.weight": f32([1], 0, 2**60)}, b"\0" * 4), "'a.weight' lies outside"),
        (safetensors({"a.weight": f32([-1], 0, 4)}, b"\0" * 4), "'a.weight' lies outside"),
        (safetensors({"a.weight": "no"}, b""), "'a.weight' is not described"),
        (safetensors({"a.weight": f32([1], 0, 4)}, b"\0" * 9), "longer or shorter"),
    ],
)  # fmt: skip
def test_damaged_header_is_refused(copied: Path, part: str, data: bytes, named: str) -> None:
    (copied / part / PARTS[part]).write_bytes(data)
    with pytest.raises(WeightsError, match=f"{part}/.*damaged.*nothing was loaded") as caught:
        load(toy_card(copied), "cpu")
    assert named in str(caught.value)


@pytest.mark.fault(21)
def test_unknown_kind_of_number_is_refused(copied: Path) -> None:
    (copied / "vae" / PARTS["vae"]).write_bytes(safetensors({"a.weight": f32([1], 0, 4, "Q9")}, b"\0" * 4))
    with pytest.raises(WeightsError, match="could not be loaded"):
        load(toy_card(copied), "cpu")


@pytest.mark.fault(21)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("fault", ["is missing", "has the shape (3, 5) where", "not finite", "infinite"])
def test_weights_that_do_not_fit_are_refused_with_the_tensors_name(
    copied: Path, part: str, fault: str
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    file = copied / part / PARTS[part]
    state = load_file(file)
    tensor = sorted(state)[3]
    if fault == "is missing":
        del state[tensor]
    elif fault.startswith("has the shape"):
        state[tensor] = torch.zeros(3, 5)
    else:
        state[tensor].view(-1)[-1] = float("nan") if fault == "not finite" else float("inf")
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError) as caught:
        load(toy_card(copied), "cpu")
    told = "holds values that are not finite" if fault in ("not finite", "infinite") else fault
    assert f"weights of '{part}' do not fit: tensor '{tensor}' {told}" in str(caught.value)


@pytest.mark.fault(21)
def test_a_tensor_more_than_needed_is_no_fault(copied: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    file = copied / "text_encoder" / PARTS["text_encoder"]
    save_file(load_file(file) | {"position_ids": torch.arange(4)}, file, metadata={"format": "pt"})
    assert load(toy_card(copied), "cpu").digest


def own_class(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"unet": ["my_unet", "MyUNet"]}))


def own_pipeline(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": ["pipeline", "Mine"]}))


def own_file(folder: Path) -> None:
    (folder / "unet" / "pipeline.py").write_text("raise SystemExit")


def own_mapping(folder: Path) -> None:
    file = folder / "text_encoder" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"auto_map": {"AutoModel": "model.Mine"}}))


@pytest.mark.fault(23)
@pytest.mark.parametrize("change", [own_class, own_pipeline, own_file, own_mapping])
def test_model_that_needs_code_is_left_out_at_the_start(
    workspace: Path, copied: Path, folder: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    cards = workspace_folder()
    write_toy_card(folder, cards / "good.json", "good")
    change(copied)
    write_toy_card(copied, cards / "bad.json", "bad")
    assert "good" in [card.id for card in list_cards()]
    [(name, reason)] = broken_cards()
    assert name == "bad.json" and "own" in reason and "nothing was loaded" in reason
    with pytest.raises(WeightsError, match="own"):
        load(toy_card(copied), "cpu")
    with pytest.raises(GeneratorError, match="own"):
        add_card(write_toy_card(copied, tmp_path / "new.json", "new"))


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"folder": "", "hub_id": "a/b", "revision": "main"}, "not a branch name"),
        ({"folder": "", "hub_id": "a/b", "revision": COMMIT[:12]}, "full 40-digit commit"),
        ({"folder": "", "hub_id": "a/b"}, "full 40-digit commit"),
        ({"trust_remote_code": True}, "'trust_remote_code' is not known"),
        ({"options": {"trust_remote_code": True}}, "run code of its own"),
        ({"options": {"custom_pipeline": "a/b"}}, "run code of its own"),
    ],
)
def test_card_of_a_branch_or_of_code_is_left_out_at_the_start(
    workspace: Path, folder: Path, change: dict[str, Any], told: str
) -> None:
    from lab.commands.doctor import _problems

    cards = workspace_folder()
    write_toy_card(folder, cards / "good.json", "good")
    (cards / "bad.json").write_text(json.dumps(toy_card_json(folder, "bad") | change))
    assert "good" in [card.id for card in list_cards()] and "bad" not in [c.id for c in list_cards()]
    [(name, reason)] = broken_cards()
    assert name == "bad.json" and told in reason
    report = {
        "workspace": {"writable": True, "free_gb": 9}, "extractors": [], "generators": [1], "phantom_pack": "fits",
    }  # fmt: skip
    assert _problems(report) == [f"{name}: {reason}"]


@pytest.mark.row("X-07")
def test_absent_folder_is_named_and_nothing_else_is_tried(workspace: Path, tmp_path: Path) -> None:
    card = card_from_json(toy_card_json(tmp_path / "gone"))
    with pytest.raises(
        GeneratorError, match=r"folder of Toy chest generator was not found; .*put the folder back"
    ):
        load(card, "cpu")
