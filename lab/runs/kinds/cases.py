"""The cases of a set: samples and held-out films, each with its nearest training film and its nearest held-out film.

Both films are found by the same search with the same calibration. Held-out films that are asked as samples leave, with
all films of their patients, the films that controls are taken from. Cases are told as they are found, in their order.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import Reference, open_reference
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.neighbours.neighbours import NeighbourReport
    from lab.neighbours.reference import ReferenceSet

_CODE = ("lab.neighbours", "lab.features", "lab.leakage.case_order", "lab.leakage.pair_measures",
         "lab.runs.kinds.reference")  # fmt: skip
BLOCK = 4
STAGE = "Laying out cases"


@dataclass(frozen=True)
class _Asked:
    """What is asked as a sample: its id, source, digest, pixels and, for a held-out film, the picture to show."""

    image_id: str
    source: str
    digest: str
    pixels: NDArray[Any]
    shown: str = ""


@run_kind("cases", lane="device", priority="interactive", modules=_CODE, title="Lay out the cases")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Choose the cases, search both films of each, measure both pairs after registration."""
    from lab.data.resolve import resolve
    from lab.leakage.case_order import MOST, catches, shuffled

    asked = spec.settings
    images = resolve(asked["samples"], folders=False)
    extractor = resident_extractor(ctx, asked["extractor"])
    reference = yield from open_reference(ctx, asked["dataset"], extractor, spec.inputs["calibration"])
    controls = _controls(reference)
    picks = yield from _picks(ctx, images, reference.train, asked["only"])
    held_out = resolve(f"{asked['dataset']}:held-out", folders=False)
    # Of a single sample the same controls are left out as of the whole set, so its case is the same.
    caught = _caught(held_out, catches(min(len(images.ids()), MOST)), images.digest)
    pool = _pool(controls, held_out, caught)
    films = [_sample(images, name) for name in picks]
    if not asked["only"]:
        films += [_catch(ctx, held_out, name, films[0].pixels.shape[:2]) for name in caught]
    place = {digest: at for at, digest in enumerate(shuffled([film.digest for film in films], images.digest))}
    films.sort(key=lambda film: place[film.digest])
    told: dict[str, Any] = {
        "samples": asked["samples"],
        "dataset": asked["dataset"],
        "n_train": len(reference.train),
        "n_control": len(pool),
        "cases": [],
    }
    while len(told["cases"]) < len(films):
        start = len(told["cases"])
        block = films[
            start : start + (BLOCK if start else 1)
        ]  # the first case is not kept waiting for others
        told["cases"] += _rows(block, reference, pool, extractor, asked["dataset"])
        partial = ctx.artifact(json.dumps(told).encode(), ".json")
        yield ctx.progress(STAGE, len(told["cases"]), len(films), preview=partial)
    return told


def _controls(reference: Reference) -> ReferenceSet:
    """The held-out films.

    Raises:
        NotComputable: without any, or without a calibration.
    """
    from lab.errors import NotComputable

    if reference.calibration is None:
        raise NotComputable(
            "The near-copy detectors are not calibrated on this dataset; no case was made; calibrate it first."
        )
    if reference.held_out is None:
        raise NotComputable(
            "This dataset has no held-out images, so no case has a control; no case was made; hold some patients out."
        )
    return reference.held_out


def _picks(
    ctx: RunContext, images: ImageSet, train: ReferenceSet, only: str
) -> Generator[Progress, None, list[str]]:
    """Ids of the samples that become cases."""
    from lab.errors import NotFoundError
    from lab.leakage.case_order import MOST, picked

    ids = images.ids()
    if only and only not in ids:
        raise NotFoundError("This set has no sample of that id; no case was made; choose one from its list.")
    if only or len(ids) <= MOST:
        return [only] if only else ids
    nearness, rows = yield from _nearness(ctx, images, train)
    return [ids[at] for at in picked(nearness, [str(row) for row in rows], images.digest)]


