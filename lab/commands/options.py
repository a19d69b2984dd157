"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="A dataset: ID or ID:SPLIT.")]
ExtractorOption = Annotated[str, typer.Option("--extractor", help="The feature extractor.")]
SeedOption = Annotated[int, typer.Option("--seed", help="A whole number from 0 to 4294967295.")]
OutFolder = Annotated[Path, typer.Option("--out", help="The folder that receives the images.")]
EXTRACTOR = "efficientnet-lite0"
