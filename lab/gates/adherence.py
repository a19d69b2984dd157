"""Whether samples show what their prompt says, judged by a probe that never saw a sample.

200 prompts for held-out patients, four seeds each, at the card's own steps and guidance. The probe learns from phantom
films of training patients, at the generator's size. What it can tell at all is measured on held-out films that show
what the same prompts ask for, through the generator's autoencoder: the ceiling. Every interval is a bootstrap over
prompts. For the swaps, some prompts are asked again with the same seeds and the words right and left exchanged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_films import renderer_digest
from lab.gates.adherence_figures import Read, Swapped, ceilings, figures
from lab.gates.probe import Probe, Reading, kept_probe, train
from lab.gates.probe_films import PROBE_FILMS, asked_for, findings_of, patients, probe_training
from lab.gates.prompts import PROMPTS, Prompt, draw_prompts, swapped
from lab.gates.realism_distance import distance, embed, set_points
from lab.gates.report import Figure, GateReport
from lab.gates.ship_samples import Asked, SampleArrays, made
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH, Generator
from lab.metrics.patients import Z95
from lab.provenance import code_digest, digest_bytes, digest_json

if TYPE_CHECKING:
    from lab.generators.training.films import Films

OnProgress = Callable[[str, int, int], None]
Images = NDArray[np.uint8]
SEEDS = MICRO_BATCH
FIRST_SEED = 3_000_000
SWAPS = 60
FOUR, FOUR_LIMIT, TIMES = "Time for four images", 3.0, 5
BLOCK = 20
CODE = (
    "lab.auroc",
    "lab.gates.adherence",
    "lab.gates.adherence_figures",
    "lab.gates.adherence_scores",
    "lab.gates.probe",
    "lab.gates.probe_films",
    "lab.gates.probe_network",
    "lab.gates.prompts",
)


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure a generator that was trained on phantoms; samples and films are kept in the workspace.

    Raises:
        NotFoundError: for an unknown generator.
        GeneratorError, WeightsError: when it cannot be loaded.
    """
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load

    limit_threads()
    card = get_card(asset)
    on_progress("Loading the generator", 0, 1)
    return measure_on(card, load(card), on_progress)


