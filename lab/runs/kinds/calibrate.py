"""Calibrating the near-copy detectors of a dataset, canaries included."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import calibrations, splits, steps
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.generators.contract import Generator as ImageGenerator
    from lab.neighbours.calibration import Calibration
    from lab.neighbours.memo import Memo

_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.reference")


@run_kind(
    "calibrate", lane="device", priority="batch", modules=_CODE, title="Calibrate the near-copy detectors"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Measure real-to-real distances, false alarms on held-out patients and detection of planted copies.

    A calibration of the same images, extractor and autoencoder that is already in the workspace is taken as it is;
    a run that was interrupted goes on with its finished blocks.
    """
    from lab.features.store import FeatureStore
    from lab.neighbours.calibrate import CANARIES, calibrate, calibration_digest

    name = spec.settings["dataset"]
    extractor = resident_extractor(ctx, spec.settings["extractor"])
    train, held_out = splits(name)
    weights = spec.inputs["autoencoder"]
    calibration = _finished(ctx, calibration_digest(train, held_out, extractor, CANARIES, 0, weights))
    if calibration is None:
        for images in (train, held_out):
            yield from steps(ctx, images, extractor, mirrored=True)
        vae = _round_trip(ctx, name, weights) if weights != "none" else None
        store = FeatureStore(ctx.settings.features)
        work = calibrate(train, held_out, extractor, store, vae=vae, vae_digest=weights, memo=_parts(ctx))
        calibration = yield from _told(ctx, work)
        calibration.save(calibrations(ctx))
    return {"dataset": name, **calibration.to_dict()}


def _told(
    ctx: RunContext, work: Generator[tuple[str, int, int], None, Calibration]
) -> Generator[Progress, None, Calibration]:
    try:
        while True:
            stage, done, total = next(work)
            yield ctx.progress(stage, done, total)
    except StopIteration as end:
        return end.value


def _finished(ctx: RunContext, digest: str) -> Calibration | None:
    """The calibration of that digest in the workspace; None where there is none or it is damaged."""
    from lab.errors import StoreError
    from lab.neighbours.calibration import load

    try:
        return load(calibrations(ctx), digest)
    except StoreError:
        return None  # it is measured again and written over


def _parts(ctx: RunContext) -> Memo:
    """The finished blocks of this run as its parts."""
    import numpy as np

    from lab.neighbours.memo import Memo

    def kept(key: str) -> Any:
        data = ctx.part(key)
        return None if data is None else np.load(io.BytesIO(data), allow_pickle=False)

    def keep(key: str, block: Any) -> None:
        stream = io.BytesIO()
        np.save(stream, block, allow_pickle=False)
        ctx.save_part(key, stream.getvalue())

    return Memo(kept, keep)


def _round_trip(ctx: RunContext, dataset: str, weights: str) -> Callable[[Any], Any] | None:
    """The autoencoder of the generator trained on this dataset, image to image; an embedded one for others."""
    from lab.generators.cards import autoencoder_card
    from lab.generators.load import load

    card = autoencoder_card(dataset)
    if card is None:
        return None
    return round_trip(ctx.resident(f"generator:{card.id}:{weights}", lambda: load(card)), card.size)


def round_trip(generator: ImageGenerator, size: int) -> Callable[[Any], Any]:
    """A film through a generator's autoencoder at its own size and back to the size of the film."""
    from lab.data.pixels import resize, to_grey8

    def through(image: Any) -> Any:
        small = resize(to_grey8(image), size)
        return resize(generator.autoencode(small[None])[0], image.shape[:2])

    return through
