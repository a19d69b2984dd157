"""Which past runs are shown: by words, generator, state, verdict, star and tag. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.prompts.past import asked_of, found
from lab.runs.marks import Mark
from lab.runs.records import Run

VERDICTS = ("near-copy", "close", "ordinary")


@dataclass(frozen=True)
class Filter:
    """What past runs are looked for; each part is empty where it does not matter.

    Attributes:
        query: words of the prompt, generator, note or tags, and seeds.
        generators, states, tags: any of these.
        verdict: the worst verdict of the run's samples.
        starred: only favourites.
    """

    query: str = ""
    generators: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    verdict: str = ""
    starred: bool = False


def matching(
    runs: Sequence[Run], marks: Mapping[str, Mark], asked: Filter, worst: Callable[[Run], str]
) -> list[Run]:
    """The runs that pass every part of a filter, in their order.

    Args:
        runs: generation runs and grids.
        marks: by run id.
        asked: the filter.
        worst: the worst verdict of a run's samples, "" for none; asked only where it matters, as it costs a look-up.
    """
    return [run for run in runs if _fits(run, marks.get(run.id, Mark(run.id)), asked, worst)]


def _fits(run: Run, mark: Mark, asked: Filter, worst: Callable[[Run], str]) -> bool:
    settings = asked_of(run.spec.settings)
    return (
        (not asked.starred or mark.starred)
        and (not asked.generators or settings["generator"] in asked.generators)
        and (not asked.states or run.state in asked.states)
        and (not asked.tags or bool(set(asked.tags) & set(mark.tags)))
        and found(asked.query, settings, mark.note, *mark.tags)
        and (not asked.verdict or worst(run) == asked.verdict)
    )


def worst_of(labels: Sequence[str]) -> str:
    """The worst of several verdicts; "" for none."""
    return next((verdict for verdict in VERDICTS if verdict in labels), "")
