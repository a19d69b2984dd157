"""The predictors of a quality gate in a run: fitted on the training images, judged on held-out ones, kept loaded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.runs.context import RunContext
from lab.runs.kinds.embed import resident_extractor
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.quality_gate.gate import Gate
    from lab.quality_gate.probes import Probe

    Read = Callable[[Sequence[NDArray[Any]]], list[str | float | None]]

NO_DATASET = "The training images of this generator are not here, so nothing could learn to read it."
NOT_SAID = "The training images do not say it, so nothing could learn to read it."
_COLUMNS = {"sex": "sex", "age": "age", "finding": "label"}


@dataclass(frozen=True)
class Readers:
    """Who reads what in this run.

    Attributes:
        wanted: what is expected, by subject.
        reads: from images to readings, by subject.
        unasked: why a subject is not read, by subject.
        about: for each rule its reader's title and how well it does on held-out images.
    """

    wanted: dict[str, Any]
    reads: dict[str, Read]
    unasked: dict[str, str]
    about: list[dict[str, str]]

    def read(self, images: Sequence[NDArray[Any]]) -> dict[str, list[str | float | None]]:
        """Readings of all images, by subject."""
        return {subject: read(images) for subject, read in self.reads.items()}


def open_readers(
    ctx: RunContext, spec: RunSpec, gate: Gate, prompt: str
) -> Generator[Progress, None, Readers]:
    """A reader for each rule that the prompt, or the gate, gives something to compare with."""
    from lab.quality_gate.predictors import EMBEDDED, plugged
    from lab.quality_gate.wanted import wanted_by

    labels = _labels(spec.settings["dataset"])
    wanted = {**wanted_by(prompt, labels), **gate.wanted}
    found = Readers(wanted, {}, {}, [])
    for rule in gate.rules:
        subject, name = rule.subject, gate.predictors.get(rule.subject, EMBEDDED)
        title, told = "Probe on features", ""
        if subject not in wanted:
            told = f"Not asked: the prompt names no {subject}."
        elif name == "text-image" and subject == "finding":
            title = "Text-image model"
            told = _add_text_image(ctx, spec, found, prompt)
        elif name != EMBEDDED:
            one = plugged(subject, name)
            found.reads[subject] = _plugged(one, wanted[subject])
            title, told = one.title, one.held_out or "How well it does was not measured here."
        else:
            told = yield from _add_probe(ctx, spec, found, subject)
        found.about.append({"subject": subject, "rule": rule.words, "reader": title, "held_out": told})
    return found


def _labels(dataset: str | None) -> list[str]:
    from lab.data.resolve import resolve

    if dataset is None:
        return []
    return sorted(set(filter(None, resolve(f"{dataset}:train").labels())))


def _plugged(one: Any, wanted: Any) -> Read:
    from lab.quality_gate.predictors import read_checked

    return lambda images: read_checked(one, images, wanted)


def _add_probe(
    ctx: RunContext, spec: RunSpec, found: Readers, subject: str
) -> Generator[Progress, None, str]:
    """Fit the probe of a subject and use it where it beats a blind guess; returns what is to be said of it."""
    dataset = spec.settings["dataset"]
    if dataset is None or subject not in _COLUMNS:
        found.unasked[subject] = NO_DATASET if dataset is None else NOT_SAID
        return found.unasked[subject]
    probe = yield from _probe(ctx, spec, dataset, subject)
    if probe is None:
        found.unasked[subject] = NOT_SAID
        return NOT_SAID
    if not probe.tells:
        found.unasked[subject] = f"{probe.held_out} Too little to judge by."
        return found.unasked[subject]
    extractor, wanted = resident_extractor(ctx, spec.settings["extractor"]), str(found.wanted[subject])
    found.reads[subject] = lambda images: probe.values(extractor.embed(images), wanted)
    return probe.held_out


def _probe(
    ctx: RunContext, spec: RunSpec, dataset: str, subject: str
) -> Generator[Progress, None, Probe | None]:
    from lab.features.store import FeatureStore
    from lab.quality_gate.probes import Table, fit_probe
    from lab.runs.kinds.embed import embedded
    from lab.runs.kinds.reference import splits

    extractor = resident_extractor(ctx, spec.settings["extractor"])
    train, held_out = splits(dataset)
    for images in (train, held_out):
        if images is not None:
            yield from embedded(ctx, extractor, images)
    store = FeatureStore(ctx.settings.features)

    def table(images: Any) -> Table:
        values = [str(value) for value in images.frame()[_COLUMNS[subject]]]
        return Table(store.matrix(extractor, images.digests()), values)

    def build() -> list[Probe | None]:
        return [fit_probe(subject, table(train), None if held_out is None else table(held_out))]

    key = f"gate-probe:{subject}:{train.digest}:{extractor.digest}"
    (probe,) = ctx.resident(key, build)
    return probe


def _add_text_image(ctx: RunContext, spec: RunSpec, found: Readers, prompt: str) -> str:
    """Whether a sample goes with the prompt: the share of wrong pairs of held-out films that it scores above."""
    from lab.features.text_image_alignment import aligned, reference_of
    from lab.features.text_image_fit import why_not
    from lab.generators.cards import get_card
    from lab.runs.kinds.text_image import resident_text_image

    card = get_card(spec.settings["generator"])
    if reason := why_not(card.modality, card.phantom_trained):
        found.unasked["finding"] = reason
        return reason
    try:
        model = resident_text_image(ctx)
        reference = reference_of(model.card)
        text = model.embed_texts([prompt])[0]
    except LabError as error:
        found.unasked["finding"] = str(error)
        return str(error)

    def read(images: Sequence[NDArray[Any]]) -> list[str | float | None]:
        vectors: NDArray[np.float32] = model.embed_images(images)
        return [one.mismatched for one in aligned(vectors, text, reference)]

    found.reads["finding"] = read
    return (
        f"On {reference.films or 'its'} held-out films it takes the right caption over a wrong one in "
        f"{100 * reference.tells_apart:.0f} % of pairs."
    )
