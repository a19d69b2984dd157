"""Membership attacks on a generator: black box by its samples, white box by its denoiser.

Each attack's control is the same attack on films of which the generator saw none: one half of the held-out patients
against the other.
"""

from __future__ import annotations

import io
from collections.abc import Generator
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
    from lab.leakage.attacks.denoiser import Denoiser
    from lab.leakage.membership import Sides
    from lab.neighbours.reference import ReferenceSet

_CODE = (
    "lab.auroc",
    "lab.leakage.membership",
    "lab.leakage.roc",
    "lab.leakage.rates",
    "lab.leakage.attacks",
    "lab.neighbours",
    "lab.features",
    "lab.metrics.patients",
)
ASKING, SEARCH = "Asking the denoiser", "Searching samples"
# Deltas at which the lower bound of epsilon is told: a ledger's own is between them or none of them matters.
DELTAS = (1e-6, 1e-5, 1e-4, 1e-3)


@run_kind("membership", lane="device", priority="batch", modules=_CODE, title="Attack membership")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Scores, curves, rates and bounds of every attack that this generator allows; finished batches are parts."""
    from lab.data.resolve import resolve
    from lab.generators.cards import get_card
    from lab.leakage.attacks.catalogue import BLACK_BOX, calls_per_film
    from lab.leakage.membership import read_members, sides

    asked = spec.settings
    card = get_card(asked["generator"])
    members = read_members(get_card(asked["members_of"] or asked["generator"]).root)
    train, held_out = (resolve(f"{asked['dataset']}:{split}") for split in ("train", "held-out"))
    both = sides(train, held_out, members, asked["films"], asked["seed"])
    told: list[dict[str, Any]] = []
    if (
        BLACK_BOX in asked["attacks"]
        and asked["samples"]
        and resolve(_reference_name(asked["dataset"])).ids()
    ):
        extractor = resident_extractor(ctx, asked["extractor"])
        near = yield from _black_box(ctx, both, resolve(asked["samples"], folders=False), asked, extractor)
        told += [_black_told(ctx, name, scores, both, asked["seed"]) for name, scores in near.items()]
    closed, white = yield from _white_box(ctx, both, card, spec)
    return {
        "generator": card.id,
        "dataset": asked["dataset"],
        "members_of": asked["members_of"] or card.id,
        "listed": members is not None,
        "trained": len(train.ids() if members is None else members),
        "samples": asked["samples"],
        "closed": closed,
        "calls": calls_per_film(asked["attacks"]),
        "matched": {"columns": list(both.columns), "apart": both.apart},
        "attacks": told + white,
    }


def _loaded(card: GeneratorCard) -> LoadedGenerator:
    from lab.device import limit_threads
    from lab.generators.load import load

    limit_threads()
    return load(card)


def _told(
    ctx: RunContext,
    name: str,
    scores: tuple[Any, Any],
    control: dict[str, Any] | None,
    both: Sides,
    seed: int,
) -> dict[str, Any]:
    """One attack as JSON; its scores are an artifact, (m + n,) members first."""
    import numpy as np

    from lab.leakage.roc import lower_epsilon, one_a_patient, roc_of

    people = both.members.patients(), both.others.patients()
    found = roc_of(*scores, *people, seed)
    stream = io.BytesIO()
    np.save(stream, np.concatenate(scores), allow_pickle=False)
    single = [one_a_patient(side, patients) for side, patients in zip(scores, people, strict=True)]
    bounds = {f"{delta:g}": lower_epsilon(single[0], single[1], delta) for delta in DELTAS}
    return {
        "name": name, **found.to_json(), "lower_epsilon": bounds, "control": control,
        "scores": ctx.artifact(stream.getvalue(), ".npy"),
    }  # fmt: skip


def _black_told(
    ctx: RunContext, name: str, scores: tuple[Any, Any], both: Sides, seed: int
) -> dict[str, Any]:
    from lab.leakage.attacks.control import as_they_are, halves_apart

    patients = both.others.patients()
    control = halves_apart(patients, seed, as_they_are(scores[1]))
    return _told(ctx, name, scores, control, both, seed)


def _black_box(
    ctx: RunContext, both: Sides, samples: ImageSet, asked: dict[str, Any], extractor: FeatureExtractor
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
    ctx: RunContext, both: Sides, card: GeneratorCard, spec: RunSpec
) -> Generator[Progress, None, tuple[str, list[dict[str, Any]]]]:
    """Why there are no white box attacks, or each of them as JSON."""
    from lab.leakage.attacks.catalogue import ATTACKS, WHITE
    from lab.leakage.attacks.control import halves_apart, judged_halves
    from lab.leakage.attacks.open_denoiser import open_denoiser, why_closed

    chosen = [ATTACKS[name] for name in spec.settings["attacks"] if name in ATTACKS]
    if not chosen:
        return "", []
    generator = ctx.resident(f"generator:{card.id}:{spec.inputs['weights']}", lambda: _loaded(card))
    pipeline = getattr(generator, "pipeline", None)
    if reason := why_closed(pipeline):
        return reason, []
    denoiser = open_denoiser(pipeline, str(getattr(generator, "device", "")))
    sides = []
    for role, images in (("members", both.members), ("others", both.others)):
        sides.append((yield from _measures(ctx, role, images, denoiser, card, chosen)))
    told, seed = [], spec.settings["seed"]
    patients = both.others.patients()
    for attack in chosen:
        ours, theirs = (side[attack.name] for side in sides)
        scores = attack.judge(ours, theirs, both.members.patients(), patients, seed)
        control = halves_apart(patients, seed, judged_halves(attack, theirs, patients, seed))
        told.append(_told(ctx, WHITE + attack.name, scores, control, both, seed))
    return "", told


def _measures(
    ctx: RunContext, role: str, images: ImageSet, denoiser: Denoiser, card: GeneratorCard, chosen: list[Any]
) -> Generator[Progress, None, dict[str, NDArray[np.float64]]]:
    """By attack, measures (n, k) of the films of one side; batches that are parts are not computed again."""
    import numpy as np

    from lab.leakage.attacks.catalogue import BATCH, measured

    ids, captions = images.ids(), _captions(images, card)
    words = "films it saw" if role == "members" else "films it never saw"
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), BATCH):
        key = f"{role}-{start}"
        kept = ctx.part(key)
        if kept is None:
            films = [_film(images.image(name), card) for name in ids[start : start + BATCH]]
            batch = measured(denoiser, chosen, films, captions[start : start + BATCH])
            stream = io.BytesIO()
            np.savez(stream, allow_pickle=False, **batch)
            kept = stream.getvalue()
            ctx.save_part(key, kept)
        with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
            found.append({attack.name: arrays[attack.name] for attack in chosen})
        yield ctx.progress(f"{ASKING} of {words}", min(start + BATCH, len(ids)), len(ids))
    return {attack.name: np.concatenate([part[attack.name] for part in found]) for attack in chosen}


def _film(image: NDArray[Any], card: GeneratorCard) -> NDArray[np.uint8]:
    """A film at the generator's size: grey (H, W), or its central square in colour where it makes colour."""
    from lab.data.pixels import resize
    from lab.generators.training.dataset_source import square

    if card.colour != "rgb" or image.ndim != 3:
        return square(image, card.size)
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return resize(image[top : top + side, left : left + side], card.size, "box").astype("uint8")


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
