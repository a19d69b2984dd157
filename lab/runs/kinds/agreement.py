"""How far two feature spaces agree on the training images of a dataset."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "agreement",
    lane="side",
    priority="interactive",
    modules=("lab.features",),
    title="Compare feature spaces",
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Compare the order of distances, and the nearest, around an even pick of training images in both spaces."""
    from lab.data.resolve import resolve
    from lab.features.agreement import agreement

    chosen = spec.settings
    train = resolve(f"{chosen['dataset']}:train")
    spaces = []
    for name in chosen["extractors"]:
        spaces.append((yield from matrix(ctx, resident_extractor(ctx, name), train)))
    yield ctx.progress("Comparing feature spaces", 0, 1)
    found = agreement(spaces[0], spaces[1], k=chosen["k"])
    yield ctx.progress("Comparing feature spaces", 1, 1)
    return {
        "dataset": chosen["dataset"],
        "extractors": chosen["extractors"],
        "spearman": found.spearman,
        "overlap": found.overlap,
        "chance": found.chance,
        "k": found.k,
        "queries": found.queries,
        "references": found.references,
        "sentence": found.sentence,
    }
