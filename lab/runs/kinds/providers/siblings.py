"""The prompt of each sample: samples with an equal one are siblings."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

NONE = "no two samples of this set share a prompt; generate two or more a prompt."


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why there are no siblings; the table alone is read."""
    prompts = synthetic.frame()["caption"].astype(str).str.strip()
    return "" if prompts[prompts != ""].duplicated().any() else NONE


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Prompts in the order of the set."""
    import numpy as np

    yield ctx.progress("Reading the prompts", 0, 1)
    prompts = sets.synthetic.frame()["caption"].astype(str).str.strip()
    return {"synthetic_prompts": np.asarray(prompts, dtype=str)}
