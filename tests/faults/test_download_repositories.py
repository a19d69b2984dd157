"""LoRA, base and parts of other repositories: fetched together, shared, removed; open commits are pinned."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.errors import LabError
from lab.generators import places
from lab.generators.card_state import state
from lab.generators.cards import all_cards, get_card
from lab.generators.load import repository_folder
from lab.generators.repositories import remove_download, wanted
from tests.builders.hub import COMMIT, REPOSITORY, Hub
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

LORA = "adapter.safetensors"
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def hub(toy: Path, tmp_path: Path) -> Iterator[Hub]:
    """The LoRA in one repository, its base in another, an autoencoder in a folder of a third."""
    import torch
    from safetensors.torch import save_file

    own = tmp_path / "own"
    own.mkdir()
    save_file({"unet.a.lora_A.weight": torch.zeros(2, 4)}, own / LORA)
    (own / "README.txt").write_text("not needed")
    parts = tmp_path / "parts"
    shutil.copytree(toy / "vae", parts / "vae")
    shutil.copytree(toy / "unet", parts / "unet")
    (parts / "vae" / "modeling.py").write_text("raise SystemExit")
    served = Hub(own)
    served.more = {"lab/base": toy, "lab/parts": parts}
    yield served
    served.close()


@pytest.fixture
def shell(hub: Hub, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`python -m lab generators ... --json` in this process, whose hub is the local one."""
    from huggingface_hub import constants

    from lab.commands.generators import app

    for name, value in {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(tmp_path / "hf"),
    }.items():
        monkeypatch.setattr(constants, name, value)

    def call(*words: str, expect: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--json"])
        if isinstance(done.exception, LabError):
            assert expect == 1, done.exception
            return {"error": str(done.exception)}
        assert done.exception is None and expect == 0, done.output
        return json.loads(done.stdout)

    return call


@pytest.fixture
def cards(workspace: Path) -> Path:
    """A LoRA with a part of its own, and another generator on the same base."""
    folder = workspace / "generators"
    folder.mkdir(parents=True)
    values = toy_card_json(Path("unused"), "tuned") | {
        "folder": "", "hub_id": REPOSITORY, "revision": COMMIT, "base": "lab/base", "base_revision": COMMIT,
        "lora": LORA, "parts": {"vae": f"hf://lab/parts@{COMMIT}/vae"},
    }  # fmt: skip
    (folder / "tuned.json").write_text(json.dumps(values))
    (folder / "other.json").write_text(json.dumps(values | {"id": "other", "parts": {}}))
    return folder


@pytest.mark.row("C3", "C20")
@pytest.mark.fault(22)
def test_lora_base_and_part_come_together_and_nothing_else(
    shell: Call, hub: Hub, cards: Path, toy: Path
) -> None:
    card = get_card("tuned")
    told = shell("download", "tuned", "--size")
    assert told["bytes"] == sum(file.size for one in wanted(card) for file in _files(hub, one))
    assert hub.asked == [] and state(card).code == "download"
    shell("download", "tuned")
    assert state(card).code == "ready", state(card).reason
    assert hub.asked[0] == LORA and "README.txt" not in hub.asked
    from_parts = {name.split(":")[1] for name in hub.asked if name.startswith("lab/parts:")}
    assert from_parts == {"vae/config.json", "vae/diffusion_pytorch_model.safetensors"}, (
        "no code, no other part"
    )
    assert places.pipeline_folder(card) == repository_folder("lab/base", COMMIT)
    assert places.part_folders(card) == {"vae": repository_folder("lab/parts", COMMIT) / "vae"}
    assert places.lora_file(card).name == LORA
    asked = len(hub.asked)
    shell("download", "other")
    assert hub.asked[asked:] == [LORA], "the base is here already"


def _files(hub: Hub, one: Any) -> list[Any]:
    from lab.generators.hub import HubFile

    told = [HubFile(f["rfilename"], f["size"], f["blobId"], "lfs" in f) for f in hub.listing(one.hub_id)]
    return one.choose(one, told)


@pytest.mark.fault(22)
def test_a_part_of_a_repository_does_not_stand_for_all_of_it(
    shell: Call, hub: Hub, cards: Path, toy: Path
) -> None:
    hub.more["lab/base"] = toy
    first = json.loads((cards / "tuned.json").read_text()) | {"parts": {"vae": f"hf://lab/base@{COMMIT}/vae"}}
    alone = {**first, "id": "alone", "base": "", "base_revision": "", "lora": "", "hub_id": "lab/base"}
    (cards / "alone.json").write_text(json.dumps(alone))
    vae = repository_folder("lab/base", COMMIT) / "vae"
    shutil.copytree(toy / "vae", vae)
    (cards / "tuned.json").write_text(json.dumps(first))
    shell("download", "tuned")
    assert (repository_folder("lab/base", COMMIT) / "model_index.json").is_file()
    assert state(get_card("tuned")).code == "ready"


@pytest.mark.fault(22)
def test_removing_keeps_what_another_generator_needs(shell: Call, hub: Hub, cards: Path) -> None:
    shell("download", "tuned")
    shell("download", "other")
    freed = shell("remove", "tuned", "--weights")["bytes"]
    assert freed > 0 and state(get_card("tuned")).code == "download"
    assert state(get_card("other")).code == "ready", "its base stays"
    assert not repository_folder("lab/parts", COMMIT).exists()
    assert remove_download(get_card("other"), [c for c in all_cards() if c.id != "tuned"]) > 0
    assert not repository_folder("lab/base", COMMIT).exists()
    assert state(get_card("other")).code == "download"


@pytest.mark.row("C1")
@pytest.mark.fault(23)
def test_a_published_card_is_pinned_to_the_newest_commit_and_downloads(
    shell: Call, hub: Hub, toy: Path
) -> None:
    hub.more["raman07/CheXGenBench-Models-SDV-2-1"] = toy
    assert "generators pin sd-v2-1" in shell("download", "sd-v2-1", expect=1)["error"]
    assert shell("pin", "sd-v2-1")["state"] == "download"
    card = get_card("sd-v2-1")
    assert (card.revision, card.published, card.steps) == (COMMIT, False, 50)
    shell("download", "sd-v2-1")
    assert state(card).code == "ready"
    assert "names all its commits already" in shell("pin", "sd-v2-1", expect=1)["error"]
    hub.commit = "f" * 40
    shell("remove", "sd-v2-1", "--weights")
    assert "gave no list of files" in shell("download", "sd-v2-1", expect=1)["error"], (
        "a moved branch changes nothing"
    )


@pytest.mark.fault(23, 24)
@pytest.mark.parametrize("name", ["radedit", "flux"])
def test_pinning_without_a_hub_or_its_repositories_changes_nothing(shell: Call, hub: Hub, name: str) -> None:
    assert "did not tell the commit" in shell("pin", name, expect=1)["error"]
    assert get_card(name).published
    hub.close()
    assert "The hub was not reached" in shell("pin", name, expect=1)["error"]
    assert get_card(name).published
