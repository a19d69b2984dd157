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
from lab.generators.condition import Condition
from lab.generators.request import request_for
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import default_dataset, generate_run


def generate(
    generator: Annotated[str, typer.Option("--generator", help="The generator's id.")],
    out: OutFolder,
    prompt: Annotated[
        str,
        typer.Option("--prompt", help="What to make, in the words of a report; none for other conditions."),
    ] = "",
    count: Annotated[int, typer.Option("-n", help="How many images, 1 to 64.")] = 4,
    seed: SeedOption = 0,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Denoising steps; the card's default when absent.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option("--guidance", help="How strictly the prompt is followed.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Side in pixels, one that the card lists.")
    ] = None,
    negative: Annotated[str, typer.Option("--negative", help="What to keep away from.")] = "",
    label: Annotated[str, typer.Option("--class", help="One of the generator's classes.")] = "",
    vendor: Annotated[str, typer.Option("--vendor", help="One of the generator's vendors.")] = "",
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            metavar="FILE",
            help="PNG or NIfTI of structure numbers, 0 is background; of a stack the fullest slice.",
        ),
    ] = None,
    numbers: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=NUMBER", help="A setting of the generator's own; may be repeated."
        ),
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Search neighbours here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Generate images and give each its nearest training images and verdict."""
    card = get_card(generator)
    condition = Condition(label, vendor, _mask(mask), settings_of(numbers or []))
    request = request_for(
        card, prompt, count, seed, steps=steps, guidance=guidance, size=size, negative_prompt=negative,
        condition=condition,
    )  # fmt: skip
    searched = dataset or default_dataset(card)
    if searched is not None:
        prepare_dataset(searched, EXTRACTOR, run_to_end, upto="calibrate")
    result = run_to_end(generate_run(request, searched))
    files = _write(result, out)
    emit({**result, "files": files}, as_json, _lines(result, files))


def settings_of(given: list[str]) -> tuple[tuple[str, float], ...]:
    """NAME=NUMBER pairs as a condition's numbers, in the order of their names.

    Raises:
        InputError: for a pair of another form, or a name that stands twice.
    """
    found: dict[str, float] = {}
    for pair in given:
        name, sign, value = pair.partition("=")
        try:
            if not sign or not name.strip() or name.strip() in found:
                raise ValueError
            found[name.strip()] = float(value)
        except ValueError:
            raise InputError(
                "A setting must read NAME=NUMBER, each name once, such as --set psi=0.7; nothing was started."
            ) from None
    return tuple(sorted(found.items()))


def _mask(file: Path | None) -> bytes:
    """The mask file with nothing but its numbers, as PNG bytes; b"" for none."""
    from lab.generators.condition import encode_mask
    from lab.generators.mask_files import read_mask_file
    from lab.runs.dependencies import file_bytes

    if file is None:
        return b""
    read = read_mask_file(file_bytes(file))
    return encode_mask(read.labels[read.fullest()])


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