def _nearness(
    ctx: RunContext, images: ImageSet, train: ReferenceSet
) -> Generator[Progress, None, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """How near each sample, as it is or mirrored, comes to a training film at low resolution, and to which.

    No features: a set of hundreds would wait for them, and its cases do not need the last word on their order.
    """
    import numpy as np

    from lab.features.store import FeatureStore, extract
    from lab.neighbours.lowres import SIDE, LowResolution

    store = FeatureStore(ctx.settings.features)
    for done, total in extract(LowResolution(), images, store):
        yield ctx.progress("Reading samples", done, total)
    lowres = np.asarray(store.matrix(LowResolution(), images.digests()))
    mirrored = lowres.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(lowres.shape)
    found = [train.lowres_index.search(np.ascontiguousarray(ways), 1) for ways in (lowres, mirrored)]
    distances = np.stack([one.distances[:, 0] for one in found])
    rows = np.stack([one.rows[:, 0] for one in found])
    best, each = distances.argmin(axis=0), np.arange(len(lowres))
    return distances[best, each], rows[best, each]


def _caught(held_out: ImageSet, count: int, seed: str) -> list[str]:
    """Held-out films to ask as samples, of different patients, half of the patients at most."""
    from lab.data.imageset import patient_balanced

    patients = len(set(held_out.patients().tolist()))
    return patient_balanced(held_out, min(count, patients // 2), int(seed[:8], 16))


def _pool(whole: ReferenceSet, held_out: ImageSet, caught: Sequence[str]) -> ReferenceSet:
    """The held-out films that controls are taken from."""
    import dataclasses

    import numpy as np

    gone = {
        patient for name, patient in zip(held_out.ids(), held_out.patients(), strict=True) if name in caught
    }
    kept = np.flatnonzero([str(patient) not in gone for patient in whole.patients])
    return dataclasses.replace(
        whole,
        ids=tuple(whole.ids[row] for row in kept),
        patients=whole.patients[kept],
        digests=tuple(whole.digests[row] for row in kept),
        features=whole.features[kept],
        lowres=whole.lowres[kept],
    )


def _sample(images: ImageSet, name: str) -> _Asked:
    from lab.leakage.verdicts import SAMPLE

    digest = dict(zip(images.ids(), images.digests(), strict=True))[name]
    return _Asked(name, SAMPLE, digest, images.image(name))


def _catch(ctx: RunContext, held_out: ImageSet, name: str, shape: tuple[int, ...]) -> _Asked:
    """A held-out film at the size of the samples, so that sharpness does not tell it from them."""
    from lab.data.pixels import encode_png, resize, to_grey8
    from lab.leakage.verdicts import CATCH
    from lab.provenance import digest_bytes

    film = held_out.image(name)
    small = resize(film if film.dtype.name == "uint8" else to_grey8(film), (shape[0], shape[1]))
    png = encode_png(small)
    return _Asked(name, CATCH, digest_bytes(png), small, ctx.artifact(png, ".png"))


def _rows(
    films: Sequence[_Asked],
    reference: Reference,
    pool: ReferenceSet,
    extractor: FeatureExtractor,
    dataset: str,
) -> list[dict[str, Any]]:
    from lab.leakage.case_order import case_code
    from lab.neighbours.neighbours import find
    from lab.neighbours.reference import new_queries

    queries = new_queries([film.pixels for film in films], extractor, [film.digest for film in films])
    both = [find(queries, one, None, reference.calibration, k=1) for one in (reference.train, pool)]
    rows = []
    for at, (film, near, control) in enumerate(zip(films, *both, strict=True)):
        lowres = queries.lowres[at : at + 1]
        training = _side(film, near, lowres, reference.train, dataset)
        beside = _side(film, control, lowres, pool, dataset)
        rows.append({
            "code": case_code(film.digest, training["image_id"], beside["image_id"]),
            "image_id": film.image_id, "source": film.source, "digest": film.digest, "shown": film.shown,
            "identical": near.identical is not None, "off_map": bool(near.off_map),
            "training": training, "control": beside,
        })  # fmt: skip
    return rows


def _side(
    film: _Asked, report: NeighbourReport, lowres: NDArray[np.float32], searched: ReferenceSet, dataset: str
) -> dict[str, Any]:
    """The film to look at first, its verdict, and the pair measured after registration."""
    import numpy as np

    from lab.data.store import open_dataset
    from lab.leakage.pair_measures import pair_measures
    from lab.neighbours.registered import variants

    match = report.matches[0]
    row = np.array([searched.ids.index(match.image_id)])
    _, pose = searched.registered.distances(lowres, row)
    measured = pair_measures(
        film.pixels, open_dataset(dataset).image(match.image_id), variants()[int(pose[0, 0])]
    )
    return {
        "image_id": match.image_id,
        "verdict": report.verdict.to_dict() if report.verdict else None,
        "ssim": measured.ssim,
        "rms": measured.rms,
        "cosine": match.distance,
        "registered": match.registered,
        "variant": match.variant,
    }
