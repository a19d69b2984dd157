"""What a dataset needs before anything is asked of it: features, calibration, a map.

`next_step` gives the first missing run; pages call it until nothing is missing, the shell waits for each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from lab.data.phantom_families import FAMILIES, PhantomFamily
from lab.runs.dependencies import dataset_name
from lab.runs.requests import EXTRACTOR, PHANTOM, calibrate_run, embed_run, map_run, phantom_run
from lab.runs.spec import RunSpec
from lab.runs.store import Run, RunStore

STEPS = ("embed", "calibrate", "map")


def next_step(name: str = PHANTOM, extractor: str = EXTRACTOR, upto: str = "map") -> RunSpec | None:
    """The first missing run for a dataset, or None when it is ready.

    Args:
        name: dataset id; a phantom set that comes with this program is made when it is absent.
        extractor: the feature extractor.
        upto: "embed", "calibrate" or "map".
    """
    from lab.data.store import list_datasets

    store = RunStore.open()
    if name in FAMILIES and name not in {card.id for card in list_datasets()}:
        return _phantom_run(store, FAMILIES[name])
    builders = {"embed": embed_run, "calibrate": calibrate_run, "map": map_run}
    for step in STEPS[: STEPS.index(upto) + 1]:
        spec = builders[step](name, extractor)
        if not _done(store, spec):
            return spec
    return _noted(store, name) if upto == STEPS[-1] else None


def _noted(store: RunStore, name: str) -> RunSpec | None:
    """A run for features that came along with a phantom set: it ends at once, and pages then know that they are there.

    No other dataset gets one: nobody waits for a second extractor that was not asked for.
    """
    from lab.data.phantom_features import FURTHER
    from lab.data.store import open_dataset
    from lab.features.presence import missing_features

    dataset = open_dataset(name)
    if dataset.card.origin != "phantom":
        return None
    for extractor in FURTHER:
        spec = embed_run(name, extractor)
        if not _done(store, spec) and missing_features(extractor, dataset.subset().digests()) == 0:
            return spec
    return None


def films_run(name: str) -> RunSpec:
    """A run that renders the films of a phantom dataset that nobody has looked at yet.

    Raises:
        NotFoundError: when there is no such dataset.
    """
    from lab.data.store import open_dataset

    card = open_dataset(name).card
    # A set that was removed and installed again has its films to render again.
    inputs = {"dataset": card.digest, "created": card.created}
    return RunSpec("films", {"dataset": name}, inputs, f"Rendering films of {name}")


def prepare_dataset(
    reference: str, extractor: str, run_to_end: Callable[[RunSpec], dict[str, Any]], upto: str = "map"
) -> None:
    """Run what is missing, one after the other, waiting for each."""
    while (spec := next_step(dataset_name(reference), extractor, upto)) is not None:
        run_to_end(spec)


def calibration_run(name: str, extractor: str = EXTRACTOR) -> Run | None:
    """The finished calibration of a dataset as it is now, or None."""
    return RunStore.open().find_done(calibrate_run(name, extractor).digest)


def _phantom_run(store: RunStore, family: PhantomFamily) -> RunSpec:
    """The run that makes a phantom set; one of its own after a set that was made and then removed."""
    spec = phantom_run(family.patients, family.films, family.id, family)
    earlier = 0
    while _done(store, spec):
        earlier += 1
        spec = dataclasses.replace(spec, inputs={"earlier": str(earlier)})
    return spec


def _done(store: RunStore, spec: RunSpec) -> bool:
    return store.find_done(spec.digest) is not None
