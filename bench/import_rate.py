"""Import of 10,000 files beside a pool that only decodes them with Pillow; and how memory grows with a set."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.cases import Case

FILES = 10_000
PROCESSES = 2
# Edge in pixels, suffix and channels of the mix.
KINDS = ((224, ".jpg", 1), (256, ".png", 1), (512, ".jpg", 3))
QUALITY = {".jpg": {"quality": 90}}
_BASES = 24


def imports(files: int = FILES) -> Case:
    """Decoding by content, stripping of metadata, digests and writing beside decoding alone, two processes each."""
    folder = written(files)
    paths = sorted(str(path) for path in folder.iterdir())
    return Case(
        f"import of {files:,} files (224 px JPEG, 256 px PNG, 512 px JPEG)",
        lambda: imported(folder),
        lambda: decoded(paths),
        f"Pillow to uint8 alone, {PROCESSES} processes",
        lambda ours, peer: ours == peer,
    )


def memory() -> Iterable[tuple[str, ...]]:
    """Peak memory of the import and its children over that before it, for a quarter of the set and the whole."""
    yield "import", "peak memory, MB", "MB above 2,500 files"
    yield "---", "---", "---"
    first = 0.0
    for files in (2_500, FILES):
        with peak() as found:
            imported(written(files))
        first = first or found[0]
        yield f"{files:,} files", f"{found[0]:.0f}", f"{found[0] - first:.0f}"


@lru_cache(maxsize=1)
def _place() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="doppel-bench-import-")


@lru_cache(maxsize=2)
def written(files: int) -> Path:
    """A folder of that many different files, written once."""
    folder = Path(_place().name) / f"files-{files}"
    folder.mkdir()
    rng = np.random.default_rng(0)
    bases = {kind: [_picture(rng, *kind[::2]) for _ in range(_BASES)] for kind in KINDS}
    for number in range(files):
        kind = KINDS[number % len(KINDS)]
        picture = bases[kind][number // len(KINDS) % _BASES].copy()
        bits = np.array([number >> bit & 1 for bit in range(16)], dtype=np.uint8).reshape(4, 4) * 200
        picture[:32, :32] = np.kron(bits, np.ones((8, 8), np.uint8)).reshape(
            32, 32, *[1] * (picture.ndim - 2)
        )
        Image.fromarray(picture).save(folder / f"{number:06d}{kind[1]}", **QUALITY.get(kind[1], {}))
    return folder


def _picture(rng: np.random.Generator, size: int, channels: int) -> NDArray[np.uint8]:
    """Soft shapes with fine grain, which pack about as films and photographs do."""
    coarse = rng.integers(0, 256, (size // 16, size // 16, channels), dtype=np.uint8)
    planes = [
        Image.fromarray(coarse[..., c]).resize((size, size), Image.Resampling.BICUBIC)
        for c in range(channels)
    ]
    grain = rng.normal(0, 3, (size, size, channels))
    picture = np.clip(np.stack([np.asarray(plane) for plane in planes], axis=-1) + grain, 0, 255).astype(
        np.uint8
    )
    return picture if channels > 1 else picture[..., 0]


def imported(folder: Path) -> tuple[int, int]:
    """Import into a workspace of its own, removed at the end of the program; number of images and of pixels."""
    from lab.data.store import add_folder

    with _settings(tempfile.mkdtemp(prefix="workspace-", dir=_place().name)):
        table = add_folder(folder, "bench", metadata="").dataset.manifest
    return len(table), int((table["width"] * table["height"]).sum())


@contextlib.contextmanager
def _settings(workspace: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(LAB_WORKSPACE=workspace, LAB_DECODE_PROCESSES=str(PROCESSES))
    os.environ.pop("LAB_STORE_URL", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def decoded(paths: list[str]) -> tuple[int, int]:
    """The peer: every file to an array and away with it; number of images and of pixels."""
    with multiprocessing.get_context("forkserver").Pool(PROCESSES) as pool:
        found = list(pool.imap_unordered(pixels, paths, chunksize=64))
    return len(found), sum(found)


def pixels(path: str) -> int:
    """Decode one file; its number of pixels."""
    with Image.open(path) as image:
        array = np.asarray(image)
    return int(array.shape[0] * array.shape[1])


@contextlib.contextmanager
def peak() -> Iterator[list[float]]:
    """The most memory of this process and its children in MB (shared pages count once), above that at the start."""
    found, over = [0.0], threading.Event()
    start = _memory()

    def watch() -> None:
        while not over.is_set():
            found[0] = max(found[0], _memory() - start)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _memory() -> float:
    import psutil

    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            told = process.memory_full_info()
            total += getattr(told, "pss", told.rss)
    return total / 1e6
