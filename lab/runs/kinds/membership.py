"""Membership attacks on a generator: black box by its samples, white box by its denoising loss."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import BLOCK, queries_of, steps
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.generators.card import GeneratorCard
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.neighbours.reference import ReferenceSet

_CODE = (
    "lab.leakage.membership",
    "lab.leakage.roc",
    "lab.neighbours",
    "lab.features",
    "lab.metrics.patients",
)
WHITE = "white-box loss"
LOSS, SEARCH = "Measuring denoising loss", "Searching samples"
# Deltas at which the lower bound of epsilon is told: a ledger's own is between them or none of them matters.
DELTAS = (1e-6, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class _Sides:
    """Members and non-members, in this order."""

    members: ImageSet
    others: ImageSet


@run_kind("membership", lane="device", priority="batch", modules=_CODE, title="Attack membership")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Scores, curves, rates and bounds of every attack that this generator allows; finished batches are parts."""
    from lab.data.resolve import resolve
    from lab.generators.cards import get_card
    from lab.leakage.membership import read_members, sides

    asked = spec.settings
    card = get_card(asked["generator"])
    members = read_members(get_card(asked["members_of"] or asked["generator"]).root)
    train, held_out = (resolve(f"{asked['dataset']}:{split}") for split in ("train", "held-out"))
    both = _Sides(*sides(train, held_out, members, asked["films"], asked["seed"]))
    scores: dict[str, tuple[Any, Any]] = {}
    if asked["samples"] and resolve(_reference_name(asked["dataset"])).ids():
        extractor = resident_extractor(ctx, asked["extractor"])
        scores |= yield from _black_box(ctx, both, resolve(asked["samples"], folders=False), asked, extractor)
    generator = ctx.resident(f"generator:{card.id}:{spec.inputs['weights']}", lambda: _loaded(card))
    closed, white = yield from _white_box(ctx, both, generator, card)
    if white is not None:
        scores[WHITE] = white
    return {
        "generator": card.id,
        "dataset": asked["dataset"],
        "members_of": asked["members_of"] or card.id,
        "listed": members is not None,
        "trained": len(train.ids() if members is None else members),
        "samples": asked["samples"],
        "closed": closed,
        "attacks": [_told(ctx, name, *pair, both, asked["seed"]) for name, pair in scores.items()],
    }


def _loaded(card: GeneratorCard) -> LoadedGenerator:
    from lab.device import limit_threads
    from lab.generators.load import load

    limit_threads()
    return load(card)


def _told(ctx: RunContext, name: str, members: Any, others: Any, both: _Sides, seed: int) -> dict[str, Any]:
    """One attack as JSON; its scores are an artifact, (m + n,) members first."""
    import numpy as np

    from lab.leakage.roc import lower_epsilon, roc_of

    found = roc_of(members, others, both.members.patients(), both.others.patients(), seed)
    stream = io.BytesIO()
    np.save(stream, np.concatenate([members, others]), allow_pickle=False)
    bounds = {f"{delta:g}": lower_epsilon(members, others, delta) for delta in DELTAS}
    return {
        "name": name, **found.to_json(), "lower_epsilon": bounds, "scores": ctx.artifact(stream.getvalue(), ".npy"),
    }  # fmt: skip


def _black_box(
    ctx: RunContext, both: _Sides, samples: ImageSet, asked: dict[str, Any], extractor: FeatureExtractor
) -> Generator[Progress, None, dict[str, tuple[Any, Any]]]:
    """By detector, calibrated scores of members and non-members."""
    from lab.data.resolve import resolve
    from lab.features.store import FeatureStore
    from lab.leakage.membership import calibrated
    from lab.neighbours.reference import reference_set

    store = FeatureStore(ctx.settings.features)
    reference = resolve(_reference_name(asked["dataset"]))
    for images in (samples, reference):
        yield from steps(ctx, images, extractor, mirrored=False)
    sets = [reference_set(images, extractor, store, "") for images in (samples, reference)]
    near: list[list[dict[str, Any]]] = []
    for images in (both.members, both.others):
        queries = yield from queries_of(ctx, images, extractor, store)
        found = []
        for index, target in enumerate(sets):
            stage = f"{SEARCH}{' of the reference' if index else ''}"
            found.append((yield from _nearest(ctx, queries, target, stage)))
        near.append(found)
    return {
        f"black-box {name}": (
            calibrated(near[0][0][name], near[0][1][name]), calibrated(near[1][0][name], near[1][1][name]),
        )
        for name in near[0][0]
    }  # fmt: skip


def _reference_name(dataset: str) -> str:
    """Where the calibration's films come from: the test images, which are neither members nor non-members."""
    return f"{dataset}:test"


def _nearest(
    ctx: RunContext, queries: Any, target: ReferenceSet, stage: str
) -> Generator[Progress, None, dict[str, NDArray[np.float64]]]:
    """Distance of each query to its nearest image of a set, by detector."""
    import numpy as np

    from lab.neighbours.detect import detect

    parts: list[dict[str, Any]] = []
    for start in range(0, len(queries), BLOCK):
        parts.append(detect(queries.part(start, start + BLOCK), target, 1).nearest())
        yield ctx.progress(stage, min(start + BLOCK, len(queries)), len(queries))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _white_box(
    ctx: RunContext, both: _Sides, generator: LoadedGenerator, card: GeneratorCard
) -> Generator[Progress, None, tuple[str, tuple[Any, Any] | None]]:
    """Why there is no white box attack, or its scores of members and non-members."""
    import numpy as np

    from lab.leakage.membership import why_closed

    pipeline = getattr(generator, "pipeline", None)
    if reason := why_closed(pipeline):
        return reason, None
    scores = []
    for role, images in (("members", both.members), ("others", both.others)):
        scores.append(
            (yield from _losses(ctx, role, images, pipeline, card, str(getattr(generator, "device", ""))))
        )
    return "", (-np.asarray(scores[0]), -np.asarray(scores[1]))


def _losses(
    ctx: RunContext, role: str, images: ImageSet, pipeline: Any, card: GeneratorCard, device: str
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Losses (n,) of the films of one side; batches that are parts are not computed again."""
    import numpy as np

    from lab.generators.training.dataset_source import square
    from lab.leakage.membership import BATCH, losses

    ids, captions = images.ids(), _captions(images, card)
    found: list[Any] = []
    for start in range(0, len(ids), BATCH):
        key = f"{role}-{start}"
        kept = ctx.part(key)
        if kept is None:
            films = [square(images.image(name), card.size) for name in ids[start : start + BATCH]]
            (batch,) = losses(pipeline, films, captions[start : start + BATCH], device)
            kept = np.asarray(batch, "<f8").tobytes()
            ctx.save_part(key, kept)
        found.append(np.frombuffer(kept, "<f8"))
        words = "films it saw" if role == "members" else "films it never saw"
        yield ctx.progress(f"{LOSS} of {words}", min(start + BATCH, len(ids)), len(ids))
    return np.concatenate(found)


def _captions(images: ImageSet, card: GeneratorCard) -> list[str]:
    """The caption of each film; where it has none, the generator's caption that names every word of its label."""
    frame = images.frame()
    told = zip(frame["caption"].astype(str), frame["label"].astype(str), strict=True)
    return [caption or _of_label(label, card) for caption, label in told]


def _of_label(label: str, card: GeneratorCard) -> str:
    words = set(label.lower().replace("_", " ").split())
    sentences = (*card.captions, *card.examples)
    named = (
        text
        for text in sentences
        if words and words <= set(text.lower().replace(",", " ").replace(".", " ").split())
    )
    return next(named, label.replace("_", " ") or "Chest radiograph.")
