"""Verdicts that come after their samples: which samples wait for one, the runs that give it, and both put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lab.runs.dependencies import autoencoder_digest, dataset_digest, extractor_digest, set_digest
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore

KIND = "compare"
MADE = ("generate", "grid")
LATEST = 200
READY = ("embed", "calibrate")


def unjudged(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Samples of a finished generation or grid without a verdict, by the dataset their generator was trained on.

    Samples whose training images are not here wait for nothing and are left out.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    if run.kind not in MADE or run.state != "done" or not run.result:
        return found
    for sample in run.result.get("samples", []):
        dataset = _dataset(run, sample)
        if dataset is not None and not sample.get("verdict"):
            found.setdefault(dataset, []).append(sample)
    return found


def compare_runs(run: Run) -> list[RunSpec]:
    """The runs that judge the samples of a generation or a grid that have no verdict, one a sample set.

    Raises:
        NotFoundError: when a dataset or a sample set was removed.
    """
    from lab.runs.requests import map_coordinates

    specs, extractor = [], str(run.spec.settings["extractor"])
    for dataset, samples in unjudged(run).items():
        by_set: dict[str, dict[str, list[str]]] = {}
        for sample in samples:
            prompts = by_set.setdefault(_set(run, sample), {})
            prompts.setdefault(str(sample["prompt"]), []).append(str(sample["image_id"]))
        for samples_of, prompts in by_set.items():
            chosen = {"samples": samples_of, "dataset": dataset, "extractor": extractor}
            inputs = {"samples": set_digest(samples_of), "dataset": dataset_digest(dataset)}
            inputs |= {"extractor": extractor_digest(extractor), "autoencoder": autoencoder_digest(dataset)}
            inputs |= {"map": map_coordinates(dataset, extractor)}
            asked = [[prompt, names] for prompt, names in prompts.items()]
            label = f"Comparing {len(samples)} samples with {dataset}"
            specs.append(RunSpec(KIND, {**chosen, "prompts": asked}, inputs, label))
    return specs


def steps_to_verdict(run: Run) -> list[RunSpec]:
    """Everything still to be run, in its order, until the samples of a run have their verdicts.

    Raises:
        NotFoundError: as `compare_runs`.
    """
    from lab.runs.requests import calibrate_run, embed_run

    store, extractor = RunStore.open(), str(run.spec.settings["extractor"])
    found: list[RunSpec] = []
    for dataset in unjudged(run):
        ready = [embed_run(dataset, extractor), calibrate_run(dataset, extractor)]
        found += [spec for spec in ready if store.find_done(spec.digest) is None]
    return found + compare_runs(run)


def judged(runs: Sequence[Run]) -> list[Run]:
    """The runs with what later comparisons found put into their samples; others as they are."""
    if not any(unjudged(run) for run in runs):
        return list(runs)
    known: dict[str, dict[str, Any]] = {}
    for run in RunStore.open().list(states=("done",), kinds=(KIND,), limit=LATEST)[::-1]:
        known |= (run.result or {}).get("found", {})
    return [_put(run, known) if known and unjudged(run) else run for run in runs]


def _put(run: Run, known: dict[str, dict[str, Any]]) -> Run:
    result = run.result or {}
    samples = [
        _joined(sample, known[sample["image_id"]]) if sample["image_id"] in known else sample
        for sample in result.get("samples", [])
    ]
    return replace(run, result={**result, "samples": samples})


def _joined(sample: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A sample with what was found later; how it goes with its prompt was read when it was made."""
    if sample.get("verdict"):
        return sample
    seen, own = found.get("alignment"), sample.get("alignment")
    alignment = None if seen is None and own is None else {**(own or {"text_image": None}), **(seen or {})}
    return {**sample, **found, "alignment": alignment, "map": found.get("map") or sample.get("map")}


def _dataset(run: Run, sample: dict[str, Any]) -> str | None:
    settings = run.spec.settings
    found: str | None = (
        settings["dataset"] if run.kind == "generate" else settings["datasets"].get(sample["generator"])
    )
    return found


def _set(run: Run, sample: dict[str, Any]) -> str:
    return str(sample.get("sample_set") or (run.result or {})["sample_set"])