def measure_on(
    card: GeneratorCard,
    generator: Generator,
    on_progress: OnProgress,
    n: int = PROMPTS,
    films: int = PROBE_FILMS,
) -> GateReport:
    """Measure a loaded generator with `n` prompts and a probe trained on `films` films."""
    start = time.monotonic()
    prompts = draw_prompts(n)
    training = probe_training(card.size, on_progress, films)
    probe = open_probe(training, on_progress)
    held_out = asked_for(prompts, card.size, on_progress)
    returned = in_blocks(generator.autoencode, held_out.images, "Films through the autoencoder", on_progress)
    ceiling = Read(prompts, probe.read(returned), len(returned) // n)
    asked = asked_of(prompts)
    samples = pixels(made(card, generator.digest, asked, lambda: generator, on_progress))
    read = Read(prompts, probe.read(samples), SEEDS)
    swaps = _swapped(card, generator, probe, read, asked, on_progress)
    found, table = figures(read, ceiling, swaps)
    found += distances(samples, held_out, training, on_progress)
    found.append(seconds_for_four(card, generator, prompts))
    return GateReport(
        id="adherence",
        subject=card.id,
        title="Whether samples show what the prompt says",
        command=f"python -m lab gates run adherence --asset {card.id} --write",
        inputs={
            "generator": generator.digest,
            "renderer": renderer_digest(),
            "prompts": digest_json([p.text for p in prompts]),
            "code": code_digest(CODE),
        },
        seconds=round(time.monotonic() - start, 1),
        figures=tuple(found),
        details={"findings": table, "steps": card.steps, "guidance": card.guidance, "size": card.size}
        | {"ceilings": {label: [one.value, one.low, one.high] for label, one in ceilings(ceiling).items()}},
    )


def open_probe(training: Films, on_progress: OnProgress) -> Probe:
    """The probe of these films, trained or taken from the workspace."""
    arrays = [digest_bytes(part.tobytes()) for part in (training.images, training.lesions)]

    def told(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            on_progress("Training the probe", done, total)

    return kept_probe(
        [*arrays, training.records],
        lambda: train(training.images, training.lesions, findings_of(training), told),
    )


def in_blocks(
    work: Callable[[Images], Images], images: Images, stage: str, on_progress: OnProgress
) -> Images:
    """(n, H, W) images through `work`, a few at a time."""
    out = []
    for first in range(0, len(images), BLOCK):
        out.append(work(images[first : first + BLOCK]))
        on_progress(stage, min(first + BLOCK, len(images)), len(images))
    return np.concatenate(out)


def asked_of(prompts: Sequence[Prompt]) -> list[Asked]:
    """Four consecutive seeds for each prompt."""
    return [Asked(p.text, "", FIRST_SEED + SEEDS * k, SEEDS) for k, p in enumerate(prompts)]


def pixels(samples: SampleArrays) -> Images:
    """(n, H, W) uint8 of samples in their order."""
    return np.stack([samples.image(name) for name in samples.ids()])


def distances(samples: Images, held_out: Films, training: Films, on_progress: OnProgress) -> list[Figure]:
    """Kernel distance x 1000 of samples, and of films of other patients, to held-out films, one of each patient."""
    each = np.unique(patients(held_out), return_index=True)[1]
    other = np.unique(patients(training), return_index=True)[1][: len(each)]
    images = {
        "samples": samples,
        "held-out films": held_out.images[each],
        "training films": training.images[other],
    }
    # The four samples of a prompt stand together, as films of a patient do.
    names = {
        "samples": np.repeat(np.arange(len(samples) // SEEDS), SEEDS).astype(str),
        "held-out films": patients(held_out)[each],
        "training films": patients(training)[other],
    }
    features = {name: embed(films, name, on_progress) for name, films in images.items()}
    points = set_points(features, names, 0)
    found = []
    for name in ("samples", "training films"):
        one = distance(points[name], points["held-out films"])
        low, high = one.value - Z95 * one.error, one.value + Z95 * one.error
        note = f"standard error {one.error:.2g}; EfficientNet-Lite0"
        found.append(
            Figure(
                f"KD x 1000, {name} to held-out films", one.value, low, high, n=len(images[name]), note=note
            )
        )
    return found


def seconds_for_four(card: GeneratorCard, generator: Generator, prompts: Sequence[Prompt]) -> Figure:
    """Median seconds for four images at the card's defaults, the generator being loaded."""
    from lab.generators.request import request_for

    taken = []
    for turn in range(TIMES + 1):
        start = time.monotonic()
        list(
            generator.generate(request_for(card, prompts[turn % len(prompts)].text, MICRO_BATCH, FIRST_SEED))
        )
        taken.append(time.monotonic() - start)
    kept = sorted(taken[1:])
    note = "loaded; median of five, with the fastest and the slowest"
    return Figure(FOUR, float(np.median(kept)), kept[0], kept[-1], FOUR_LIMIT, "<=", "s", TIMES, note)


def _swapped(
    card: GeneratorCard,
    generator: Generator,
    probe: Probe,
    read: Read,
    asked: Sequence[Asked],
    on_progress: OnProgress,
) -> Swapped:
    chosen = [k for k, prompt in enumerate(read.prompts) if prompt.swaps][:SWAPS]
    again = [Asked(swapped(asked[k].prompt), "", asked[k].seed, SEEDS) for k in chosen]
    images = made(card, generator.digest, again, lambda: generator, on_progress, "Samples with sides swapped")
    rows = (np.asarray(chosen)[:, None] * SEEDS + np.arange(SEEDS)).ravel()
    before = Reading(read.reading.present[rows], read.reading.side[rows], read.reading.size[rows])
    return Swapped(Read([read.prompts[k] for k in chosen], before, SEEDS), probe.read(pixels(images)))
