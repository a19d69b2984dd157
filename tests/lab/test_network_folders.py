"""Folders of small networks: the workspace's own goes first, half a network is none, damaged cards are passed over."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lab.errors import WeightsError, disk_full
from lab.network_folders import CARD, WEIGHTS, NetworkFolders


def write(folder: Path, card: str) -> None:
    folder.mkdir(parents=True)
    (folder / CARD).write_text(card)
    (folder / WEIGHTS).write_bytes(card.encode())


def read(folder: Path) -> str:
    told = (folder / CARD).read_text()
    if told == "damaged":
        raise WeightsError("The card is damaged; the rest is kept; train it again.")
    return told


def test_the_own_network_goes_before_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.setattr("lab.network_folders.ASSETS", tmp_path / "assets")
    folders = NetworkFolders("judges", 2)
    assert folders.in_use("set", "a") is None and folders.digest("set", "a") == "none"
    write(folders.shipped / "set" / "a", "shipped")
    shipped = folders.digest("set", "a")
    assert folders.in_use("set", "a") == folders.shipped / "set" / "a" and len(shipped) == 64
    write(folders.own / "set" / "a", "own")
    assert folders.in_use("set", "a") == folders.own / "set" / "a" and folders.digest("set", "a") != shipped
    (folders.own / "set" / "a" / WEIGHTS).unlink()
    assert folders.digest("set", "a") == shipped
    write(folders.shipped / "set" / "b", "damaged")
    write(folders.shipped / "set" / "c", "third")
    assert [card for _, card in folders.cards(read)] == ["own", "shipped", "third"]


def test_a_full_disk_is_told_from_other_errors() -> None:
    assert disk_full(OSError(errno.ENOSPC, "full")) and disk_full(OSError(errno.EDQUOT, "share used up"))
    assert not disk_full(OSError(errno.EACCES, "not allowed")) and not disk_full(ValueError("28"))
