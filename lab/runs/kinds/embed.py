"""Extracting the features of a dataset, and the steps by which other runs get theirs."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor

STAGE = "Extracting features"
# Images between two looks at the store: on an accelerator, and on the processor.
BATCH = (64, 32)


@run_kind("embed", lane="device", priority="batch", modules=("lab.features",), title="Extract features")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Extract what the feature store lacks of the whole dataset."""
    from lab.data.resolve import resolve

    images = resolve(spec.settings["dataset"], whole=True)
    extractor = resident_extractor(ctx, spec.settings["extractor"])
    extracted = yield from embedded(ctx, extractor, images)
    total = len(images.ids())
    return {
        "dataset": spec.settings["dataset"],
        "extractor": extractor.id,
        "extractor_digest": extractor.digest,
        "dimension": extractor.dimension,
        "images": total,
        "extracted": extracted,
        "stored": total - extracted,
    }


def resident_extractor(ctx: RunContext, name: str) -> FeatureExtractor:
    """The extractor, loaded once in this process, and anew when its record or its weights have changed."""
    from lab.device import limit_threads
    from lab.features.extractors import extractor_digest, get_extractor

    limit_threads()
    return ctx.resident(f"extractor:{name}:{extractor_digest(name)}", lambda: get_extractor(name))


def embedded(
    ctx: RunContext, extractor: FeatureExtractor, images: ImageSet, stage: str = STAGE
) -> Generator[Progress, None, int]:
    """Extract what is missing of a set; yields progress, returns how many images were extracted."""
    from lab.data.read_ahead import read_ahead
    from lab.device import host_threads
    from lab.features.store import FeatureStore, extract

    missing: list[int] = []
    store = FeatureStore(ctx.settings.features)
    names = dict(zip(images.digests(), images.ids(), strict=True))
    order = [names[digest] for digest in store.missing(extractor, names)]
    threads = host_threads()
    with read_ahead(images, order, threads) as ahead:
        for done, total in extract(extractor, ahead, store, BATCH[threads > 0], missing.append):
            yield ctx.progress(stage, done, total)
    return missing[0]


def matrix(
    ctx: RunContext, extractor: FeatureExtractor, images: ImageSet
) -> Generator[Progress, None, NDArray[np.float32]]:
    """Features of a set, (n, dimension) float32, extracted first where they are missing."""
    from lab.features.store import FeatureStore

    yield from embedded(ctx, extractor, images)
    return FeatureStore(ctx.settings.features).matrix(extractor, images.digests())
