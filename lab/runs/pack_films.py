"""The films a phantom pack is made of: those of the pack that is there, where its renderer is still the same."""

from __future__ import annotations

import json
from collections.abc import Callable

from lab.atomic import write_json
from lab.config import settings
from lab.data.dataset import Dataset
from lab.data.phantom_families import CXR, PhantomFamily
from lab.data.phantom_pack import PhantomPack
from lab.errors import NotFoundError

OnStage = Callable[[str, int, int], None]


def rendered(
    id: str,
    asked: dict[str, int],
    earlier: PhantomPack | None,
    on_stage: OnStage,
    family: PhantomFamily = CXR,
) -> Dataset:
    """The set with all its films on this disk.

    Films that the same renderer made elsewhere may differ here by a grey level where a processor rounds otherwise.
    So the films of an earlier pack by this renderer stay those of the set: no id changes with the machine.
    """
    from lab.data.phantom_films import supply_all

    def tick(done: int, total: int) -> None:
        on_stage(f"Rendering {family.noun}", done, total)

    numbers = [asked[name] for name in ("patients", "films_per_patient", "seed")]
    same = earlier if earlier and (earlier.renderer, earlier.asked) == (family.digest, asked) else None
    note, told = settings().workspace / "rendered.json", [id, *numbers, family.digest]
    known = note.is_file() and json.loads(note.read_bytes()) == told
    dataset = _kept(id, known, same) or _begun(id, numbers, same, tick, family)
    write_json(note, told)
    for done, total in supply_all(dataset.folder, dataset.manifest):
        tick(done, total)
    return dataset


def _kept(id: str, known: bool, same: PhantomPack | None) -> Dataset | None:
    """The set as an earlier call left it in the workspace; None, and removed, where it is of other films."""
    from lab.data.store import open_dataset, remove_dataset

    try:
        dataset = open_dataset(id)
    except NotFoundError:
        return None
    if known and (same is None or dataset.card.digest == same.dataset):
        return dataset
    remove_dataset(id)
    return None


def _begun(
    id: str,
    numbers: list[int],
    same: PhantomPack | None,
    tick: Callable[[int, int], None],
    family: PhantomFamily,
) -> Dataset:
    from lab.data.phantom_dataset import render_phantom
    from lab.data.phantom_pack import take_films

    if same is not None:
        return take_films(same, id)
    patients, films, seed = numbers
    return render_phantom(id, patients, films, seed, tick, 1, family).dataset
