"""A sample beside its nearest films: what the Neighbours page, the shell and a generation run show.

The films shown are ranked by feature cosine, as is or mirrored. The nearest film by registered correlation is
always among them: first, when its own p is smaller than that of the cosine detector and small enough to count
(corrected p <= 0.05), else in its place or last. Nothing is left out of a sample's search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.neighbours.calibration import Calibration
from lab.neighbours.cosine import nearest_either_way
from lab.neighbours.detect import Detection, detect
from lab.neighbours.reference import Queries, ReferenceSet
from lab.neighbours.registered import variants
from lab.neighbours.search import Neighbours
from lab.neighbours.verdict import CLOSE_P, COSINE, REGISTERED, Verdict, p_values, read, verdict_of

BLOCK = 32


@dataclass(frozen=True)
class Match:
    """One film beside a sample.

    Args:
        distance: feature cosine distance, 0..2, the nearer of as is and mirrored.
        registered: registered distance, 0..2; None where it was not computed.
        variant: how the sample was turned for the registered distance, in words.
        found_by: the detectors whose nearest film this is.
    """

    image_id: str
    patient_id: str
    split: str
    distance: float
    registered: float | None = None
    variant: str = "as is"
    found_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeighbourReport:
    """All there is to say about one sample's neighbours.

    Args:
        verdict: None without a calibration.
        matches: k training films, first the one to look at first.
        held_out: the nearest held-out film, the control; None without held-out films.
        identical: image id of a training film whose file is the same, byte for byte.
        off_map: whether it lies beyond the held-out 99th percentile; None where that is unknown.
    """

    verdict: Verdict | None
    matches: tuple[Match, ...]
    held_out: Match | None
    identical: str | None
    off_map: bool | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def find(
    queries: Queries,
    train: ReferenceSet,
    held_out: ReferenceSet | None = None,
    calibration: Calibration | None = None,
    k: int = 5,
) -> list[NeighbourReport]:
    """The nearest films and the verdict of every query.

    Args:
        queries: from `reference.new_queries` (samples) or `reference.stored_queries` (films in the store).
        train: what the generator saw.
        held_out: films of other patients, for the control.
        calibration: of `train` with the same extractor.
        k: training films wanted, 1 or more; fewer come back from a smaller set.

    Raises:
        InputError: for k < 1 or features of another extractor.
        NotComputable: when there are no training films.
    """
    if not len(train):
        raise NotComputable(
            "There are no training images; nothing was compared; add images to the train split."
        )
    reports, identical = [], dict(zip(train.digests, train.ids, strict=True))
    for start in range(0, len(queries), BLOCK):
        block = queries.part(start, start + BLOCK)
        seen = detect(block, train, k)
        control = None
        if held_out is not None and len(held_out):
            control, _ = nearest_either_way(held_out.index, block.features, 1)
        for row in range(len(block)):
            verdict = None if calibration is None else _verdict(seen, row, train, calibration)
            limit = None if calibration is None else calibration.off_map
            near = float(seen.by_features.distances[row, 0])
            reports.append(
                NeighbourReport(
                    verdict,
                    _matches(seen, row, block, train, verdict, k),
                    None if control is None or held_out is None else _control(control, row, held_out),
                    identical.get(block.digests[row]) if block.digests else None,
                    None if limit is None else near > limit,
                )
            )
    return reports


def first_rows(seen: Detection, reference: Mapping[str, NDArray[np.float64]]) -> NDArray[np.int64]:
    """The film to look at first: registered correlation's where its p is smaller, else cosine's; (m,)."""
    near = seen.nearest()
    p = {name: p_values(near[name], reference[name]) for name in (REGISTERED, COSINE)}
    registered = _leads(p[REGISTERED], p[COSINE])
    return np.where(registered, seen.by_pixels.rows[:, 0], seen.by_features.rows[:, 0])


def _leads(registered: Any, cosine: Any) -> Any:
    """Whether registered correlation's film goes first, from the p of both detectors."""
    return (registered < cosine) & (2 * registered <= CLOSE_P)


def _verdict(seen: Detection, row: int, train: ReferenceSet, calibration: Calibration) -> Verdict:
    words = variants()[int(seen.variants[row, 0])].words()
    mirrored = "flipped" if seen.flipped[row, 0] else "as is"
    readings = [
        read(name, near.distances[row, 0], train.ids[int(near.rows[row, 0])], calibration.reference, how)
        for name, near, how in (
            (REGISTERED, seen.by_pixels, words),
            (COSINE, seen.by_features, mirrored),
        )
    ]
    return verdict_of(readings, calibration.n_reference)


def _matches(
    seen: Detection, row: int, block: Queries, train: ReferenceSet, verdict: Verdict | None, k: int
) -> tuple[Match, ...]:
    shown = [int(name) for name in seen.by_features.rows[row] if name >= 0]
    pixels = int(seen.by_pixels.rows[row, 0])
    first = False
    if verdict is not None:
        p = {reading.name: reading.p for reading in verdict.detectors}
        first = bool(_leads(p[REGISTERED], p[COSINE]))
    if first:
        shown = [pixels, *[name for name in shown if name != pixels]][:k]
    elif pixels not in shown:
        shown = [*shown[: max(k - 1, 1)], pixels][:k]
    names = np.array(shown, dtype=np.int64)
    near, variant = train.registered.distances(block.lowres[row : row + 1], names)
    cosine = _cosine(block.features[:, row], train.features[names])
    nearest = {COSINE: int(seen.by_features.rows[row, 0]), REGISTERED: pixels}
    return tuple(
        Match(
            train.ids[name],
            str(train.patients[name]),
            train.split,
            float(cosine[place]),
            float(near[0, place]),
            variants()[int(variant[0, place])].words(),
            tuple(detector for detector, found in nearest.items() if found == name),
        )
        for place, name in enumerate(shown)
    )


def _control(seen: Neighbours, row: int, held_out: ReferenceSet) -> Match:
    name = int(seen.rows[row, 0])
    return Match(
        held_out.ids[name],
        str(held_out.patients[name]),
        held_out.split,
        float(seen.distances[row, 0]),
        found_by=(COSINE,),
    )


def _cosine(ways: NDArray[np.float32], films: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine distance (c,) of the nearer of two query vectors (2, d) to each film (c, d)."""
    gap = films[None].astype(np.float64) - ways[:, None]
    return np.asarray((gap * gap).sum(axis=2).min(axis=0) / 2.0)
