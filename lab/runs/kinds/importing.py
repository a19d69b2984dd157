"""Importing images: untrusted files are read in children of the side process, never in the web process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config import settings
from lab.errors import LabError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import relay, stepwise
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.importing.importer import ImportReport
    from lab.data.preprocess.recipe import Recipe

KINDS = ("import", "derive")
_ALIVE = ("queued", "running", "interrupted")
Report = Callable[..., None]


@run_kind("import", lane="side", priority="interactive", modules=("lab.data",), title="Import a dataset")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Import the folder; bad files are listed with the reason and left out. What was finished is not read again."""
    return (yield from _staged(spec, ctx, lambda report: _import(spec.settings, spec.digest, report)))


@run_kind(
    "derive", lane="side", priority="interactive", modules=("lab.data",), title="Derive a dataset by a recipe"
)
def derive(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Run a recipe over every image of a dataset; the result is a dataset of its own."""
    return (yield from _staged(spec, ctx, lambda report: _derive(spec.settings, spec.digest, report)))


def _staged(
    spec: RunSpec, ctx: RunContext, work: Callable[[Report], ImportReport]
) -> Generator[Progress, None, dict[str, Any]]:
    from lab.data.importing.concealed import concealed
    from lab.data.importing.staging import discard_run

    _sweep()
    try:
        report = yield from relay(stepwise(work), ctx, "Reading images")
    except GeneratorExit:
        # Closed from outside: a run that was merely put back, or lost to another worker, keeps what it has.
        if ctx.is_over():
            discard_run(settings().datasets, spec.digest)
            _forget(spec.settings)
        raise
    except LabError:
        _forget(spec.settings)
        raise
    _forget(spec.settings)
    return {
        "dataset": spec.settings["id"],
        "images": report.kept,
        "left_out": concealed(report.left_out),
        "merged": concealed(report.merged),
        "notes": list(report.notes),
    }


def _import(chosen: Mapping[str, Any], key: str, report: Report) -> ImportReport:
    from lab.data.importing.control_folder import with_control
    from lab.data.importing.importer import add_plan
    from lab.data.importing.merge_plans import merged_by_choice, without_limit
    from lab.data.importing.new_card import About
    from lab.data.importing.plan import plan_import

    if chosen["medmnist"]:
        from lab.data.medmnist.download import download

        download(chosen["medmnist"]["set"], chosen["medmnist"]["size"], Path(chosen["folder"]))
    report("Looking at the files", 0, 0)
    mapping, metadata = chosen["mapping"] or None, chosen["metadata"]
    plan = plan_import(
        chosen["folder"], metadata, mapping, source=chosen["source"], classes=chosen["classes"] or None,
        choices=without_limit(chosen["choices"] or {}) if chosen["also"] else chosen["choices"] or None,
    )  # fmt: skip
    if chosen["also"]:
        further = [plan_import(place, source=source) for place, source in chosen["also"]]
        plan = merged_by_choice([plan, *further], chosen["choices"] or {}, chosen["classes"])
    if chosen["control"] is not None:
        plan = with_control(plan, plan_import(chosen["control"], None, mapping))
    about = About(licence=chosen["licence"] or "")
    recipe = _recipe(chosen)
    return add_plan(
        plan, chosen["id"], about, on_progress=report, recipe=recipe, seed=chosen["seed"], key=key
    )


def _derive(chosen: Mapping[str, Any], key: str, report: Report) -> ImportReport:
    from lab.data.importing.derive import derived_from

    recipe = _recipe(chosen)
    assert recipe is not None  # noqa: S101  the border refuses a run without one
    return derived_from(chosen["parent"], chosen["id"], recipe, report, seed=chosen["seed"], key=key)


def _recipe(chosen: Mapping[str, Any]) -> Recipe | None:
    from lab.data.preprocess.recipe import Recipe

    return Recipe.from_json(chosen["recipe"]) if chosen["recipe"] else None


def _sweep() -> None:
    """Take away what imports have staged that no run will take up again."""
    from lab.data.importing.staging import discard_all_but
    from lab.runs.store import RunStore

    alive = RunStore.open().list(states=_ALIVE, kinds=KINDS, limit=1000)
    discard_all_but(settings().datasets, [run.digest for run in alive])


def _forget(chosen: Mapping[str, Any]) -> None:
    """Remove uploads and what was unpacked of zips: their names may be a person's."""
    from lab.data.containers.archives import forget_unpacked
    from lab.data.importing.locations import forget_upload

    places = [chosen.get("folder"), chosen.get("control"), *(place for place, _ in chosen.get("also", ()))]
    for place in places:
        if place:
            forget_unpacked(Path(place))
            forget_upload(Path(place))
