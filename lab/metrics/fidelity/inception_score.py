"""Inception score on class scores, as it is defined, beside the variant on pooled features of CheXGenBench."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.errors import NotComputable
from lab.metrics.class_scores import SplitScores, split_scores
from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.inputs import Space
from lab.metrics.other_space import in_space
from lab.metrics.points import SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

SPLITS = 10
TRUE, BENCHMARK = "class scores (logits)", "pooled features (pool3, as CheXGenBench)"


@metric(
    MetricSpec(
        name="inception-score",
        title="Inception score",
        symbol="IS",
        axis="fidelity",
        direction="higher",
        low=1.0,
        high=float("inf"),
        null="the held-out line: real medical images score only 2 to 4, for they look like few of ImageNet's classes",
        null_line=None,
        needs=("features", "logits"),
        minimum_n=50,
        bias="too small with few images in a split; knows nothing of the training images; the classes are everyday"
        " objects, so on medical images it says little",
        cost="one pass of the Inception network over each side, kept for later; seconds after that",
        reference="Salimans et al. 2016, Improved techniques for training GANs; 10 splits as in torch-fidelity 0.4",
        definition="How sharply a network for everyday photographs sorts each sample into a class, times how many"
        " classes the samples fill.",
        options=(
            MetricOption(
                "splits", "Splits", SPLITS, 1, 50, "Parts whose scores are averaged; published: 10."
            ),
        ),
    )
)
def inception_score(comparison: Comparison) -> Measurement:
    """Mean over 10 splits of exp(mean KL(p(y|x) || p(y))); torch-fidelity to 1e-9 relative for equal splits.

    `published` is the same sum over a softmax of the 2,048 pooled features, which is no class distribution:
    CheXGenBench reports it under the same name. The standard deviation over the splits is in `details`.
    """
    spaces = comparison.given.spaces
    if "logits" not in spaces:
        raise NotComputable(
            comparison.given.absent.get("logits")
            or "The Inception score needs the class scores of the Inception network; add its weights and measure again."
        )
    splits = round(comparison.option("inception-score", "splits", SPLITS))
    if comparison.synthetic.n < splits:
        raise NotComputable(f"{splits} splits need {splits} samples or more; choose fewer splits.")
    measured, table = _on(comparison, spaces["logits"], splits, TRUE)
    told: dict[str, Any] = {"table": table, "splits": splits, "sd": table[0]["SD over splits"]}
    measured = replace(measured, extractor=spaces["logits"].extractor)
    if "pool3" not in spaces:
        return replace(measured, details=told)
    published, rows = _on(comparison, spaces["pool3"], splits, BENCHMARK)
    return replace(
        measured,
        details=told | {"table": table + rows},
        published=published.value,
        published_note="CheXGenBench takes the 2,048 pooled features for class scores, so its Inception score is not"
        " comparable with that of other papers.",
    )


def _on(
    comparison: Comparison, space: Space, splits: int, source: str
) -> tuple[Measurement, list[dict[str, Any]]]:
    """The score in one space with control and floor, and its rows for the table."""
    there = in_space(comparison, space)
    found: dict[int, SplitScores] = {}

    def of(pair: SetPair) -> SplitScores:
        if id(pair.synthetic) not in found:
            found[id(pair.synthetic)] = split_scores(pair.synthetic, splits, there.rng("inception-score"))
        return found[id(pair.synthetic)]

    measured = compare_sets(there, lambda pair: of(pair).statistic())
    sides = {"Samples": there.main, "Held-out images": there.control}
    rows = [
        {
            "Scores from": source,
            "Side": side,
            "Mean": round(of(pair).mean, 6),
            "SD over splits": round(of(pair).spread, 6),
            "Images": pair.synthetic.n,
        }
        for side, pair in sides.items()
        if pair is not None
    ]
    return replace(measured, dimension=int(space.synthetic.shape[1])), rows
