"""How far films of different patients are apart after registration, and how far honest films lean to training.

Training films, one a patient where they suffice, each beside the film to look at first among other patients: SSIM and
pixel RMS of these pairs are what a case's measures are read against. Held-out films are asked as well whether they lie
nearer to training films than to held-out ones of other patients: with more training films than held-out ones, they do.
"""

from __future__ import annotations

import io
import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import open_reference, queries_of, splits
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.neighbours.calibration import Calibration
    from lab.neighbours.detect import Detection
    from lab.neighbours.reference import Queries, ReferenceSet

_CODE = ("lab.neighbours", "lab.features", "lab.leakage.pair_measures", "lab.runs.kinds.reference")
BLOCK = 8
SEED = 0
PAIRS, LEAN = "Measuring films of different patients", "Measuring how held-out films lean"


@run_kind("evidence", lane="device", priority="batch", modules=_CODE, title="Measure between patients")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Distances of the pairs as artifacts, ascending, and the lean of held-out films by detector."""
    import numpy as np

    from lab.data.imageset import patient_balanced, subset
    from lab.errors import NotComputable
    from lab.features.store import FeatureStore

    asked = spec.settings
    extractor = resident_extractor(ctx, asked["extractor"])
    reference = yield from open_reference(ctx, asked["dataset"], extractor, spec.inputs["calibration"])
    if reference.calibration is None:
        raise NotComputable(
            "The near-copy detectors are not calibrated on this dataset; nothing was measured; calibrate it first."
        )
    train, held_out = splits(asked["dataset"])
    chosen = subset(train, patient_balanced(train, asked["films"], SEED))
    store = FeatureStore(ctx.settings.features)
    queries = yield from queries_of(ctx, chosen, extractor, store)
    pairs = yield from _pairs(ctx, chosen, queries, reference.train, reference.calibration)
    lean: dict[str, Any] = {}
    if held_out is not None and reference.held_out is not None:
        asked_as = subset(held_out, patient_balanced(held_out, asked["films"] // 2, SEED))
        films = yield from queries_of(ctx, asked_as, extractor, store)
        lean = yield from _lean(ctx, asked_as, films, reference.train, reference.held_out)

    def kept(name: str) -> str:
        stream = io.BytesIO()
        np.save(stream, np.sort(np.array([pair[name] for pair in pairs])), allow_pickle=False)
        return ctx.artifact(stream.getvalue(), ".npy")

    return {
        "dataset": asked["dataset"],
        "n": len(pairs),
        "n_patients": len(set(chosen.patients().tolist())),
        "n_train": len(reference.train),
        "n_held_out": 0 if reference.held_out is None else len(reference.held_out),
        "measures": {name: kept(name) for name in (pairs[0] if pairs else ())},
        "lean": lean,
    }


def _pairs(
    ctx: RunContext, chosen: ImageSet, queries: Queries, train: ReferenceSet, calibration: Calibration
) -> Generator[Progress, None, list[dict[str, float]]]:
    """Distances of each film to the film to look at first among other patients; finished blocks are parts."""
    found: list[dict[str, float]] = []
    for start in range(0, len(queries), BLOCK):
        stop = min(start + BLOCK, len(queries))
        key = f"pairs {start} {stop}"
        part = ctx.part(key)
        if part is None:
            block = _block(chosen, queries, train, calibration, (start, stop))
            ctx.save_part(key, json.dumps(block).encode())
        else:
            block = json.loads(part)
        found += block
        yield ctx.progress(PAIRS, stop, len(queries))
    return found


def _block(
    chosen: ImageSet, queries: Queries, train: ReferenceSet, calibration: Calibration, part: tuple[int, int]
) -> list[dict[str, float]]:
    import numpy as np

    from lab.data.resolve import resolve
    from lab.leakage.pair_measures import pair_measures
    from lab.neighbours.detect import detect
    from lab.neighbours.neighbours import first_rows
    from lab.neighbours.registered import variants

    start, stop = part
    ids, own = chosen.ids()[start:stop], chosen.patients()[start:stop]
    seen = detect(queries.part(start, stop), train, 1, own)
    films = resolve(train.id, folders=False)
    found = []
    for at, row in enumerate(first_rows(seen, calibration.reference)):
        _, pose = train.registered.distances(queries.lowres[start + at : start + at + 1], np.array([row]))
        pair = chosen.image(ids[at]), films.image(train.ids[int(row)])
        found.append(pair_measures(*pair, variants()[int(pose[0, 0])]).distances())
    return found


def _lean(
    ctx: RunContext, films: ImageSet, queries: Queries, train: ReferenceSet, held_out: ReferenceSet
) -> Generator[Progress, None, dict[str, Any]]:
    """By detector: held-out films nearer to a training film than to a held-out film of another patient."""
    from lab.neighbours.detect import detect
    from lab.neighbours.intervals import wilson

    nearer: dict[str, int] = {}
    for start in range(0, len(queries), BLOCK):
        stop = min(start + BLOCK, len(queries))
        block = queries.part(start, stop)
        there, here = (
            _near(one)
            for one in (detect(block, train, 1), detect(block, held_out, 1, films.patients()[start:stop]))
        )
        for name, distances in there.items():
            nearer[name] = nearer.get(name, 0) + int((distances < here[name]).sum())
        yield ctx.progress(LEAN, stop, len(queries))
    shares = {name: wilson(hits, len(queries)) for name, hits in nearer.items()}
    return {
        name: {"hits": one.hits, "n": one.n, "low": one.low, "high": one.high, "value": one.value}
        for name, one in shares.items()
    }


def _near(seen: Detection) -> dict[str, Any]:
    return seen.nearest()
