"""A grid of samples in one run: every cell known before work starts, made four at a time, answered at the end.

Finished groups of cells are parts: a resumed run makes none again, a cancelled one keeps them for the page. The samples
are sample sets, one a generator, that every other room reads.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.provenance import digest_json
from lab.runs.context import RunContext
from lab.runs.grid_cells import alike
from lab.runs.grid_requests import KIND, cells_of, inputs_of, part_key, to_json
from lab.runs.kind import run_kind
from lab.runs.kinds.answer import answered
from lab.runs.kinds.callbacks import stepwise
from lab.runs.kinds.making import resident_generator
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.samples import SampleSet
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.contract import StepProgress
    from lab.generators.request import GenerationRequest
    from lab.generators.sample import Sample

STAGE, JUDGING = "Making cells", "Judging cells"
LOADING = "The generator is made ready first; that takes a moment where it was not used lately."
_CODE = (
    "lab.generators", "lab.features", "lab.inspection", "lab.neighbours", "lab.projection", "lab.runs.kinds.answer",
    "lab.runs.kinds.inspection", "lab.runs.kinds.making", "lab.runs.kinds.text_image", "lab.runs.grid_cells",
    "lab.runs.grid_requests", "lab.runs.grid_axes",
)  # fmt: skip


@run_kind(KIND, lane="device", priority="interactive", modules=_CODE, title="Make a grid")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Make all cells, keep them as sample sets, then judge each as a sample of its own."""
    requests = [cell.request for cell in cells_of(spec)]
    made = yield from _made(ctx, spec, requests)
    samples: list[dict[str, Any]] = [{} for _ in requests]
    sets: dict[str, str] = {}
    notes: dict[str, str] = {}
    for name in dict.fromkeys(one.generator for one in requests):
        numbers = [number for number, one in enumerate(requests) if one.generator == name]
        images = _kept(ctx, spec, name, {number: made[number] for number in numbers})
        sets[name] = images.id
        for number, image_id, digest in zip(numbers, images.ids(), images.digests(), strict=True):
            samples[number] = _sample(made[number], requests[number], images.id, image_id, digest)
        notes |= yield from _answered(
            ctx, spec, name, images, {number: samples[number] for number in numbers}
        )
    return {
        "sample_set": next(iter(sets.values())),
        "sample_sets": sets,
        "samples": samples,
        "notes": [note for note in dict.fromkeys(notes.values()) if note],
    }


def _made(
    ctx: RunContext, spec: RunSpec, requests: Sequence[GenerationRequest]
) -> Generator[Progress, None, dict[int, dict[str, Any]]]:
    """Each cell's sample as {artifact, recipe}, group by group; finished groups come from the store."""
    made: dict[int, dict[str, Any]] = {}
    for group in spec.settings["groups"]:
        key = part_key(group[0])
        kept = ctx.part(key)
        if kept is None:
            yield ctx.progress(STAGE, len(made), len(requests), message="" if made else LOADING)
            found = yield from _group(ctx, spec, [requests[n] for n in group], len(made), len(requests))
            kept = json.dumps(
                [{"artifact": ctx.artifact(s.png(), ".png"), "recipe": s.recipe} for s in found]
            ).encode()
            ctx.save_part(key, kept)
        made |= dict(zip(group, json.loads(kept), strict=True))
        yield ctx.progress(STAGE, len(made), len(requests))
    return made


def _group(
    ctx: RunContext, spec: RunSpec, group: Sequence[GenerationRequest], done: int, total: int
) -> Generator[Progress, None, list[Sample]]:
    """Up to four cells of one generator: in one micro-batch where it can, else those that differ by seed alone."""
    name = group[0].generator
    generator = resident_generator(ctx, name, inputs_of(spec, name)["weights"])
    if getattr(generator, "generate_together", None) is not None:
        return (yield from _together(ctx, generator, group, done, total))
    samples: dict[int, Sample] = {}
    for part in alike(group):
        whole = replace(group[part[0]], seeds=tuple(group[number].seeds[0] for number in part))
        found = yield from _watched(ctx, generator, whole, done + len(samples), total)
        samples |= dict(zip(part, found, strict=True))
    return [samples[number] for number in range(len(group))]


