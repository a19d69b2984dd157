"""A whole extraction run beside the bare network: files, decoding, resizing, checks and the store included.

The peer is the network alone, on the same films already decoded, resized and normalised in memory, one micro-batch
after another with all threads at each layer. A run that takes each feature once and lets nothing wait comes near it;
one that computes micro-batches side by side on the same threads may pass it.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cases import Case
from lab.data.imageset import FrameSet

FILMS = 384


def embedded(films: int = FILMS) -> Case:
    """Features by the embedded extractor, from PNG files to the store."""
    from lab.features.extractors import get_extractor

    return _case(get_extractor("efficientnet-lite0"), films)


def inception(films: int = 64) -> Case:
    """The same by the Inception of the Fréchet distance; random weights, since speed does not depend on them."""
    from bench.extractor_cases import inception_extractor

    return _case(inception_extractor(), films)


def _case(extractor: Any, films: int, side: int = 256) -> Case:
    from lab.device import pick
    from lab.features.loaded import prepare

    where = Path(_place().name) / extractor.id
    where.mkdir()
    dataset = _Films(where, films, side)
    images = [dataset.image(name) for name in dataset.ids()]
    extractor.embed(images[:1])
    network, record, step = extractor._network, extractor.record, extractor.micro_batch(pick())
    ready = [prepare(record, images[start : start + step], pick()) for start in range(0, films, step)]
    turns = itertools.count()

    def bare() -> Any:
        import torch

        with torch.inference_mode():
            return np.concatenate([network(batch).float().cpu().numpy() for batch in ready])

    return Case(
        f"{extractor.id} features of {films} films of {side} px, from files to the store",
        lambda: _run(extractor, dataset, where / f"features-{next(turns)}"),
        bare,
        "the network alone, on films ready in memory",
        lambda ours, peer: bool(np.allclose(ours, peer, atol=1e-4 * float(np.abs(peer).max()))),
    )


def _run(extractor: Any, dataset: Any, folder: Path) -> Any:
    """The steps of an extraction run, into an empty store, and the matrix read back from it."""
    from lab.data.read_ahead import read_ahead
    from lab.device import host_threads
    from lab.features.store import FeatureStore, extract
    from lab.runs.kinds.embed import BATCH

    store = FeatureStore(folder)
    threads = host_threads()
    with read_ahead(dataset, dataset.ids(), threads) as ahead:
        for _ in extract(extractor, ahead, store, BATCH[threads > 0]):
            pass
    found = store.matrix(extractor, dataset.digests())
    shutil.rmtree(folder)
    return found


class _Films(FrameSet):
    """Soft random films as PNG files with a table of their digests, read and checked as a dataset's films are."""

    def __init__(self, folder: Path, films: int, side: int) -> None:
        from PIL import Image

        from lab.provenance import digest_file

        rng = np.random.default_rng(0)
        rows = []
        for number in range(films):
            coarse = Image.fromarray(rng.integers(0, 256, (side // 16, side // 16), dtype=np.uint8))
            file = folder / f"{number:05d}.png"
            coarse.resize((side, side), Image.Resampling.BICUBIC).save(file)
            rows.append({"image_id": file.stem, "path": str(file), "digest": digest_file(file)})
        super().__init__("films", "PHANTOM", pd.DataFrame(rows).assign(patient_id="", label=""))

    def image(self, image_id: str) -> NDArray[Any]:
        """(H, W) uint8, read, compared with its digest and decoded anew at each call."""
        from lab.data.dataset import read_image

        return read_image(Path(self.cell(image_id, "path")), self.cell(image_id, "digest"))


@lru_cache(maxsize=1)
def _place() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="doppel-bench-extraction-")
