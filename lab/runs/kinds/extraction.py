"""Extraction: the same seeds for several prompts and generators, each sample compared with the film it is asked for.

Finished micro-batches of four are parts: a resumed run repeats none. Samples equal those of a generation run with the
same seeds.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.errors import NotComputable, NotFoundError
from lab.leakage.extraction import Ask
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import stepwise
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import Reference, open_reference
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.features.extractor import FeatureExtractor
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.request import GenerationRequest
    from lab.generators.sample import Sample
    from lab.neighbours.reference import Queries, ReferenceSet

STAGE, JUDGING = "Denoising", "Comparing with the films"
FEW_REAL = 200
_CODE = (
    "lab.generators.diffusers_pipeline", "lab.generators.open_pipeline", "lab.features", "lab.neighbours",
    "lab.leakage.extraction", "lab.leakage.population",
)  # fmt: skip


@run_kind("extraction", lane="device", priority="interactive", modules=_CODE, title="Ask for a film again")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Generate all samples, then compare each with its film, with all films of its split and with its fellows."""
    from lab.leakage.extraction import limits, spread

    chosen = spec.settings
    asks = [Ask(**one) for one in chosen["asks"]]
    made = yield from _made(ctx, spec, asks)
    extractor = resident_extractor(ctx, chosen["extractor"])
    reference = yield from open_reference(ctx, chosen["dataset"], extractor, spec.inputs["calibration"])
    if reference.calibration is None:
        raise NotComputable(
            "The dataset is not calibrated yet; the samples are kept; run its calibration and resume this run."
        )
    judge = _Judge(ctx, spec.inputs["map"], extractor, reference)
    told: list[dict[str, Any]] = []
    for turn, (ask, samples) in enumerate(zip(asks, made, strict=True)):
        yield ctx.progress(JUDGING, turn, len(asks))
        told.append(judge.told(ask, samples))
    yield ctx.progress(JUDGING, len(asks), len(asks))
    real = spread(_few(reference.train))
    return {
        "dataset": chosen["dataset"],
        "extractor": extractor.id,
        "seeds": chosen["seeds"],
        "asks": told,
        "limits": limits(reference.calibration.reference),
        "n_reference": reference.calibration.n_reference,
        "n_train": len(reference.train),
        "n_held_out": len(reference.held_out) if reference.held_out is not None else 0,
        "real_spread": None if real is None else asdict(real),
        "map": spec.inputs["map"],
        "films": judge.films(asks),
    }


def _made(
    ctx: RunContext, spec: RunSpec, asks: Sequence[Ask]
) -> Generator[Progress, None, list[list[dict[str, Any]]]]:
    """Samples of each ask as {artifact, seed}; asks of one generator follow each other, so that each loads once."""
    seeds: list[int] = spec.settings["seeds"]
    made: dict[int, list[dict[str, Any]]] = {}
    order = sorted(range(len(asks)), key=lambda at: [ask.generator for ask in asks].index(asks[at].generator))
    finished = 0
    for at in order:
        made[at] = yield from _answers(ctx, spec, asks[at], at, finished, len(asks) * len(seeds))
        finished += len(seeds)
    return [made[at] for at in range(len(asks))]


