"""Every kind of generator that ships refuses what could run code, is damaged, or does not fit; nothing is loaded."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.errors import WeightsError
from lab.generators.card import GeneratorCard, read_card
from lab.generators.cards import EMBEDDED
from lab.generators.load import load


def one_of_each_loader() -> dict[str, Path]:
    """The smallest shipped generator of each loader, by the loader's name."""
    found: dict[str, tuple[int, Path]] = {}
    for file in sorted(EMBEDDED.glob("*/card.json")):
        card = read_card(file)
        if card.path is None or not card.path.is_dir():
            continue
        size = sum(part.stat().st_size for part in card.path.rglob("*.safetensors"))
        if size and size < found.get(card.loader, (1 << 60, file))[0]:
            found[card.loader] = (size, file)
    return {loader: file for loader, (_, file) in sorted(found.items())}


SHIPPED = one_of_each_loader()


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.marker, "w"))


@pytest.fixture(params=SHIPPED)
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> GeneratorCard:
    """A shipped generator whose own folder is a copy."""
    card = read_card(SHIPPED[request.param])
    assert card.path is not None
    folder = Path(shutil.copytree(card.path, tmp_path / "model"))
    parts = {**card.parts, **{name: str(place) for name, place in card.part_folders.items()}}
    return dataclasses.replace(card, folder=str(folder), parts=parts)


def weights(card: GeneratorCard) -> Path:
    assert card.path is not None
    return max(card.path.rglob("*.safetensors"), key=lambda file: file.stat().st_size)


def refused(card: GeneratorCard, match: str) -> str:
    with pytest.raises(WeightsError, match=match) as caught:
        load(card, "cpu")
    assert "nothing was" in str(caught.value)
    return str(caught.value)


@pytest.mark.fault(20)
@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors", ".SafeTensors"])
def test_a_pickle_under_any_name_never_runs(copied: GeneratorCard, tmp_path: Path, suffix: str) -> None:
    marker, file = tmp_path / "marker", weights(copied)
    if suffix == ".safetensors":
        file.write_bytes(pickle.dumps(Evil(marker)))
    else:
        file.with_suffix(suffix).write_bytes(pickle.dumps(Evil(marker)))
    refused(copied, "can run code")
    assert not marker.exists()


@pytest.mark.fault(21)
@pytest.mark.parametrize("damage", ["header length 2^60", "cut", "empty"])
def test_damaged_weights_are_refused(copied: GeneratorCard, damage: str) -> None:
    file = weights(copied)
    data = file.read_bytes()
    changed = {
        "header length 2^60": struct.pack("<Q", 2**60) + data[8:],
        "cut": data[: len(data) * 2 // 3],
        "empty": b"",
    }
    file.write_bytes(changed[damage])
    refused(copied, "damaged|does not fit|longer or shorter|lies outside")


@pytest.mark.fault(21)
@pytest.mark.parametrize("change", ["missing", "misshapen", "not a number"])
def test_the_tensor_at_fault_is_named(copied: GeneratorCard, change: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    file = weights(copied)
    state = load_file(file)
    name = sorted(key for key, value in state.items() if value.is_floating_point() and value.dim() > 1)[0]
    if change == "missing":
        del state[name]
    elif change == "misshapen":
        state[name] = torch.zeros(3, 5, dtype=state[name].dtype)
    else:
        state[name].view(-1)[0] = float("nan")
    save_file(state, file, metadata={"format": "pt"})
    assert name[:80] in refused(copied, "tensor")


@pytest.mark.fault(23)
def test_code_of_its_own_is_refused(copied: GeneratorCard) -> None:
    def with_file(folder: Path) -> None:
        (folder / "modeling.py").write_text("raise SystemExit")

    def with_mapping(folder: Path) -> None:
        file = folder / "config.json"
        known = json.loads(file.read_text()) if file.is_file() else {}
        file.write_text(json.dumps(known | {"auto_map": {"AutoModel": "modeling.Mine"}}))

    changes: list[Callable[[Path], None]] = [with_file, with_mapping]
    for change in changes:
        assert copied.path is not None
        folder = Path(shutil.copytree(copied.path, copied.path.with_name(change.__name__)))
        change(folder)
        # Settings that hold more than a family's own table of them are refused before anybody asks what for.
        words = "own code" if change is with_file else "own code|config.json .* does not fit"
        refused(dataclasses.replace(copied, folder=str(folder)), words)
