"""The closest pairs of a ship gate as a picture for a person: sample, nearest training film, nearest held-out film.

The picture holds films. It goes where the person says, and where the films are real never into the project.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import write_bytes, write_json
from lab.config import in_project
from lab.data.pixels import encode_png, resize, to_grey8
from lab.errors import InputError
from lab.neighbours.verdict import COSINE, REGISTERED

if TYPE_CHECKING:
    from lab.gates.ship_samples import OnProgress
    from lab.gates.ship_verdicts import Judged

SIDE = 192
GAP = 8
LINE = 16
COLUMNS = 2
SHEET, TABLE = "closest_pairs.png", "closest_pairs.json"


def write_pairs(asset: str, folder: Path, on_progress: OnProgress | None = None) -> Path:
    """Draw the closest pairs of a generator; samples and calibration that are kept are not made again.

    Args:
        asset: id of the generator.
        folder: where the sheet and its table go.

    Returns:
        The PNG: two pairs a row, each sample | training film | held-out film, distances below.

    Raises:
        InputError: for a folder inside the project when the films are real, before anything is computed.
    """
    from lab.gates.ship import samples_and_ground
    from lab.gates.ship_verdicts import judge
    from lab.generators.cards import get_card
    from lab.runs.kinds.reference import splits

    tell = on_progress or (lambda stage, done, total: None)
    check_place(Path(folder), splits(get_card(asset).training_dataset)[0].tag)
    _, samples, ground, _ = samples_and_ground(asset, tell)
    return write_sheet(judge(samples, ground, tell), Path(folder))


def check_place(folder: Path, tag: str) -> None:
    """Real films are not written into the project.

    Raises:
        InputError: for such a folder.
    """
    if tag != "PHANTOM" and in_project(folder):
        raise InputError(
            "The films of this dataset are real and the folder lies in the project; nothing was written; "
            "choose a folder elsewhere."
        )


def write_sheet(judged: Judged, folder: Path) -> Path:
    """Write sheet and table of judged samples; the place is checked here once more."""
    from lab.gates.ship_verdicts import closest

    check_place(folder, judged.ground.train.tag)
    pairs = closest(judged)
    cells = [_cell(judged, number, pair) for number, pair in enumerate(pairs, 1)]
    while len(cells) % COLUMNS:
        cells.append(np.zeros_like(cells[0]))
    rows = [np.concatenate(cells[start : start + COLUMNS], axis=1) for start in range(0, len(cells), COLUMNS)]
    write_json(folder / TABLE, pairs)
    write_bytes(folder / SHEET, encode_png(np.concatenate(rows, axis=0)))
    return folder / SHEET


def _cell(judged: Judged, number: int, pair: dict[str, Any]) -> NDArray[np.uint8]:
    """One pair: three films side by side, two lines of text below."""
    position = judged.samples.seeds.index(pair["seed"])
    held_out = pair["held_out"][pair["found_by"]]["nearest"]
    films = [
        judged.samples.image(judged.samples.ids()[position]),
        judged.ground.train.image(pair["training_image"]),
        judged.ground.held_out.image(held_out),
    ]
    strip = np.concatenate([_tile(film) for film in films], axis=1)
    readings, control = pair["detectors"], pair["held_out"]
    lines = (
        f"{number}. seed {pair['seed']}: {pair['prompt']}",
        f"p {pair['p']:.4f} {pair['verdict']}; training: reg {readings[REGISTERED]['distance']:.3f} "
        f"cos {readings[COSINE]['distance']:.3f}; held-out: reg {control[REGISTERED]['distance']:.3f} "
        f"cos {control[COSINE]['distance']:.3f}",
    )
    return np.concatenate([strip, *(_text(line, strip.shape[1]) for line in lines), _blank(strip.shape[1])])


def _tile(film: NDArray[Any]) -> NDArray[np.uint8]:
    """A film as a square tile with a dark edge on its right."""
    tile = np.zeros((SIDE, SIDE + GAP), dtype=np.uint8)
    tile[:, :SIDE] = resize(to_grey8(film), SIDE)
    return tile


def _text(line: str, width: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    image = Image.new("L", (width, LINE))
    ImageDraw.Draw(image).text((2, 2), line.encode("latin-1", "replace").decode("latin-1"), fill=220)
    return np.asarray(image)


def _blank(width: int) -> NDArray[np.uint8]:
    return np.zeros((GAP, width), dtype=np.uint8)
