"""The samples that a ship gate judges: prompts in the proportions of the training set, fixed seeds, kept as arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.atomic import read_array, write_array
from lab.config import settings
from lab.data.imageset import FrameSet, patient_balanced
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition
from lab.generators.contract import MICRO_BATCH, Generator
from lab.generators.request import request_for
from lab.provenance import digest_bytes, digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

OnProgress = Callable[[str, int, int], None]
FIRST_SEED = 1_000_000
PLAN_SEED = 0
STAGE = "Generating samples"


@dataclass(frozen=True)
class Asked:
    """One prompt, the label it stands for, the first of its consecutive seeds and how many samples it gets."""

    prompt: str
    label: str
    seed: int
    count: int = MICRO_BATCH

    @property
    def seeds(self) -> tuple[int, ...]:
        """One a sample."""
        return tuple(range(self.seed, self.seed + self.count))


class SampleArrays(FrameSet):
    """Samples in memory as an image set; each sample is its own patient.

    Attributes:
        seeds: (n,) seed of each sample, in the order of the rows.
    """

    def __init__(
        self, id: str, images: Sequence[NDArray[np.uint8]], asked: Sequence[tuple[str, str, int]]
    ) -> None:
        """Take images (H, W) or (H, W, 3) uint8 and (prompt, label, seed) of each."""
        names = [digest_json([id, position])[:16] for position in range(len(images))]
        digests = [digest_bytes(np.ascontiguousarray(i).tobytes() + str(i.shape).encode()) for i in images]
        prompts, labels, seeds = ([row[column] for row in asked] for column in range(3))
        columns = {"image_id": names, "digest": digests, "patient_id": names, "split": "", "label": labels}
        super().__init__(id, "SYNTHETIC", pd.DataFrame({**columns, "caption": prompts}))
        self.seeds = tuple(int(seed) for seed in seeds)
        self._images = dict(zip(names, images, strict=True))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """Pixels of a sample, uint8, (H, W) or (H, W, 3)."""
        self.row(image_id)
        return self._images[image_id]


def plan(card: GeneratorCard, train: ImageSet, held_out: ImageSet, n: int) -> tuple[Asked, ...]:
    """Prompts for `n` samples, four samples a prompt; labels stand in the proportions of the training images.

    A generator trained on phantoms is asked with captions of held-out films, any other with those of its training
    films: nothing makes it copy more readily. Films without captions are asked for with the card's examples that name
    every word of the label, else with the label itself. A generator that reads no text is asked by class where it
    knows classes, and for nothing otherwise.
    """
    count = -(-n // MICRO_BATCH)
    source = held_out if card.phantom_trained else train
    asked: list[Asked] = []
    for label, wanted in _shares(train.labels(), count).items():
        sentences = captions_of(card, source, label)
        chosen = [sentences[turn % len(sentences)] for turn in range(wanted)]
        asked += [Asked(prompt, label, 0) for prompt in chosen]
    left = [min(MICRO_BATCH, n - MICRO_BATCH * turn) for turn in range(count)]
    return tuple(
        Asked(one.prompt, one.label, FIRST_SEED + MICRO_BATCH * turn, left[turn])
        for turn, one in enumerate(asked)
    )


def captions_of(card: GeneratorCard, images: ImageSet, label: str) -> list[str]:
    """Captions of the films of a label, one of every patient before a second of any; at least one sentence.

    An empty one for generators that read no text.
    """
    if card.conditioning != "text":
        return [""]
    frame = images.frame().set_index("image_id")
    order = patient_balanced(images, len(frame), PLAN_SEED)
    rows = frame.loc[order]
    found = [str(text) for text in rows.loc[rows["label"] == label, "caption"] if str(text)]
    words = _words(label)
    named = [example for example in card.examples if words and words <= _words(example)]
    return found or named or [label.replace("_", " ") or "Chest radiograph."]


def made(
    card: GeneratorCard,
    digest: str,
    asked: Sequence[Asked],
    load: Callable[[], Generator],
    on_progress: OnProgress,
    stage: str = STAGE,
) -> SampleArrays:
    """The samples of a plan at the card's defaults: kept ones from the workspace, the others generated and kept.

    Args:
        card: of the generator.
        digest: of its weights and settings; samples of other weights are never taken.
        load: gives the generator; called only when a sample is missing.

    Raises:
        GeneratorError, InputError: as the generator's; samples that were made before are kept.
    """
    folder = cache_folder(card, digest)
    loaded: list[Generator] = []
    images: list[NDArray[np.uint8]] = []
    total = sum(one.count for one in asked)
    for one in asked:
        told_class = one.label if one.label in card.classes else ""
        # Samples of generators that read text were kept under names without a class.
        key = [one.prompt, one.seed, one.count, *([told_class] if told_class else [])]
        path = folder / f"{digest_json(key)[:24]}.npy"
        block = _kept(path, one.count)
        if block is None:
            if not loaded:
                on_progress("Loading the generator", 0, 1)
                loaded.append(load())
            request = request_for(
                card, one.prompt, one.count, one.seed, condition=Condition(label=told_class)
            )
            block = np.stack([s.image for batch in loaded[0].generate(request) for s in batch])
            write_array(path, block)
        images += list(block)
        on_progress(stage, len(images), total)
    told = [(one.prompt, one.label, seed) for one in asked for seed in one.seeds]
    return SampleArrays(f"{card.id}.gate", images, told)


def cache_folder(card: GeneratorCard, digest: str) -> Path:
    """Where samples of these weights at these defaults are kept."""
    defaults = [card.steps, card.guidance, card.size, card.scheduler, card.dtype, card.options]
    return settings().workspace / "gates" / f"{card.id}-{digest_json([digest, defaults])[:24]}"


def _kept(path: Path, count: int) -> NDArray[np.uint8] | None:
    try:
        block = read_array(path, mmap=False)
    except (OSError, ValueError, EOFError):
        return None
    return block if len(block) == count and block.dtype == np.uint8 else None


def _shares(labels: Sequence[str], count: int) -> Mapping[str, int]:
    """`count` divided among the labels in their proportions, by largest remainder."""
    names, sizes = np.unique(np.asarray(labels, dtype=str), return_counts=True)
    exact = count * sizes / sizes.sum()
    whole = np.floor(exact).astype(int)
    extra = np.argsort(-(exact - whole), kind="stable")[: count - int(whole.sum())]
    whole[extra] += 1
    return {str(name): int(number) for name, number in zip(names, whole, strict=True)}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
