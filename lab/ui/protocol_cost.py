"""What a protocol will cost in time and disk, from what this machine has measured; said before anything is launched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from lab.config import settings
from lab.generators.card import GeneratorCard
from lab.runs.identity_requests import METRICS, PROMPTS, SEEDS
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.generator_weights import in_words
from lab.ui.run_panel import duration

KIND = "protocol"
PUBLISHED = PROMPTS * len(SEEDS)
LISTED = 50
Rate = Callable[[Run], tuple[float, float]]
"""From a finished run to how much it did and how long, or how many bytes, that took; nothing done does not count."""


@dataclass(frozen=True)
class Pace:
    """What images cost here; None where nothing was measured yet.

    Attributes:
        making: seconds a sample.
        measuring: seconds an image that is measured, samples and real ones alike.
        disk: bytes a sample, with its recipe.
        told_by: words for what `making` is known from.
        beside: real images that are measured with the samples, however many those are.
    """

    making: float | None
    measuring: float | None
    disk: float | None
    told_by: str
    beside: int

    @property
    def is_whole(self) -> bool:
        """Whether measuring and disk are known too."""
        return self.measuring is not None and self.disk is not None


def cost(here: Pace, prompts: int, seeds: int) -> str:
    """How many samples that is, and what they take, as a sentence."""
    words = f"{prompts:,} prompts with {seeds} seeds are {prompts * seeds:,} samples"
    if here.making is None:
        return f"{words}. Nothing of this generator was timed yet: 2 prompts with 2 seeds will tell."
    first = (
        "" if here.is_whole else " The first run here will tell how long measuring takes and how much disk."
    )
    return (
        f"{words}: {_taken(here, prompts * seeds)}, going by {here.told_by}.{first} Making and measuring both go on "
        "when you leave the page."
    )


def published(here: Pace) -> str:
    """What the published size would take here, with what is free on the disk; "" where nothing was timed."""
    if here.making is None:
        return ""
    place = next(one for one in (settings().workspace, *settings().workspace.parents) if one.is_dir())
    return (
        f"The published size, {PROMPTS:,} prompts with {len(SEEDS)} seeds, would take {_taken(here, PUBLISHED)}; "
        f"{in_words(shutil.disk_usage(place).free)} are free here."
    )


def _taken(here: Pace, images: int) -> str:
    parts = [f"about {duration((here.making or 0.0) * images)} to make"]
    parts += (
        [] if here.measuring is None else [f"{duration(here.measuring * (images + here.beside))} to measure"]
    )
    parts += [] if here.disk is None else [f"{in_words(round(here.disk * images))} on the disk"]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def pace(card: GeneratorCard, steps: int, beside: int) -> Pace:
    """Seconds and bytes an image, by the largest past runs: in short ones loading outweighs the work.

    Args:
        steps: denoising steps of each sample; time grows with them.
        beside: training and held-out images of the dataset.
    """
    own = _largest(KIND, lambda run: _made(run, card.id))
    by = "the largest protocol of this generator here"
    if own is None:
        own, by = (
            _largest("generate", lambda run: _generated(run, card.id)),
            "what was generated with it here",
        )
    making = None if own is None else own * steps
    if own is None and (four := card.measured.get("seconds_for_four")):
        making, by = float(four) / 4 * steps / max(1, card.steps), "its card, timed on another machine"
    disk = _largest(KIND, lambda run: _kept(run, card.id))
    return Pace(making, _largest("evaluate", _measured), disk, by, beside)


def _largest(kind: str, rate: Rate) -> float | None:
    """Cost of one piece of work, by the past run that did the most of it."""
    done = [rate(run) for run in RunStore.open().list(states=("done",), kinds=(kind,), limit=LISTED)]
    most = max((one for one in done if min(one) > 0), default=None)
    return None if most is None else most[1] / most[0]


def _made(run: Run, generator: str) -> tuple[float, float]:
    """Samples times steps, and seconds; a run that was resumed tells of its last part alone."""
    told, asked = run.result or {}, run.spec.settings
    if asked["generator"] != generator:
        return 0.0, 0.0
    timed = told.get("pace") or {"images": told.get("images", 0), "seconds": run.duration_s or 0.0}
    return float(timed["images"] * asked["steps"]), float(timed["seconds"])


def _generated(run: Run, generator: str) -> tuple[float, float]:
    asked = run.spec.settings
    work = float(len(asked["seeds"]) * asked["steps"]) if asked["generator"] == generator else 0.0
    return work, float(run.duration_s or 0.0)


def _kept(run: Run, generator: str) -> tuple[float, float]:
    told = run.result or {}
    same = run.spec.settings["generator"] == generator
    return (float(told.get("images", 0)), float(told.get("bytes", 0))) if same else (0.0, 0.0)


def _measured(run: Run) -> tuple[float, float]:
    """Images of a past measurement of a protocol, real ones too, and its seconds."""
    if tuple(run.spec.settings["metrics"]) != METRICS:
        return 0.0, 0.0
    sides = ("n_synthetic", "n_real", "n_held_out")
    counts = [sum(int(one.get(side) or 0) for side in sides) for one in (run.result or {}).get("results", [])]
    return float(max(counts, default=0)), float(run.duration_s or 0.0)
