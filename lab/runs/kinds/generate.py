"""Generating images from a prompt, and everything a person asks of them next, in one run.

The run delivers the images with their recipes, and where the training dataset is here and calibrated: the
nearest training images, the nearest held-out image, the near-copy verdict, the agreement with the prompt and
the place on the feature-space map. Finished micro-batches of four are parts: a resumed run repeats none.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind, warm
from lab.runs.kinds.answer import answered
from lab.runs.kinds.callbacks import stepwise
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.samples import SampleSet
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.request import GenerationRequest
    from lab.generators.sample import Sample

STAGE = "Denoising"
_CODE = (
    "lab.generators", "lab.features", "lab.neighbours", "lab.projection", "lab.runs.kinds.answer",
    "lab.runs.kinds.text_image",
)  # fmt: skip


@run_kind("generate", lane="device", priority="interactive", modules=_CODE, title="Generate images")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Generate, then embed, search, judge and place."""
    from lab.generators.cards import get_card

    card = get_card(spec.settings["generator"])
    yield ctx.progress("Loading the generator", 0, 1)
    generator = _resident(ctx, card.id, spec.inputs["weights"])
    request = _request(spec.settings).checked(card)
    samples = yield from _generated(ctx, generator, request)
    images = _kept(spec.digest[:16], card, request, samples, ctx)
    reading = generator.prompt_reading(request.prompt)
    result = {
        "sample_set": images.id,
        "generator": card.id,
        "prompt": request.prompt,
        "truncated": list(reading.dropped),
        "unknown": list(getattr(reading, "unknown", ())),
        "samples": [
            {
                "image_id": image_id,
                "digest": digest,
                "artifact": sample["artifact"],
                "seed": sample["recipe"]["seed"],
                "prompt": request.prompt,
                "recipe": sample["recipe"],
            }
            for image_id, digest, sample in zip(images.ids(), images.digests(), samples, strict=True)
        ],
    }
    yield from answered(ctx, spec, images, result)
    return result


def _request(chosen: dict[str, Any]) -> GenerationRequest:
    from lab.generators.condition import condition_from_json
    from lab.generators.request import GenerationRequest

    return GenerationRequest(
        generator=chosen["generator"],
        prompt=chosen["prompt"],
        negative_prompt=chosen["negative_prompt"],
        seeds=tuple(chosen["seeds"]),
        steps=chosen["steps"],
        guidance=chosen["guidance"],
        size=chosen["size"],
        condition=condition_from_json(chosen.get("condition")),
    )


def _resident(ctx: RunContext, name: str, weights: str) -> LoadedGenerator:
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load

    limit_threads()
    return ctx.resident(f"generator:{name}:{weights}", lambda: load(get_card(name)))


def _generated(
    ctx: RunContext, generator: LoadedGenerator, request: GenerationRequest
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """The samples as {artifact, recipe}, micro-batch by micro-batch; finished ones come from the store."""
    from dataclasses import replace

    from lab.generators.contract import MICRO_BATCH

    made: list[dict[str, Any]] = []
    for start in range(0, len(request.seeds), MICRO_BATCH):
        key = f"micro-batch-{start}"
        kept = ctx.part(key)
        if kept is None:
            batch = replace(request, seeds=request.seeds[start : start + MICRO_BATCH])
            samples = yield from _micro_batch(ctx, generator, batch, start, len(request.seeds))
            records = [{"artifact": ctx.artifact(s.png(), ".png"), "recipe": s.recipe} for s in samples]
            kept = json.dumps(records).encode()
            ctx.save_part(key, kept)
        made += json.loads(kept)
        yield ctx.progress(STAGE, len(made) * request.steps, len(request.seeds) * request.steps)
    return made


def _micro_batch(
    ctx: RunContext, generator: LoadedGenerator, batch: GenerationRequest, start: int, wanted: int
) -> Generator[Progress, None, list[Sample]]:
    """Run one micro-batch, with a progress after each step and a picture of the unfinished samples at some."""
    steps = stepwise(lambda report: [s for group in generator.generate(batch, on_step=report) for s in group])
    total, finished, preview = wanted * batch.steps, start * batch.steps, None
    try:
        while True:
            (step,) = next(steps)
            if step.previews is not None:
                preview = ctx.artifact(_strip(step.previews), ".png")
            done = finished + len(batch.seeds) * batch.steps * step.step / step.steps
            yield ctx.progress(STAGE, done, total, preview=preview)
    except StopIteration as end:
        return list(end.value)
    finally:
        steps.close()


def _strip(previews: Any) -> bytes:
    """(n, h, w) uint8 pictures side by side, as PNG."""
    import numpy as np

    from lab.data.pixels import encode_png

    return encode_png(np.concatenate(list(previews), axis=1))


def _kept(
    set_id: str, card: Any, request: GenerationRequest, samples: list[dict[str, Any]], ctx: RunContext
) -> SampleSet:
    """The samples as a sample set, so that every other room can read them."""
    from lab.data.images import decode
    from lab.data.samples import NewSample, SampleSetWriter

    writer = SampleSetWriter(
        set_id,
        card.id,
        parent=card.training_dataset,
        phantom_trained=card.phantom_trained,
        licence=card.licence,
    )
    missing = [index for index in range(len(samples)) if index not in writer.done()]
    writer.append(
        NewSample(
            index=index,
            image=decode(ctx.read_artifact(samples[index]["artifact"], ".png")).array,
            recipe=samples[index]["recipe"],
            prompt=request.prompt,
        )
        for index in missing
    )
    return writer.finalise()


@warm("device")
def warm_generator(ctx: RunContext) -> Generator[None, None, None]:
    """Load the embedded generator and extractor while the lane is idle, so that the first prompt is fast."""
    from lab.generators.cards import list_cards
    from lab.generators.load import model_digest
    from lab.runs.kinds.embed import resident_extractor
    from lab.runs.kinds.text_image import resident_text_image

    cards = [card for card in list_cards() if card.path is not None and card.path.is_dir()]
    for card in cards[:1]:
        assert card.path is not None  # noqa: S101  (filtered above)
        _resident(ctx, card.id, model_digest(card))
        yield None
    resident_extractor(ctx, "efficientnet-lite0")
    yield None
    with suppress(LabError):  # absent or damaged: each answer says so itself
        resident_text_image(ctx)
    yield None
