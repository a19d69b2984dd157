"""The demonstration's samples as they are shipped: PNG files with their recipes inside, and a list of them.

They come with the program so that the demonstration works at once; `python -m lab leakage demo-set` makes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.atomic import write_bytes, write_json
from lab.config import ASSETS
from lab.errors import LabError, StoreError
from lab.leakage.demo_plan import DATASET, MEMORISED, SETS, Asked, plan

if TYPE_CHECKING:
    from lab.generators.contract import Generator

FOLDER = ASSETS / "leakage" / "demo"
LIST = "demo.json"
FORMAT = 1
REMAKE = "python -m lab leakage demo-set"
OnStage = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DemoSample:
    """One shipped sample.

    Attributes:
        file: name of its PNG in the folder.
        set: id of the sample set it belongs to.
        group: "planted", "once" or "held-out": whose caption was asked.
        film: image id of the film whose caption it is.
        prompt, seed: as asked.
        digest: SHA-256 of the file.
    """

    file: str
    set: str
    group: str
    film: str
    prompt: str
    seed: int
    digest: str


@dataclass(frozen=True)
class DemoSet:
    """All shipped samples, and the weights that made them by generator."""

    samples: tuple[DemoSample, ...]
    weights: Mapping[str, str]

    def of(self, set_id: str) -> tuple[DemoSample, ...]:
        """The samples of one sample set, in their order."""
        return tuple(sample for sample in self.samples if sample.set == set_id)


def read_demo(folder: Path = FOLDER) -> DemoSet:
    """The list of the shipped samples.

    Raises:
        StoreError: when it is missing or damaged.
    """
    try:
        told = json.loads((folder / LIST).read_bytes())
        if told["format"] != FORMAT:
            raise ValueError("another format")
        samples = tuple(DemoSample(**one) for one in told["samples"])
        if any(Path(one.file).name != one.file or one.set not in SETS for one in samples):
            raise ValueError("a name out of place")
        return DemoSet(samples, dict(told["weights"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "The samples of the demonstration are missing or damaged; nothing else is affected; restore "
            f"assets/leakage/demo or make them anew: {REMAKE}"
        ) from error


def asked() -> tuple[Asked, ...]:
    """What the demonstration asks, from the generator's lists and the installed dataset.

    Raises:
        NotFoundError: when the dataset or the over-trained generator is not installed.
        StoreError: when the lists beside the generator cannot be read.
    """
    from lab.data.store import open_dataset
    from lab.leakage.demo_truth import films_of, members_of

    dataset = open_dataset(DATASET)
    train = dataset.rows("train").set_index("image_id")
    members = [name for name in members_of(MEMORISED) if name in train.index]
    captions = {str(text) for text in train.loc[members, "caption"]}
    return plan(films_of(MEMORISED), dataset.subset("held-out"), captions)


def make(target: Path, on_stage: OnStage, wanted: Sequence[Asked] | None = None) -> DemoSet:
    """Generate the samples and write them with their list into `target`; other files in it are kept.

    Args:
        target: folder of the set; the list is written last.
        wanted: what to ask; by default all of it.

    Raises:
        NotFoundError, GeneratorError: what was written before stays, without a list.
    """
    from lab.generators.cards import get_card
    from lab.generators.load import load

    wanted = asked() if wanted is None else wanted
    made: list[DemoSample] = []
    weights: dict[str, str] = {}
    generators: dict[str, Generator] = {}
    for done, one in enumerate(wanted):
        on_stage("Generating samples", done, len(wanted))
        if one.generator not in generators:
            generators[one.generator] = load(get_card(one.generator))
            weights[one.generator] = generators[one.generator].digest
        made += _written(target, one, generators[one.generator])
    names = {one.file for one in made}
    for path in target.glob("*.png"):
        if path.name not in names:
            path.unlink()
    told: dict[str, Any] = {"format": FORMAT, "weights": weights, "samples": [asdict(one) for one in made]}
    write_json(target / LIST, told)
    on_stage("Generating samples", len(wanted), len(wanted))
    return DemoSet(tuple(made), weights)


def _written(target: Path, one: Asked, generator: Generator) -> list[DemoSample]:
    from lab.generators.request import request_for
    from lab.provenance import digest_bytes

    request = request_for(generator.card, one.prompt, one.count, one.seed)
    found = []
    for sample in (each for batch in generator.generate(request) for each in batch):
        seed, data = int(sample.recipe["seed"]), sample.png()
        write_bytes(target / f"{seed}.png", data)
        found.append(
            DemoSample(f"{seed}.png", one.set, one.group, one.film, one.prompt, seed, digest_bytes(data))
        )
    return found


def install(folder: Path = FOLDER) -> list[str]:
    """Take the shipped samples in as sample sets; what is there already is kept.

    Returns:
        Ids of the sets.

    Raises:
        StoreError: when a file is missing or damaged, or the disk is full.
        NotFoundError: when a generator they came from is not installed.
    """
    demo = read_demo(folder)
    for set_id in SETS:
        if not installed(set_id, demo):
            _take_in(set_id, demo.of(set_id), folder)
    return list(SETS)


def installed(set_id: str, demo: DemoSet) -> bool:
    """Whether a sample set holds just the shipped samples."""
    from lab.data.samples import open_sample_set

    try:
        rows = open_sample_set(set_id).rows
    except LabError:
        return False
    wanted = [(one.seed, one.prompt) for one in demo.of(set_id)]
    return list(zip(rows["seed"].astype(int), rows["prompt"].astype(str), strict=True)) == wanted


def _take_in(set_id: str, samples: Sequence[DemoSample], folder: Path) -> None:
    from lab.data.images import decode
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.generators.cards import get_card
    from lab.generators.sample import read_recipe
    from lab.provenance import digest_bytes

    card = get_card(SETS[set_id])
    new = []
    for index, one in enumerate(samples):
        try:
            data = (folder / one.file).read_bytes()
        except OSError:
            data = b""
        if digest_bytes(data) != one.digest:
            raise StoreError(
                "A sample of the demonstration is missing or damaged; nothing else is affected; restore "
                f"assets/leakage/demo or make it anew: {REMAKE}"
            )
        new.append(NewSample(index, decode(data).array, read_recipe(data) or {}, one.prompt))
    writer = SampleSetWriter(set_id, card.id, card.training_dataset, card.phantom_trained, card.licence)
    writer.append(new)
    writer.finalise()
