"""`python -m lab generate`: the same request that the prompt page sends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.options import EXTRACTOR, AsJson, OutFolder, SeedOption
from lab.commands.output import emit, run_to_end
from lab.errors import InputError
from lab.features.text_image_words import lines
from lab.generators.cards import get_card
from lab.generators.request import GenerationRequest
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import default_dataset, generate_run


def generate(
    generator: Annotated[str, typer.Option("--generator", help="The generator's id.")],
    prompt: Annotated[str, typer.Option("--prompt", help="What to make, in the words of a report.")],
    out: OutFolder,
    count: Annotated[int, typer.Option("-n", help="How many images, 1 to 64.")] = 4,
    seed: SeedOption = 0,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Denoising steps; the card's default when absent.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option("--guidance", help="How strictly the prompt is followed.")
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Search neighbours here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Generate images and give each its nearest training images and verdict."""
    card = get_card(generator)
    if not 1 <= count <= 64:
        raise InputError(
            "The number of images must be a whole number from 1 to 64; nothing was started; choose one."
        )
    request = GenerationRequest(
        generator=generator,
        prompt=prompt,
        seeds=tuple(seed + index for index in range(count)),
        steps=card.steps if steps is None else steps,
        guidance=card.guidance if guidance is None else guidance,
        size=card.size,
    ).checked(card)
    searched = dataset or default_dataset(card)
    if searched is not None:
        prepare_dataset(searched, EXTRACTOR, run_to_end, upto="calibrate")
    result = run_to_end(generate_run(request, searched))
    files = _write(result, out)
    emit({**result, "files": files}, as_json, _lines(result, files))


def _lines(result: dict[str, Any], files: list[str]) -> list[str]:
    """Each file, and below it how its sample goes with the prompt; at the end why that was not read."""
    told = []
    for file, sample in zip(files, result["samples"], strict=True):
        reading = (sample["alignment"] or {}).get("text_image")
        told += [file, *(f"    {line}" for line in (lines(reading) if reading else ()))]
    why = result["text_image"]["why"]
    return [*told, why] if why else told


def _write(result: dict[str, object], out: Path) -> list[str]:
    from lab.runs.artifacts import read_artifact

    out.mkdir(parents=True, exist_ok=True)
    files = []
    samples = result["samples"]
    assert isinstance(samples, list)  # noqa: S101  (the run's own result)
    for sample in samples:
        path = out / f"{result['sample_set']}-{sample['seed']}.png"
        path.write_bytes(read_artifact(sample["artifact"]))
        files.append(str(path))
    return files
