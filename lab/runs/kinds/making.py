"""Samples of one request, micro-batch by micro-batch, with steps told and finished parts kept."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.finished_parts import micro_batch_key
from lab.runs.kinds.callbacks import stepwise
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.request import GenerationRequest
    from lab.generators.sample import Sample

STAGE = "Denoising"
TELL_S = 0.2
# Steps that may be under way while a progress is written to the store.
AHEAD = 2


def resident_generator(ctx: RunContext, name: str, weights: str) -> LoadedGenerator:
    """The generator of that id and digest, loaded once in this process."""
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load

    limit_threads()
    return ctx.resident(f"generator:{name}:{weights}", lambda: load(get_card(name)))


def made(
    ctx: RunContext, generator: LoadedGenerator, request: GenerationRequest, stage: str = STAGE, key: str = ""
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """The samples as {artifact, recipe}, micro-batch by micro-batch; finished ones come from the store.

    Once memory has run out with a micro-batch of four, the rest goes through two at a time.

    Args:
        stage: words for the progress.
        key: sets the parts of this request apart from others of the same run.
    """
    from dataclasses import replace

    from lab.generators.request import MICRO_BATCH

    records: list[dict[str, Any]] = []
    for start in range(0, len(request.seeds), MICRO_BATCH):
        name = f"{key}{micro_batch_key(start)}"
        kept = ctx.part(name)
        if kept is None:
            batch = replace(request, seeds=request.seeds[start : start + MICRO_BATCH])
            samples = yield from _micro_batch(ctx, generator, batch, start, len(request.seeds), stage)
            found = [{"artifact": ctx.artifact(s.png(), ".png"), "recipe": s.recipe} for s in samples]
            kept = json.dumps(found).encode()
            ctx.save_part(name, kept)
        records += json.loads(kept)
        request = replace(request, micro_batch=records[-1]["recipe"].get("micro_batch", MICRO_BATCH))
        yield ctx.progress(stage, len(records) * request.steps, len(request.seeds) * request.steps)
    return records


def _micro_batch(
    ctx: RunContext, generator: LoadedGenerator, batch: GenerationRequest, start: int, wanted: int, stage: str
) -> Generator[Progress, None, list[Sample]]:
    """Run one micro-batch, with a progress five times a second and a picture of the unfinished samples at some."""
    from lab.generators import frugal

    steps = stepwise(
        lambda told: [s for group in frugal.generate(generator, batch, told) for s in group], AHEAD
    )
    total, preview, told_at = wanted * batch.steps, None, -TELL_S
    try:
        while True:
            (step,) = next(steps)
            if step.previews is not None:
                preview = ctx.artifact(_strip(step.previews), ".png")
            # Each word to the store costs as much as a good part of a quick step; nobody sees a fifth of a second.
            if step.previews is None and time.monotonic() - told_at < TELL_S:
                continue
            told_at = time.monotonic()
            done = start + step.done + len(step.seeds) * step.step / max(1, step.steps)
            yield ctx.progress(stage, done * batch.steps, total, preview=preview)
    except StopIteration as end:
        return list(end.value)
    finally:
        steps.close()


def _strip(previews: Any) -> bytes:
    """(n, h, w) uint8 pictures side by side, as PNG."""
    import numpy as np

    from lab.data.pixels import encode_png

    return encode_png(np.concatenate(list(previews), axis=1))