def _together(
    ctx: RunContext, generator: Any, group: Sequence[GenerationRequest], done: int, total: int
) -> Generator[Progress, None, list[Sample]]:
    from lab.generators.frugal import together

    steps = stepwise(lambda report: together(generator, list(group), report))
    return (yield from _followed(ctx, steps, len(group), done, total))


def _watched(
    ctx: RunContext, generator: LoadedGenerator, request: GenerationRequest, done: int, total: int
) -> Generator[Progress, None, list[Sample]]:
    from lab.generators.frugal import generate

    steps = stepwise(lambda report: [s for batch in generate(generator, request, report) for s in batch])
    return (yield from _followed(ctx, steps, len(request.seeds), done, total))


def _followed(
    ctx: RunContext, steps: Generator[tuple[Any, ...], None, Any], count: int, done: int, total: int
) -> Generator[Progress, None, list[Sample]]:
    """A progress after each step, with a picture of the unfinished cells at some."""
    import numpy as np

    from lab.data.pixels import encode_png

    preview = None
    try:
        while True:
            step: StepProgress = next(steps)[0]
            if step.previews is not None:
                preview = ctx.artifact(encode_png(np.concatenate(list(step.previews), axis=1)), ".png")
            made = done + count * step.step / max(1, step.steps)
            yield ctx.progress(STAGE, round(made, 1), total, preview=preview)
    except StopIteration as end:
        return list(end.value)
    finally:
        steps.close()


def _kept(ctx: RunContext, spec: RunSpec, name: str, made: dict[int, dict[str, Any]]) -> SampleSet:
    """The cells of one generator as a sample set."""
    from lab.data.images import decode
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.generators.cards import get_card

    card = get_card(name)
    writer = SampleSetWriter(
        digest_json([spec.digest, name])[:16], card.id, parent=card.training_dataset,
        phantom_trained=card.phantom_trained, licence=card.licence,
    )  # fmt: skip
    writer.append(
        NewSample(
            index=number,
            image=decode(ctx.read_artifact(one["artifact"], ".png")).array,
            recipe=one["recipe"],
            prompt=one["recipe"]["prompt"],
            label=str((one["recipe"].get("condition") or {}).get("label", "")),
        )
        for number, one in made.items()
        if number not in writer.done()
    )
    return writer.finalise()


def _sample(
    made: dict[str, Any], request: GenerationRequest, set_id: str, image_id: str, digest: str
) -> dict[str, Any]:
    return {
        "image_id": image_id, "digest": digest, "sample_set": set_id, "artifact": made["artifact"],
        "seed": request.seeds[0], "prompt": request.prompt, "generator": request.generator, "recipe": made["recipe"],
    }  # fmt: skip


def _answered(
    ctx: RunContext, spec: RunSpec, name: str, images: SampleSet, samples: dict[int, dict[str, Any]]
) -> Generator[Progress, None, dict[str, str]]:
    """Verdict, neighbours, agreement and place of each cell of a generator, as a prompt alone would get them.

    The agreement belongs to what was asked, so cells are answered prompt by prompt; what they are compared with stays
    loaded. Returns what the answers had to note, by prompt.
    """
    from lab.data.imageset import subset
    from lab.runs.grid_requests import from_json

    notes: dict[str, str] = {}
    asked = {number: from_json(spec.settings["cells"][number]["request"]) for number in samples}
    parts: dict[GenerationRequest, list[int]] = {}
    for number, one in asked.items():
        # Seeds and numbers change no question: one answer serves all cells of the same words, class, vendor and mask.
        same = replace(one, seeds=(), steps=0, guidance=0.0, condition=replace(one.condition, numbers=()))
        parts.setdefault(same, []).append(number)
    done = 0
    for part in parts.values():
        first = asked[part[0]]
        chosen = {
            **to_json(first),
            "dataset": spec.settings["datasets"][name],
            "extractor": spec.settings["extractor"],
        }
        alone = RunSpec("generate", chosen, inputs_of(spec, name))
        rows = [samples[number] for number in part]
        result: dict[str, Any] = {"generator": name, "prompt": first.prompt, "samples": rows}
        for inner in answered(ctx, alone, subset(images, [row["image_id"] for row in rows]), result):
            yield ctx.progress(JUDGING, done, len(samples), message=inner.stage)
        done += len(part)
        for row in rows:
            row["text_image"] = result.get("text_image")
        notes[first.prompt] = str(result.get("note") or "")
    yield ctx.progress(JUDGING, done, len(samples))
    return notes
