"""Retrieval recall: does a sample find its own prompt among others, and a prompt its own sample?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.alignment.sides import Side, captioned, interval
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import SHUFFLED, MetricSpec

K = 5
DEPTHS = (1, 5, 10)
FEWEST, MOST = 20, 100
Hits = NDArray[np.bool_]
Rows = NDArray[np.int64]


@metric(
    MetricSpec(
        name="retrieval-recall",
        title=f"Retrieval recall at {K}",
        symbol=f"R@{K}",
        axis="alignment",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: real images and their own captions, as many as samples; the floor is what shuffled"
        " captions score",
        null_line=None,
        needs=("features", "captions", "held-out"),
        minimum_n=FEWEST,
        bias="falls with the number of pairs, which the note states, and with prompts that say the same in other"
        " words: only the held-out line at the same number is comparable",
        cost="one pass of a small text-image model: some milliseconds an image",
        reference="Radford et al. 2021, Learning transferable visual models from natural language supervision;"
        " used for synthetic radiographs by Chambon et al. 2022 (RoentGen)",
        definition=f"How often a sample has its own prompt among its {K} best of many, and a prompt its own sample,"
        " averaged over both directions.",
        floor=SHUFFLED,
    )
)
def retrieval_recall(comparison: Comparison) -> Measurement:
    """Mean over both directions of the share of pairs found within the best 5; control: held-out pairs.

    One image stands for all that share a caption. Both sides are drawn to the same number of pairs, at most 100,
    because recall depends on it. The details give recall at 1, 5 and 10 in each direction. Intervals: bootstrap
    over pairs, the others fixed.

    Raises:
        NotComputable: with fewer than 20 different prompts or captions.
    """
    samples, films = captioned(comparison, "Retrieval recall")
    rng = comparison.rng("retrieval-recall")
    singles = [distinct(side) for side in (samples, films)]
    n = min(MOST, *(len(rows) for rows in singles))
    if n < FEWEST:
        raise NotComputable(
            f"Retrieval recall needs {FEWEST} different prompts and as many different held-out captions; here are "
            f"{len(singles[0])} and {len(singles[1])}."
        )
    made, real = (_found(side, rows, n, rng) for side, rows in zip((samples, films), singles, strict=True))
    low, high, control_low, control_high = *made[2], *real[2]
    return Measurement(
        value=_mean(made[0], made[1]),
        low=low,
        high=high,
        control=_mean(real[0], real[1]),
        control_low=control_low,
        control_high=control_high,
        floor=K / n,
        floor_n=n,
        dimension=samples.pairs.images.shape[1],
        extractor=samples.pairs.model,
        note=f"{n} pairs; a sample finds its prompt in {made[0].mean():.3f}, a prompt its sample in "
        f"{made[1].mean():.3f}; held-out images {real[0].mean():.3f} and {real[1].mean():.3f}.",
        details={"table": _table(samples, films, made[3], real[3])},
    )


def recall_hits(images: NDArray[np.float64], texts: NDArray[np.float64], k: int = K) -> tuple[Hits, Hits]:
    """For unit vectors (n, e) row by row: is the partner within the best k? A tie counts against it.

    Returns:
        (n,) image to text, (n,) text to image.
    """
    cosines = images @ texts.T
    own = np.diag(cosines)
    return (cosines >= own[:, None]).sum(axis=1) <= k, (cosines >= own[None, :]).sum(axis=0) <= k


def distinct(side: Side) -> NDArray[np.int64]:
    """The first row of each different caption."""
    _, rows = np.unique(side.pairs.captions, return_index=True)
    return np.sort(rows).astype(np.int64)


def _found(
    side: Side, rows: NDArray[np.int64], n: int, rng: np.random.Generator
) -> tuple[Hits, Hits, tuple[float | None, float | None], Rows]:
    chosen = np.sort(rng.choice(rows, n, replace=False))
    to_text, to_image = recall_hits(*side.pairs.take(chosen).unit())
    scores = (to_text.astype(np.float64) + to_image) / 2
    return to_text, to_image, interval(scores, side.patients[chosen], rng), chosen


def _table(samples: Side, films: Side, ours: Rows, theirs: Rows) -> list[dict[str, object]]:
    """Recall at 1, 5 and 10 in both directions; the pairs are the same at every depth."""
    units = samples.pairs.take(ours).unit(), films.pairs.take(theirs).unit()
    table: list[dict[str, object]] = []
    for k in DEPTHS:
        made, real = (recall_hits(*unit, k=k) for unit in units)
        for at, title in enumerate(("image to text", "text to image")):
            table.append(
                {
                    "direction": title,
                    "k": k,
                    "samples": round(float(made[at].mean()), 4),
                    "held-out images": round(float(real[at].mean()), 4),
                    "shuffled captions": round(min(1.0, k / len(ours)), 4),
                }
            )
    return table


def _mean(first: Hits, second: Hits) -> float:
    return float((first.mean() + second.mean()) / 2)
