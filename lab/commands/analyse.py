"""`embed`, `map` and `evaluate`: features, their plane, their metrics."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption, SeedOption
from lab.commands.output import emit, run_to_end
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import embed_run, evaluate_run, map_run


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
    metrics: Annotated[str, typer.Option("--metrics", help="Names, separated by commas.")],
    extractor: ExtractorOption = EXTRACTOR,
    seed: SeedOption = 0,
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
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    prepare_dataset(real, extractor, run_to_end, upto="calibrate" if "near-copy-share" in names else "embed")
    result = run_to_end(evaluate_run(real, synthetic, names, extractor, seed, copies))
    lines = [f"note: {sentence}" for sentence in result.get("warnings", [])]
    emit(result, as_json, [*lines, *(_line(item) for item in result["results"])])


def _line(item: dict[str, object]) -> str:
    def show(value: object) -> str:
        return "-" if value is None else f"{value:.4f}"

    return (
        f"{item['metric']:20s} {show(item['value'])}  interval {show(item['low'])} to {show(item['high'])}  "
        f"held-out control {show(item['control'])}  floor {show(item['floor'])}  "
        f"n {item['n_real']} and {item['n_synthetic']}"
    )
