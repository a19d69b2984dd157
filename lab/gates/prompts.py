"""Prompts of the adherence gate: findings drawn by a seed of their own, each bound to held-out phantom patients.

A quarter of the prompts name a combination of finding, side and size that no training film shows; nine in ten name a
pathology, mostly one, and one in four a device. A prompt's sentence is written by `lab.data.phantoms.caption`, with the
view and the person of the held-out patient it is bound to, so that the films of that patient with these very findings
show what a perfect answer looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from lab.data.phantom_dataset import phantom_split
from lab.data.phantoms import FindingSpec, PhantomRecipe, caption
from lab.data.phantoms.anatomy import draw_anatomy, draw_positioning, stream
from lab.data.phantoms.draws import DEVICES, LABELS, LOBES_OF, SIDED, draw_one, draw_pathologies
from lab.data.phantoms.phrases import SIZE_WORDS
from lab.generators.training.combinations import WITHHELD, is_withheld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.data.phantoms.anatomy import Positioning

POPULATION = 0
PROMPT_SEED, PROBE_SEED = 31, 17
PROMPTS = 200
WITHHELD_SHARE, NORMAL_SHARE, DEVICE_SHARE = 0.25, 0.1, 0.25
FRONTAL = ("AP", "PA")
OTHER = {"right": "left", "left": "right"}
Findings = tuple[FindingSpec, ...]


@dataclass(frozen=True)
class Prompt:
    """What is asked for.

    Attributes:
        text: the sentence.
        findings: pathologies, then devices.
        film: the first frontal film of the held-out patient that it is bound to.
    """

    text: str
    findings: Findings
    film: PhantomRecipe

    @property
    def withheld(self) -> bool:
        """Whether it names a combination that no training film shows."""
        return is_withheld(asdict(finding) for finding in self.findings)

    @property
    def swaps(self) -> bool:
        """Whether its sides can be swapped: it names one sided pathology, in a lobe that has a counterpart."""
        ill = [finding for finding in self.findings if finding.label not in DEVICES]
        return sum(f.label in SIDED for f in ill) == 1 and "middle lobe" not in self.text

    def states_size(self, finding: FindingSpec) -> bool:
        """Whether the sentence tells the finding's size; one caption in six leaves it out."""
        words = SIZE_WORDS.get(finding.label, SIZE_WORDS[""]).get(finding.size, ())
        return bool(set(words) & set(_words(self.text)))


def draw_prompts(n: int = PROMPTS, seed: int = PROMPT_SEED) -> tuple[Prompt, ...]:
    """Prompts for `n` different held-out patients; the same seed gives the same prompts."""
    rng = np.random.default_rng(seed)
    films = frontal_films("held-out")
    prompts = []
    for findings in draw_findings(n, rng, WITHHELD_SHARE):
        film = next(films)
        # What is never trained has to be asked for in so many words.
        prompts.append(next(p for p in _worded(findings, film, rng) if not p.withheld or _all_sized(p)))
    return tuple(prompts)


def draw_findings(n: int, rng: np.random.Generator, withheld: float = 0.0) -> list[Findings]:
    """Findings of `n` films in random order: every pathology equally often, and a share of withheld combinations."""
    never, normal = round(n * withheld), round(n * NORMAL_SHARE)
    combinations = sorted(WITHHELD)
    drawn: list[Findings] = [_exactly(*combinations[k % len(combinations)], rng) for k in range(never)]
    drawn += [()] * normal
    drawn += [_with(LABELS[k % len(LABELS)], rng) for k in range(n - never - normal)]
    order = rng.permutation(n)
    return [drawn[k] + _device(rng) for k in order]


def frontal_films(split: str, each: int = 1, seed: int = POPULATION) -> Iterator[PhantomRecipe]:
    """Frontal films of the patients of a split, in the order of their numbers, `each` of every patient in turn."""
    for patient in count():
        if phantom_split(f"phantom-{seed}-{patient:05d}") != split:
            continue
        found = (PhantomRecipe(seed, patient, film) for film in count())
        frontal = (film for film in found if position_of(film).view in FRONTAL)
        yield from (next(frontal) for _ in range(each))


def position_of(film: PhantomRecipe) -> Positioning:
    """How a film is taken, without rendering it."""
    return draw_positioning(stream(film.seed, "positioning", film.patient, film.film))


def swapped(text: str) -> str:
    """The sentence with right and left exchanged, and nothing else."""
    return re.sub(
        r"\b(right|left)\b",
        lambda found: OTHER[found[0].lower()].capitalize() if found[0][0].isupper() else OTHER[found[0]],
        text,
        flags=re.IGNORECASE,
    )


def _exactly(label: str, side: str, size: str, rng: np.random.Generator) -> Findings:
    lobe = draw_one(rng, label).lobe and str(rng.choice(LOBES_OF[side]))
    return (FindingSpec(label, side, size, lobe),)


def _with(label: str, rng: np.random.Generator) -> Findings:
    """Pathologies as films have them, the first one given."""
    while True:
        drawn = draw_pathologies(rng)
        if drawn and drawn[0].label == label:
            return drawn


def _device(rng: np.random.Generator) -> Findings:
    if rng.random() >= DEVICE_SHARE:
        return ()
    return (draw_one(rng, DEVICES[int(rng.integers(len(DEVICES)))]),)


def _worded(findings: Findings, film: PhantomRecipe, rng: np.random.Generator) -> Iterator[Prompt]:
    person = draw_anatomy(stream(film.seed, "anatomy", film.patient))
    view = position_of(film).view
    while True:
        text = caption(findings, rng, view=view, sex=person.sex, age=person.age)
        yield Prompt(text, findings, film)


def _all_sized(prompt: Prompt) -> bool:
    return all(prompt.states_size(f) for f in prompt.findings if f.label not in DEVICES)


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[a-z]+", text.lower())
