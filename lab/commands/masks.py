"""`python -m lab mask`: masks to prompt with, as PNG files of structure numbers for `python -m lab generate --mask`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(help="Masks to prompt with: drawn, built, or taken from a dataset.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", help="The PNG to write.")]
Size = Annotated[int, typer.Option("--size", min=16, max=512, help="Pixels a side.")]


@app.command("random")
def random(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=0, help="Equal numbers give equal masks.")],
    out: Out,
    size: Size = 64,
    as_json: AsJson = False,
) -> None:
    """Draw a random slice of a random heart; none is a patient of any dataset."""
    from lab.generators.mask_hearts import sample_heart

    _write(sample_heart(number, size), out, as_json)


@app.command("build")
def build(
    out: Out,
    size: Size = 64,
    cavity: Annotated[float, typer.Option("--cavity", help="Diameter of the left cavity, mm.")] = 48.0,
    wall: Annotated[float, typer.Option("--wall", help="Thickness of the left wall, mm.")] = 9.0,
    right: Annotated[
        float, typer.Option("--right", help="Breadth of the right cavity, mm; 0 for none.")
    ] = 34.0,
    across: Annotated[
        float, typer.Option("--across", help="Place from the left edge, share of the side.")
    ] = 0.45,
    down: Annotated[
        float, typer.Option("--down", help="Place from the upper edge, share of the side.")
    ] = 0.46,
    turn: Annotated[float, typer.Option("--turn", help="Degrees, clockwise.")] = -20.0,
    oval: Annotated[float, typer.Option("--oval", help="Per cent longer than wide.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Build a heart from its sizes."""
    from lab.generators.mask_hearts import HeartShape, draw_heart

    _write(draw_heart(HeartShape(across, down, cavity, wall, right, turn, oval), size), out, as_json)


@app.command("list")
def show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of an installed dataset with masks.")],
    count: Annotated[int, typer.Option("--count", min=1, help="How many.")] = 12,
    as_json: AsJson = False,
) -> None:
    """List images whose masks can be asked for, held-out patients first."""
    from lab.data.prompt_masks import masks_of

    found = masks_of(dataset)[:count]
    rows = [{"image": one.image_id, "split": one.split, "words": one.words} for one in found]
    emit(
        {"masks": rows},
        as_json,
        [f"{row['image']}  {row['split']:8s} {row['words']}" for row in rows] or ["none"],
    )


@app.command("take")
def take(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of an installed dataset with masks.")],
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Id of an image, as in mask list.")],
    out: Out,
    size: Size = 64,
    as_json: AsJson = False,
) -> None:
    """Take the mask of an image of a dataset."""
    from lab.data.prompt_masks import mask_of
    from lab.errors import InputError
    from lab.generators.mask_channels import at_size
    from lab.generators.mask_hearts import STRUCTURES

    labels = mask_of(dataset, image, STRUCTURES)
    if not labels.size:
        raise InputError(
            "This image has no mask; nothing was written; choose one of: python -m lab mask list."
        )
    _write(at_size(labels, size), out, as_json)


def _write(labels: NDArray[np.uint8], out: Path, as_json: bool) -> None:
    from lab.atomic import write_bytes
    from lab.generators.condition import encode_mask
    from lab.generators.mask_hearts import STRUCTURES

    write_bytes(out, encode_mask(labels))
    areas: dict[str, Any] = {
        name: round(float((labels == number).mean()), 4) for number, name in enumerate(STRUCTURES, 1)
    }
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in areas.items())
    emit({"file": str(out), "areas": areas}, as_json, [f"{out}: {told}"])
