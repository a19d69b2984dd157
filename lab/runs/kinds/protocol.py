"""The published privacy protocol: some training captions, the same ten seeds for each, one sample set.

Samples are kept in the set's folder as they are made, so a run that was stopped makes none of them twice. The recipe of
each names the training image its prompt belongs to. The last thing the run does is to queue the measurement of the set,
a run like that of any other set: no page has to be open for it, and a resumed protocol comes to it as well.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.errors import InputError, LabError
from lab.runs import clock
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import stepwise
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.data.samples import SampleSetWriter
    from lab.generators.card import GeneratorCard
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.request import GenerationRequest
    from lab.generators.sample import Sample

STAGE = "Denoising"
DRAW = 42
"""Seed of the published draw of prompts."""


@run_kind(
    "protocol", lane="device", modules=("lab.generators", "lab.leakage.membership", "lab.runs.kinds.providers.sources"),
    title="Privacy protocol",
)  # fmt: skip
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Make a sample of every prompt with every seed; the result tells pace and bytes, for estimates of larger runs."""
    from lab.data.resolve import resolve
    from lab.data.samples import SampleSetWriter
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load

    chosen = spec.settings
    card = get_card(chosen["generator"])
    prompts = drawn_prompts(seen_by(card, resolve(f"{chosen['dataset']}:train")), chosen["prompts"])
    if not prompts:
        raise InputError(
            "The training images have no captions, so there is nothing to prompt with; nothing was made; choose another"
            " dataset."
        )
    asked, unfit = _requests(card, prompts, chosen)
    yield ctx.progress("Loading the generator", 0, 1)
    limit_threads()
    key = f"generator:{card.id}:{spec.inputs['weights']}"
    generator = ctx.resident(key, lambda: load(card))
    writer = SampleSetWriter(
        spec.digest[:16], card.id, parent=chosen["dataset"], phantom_trained=card.phantom_trained,
        licence=card.licence,
    )  # fmt: skip
    before, start = len(writer.done()), clock.elapsed()
    yield from _made(ctx, generator, asked, writer)
    pace = {"images": len(writer.done()) - before, "seconds": round(clock.elapsed() - start, 2)}
    made = writer.finalise()
    return {
        "sample_set": made.id,
        "pace": pace,
        "bytes": sum(file.stat().st_size for file in made.folder.rglob("*") if file.is_file()),
        **_measuring(ctx, chosen["dataset"], made.id),
        "generator": card.id,
        "dataset": chosen["dataset"],
        "prompts": len(asked),
        "seeds": chosen["seeds"],
        "images": len(asked) * len(chosen["seeds"]),
        "unfit_prompts": unfit,
    }


@dataclass(frozen=True)
class Prompt:
    """A caption, and the training image it belongs to."""

    text: str
    source: str


def seen_by(card: GeneratorCard, train: ImageSet) -> ImageSet:
    """The training images a generator may have learned: those it lists beside its card, else all of its dataset.

    A generator that was trained on a part of a dataset can have learned no other image, and prompts of others would
    hide what it leaks.

    Raises:
        StoreError: when its list is damaged.
    """
    from lab.data.imageset import subset
    from lab.leakage.membership import read_members

    listed = read_members(card.root) if card.training_dataset == train.id.partition(":")[0] else None
    if listed is None:
        return train
    known = set(listed)
    return subset(train, [name for name in train.ids() if name in known])


def _measuring(ctx: RunContext, dataset: str, made: str) -> dict[str, str]:
    """Queue the measurement of a finished set: the id of its run, or why there is none."""
    from lab.runs.identity_requests import METRICS
    from lab.runs.metric_requests import evaluate_run
    from lab.runs.store import RunStore

    try:
        return {"measurement": RunStore.open(ctx.settings).submit(evaluate_run(dataset, made, METRICS)).id}
    except LabError as error:  # the samples are made all the same; whoever looks at them next asks again
        return {"unmeasured": str(error)}


def drawn_prompts(train: ImageSet, count: int) -> list[Prompt]:
    """Distinct captions drawn as the published code does: `sample(count, random_state=42)` of a pandas frame.

    All of them, in the drawn order, where there are no more. Of several images with one caption the first by id counts.
    """
    import pandas as pd

    from lab.runs.kinds.providers.sources import first_by_caption

    ids = train.ids()
    rows = first_by_caption(train)
    frame = pd.DataFrame({"text": list(rows), "source": [ids[row] for row in rows.values()]})
    drawn = frame.sample(min(count, len(frame)), random_state=DRAW)
    return [Prompt(str(row.text), str(row.source)) for row in drawn.itertuples()]


def _requests(
    card: GeneratorCard, prompts: Sequence[Prompt], chosen: dict[str, Any]
) -> tuple[list[tuple[Prompt, GenerationRequest]], int]:
    """A checked request for each prompt, and how many captions no generator could be asked for."""
    from lab.generators.request import GenerationRequest

    asked, unfit = [], 0
    for prompt in prompts:
        request = GenerationRequest(
            card.id, prompt.text, tuple(chosen["seeds"]), chosen["steps"], chosen["guidance"], chosen["size"]
        )
        try:
            asked.append((prompt, request.checked(card)))
        except InputError:  # too long, or control characters
            unfit += 1
    if not asked:
        raise InputError(
            "No caption of the training images can be a prompt; nothing was made; check the captions."
        )
    return asked, unfit


def _made(
    ctx: RunContext,
    generator: LoadedGenerator,
    asked: Sequence[tuple[Prompt, GenerationRequest]],
    writer: SampleSetWriter,
) -> Generator[Progress, None, None]:
    """Make what is missing, micro-batch by micro-batch, and keep each at once."""
    from dataclasses import replace

    from lab.data.samples import NewSample
    from lab.generators.contract import MICRO_BATCH

    each = len(asked[0][1].seeds)
    total = len(asked) * each
    done = writer.done()
    yield ctx.progress(STAGE, len(done), total)
    for number, (prompt, request) in enumerate(asked):
        for start in range(0, each, MICRO_BATCH):
            seeds = request.seeds[start : start + MICRO_BATCH]
            places = [number * each + start + place for place in range(len(seeds))]
            if done.issuperset(places):
                continue
            samples = yield from _batch(ctx, generator, replace(request, seeds=seeds), len(done), total)
            writer.append(
                NewSample(place, sample.image, {**sample.recipe, "source": prompt.source}, prompt.text)
                for place, sample in zip(places, samples, strict=True)
            )
            done = writer.done()
            yield ctx.progress(STAGE, len(done), total, message=f"prompt {number + 1} of {len(asked)}")


def _batch(
    ctx: RunContext, generator: LoadedGenerator, batch: GenerationRequest, before: int, total: int
) -> Generator[Progress, None, list[Sample]]:
    steps = stepwise(lambda report: [s for group in generator.generate(batch, on_step=report) for s in group])
    try:
        while True:
            (step,) = next(steps)
            made = before + len(batch.seeds) * step.step // step.steps
            yield ctx.progress(STAGE, made, total)
    except StopIteration as end:
        return list(end.value)
    finally:
        steps.close()
