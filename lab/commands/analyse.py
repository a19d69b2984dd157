"""`embed`, `map` and `evaluate`: features, their plane, their metrics."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import typer

from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption, SeedOption
from lab.commands.output import emit, run_to_end
from lab.errors import InputError
from lab.metrics.presets import PRESETS, chosen_by, get_preset
from lab.metrics.registry import all_specs
from lab.runs.kinds.evaluate_groups import BREAKDOWNS
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import embed_run, evaluate_run, map_run

By = Literal["", "label", "view", "vendor", "sex"]


def embed(dataset: DatasetOption, extractor: ExtractorOption = EXTRACTOR, as_json: AsJson = False) -> None:
    """Extract the features of a dataset; what is stored already is not extracted again."""
    result = run_to_end(embed_run(dataset, extractor))
    emit(
        result, as_json, [f"{result['extracted']} images extracted, {result['stored']} were stored already."]
    )


def feature_map(
    dataset: DatasetOption,
    samples: Annotated[str | None, typer.Option("--samples", help="A folder or sample set to place.")] = None,
    extractor: ExtractorOption = EXTRACTOR,
    seed: SeedOption = 0,
    method: Annotated[str, typer.Option("--method", help="umap, pca or tsne.")] = "umap",
    as_json: AsJson = False,
) -> None:
    """Fit the feature-space map on train and place held-out images and samples on it."""
    prepare_dataset(dataset, extractor, run_to_end, upto="embed")
    result = run_to_end(map_run(dataset, extractor, samples, seed, method))
    line = f"{result['n']} training images, trustworthiness {result['trustworthiness']:.3f} (k {result['k']})"
    emit(result, as_json, [line])


def evaluate(
    real: Annotated[str, typer.Option("--real", help="The real side: ID or ID:SPLIT (ID means train).")],
    synthetic: Annotated[str, typer.Option("--synthetic", help="A folder, ID:SPLIT or a sample set.")],
    metrics: Annotated[str, typer.Option("--metrics", help="Names, separated by commas.")] = "",
    preset: Annotated[
        str, typer.Option("--preset", help=f"A ready choice: {', '.join(one.name for one in PRESETS)}.")
    ] = "",
    extractor: ExtractorOption = EXTRACTOR,
    seed: SeedOption = 0,
    by: Annotated[
        str,
        typer.Option(
            "--by", help="Also measure each label, view, vendor or sex on its own; none turns it off."
        ),
    ] = "",
    option: Annotated[
        list[str] | None, typer.Option("--option", help="METRIC.NAME=VALUE; may be given several times.")
    ] = None,
    second_task: Annotated[
        str,
        typer.Option(
            "--second-task", help="Column of the real set's table with the labels of a second task."
        ),
    ] = "",
    refuse_copies: Annotated[
        bool,
        typer.Option(
            "--refuse-copies/--measure-copies",
            help="Stop, with the list, when real films stand among the samples; or count them, say so and go on.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure fidelity, diversity and privacy of a set against a dataset."""
    copies: Literal["refuse", "measure"] = "refuse" if refuse_copies else "measure"
    names, column = _asked(metrics, preset, by)
    prepare_dataset(real, extractor, run_to_end, upto="calibrate" if "near-copy-share" in names else "embed")
    run = evaluate_run(
        real, synthetic, names, extractor, seed, copies, by=column, options=_options(option or []),
        second_task=second_task,
    )  # fmt: skip
    result = run_to_end(run)
    lines = [f"note: {sentence}" for sentence in result.get("warnings", [])]
    emit(result, as_json, [*lines, *(_line(item) for item in result["results"])])


def _asked(metrics: str, preset: str, by: str) -> tuple[list[str], By]:
    """Names and column of the breakdown: those given, after those of the preset.

    Raises:
        InputError: for neither names nor a preset, or a column that cannot be a breakdown.
        NotFoundError: for an unknown preset.
    """
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    if preset:
        chosen = get_preset(preset)
        names = [*chosen_by(chosen, [spec.name for spec in all_specs()]), *names]
        by = by or chosen.by
    if not names:
        raise InputError("No metric was named; nothing was started; give --metrics or --preset.")
    if by not in ("", "none", *BREAKDOWNS):
        raise InputError(
            f"There is no breakdown by that; nothing was started; take {', '.join(BREAKDOWNS)} or none."
        )
    return list(dict.fromkeys(names)), cast("By", "" if by == "none" else by)


def _options(given: list[str]) -> dict[str, float]:
    """ "metric.option" to value.

    Raises:
        InputError: for what is not METRIC.NAME=NUMBER.
    """
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(
                "An option is not METRIC.NAME=NUMBER; nothing was started; for example vendi-score.q=1."
            ) from error
    return found


def _line(item: dict[str, object]) -> str:
    def show(value: object) -> str:
        return "-" if value is None else f"{value:.4f}"

    group = "" if item["group"] == "all" else f"  {item['group']}"
    return (
        f"{item['metric']:24s} {show(item['value'])}  interval {show(item['low'])} to {show(item['high'])}  "
        f"held-out control {show(item['control'])}  floor {show(item['floor'])}  "
        f"n {item['n_real']} and {item['n_synthetic']}{group}"
    )
