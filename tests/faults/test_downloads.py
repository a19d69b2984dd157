"""Weights come only when asked for, whole or not at all, and the next attempt goes on where the last one ended."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.generators.cards import get_card
from lab.generators.load import downloaded_folder, load
from tests.builders.commands import Commands
from tests.builders.hub import COMMIT, REPOSITORY, Hub
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def hub(toy: Path) -> Iterator[Hub]:
    served = Hub(toy)
    yield served
    served.close()


@pytest.fixture
def card(workspace: Path) -> Path:
    """A card of the hub's repository in the workspace."""
    values = toy_card_json(Path("unused")) | {"folder": "", "hub_id": REPOSITORY, "revision": COMMIT}
    file = workspace / "generators" / "toy-cxr.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(values))
    return file


@pytest.fixture
def shell(hub: Hub, card: Path, tmp_path: Path, commands: Commands) -> Call:
    """`python -m lab generators download toy-cxr` in a process whose hub is the local one."""
    environ = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}

    def call(expect: int = 0, before: str = "", **changes: str) -> dict[str, Any]:
        words = ["generators", "download", "toy-cxr", "--json"]
        done = commands.run(words, environ | changes, before=before, timeout_s=120)
        assert done.returncode == expect, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout)

    return call


def left(workspace: Path) -> list[str]:
    """Files of the model store."""
    return sorted(path.name for path in (workspace / "models").rglob("*") if path.is_file())


def refused(workspace: Path) -> None:
    """Nothing of the model can be loaded and no partial file is left."""
    assert not any(name.endswith(".part") for name in left(workspace))
    assert not downloaded_folder(get_card("toy-cxr")).exists()
    with pytest.raises(Exception, match=r"not on this machine.*generators download toy-cxr"):
        load(get_card("toy-cxr"), "cpu")


@pytest.mark.row("X-07")
def test_download_brings_the_commit_and_loads(shell: Call, hub: Hub, toy: Path, workspace: Path) -> None:
    told = shell()
    folder = Path(told["folder"])
    assert folder == downloaded_folder(get_card("toy-cxr"))
    wanted = {file.relative_to(toy) for file in toy.rglob("*") if file.is_file()}
    assert {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()} == wanted
    assert load(get_card("toy-cxr"), "cpu").digest
    assert len(hub.asked) == len(wanted)
    shell(HF_ENDPOINT="http://127.0.0.1:1")
    assert len(hub.asked) == len(wanted), "what is here is not fetched again"


def test_code_pickles_and_second_copies_are_never_asked_for(shell: Call, hub: Hub) -> None:
    names = (
        "pipeline.py",
        "unet/x.bin",
        "one-file.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
    )
    hub.extra = [{"rfilename": name, "size": 9, "blobId": "0" * 40} for name in names]
    shell()
    assert not set(names) & set(hub.asked)


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("name", "fault"),
    [(WEIGHTS, "wrong bytes"), (WEIGHTS, "longer"), (WEIGHTS, "cut"), ("vae/config.json", "wrong bytes")],
)
def test_wrong_or_partial_file_is_removed_and_retry_works(
    shell: Call, hub: Hub, workspace: Path, name: str, fault: str
) -> None:
    hub.faults = {name: fault}
    message = shell(expect=1)["error"]
    if fault == "cut":
        assert "broke off" in message and "nothing can be loaded from a part" in message
    else:
        assert f"{name} of Toy chest generator differs from the digest of its commit" in message
    refused(workspace)
    hub.faults, first = {}, len(hub.asked)
    shell()
    assert load(get_card("toy-cxr"), "cpu").digest
    if fault == "cut":
        assert 0 < hub.ranges[name] < (hub.folder / name).stat().st_size, "only the rest is asked for"
    else:
        assert name not in hub.ranges, "wrong bytes are never gone on from"
    assert not any(file.endswith(".incomplete") for file in left(workspace))
    kept = set(hub.asked[:first]) - {name}
    assert kept and not kept & set(hub.asked[first:]), "finished files are not fetched twice"


@pytest.mark.fault(22)
def test_a_finished_file_that_was_cut_afterwards_is_fetched_anew(
    shell: Call, hub: Hub, workspace: Path
) -> None:
    hub.faults = {"vae/diffusion_pytorch_model.safetensors": "cut"}
    shell(expect=1)
    stage = next((workspace / "models" / "toy-cxr").iterdir())
    file = stage / WEIGHTS
    file.write_bytes(file.read_bytes()[:1000])
    (stage / "unet" / ".old.part").write_bytes(b"left by a killed process")
    hub.faults = {}
    shell()
    assert hub.asked.count(WEIGHTS) == 2
    assert not any(name.endswith(".part") for name in left(workspace))
    assert load(get_card("toy-cxr"), "cpu").digest


