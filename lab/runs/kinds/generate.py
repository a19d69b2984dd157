"""Generating images from a prompt, and everything a person asks of them next, in one run.

The run delivers the images with their recipes, and where the training dataset is here and calibrated: the
nearest training images, the nearest held-out image, the near-copy verdict, the agreement with the prompt and
the place on the feature-space map. Finished micro-batches of four are parts: a resumed run repeats none. Behind a
quality gate, samples that break a rule are made anew and every attempt is kept.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind, warm
from lab.runs.kinds.answer import answered
from lab.runs.kinds.gated import gated
from lab.runs.kinds.making import made, resident_generator
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.samples import SampleSet
    from lab.generators.request import GenerationRequest

_CODE = (
    "lab.generators", "lab.features", "lab.inspection", "lab.neighbours", "lab.projection", "lab.quality_gate",
    "lab.runs.kinds.answer", "lab.runs.kinds.gate_readers", "lab.runs.kinds.gated", "lab.runs.kinds.inspection",
    "lab.runs.kinds.making", "lab.runs.kinds.text_image",
)  # fmt: skip


@run_kind("generate", lane="device", priority="interactive", modules=_CODE, title="Generate images")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Generate, then embed, search, judge and place."""
    from lab.generators.cards import get_card

    card = get_card(spec.settings["generator"])
    yield ctx.progress("Loading the generator", 0, 1)
    generator = resident_generator(ctx, card.id, spec.inputs["weights"])
    request = _request(spec.settings).checked(card)
    result: dict[str, Any] = {}
    if spec.settings.get("gate"):
        samples, result["gate"] = yield from gated(ctx, spec, generator, request)
    else:
        samples = yield from made(ctx, generator, request)
    images = kept(spec.digest[:16], card, request, samples, ctx)
    reading = generator.prompt_reading(request.prompt)
    result |= {
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
                **({"gate": sample["gate"]} if "gate" in sample else {}),
            }
            for image_id, digest, sample in zip(images.ids(), images.digests(), samples, strict=True)
        ],
    }
    yield from answered(ctx, spec, images, result)
    return result


def _request(chosen: dict[str, Any]) -> GenerationRequest:
    from lab.generators.condition import condition_from_json
    from lab.generators.request import MICRO_BATCH, GenerationRequest

    return GenerationRequest(
        generator=chosen["generator"],
        prompt=chosen["prompt"],
        negative_prompt=chosen["negative_prompt"],
        seeds=tuple(chosen["seeds"]),
        steps=chosen["steps"],
        guidance=chosen["guidance"],
        size=chosen["size"],
        condition=condition_from_json(chosen.get("condition")),
        micro_batch=chosen.get("micro_batch", MICRO_BATCH),
    )


def kept(
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
        resident_generator(ctx, card.id, model_digest(card))
        yield None
    resident_extractor(ctx, "efficientnet-lite0")
    yield None
    with suppress(LabError):  # absent or damaged: each answer says so itself
        resident_text_image(ctx)
    yield None