def _answers(
    ctx: RunContext, spec: RunSpec, ask: Ask, at: int, finished: int, wanted: int
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """The samples of one ask, micro-batch by micro-batch; finished ones come from the store."""
    from lab.generators.contract import MICRO_BATCH

    seeds: list[int] = spec.settings["seeds"]
    made: list[dict[str, Any]] = []
    for start in range(0, len(seeds), MICRO_BATCH):
        key, part = f"ask-{at}-{start}", seeds[start : start + MICRO_BATCH]
        kept = ctx.part(key)
        if kept is None:
            batch = _Batch(ask, part, finished + len(made), wanted)
            samples = yield from _micro_batch(ctx, spec, batch)
            records = [
                {"artifact": ctx.artifact(one.png(), ".png"), "seed": one.recipe["seed"]} for one in samples
            ]
            kept = json.dumps(records).encode()
            ctx.save_part(key, kept)
        made += json.loads(kept)
        yield ctx.progress(STAGE, finished + len(made), wanted, message=f"Asked: {ask.label}")
    return made


@dataclass(frozen=True)
class _Batch:
    """Up to four seeds of one ask, after `finished` of `wanted` samples of the run."""

    ask: Ask
    seeds: list[int]
    finished: int
    wanted: int


def _micro_batch(ctx: RunContext, spec: RunSpec, batch: _Batch) -> Generator[Progress, None, list[Sample]]:
    import numpy as np

    from lab.data.pixels import encode_png

    generator, request = _asked(ctx, spec, batch)
    steps = stepwise(
        lambda report: [s for group in generator.generate(request, on_step=report) for s in group]
    )
    preview, words = None, f"Asked: {batch.ask.label}"
    try:
        while True:
            (step,) = next(steps)
            if step.previews is not None:
                preview = ctx.artifact(encode_png(np.concatenate(list(step.previews), axis=1)), ".png")
            done = batch.finished + len(batch.seeds) * step.step / step.steps
            yield ctx.progress(STAGE, round(done, 1), batch.wanted, preview=preview, message=words)
    except StopIteration as end:
        return list(end.value)
    finally:
        steps.close()


def _asked(ctx: RunContext, spec: RunSpec, batch: _Batch) -> tuple[LoadedGenerator, GenerationRequest]:
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load
    from lab.generators.request import request_for

    limit_threads()
    card = get_card(batch.ask.generator)
    request = request_for(card, batch.ask.prompt, 1, 0, steps=spec.settings["steps"])
    key = f"generator:{card.id}:{spec.inputs[f'weights {card.id}']}"
    return ctx.resident(key, lambda: load(card)), replace(request, seeds=tuple(batch.seeds))


class _Judge:
    """Compares samples with films of one dataset."""

    def __init__(
        self, ctx: RunContext, coordinates: str, extractor: FeatureExtractor, reference: Reference
    ) -> None:
        self._ctx, self._map, self._extractor, self._reference = ctx, coordinates, extractor, reference

    def _searched(self, ask: Ask) -> tuple[ReferenceSet, int]:
        """The films of an ask's split, and the row of its film among them."""
        films = self._reference.train if ask.split == "train" else self._reference.held_out
        if films is None or ask.target not in films.ids:
            raise NotFoundError(
                "The film that is asked for is not in this split of the dataset; the samples are kept; choose another."
            )
        return films, films.ids.index(ask.target)

    def told(self, ask: Ask, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The ask with its samples: distances to the film, its rank, verdict, nearest film, place on the map."""
        from lab.data.images import decode
        from lab.leakage.extraction import found, spread
        from lab.neighbours.neighbours import find
        from lab.neighbours.reference import new_queries

        films, row = self._searched(ask)
        images = [decode(self._ctx.read_artifact(one["artifact"], ".png")).array for one in samples]
        queries = new_queries(images, self._extractor)
        reports = find(queries, films, None, self._reference.calibration, 1)
        distances, ranks = self._to_film(queries, films, row)
        places = self._places(queries.features[0])
        rows = [
            {
                **sample,
                "distances": {name: float(values[at]) for name, values in distances.items()},
                "rank": ranks[at][0],
                "compared": ranks[at][1],
                "label": report.verdict.label if report.verdict else "",
                "p": report.verdict.p if report.verdict else None,
                "nearest": report.matches[0].image_id,
                "off_map": bool(report.off_map),
                "map": places[at] if places else None,
            }
            for at, (sample, report) in enumerate(zip(samples, reports, strict=True))
        ]
        apart = spread(queries.features[0])
        spread_told = None if apart is None else asdict(apart)
        return {**ask.to_dict(), "samples": rows, "spread": spread_told, "found": found(rows, ask.target)}

    def _to_film(
        self, queries: Queries, films: ReferenceSet, row: int
    ) -> tuple[dict[str, Any], list[tuple[int, int]]]:
        """Distances (m,) to one film by detector; its rank by registered correlation, and among how many films."""
        import numpy as np

        from lab.leakage.extraction import rank_of
        from lab.neighbours.candidates import candidate_rows
        from lab.neighbours.verdict import COSINE, REGISTERED

        chosen = candidate_rows(queries, films)
        registered, ranks = np.empty(len(queries)), []
        for at in range(len(queries)):
            rows = np.arange(len(films)) if chosen is None else np.union1d(chosen[at], [row])
            one = films.registered.distances(queries.lowres[at : at + 1], None if chosen is None else rows)[
                0
            ][0]
            place = int(np.searchsorted(rows, row))
            registered[at] = one[place]
            ranks.append((rank_of(one, place), len(rows)))
        gap = queries.features.astype(np.float64) - films.features[row].astype(np.float64)
        return {REGISTERED: registered, COSINE: (gap**2).sum(axis=2).min(axis=0) / 2.0}, ranks

    def _places(self, features: Any) -> list[list[float]] | None:
        from lab.runs.kinds.map import placed

        if self._map == "none" or not len(features):
            return None
        return [[float(x), float(y)] for x, y in placed(self._ctx, self._map, features)]

    def films(self, asks: Sequence[Ask]) -> dict[str, list[float] | None]:
        """Where each film that is asked for lies on the map."""
        places: dict[str, list[float] | None] = {}
        for ask in asks:
            films, row = self._searched(ask)
            placed = self._places(films.features[row : row + 1])
            places[ask.target] = placed[0] if placed else None
        return places


def _few(films: ReferenceSet) -> Any:
    """Features of up to 200 films of different patients: how far real images lie apart."""
    import numpy as np

    _, first = np.unique(films.patients, return_index=True)
    rows = np.sort(first)
    return films.features[rows[:: max(1, len(rows) // FEW_REAL)][:FEW_REAL]]
