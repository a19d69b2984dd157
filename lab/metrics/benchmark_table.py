"""The three metrics on prompts and their images as one table in the columns of the published privacy CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = (
    "Real Path", "Prompt", "Mean_reid_scores", "Max_reid_scores", "Mean_pixel_distance", "Min_pixel_distance",
    "Mean_latent_distance", "Min_latent_distance",
)  # fmt: skip
_PAIRS = (
    ("re-identification", "Mean_reid_scores", "Max_reid_scores", "max"),
    ("pixel-distance", "Mean_pixel_distance", "Min_pixel_distance", "min"),
    ("latent-distance", "Mean_latent_distance", "Min_latent_distance", "min"),
)


def rows_for_csv(
    details: Mapping[str, Mapping[str, Any]],
    ids: Sequence[str],
    prompts: Sequence[str] | None = None,
    published: bool = False,
) -> list[dict[str, str | float | None]]:
    """One row a prompt, in the order of the training images; a metric that is not there leaves its cells None.

    Args:
        details: of the results of the whole set (group "all"), by metric name.
        ids: opaque id of each training image, in the order of the real set of the run; it stands for the path.
        prompts: caption of each training image; None leaves the column empty: a caption may be a patient's text.
        published: pixel distances as the published code computes them, wrapped modulo 256.
    """
    table: dict[int, dict[str, str | float | None]] = {}
    for metric, mean, extreme, word in _PAIRS:
        told = details.get(metric, {})
        found = told.get("per_prompt")
        if not found:
            continue
        means, extremes = found["mean"], found[word]
        if published and "published_prompt_mean" in told:
            means, extremes = told["published_prompt_mean"], told["published_prompt_min"]
        for source, middle, far in zip(found["source"], means, extremes, strict=True):
            row = table.setdefault(int(source), dict.fromkeys(COLUMNS))
            row |= {mean: float(middle), extreme: float(far)}
    for source, row in table.items():
        row |= {"Real Path": ids[source], "Prompt": "" if prompts is None else prompts[source]}
    return [table[source] for source in sorted(table)]
