"""Fetching a generator's weights from the hub: every file at its pinned commit, checked as it arrives."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.errors import GeneratorError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec

_CODE = (
    "lab.generators.download",
    "lab.generators.hub",
    "lab.generators.repositories",
    "lab.generators.transfer",
)
STAGE, CHECK = "Downloading, in MB", "Checking what arrived, in MB"


@run_kind("download", lane="net", priority="batch", modules=_CODE, title="Download a generator")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Fetch all repositories of the generator; a stopped run leaves what arrived for the next one."""
    from contextlib import closing

    from lab.generators.cards import get_card
    from lab.generators.repositories import fetching
    from lab.runs.download_requests import places_digest

    card = get_card(spec.settings["generator"])
    if places_digest(card) != spec.inputs["places"]:
        raise GeneratorError(
            "The card was changed after this download was asked for; nothing more was fetched; download it again."
        )
    total = 0
    yield ctx.progress("Asking the hub for its list of files", 0, 0)
    with closing(fetching(card)) as steps:
        for step in steps:
            total = step.total
            stage = STAGE if step.file else CHECK
            yield ctx.progress(stage, _mb(step.here), _mb(step.total), message=_sentence(step.file))
    return {"generator": card.id, "bytes": total}


def _mb(count: int) -> float:
    return round(count / 1e6, 3 if count < 1e8 else 0)


def _sentence(file: str) -> str:
    return f"Now: {file[:100]}" if file else "Digests are compared with those of the commit."