@pytest.mark.fault(22)
def test_full_disk_is_one_sentence_and_retry_works(shell: Call, workspace: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))"
    message = shell(expect=1, before=limit)["error"]
    assert "no space is left; the partial file was removed" in message
    refused(workspace)
    shell()
    assert load(get_card("toy-cxr"), "cpu").digest


@pytest.mark.fault(22)
def test_model_larger_than_the_free_disk_is_refused_before_the_first_byte(shell: Call, hub: Hub) -> None:
    lfs = {"sha256": "0" * 64, "size": 2**60, "pointerSize": 134}
    hub.extra = [{"rfilename": "vae/big.safetensors", "size": 2**60, "blobId": "0" * 40, "lfs": lfs}]
    assert "less is free; nothing was downloaded" in shell(expect=1)["error"]
    assert hub.asked == []


@pytest.mark.fault(22)
def test_read_only_store_is_one_sentence_and_retry_works(shell: Call, card: Path) -> None:
    # Root may write anywhere: the process gives that up first, and its workspace must be reachable for it.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        models = Path(place) / "models"
        models.mkdir(mode=0o555)
        (Path(place) / "generators").mkdir()
        (Path(place) / "generators" / card.name).write_bytes(card.read_bytes())
        drop = "import os, lab.generators.download, huggingface_hub.hf_api; os.getuid() or os.setuid(65534)"
        message = shell(expect=1, before=drop, LAB_WORKSPACE=place)["error"]
        assert "its folder cannot be written" in message and "workspace writable" in message
        assert list(models.iterdir()) == []
        models.chmod(0o755)
        assert Path(shell(LAB_WORKSPACE=place)["folder"]).is_dir()


@pytest.mark.fault(20, 22)
def test_pickle_that_the_hub_calls_safetensors_is_removed(
    shell: Call, hub: Hub, toy: Path, tmp_path: Path, workspace: Path
) -> None:
    hub.folder = tmp_path / "served"
    (hub.folder / "unet").mkdir(parents=True)
    (hub.folder / "model_index.json").write_bytes((toy / "model_index.json").read_bytes())
    (hub.folder / WEIGHTS).write_bytes(pickle.dumps({"weight": 1}))
    assert "can run code" in shell(expect=1)["error"]
    assert left(workspace) == []


@pytest.mark.fault(22)
def test_answer_about_another_commit_is_refused(shell: Call, hub: Hub, workspace: Path) -> None:
    hub.commit = "f" * 40
    assert "gave no list of files" in shell(expect=1)["error"]
    assert hub.asked == [] and left(workspace) == []


@pytest.mark.parametrize("name", ["../../up.json", "/etc/up.json", "unet\\..\\..\\up.json"])
def test_file_name_that_leaves_the_folder_is_refused(
    shell: Call, hub: Hub, workspace: Path, name: str
) -> None:
    hub.extra = [{"rfilename": name, "size": 1, "blobId": "0" * 40}]
    assert "outside its folder; nothing was downloaded" in shell(expect=1)["error"]
    assert hub.asked == [] and left(workspace) == []


def test_gated_repository_says_how_to_get_in(shell: Call, hub: Hub, workspace: Path) -> None:
    hub.faults = {WEIGHTS: "gated"}
    message = shell(expect=1)["error"]
    assert "ask for access" in message and "GatedRepoError" in message
    refused(workspace)


@pytest.mark.fault(24)
@pytest.mark.parametrize("offline", ["0", "1"])
def test_download_without_a_hub_is_one_sentence(shell: Call, workspace: Path, offline: str) -> None:
    message = shell(expect=1, HF_ENDPOINT="http://127.0.0.1:1", HF_HUB_OFFLINE=offline)["error"]
    assert "The hub was not reached" in message and "when online" in message
    refused(workspace)


@pytest.mark.fault(22)
def test_files_changed_after_the_download_are_noticed(shell: Call, commands: Commands) -> None:
    folder = Path(shell()["folder"])
    run = lambda: commands.run(["generators", "check", "toy-cxr", "--json"])  # noqa: E731
    assert run().returncode == 0
    settings = folder / "scheduler" / "scheduler_config.json"
    settings.write_text(settings.read_text().replace('"steps_offset": 1', '"steps_offset": 0'))
    done = run()
    assert done.returncode == 1
    assert "have changed since" in json.loads(done.stdout)["checked"][0]["reason"]
