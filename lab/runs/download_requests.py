"""Fetching a generator's weights as a run: what is asked, and the run that goes on."""

from __future__ import annotations

from lab.generators.card import GeneratorCard
from lab.generators.repositories import wanted
from lab.provenance import digest_json
from lab.runs.records import Run
from lab.runs.spec import RunSpec


def download_run(generator: str) -> RunSpec:
    """A run that fetches what a generator needs of the hub.

    Raises:
        NotFoundError: for an unknown generator.
        GeneratorError: when its weights are not on the hub, or a commit is not pinned.
    """
    from lab.generators.cards import get_card

    card = get_card(generator)
    wanted(card)
    inputs = {"places": places_digest(card), "after": _last_done(generator)}
    return RunSpec("download", {"generator": generator}, inputs, f"Weights of {card.title}")


def places_digest(card: GeneratorCard) -> str:
    """Digest of the repositories, commits and files that a card names: what a download depends on."""
    return digest_json([[one.hub_id, one.revision, str(one.prefix)] for one in wanted(card)] + [card.lora])


def current_download(generator: str) -> Run | None:
    """The run that fetches a generator now, else the newest one that stopped before its end; None for neither."""
    from lab.runs.store import RunStore

    for run in RunStore.open().list(kinds=("download",), limit=200):
        if run.spec.settings["generator"] == generator:
            return None if run.state == "done" else run
    return None


def _last_done(generator: str) -> str:
    """Once the files were removed, fetching them again is another run."""
    from lab.runs.store import RunStore

    done = RunStore.open().list(states=("done",), kinds=("download",), limit=1000)
    return next((run.id for run in done if run.spec.settings["generator"] == generator), "none")
