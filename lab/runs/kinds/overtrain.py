"""Over-training a generator on a few phantom films while one looks on; nothing of its weights is kept.

The progress carries an artifact of the curve so far, so that the page draws it while it grows. An interrupted run
begins again: the same films, seed and threads give the same curve.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.errors import InputError, NotComputable, NotFoundError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import Reference, open_reference
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.leakage.overtraining import Drill, Lesson

STAGE = "Learning the films by heart"
CONTROLS = 200
_CODE = (
    "lab.leakage.overtraining", "lab.leakage.extraction", "lab.leakage.population", "lab.neighbours",
    "lab.generators.training.unet", "lab.generators.training.text",
)  # fmt: skip


@run_kind("overtrain", lane="side", priority="interactive", modules=_CODE, title="Over-train on a few films")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Train a copy of the denoiser, and measure samples of the films' captions on the way."""
    from lab.data.store import open_dataset
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load
    from lab.leakage.overtraining import REAL, Drill, lessons

    chosen = spec.settings
    if open_dataset(chosen["dataset"]).card.origin != "phantom":
        raise InputError(REAL)
    drill = Drill(**chosen["drill"])
    limit_threads()
    yield ctx.progress("Loading the generator", 0, 1)
    card = get_card(chosen["generator"])
    generator = ctx.resident(f"generator:{card.id}:{spec.inputs['weights']}", lambda: load(card))
    extractor = resident_extractor(ctx, chosen["extractor"])
    reference = yield from open_reference(ctx, chosen["dataset"], extractor, spec.inputs["calibration"])
    films = _films(reference, chosen["dataset"], chosen["films"], card.size)
    yield ctx.progress(STAGE, 0, drill.steps)
    work = lessons(generator, films.pixels, films.captions, drill)
    curve = yield from _watched(ctx, work, drill, films)
    return {
        "dataset": chosen["dataset"],
        "generator": card.id,
        **films.told(),
        "curve": curve,
    }


@dataclass(frozen=True, eq=False)
class _Films:
    """The films that are learnt, and what their samples are compared with."""

    reference: Reference
    rows: tuple[int, ...]
    controls: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    captions: tuple[str, ...]
    limit: float | None

    def told(self) -> dict[str, Any]:
        """Films, control and limit for the page."""
        names = [self.reference.train.ids[row] for row in self.rows]
        films = [{"image_id": n, "caption": c} for n, c in zip(names, self.captions, strict=True)]
        return {"films": films, "limit": self.limit, "n_controls": len(self.controls)}

    def distances(self, samples: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
        """Registered distance of each sample to its own film, and to the nearest of the held-out films."""
        import numpy as np

        from lab.neighbours.lowres import LowResolution

        held_out = self.reference.held_out
        assert held_out is not None  # noqa: S101 - checked where the films were chosen
        small = LowResolution().embed(list(samples))
        own = self.reference.train.registered.distances(small, np.asarray(self.rows))[0].diagonal()
        other = held_out.registered.distances(small, self.controls)[0].min(axis=1)
        return own.tolist(), other.tolist()


def _films(reference: Reference, dataset: str, names: list[str], size: int) -> _Films:
    import numpy as np

    from lab.data.pixels import resize, to_grey8
    from lab.data.resolve import resolve
    from lab.leakage.extraction import limits
    from lab.neighbours.verdict import REGISTERED

    if reference.held_out is None or reference.calibration is None:
        raise NotComputable(
            "The dataset has no held-out films or is not calibrated; nothing was trained; prepare it first."
        )
    images = resolve(f"{dataset}:train")
    places = {name: row for row, name in enumerate(reference.train.ids)}
    if missing := [name for name in names if name not in places]:
        raise NotFoundError(
            f"{len(missing)} of the films are no training films of this dataset; nothing was trained; choose others."
        )
    captions = images.frame().set_index("image_id")["caption"].astype(str)
    _, first = np.unique(reference.held_out.patients, return_index=True)
    return _Films(
        reference,
        tuple(places[name] for name in names),
        np.sort(first)[:CONTROLS],
        np.stack([resize(to_grey8(images.image(name)), size) for name in names]).astype(np.uint8),
        tuple(captions[name] for name in names),
        limits(reference.calibration.reference)[REGISTERED],
    )


def _watched(
    ctx: RunContext, work: Generator[Lesson, None, None], drill: Drill, films: _Films
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """Follow the lessons; after each samples the curve so far is stored and named in the progress."""
    curve: list[dict[str, Any]] = []
    shown, words = None, ""
    try:
        for lesson in work:
            if lesson.samples is not None:
                curve.append(_point(ctx, lesson, films))
                shown = ctx.artifact(json.dumps({**films.told(), "curve": curve}).encode(), ".json")
                words = _words(curve[-1], len(films.controls))
            yield ctx.progress(STAGE, lesson.step, drill.steps, preview=shown, message=words)
    finally:
        work.close()
    return curve


def _point(ctx: RunContext, lesson: Lesson, films: _Films) -> dict[str, Any]:
    from lab.data.pixels import encode_png

    assert lesson.samples is not None  # noqa: S101 - only called with samples
    own, other = films.distances(lesson.samples)
    kept = [ctx.artifact(encode_png(sample), ".png") for sample in lesson.samples]
    return {"step": lesson.step, "loss": lesson.loss, "own": own, "control": other, "samples": kept}


def _words(point: dict[str, Any], controls: int) -> str:
    from statistics import median

    return (
        f"After {point['step']} steps: median distance {median(point['own']):.3f} to the film that was asked for, "
        f"{median(point['control']):.3f} to the nearest of {controls} held-out films."
    )
