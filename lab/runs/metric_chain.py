"""What a measurement needs before it: features and calibration of its real set, queued in front by the same launch.

An evaluation extracts the features it lacks by itself. The near-copy verdict needs a calibration, which an evaluation
names by its digest. That digest follows from images, extractor and settings alone, so all runs can be queued at once:
they stand in one lane, in that order, whether or not anybody watches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.runs.dependencies import autoencoder_digest, dataset_name
from lab.runs.records import Run
from lab.runs.requests import calibrate_run, embed_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore

_NONE = "none"


def in_order(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """The same evaluations, each behind what it waits for.

    Args:
        specs: evaluations; one whose calibration is done, or that needs none, stays as it is.

    Raises:
        NotFoundError: when the real set was removed.
    """
    found: dict[str, RunSpec] = {}
    for spec in specs:
        before = steps_before(spec)
        if before and spec.inputs["calibration"] == _NONE:
            found |= {step.digest: step for step in before if step.digest not in found}
            coming = coming_calibration(_dataset(spec), str(spec.settings["extractor"]))
            spec = replace(spec, inputs={**spec.inputs, "calibration": coming})
        found.setdefault(spec.digest, spec)
    return list(found.values())


def steps_before(spec: RunSpec) -> list[RunSpec]:
    """The runs that give an evaluation its calibration and are not done yet, in their order; none where it needs none.

    Features come first, as a run of their own, so that the dataset is ready for every other page too.

    Raises:
        NotFoundError: when the real set was removed.
    """
    if "calibration" not in spec.inputs:
        return []
    dataset, extractor = _dataset(spec), str(spec.settings["extractor"])
    if is_calibrated(dataset, extractor):
        return []
    steps = (embed_run(dataset, extractor), calibrate_run(dataset, extractor))
    return [step for step in steps if RunStore.open().find_done(step.digest) is None]


def step_now(run: Run) -> Run | None:
    """The step that an evaluation waits for or failed for, as it stands; None when nothing stands before it.

    Raises:
        NotFoundError: when the real set was removed.
    """
    needed = {step.digest: step.kind for step in steps_before(run.spec)}
    if not needed:
        return None
    listed = RunStore.open().list(kinds=tuple(set(needed.values())), limit=50, results=False)
    newest = {one.digest: one for one in reversed(listed)}
    return next((newest[digest] for digest in needed if digest in newest), None)


def coming_calibration(dataset: str, extractor: str) -> str:
    """Digest that the calibration of a dataset will have.

    Raises:
        NotFoundError: for an unknown dataset or extractor.
        WeightsError: when the extractor's weights are not here.
    """
    from lab.features.extractors import get_extractor
    from lab.neighbours.calibrate import CANARIES, calibration_digest
    from lab.runs.kinds.reference import splits

    train, held_out = splits(dataset)
    weights = autoencoder_digest(dataset)
    return calibration_digest(train, held_out, get_extractor(extractor), CANARIES, 0, weights)


def is_calibrated(dataset: str, extractor: str) -> bool:
    """Whether a finished run has given the calibration of a dataset as it is now."""
    return RunStore.open().find_done(calibrate_run(dataset, extractor).digest) is not None


def is_kept(calibration: str) -> bool:
    """Whether a calibration of that digest was measured before: its run then only takes it up."""
    from lab.config import settings

    return (settings().workspace / "calibrations" / calibration / "calibration.json").is_file()


def _dataset(spec: RunSpec) -> str:
    return dataset_name(str(spec.settings["real"]))
