"""A download is a run like any other: it is followed, stopped, killed and resumed, and nothing half can be loaded."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.config import Settings
from lab.errors import GeneratorError
from lab.generators.card_state import state
from lab.generators.cards import get_card, ready_cards
from lab.generators.load import downloaded_folder, load
from lab.generators.repositories import bytes_here
from lab.runs import client
from lab.runs.download_requests import current_download, download_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from tests.builders.hub import COMMIT, REPOSITORY, Hub
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json
from tests.faults.conftest import until

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
TOKEN = "hf_planted0secret0token"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def hub(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that asks for a token, which the worker finds in its environment."""
    served = Hub(toy)
    served.token = TOKEN
    for name, value in (
        ("HF_ENDPOINT", served.url), ("HF_HOME", str(tmp_path / "hf")), ("HF_HUB_OFFLINE", "0"), ("HF_TOKEN", TOKEN),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    yield served
    served.go_on.set()
    served.close()


@pytest.fixture
def store(place: Settings, hub: Hub) -> RunStore:
    """The store of a workspace with a card of the hub's repository."""
    values = toy_card_json(Path("unused")) | {"folder": "", "hub_id": REPOSITORY, "revision": COMMIT}
    file = place.workspace / "generators" / "toy-cxr.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(values | {"access": "gated", "gate": "ask the owner"}))
    return RunStore.open(place)


def ended(store: RunStore, run: Run) -> Run:
    until(lambda: store.get(run.id).is_over)
    return store.get(run.id)


def said(store: RunStore, run: Run) -> str:
    progress = store.get(run.id).progress
    return progress.message if progress else ""


def nothing_loads(place: Settings) -> None:
    card = get_card("toy-cxr")
    assert not downloaded_folder(card).exists() and card not in ready_cards()
    with pytest.raises(GeneratorError, match="not on this machine"):
        load(card, "cpu")


@pytest.mark.row("C1", "R1")
@pytest.mark.fault(22)
def test_a_download_is_followed_in_bytes_and_leaves_no_token_anywhere(
    place: Settings, store: RunStore, hub: Hub, toy: Path
) -> None:
    assert state(get_card("toy-cxr")).code == "gated"
    spec = download_run("toy-cxr")
    run = client.submit(spec, place)
    assert current_download("toy-cxr").id == run.id and download_run("toy-cxr").digest == spec.digest
    done = ended(store, run)
    size = sum(file.stat().st_size for file in toy.rglob("*") if file.is_file())
    assert (done.state, done.result) == ("done", {"generator": "toy-cxr", "bytes": size}), done.error
    assert done.lane == "net" and current_download("toy-cxr") is None
    assert done.progress.stage == "Checking what arrived, in MB"
    assert done.progress.done == done.progress.total == round(size / 1e6, 3)
    assert load(get_card("toy-cxr"), "cpu").digest and state(get_card("toy-cxr")).code == "ready"
    assert hub.tokens == {f"Bearer {TOKEN}"}
    holders = [
        file for file in place.workspace.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()
    ]
    assert holders == [], "the token is read from where it is, and kept nowhere"
    assert download_run("toy-cxr").digest != spec.digest, (
        "once its files are gone, fetching them is another run"
    )


@pytest.mark.fault(22, 45)
def test_a_stopped_download_loads_nothing_and_goes_on_from_where_it_was(
    place: Settings, store: RunStore, hub: Hub, toy: Path
) -> None:
    hub.faults = {WEIGHTS: "slow"}
    run = client.submit(download_run("toy-cxr"), place)
    half = (toy / WEIGHTS).stat().st_size // 2
    until(lambda: WEIGHTS in said(store, run) and bytes_here(get_card("toy-cxr")) >= half)
    shown = store.get(run.id).progress
    assert shown.stage == "Downloading, in MB" and 0 < shown.done < shown.total
    nothing_loads(place)
    store.cancel(run.id)
    hub.go_on.set()
    assert ended(store, run).state == "cancelled"
    nothing_loads(place)
    hub.faults = {}
    store.resume(run.id)
    assert ended(store, run).state == "done"
    assert hub.ranges.get(WEIGHTS, half) >= half, "what had arrived is not fetched again"
    assert load(get_card("toy-cxr"), "cpu").digest


@pytest.mark.fault(22, 41)
def test_a_killed_download_is_resumed_by_asking_for_the_rest(
    place: Settings, store: RunStore, hub: Hub, toy: Path
) -> None:
    hub.faults = {WEIGHTS: "slow"}
    run = client.submit(download_run("toy-cxr"), place)
    half = (toy / WEIGHTS).stat().st_size // 2
    until(lambda: WEIGHTS in said(store, run) and bytes_here(get_card("toy-cxr")) >= half)
    lane = next(pid for pid, module in client.active_workers(place).items() if module == "lab.runs.lane")
    os.kill(lane, signal.SIGKILL)
    assert ended(store, run).state == "interrupted"
    nothing_loads(place)
    hub.go_on.set()
    hub.faults = {}
    store.resume(run.id)
    assert ended(store, run).state == "done", store.get(run.id).error
    assert hub.ranges[WEIGHTS] >= half, "what had arrived is not fetched again"
    assert load(get_card("toy-cxr"), "cpu").digest


@pytest.mark.fault(22, 24)
def test_a_refused_download_fails_with_its_sentence_and_can_be_resumed(
    place: Settings, store: RunStore, hub: Hub
) -> None:
    hub.faults = {WEIGHTS: "wrong bytes"}
    run = ended(store, client.submit(download_run("toy-cxr"), place))
    assert run.state == "failed" and "differs from the digest of its commit" in run.error
    nothing_loads(place)
    hub.faults, hub.token = {}, "another"
    store.resume(run.id)
    run = ended(store, run)
    assert "GatedRepoError" in run.error and "hf auth login" in run.error and "ask the owner" in run.error
    assert TOKEN not in run.error
    hub.token = TOKEN
    store.resume(run.id)
    assert ended(store, run).state == "done"
