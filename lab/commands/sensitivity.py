"""`sensitivity`: planted copies, and which privacy metrics find them."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption, SeedOption
from lab.commands.output import emit, run_to_end
from lab.runs.prepare import prepare_dataset
from lab.runs.privacy_requests import COPIES, sensitivity_run


def sensitivity(
    dataset: DatasetOption,
    metrics: Annotated[
        str, typer.Option("--metrics", help="Names, separated by commas; all by default.")
    ] = "",
    copies: Annotated[int, typer.Option("--copies", help="Training images copied, one a patient.")] = COPIES,
    extractor: ExtractorOption = EXTRACTOR,
    seed: SeedOption = 0,
    as_json: AsJson = False,
) -> None:
    """Plant altered copies of training images and count which privacy metrics find them."""
    prepare_dataset(dataset, extractor, run_to_end, upto="embed")
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    result = run_to_end(sensitivity_run(dataset, extractor, names, copies, seed))
    lines = [f"{result['copies']} copies of each kind, {result['honest']} honest held-out images."]
    for row in result["table"]:
        told = ", ".join(
            f"{key} {value:.0%}" for key, value in row.items() if key not in ("detector", "note")
        )
        lines.append(f"{row['detector']}: {told or row.get('note', '')}")
    emit(result, as_json, lines)
