"""What the guided demonstration asks of its two generators: which captions, how many samples, which seeds.

Nothing is picked by how it looks: captions come from the lists of the generator and of the dataset in their own order,
and seeds are counted from a fixed number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.data.imageset import patient_balanced

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.gates.planted import PlantedFilm

DATASET = "phantom-cxr"
MEMORISED, WELL_TRAINED = "phantom-cxr-memorised-192", "phantom-cxr"
SETS = {"leakage-demo-memorised": MEMORISED, "leakage-demo-well-trained": WELL_TRAINED}
MEMORISED_SET, WELL_TRAINED_SET = SETS
PLANTED, ONCE, HELD_OUT = "planted", "once", "held-out"
COUNTS = {PLANTED: 4, ONCE: 2, HELD_OUT: 1}
HELD_OUT_CAPTIONS = 32
FIRST_SEED = 3_000_000


@dataclass(frozen=True)
class Asked:
    """One caption and the samples it gets.

    Attributes:
        set: id of the sample set.
        group: whose caption it is: "planted" (repeated in training), "once" (seen once) or "held-out" (never seen).
        film: image id of that film.
        prompt: its caption.
        seed: the first of consecutive seeds.
        count: samples, 1 to 4: one micro-batch.
    """

    set: str
    group: str
    film: str
    prompt: str
    seed: int
    count: int

    @property
    def generator(self) -> str:
        """Id of the generator that is asked."""
        return SETS[self.set]

    @property
    def seeds(self) -> tuple[int, ...]:
        """One a sample."""
        return tuple(range(self.seed, self.seed + self.count))


def plan(films: Sequence[PlantedFilm], held_out: ImageSet, trained: Collection[str]) -> tuple[Asked, ...]:
    """Every caption that is asked, in the order of the sets.

    Args:
        films: planted films and unrepeated ones, as `planted.json` lists them.
        held_out: films that no generator saw; one of every patient, with captions nobody was trained on.
        trained: captions of the films the over-trained generator saw.
    """
    own = {text.casefold() for text in trained} | {film.caption.casefold() for film in films}
    rows = held_out.frame().set_index("image_id")
    control = [
        (HELD_OUT, name, str(rows.loc[name, "caption"]))
        for name in patient_balanced(held_out, len(rows), 0)
        if str(rows.loc[name, "caption"]) and str(rows.loc[name, "caption"]).casefold() not in own
    ][:HELD_OUT_CAPTIONS]
    seen = [(PLANTED if film.copies > 1 else ONCE, film.image_id, film.caption) for film in films]
    seen.sort(key=lambda one: one[0] != PLANTED)  # stable: planted first, else as listed
    return tuple(_seeded([(MEMORISED_SET, *one) for one in seen + control] + _elsewhere(control)))


def _elsewhere(control: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str, str]]:
    """The same held-out captions for the well-trained generator."""
    return [(WELL_TRAINED_SET, *one) for one in control]


def _seeded(wanted: Sequence[tuple[str, str, str, str]]) -> Iterator[Asked]:
    seed = FIRST_SEED
    for set_id, group, film, prompt in wanted:
        yield Asked(set_id, group, film, prompt, seed, COUNTS[group])
        seed += COUNTS[group]
