"""Real films, phantoms and samples of the shipped generators side by side at one size, for a person to look at.

Each column asks for one finding: the phantom is computed with it, the generator is prompted for it. Real films are
shown by reference in what belongs to the project; a folder of them is drawn only into a picture elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.atomic import write_bytes
from lab.config import in_project
from lab.data.licences import is_public
from lab.data.phantoms.draws import FindingSpec
from lab.data.pixels import encode_png
from lab.errors import InputError
from lab.gates.sheet_drawing import Row, drawn
from lab.generators.training.recipe import PAEDIATRIC

Images = NDArray[np.uint8]
OnProgress = Callable[[str, int, int], None]
PHANTOM = "phantom-cxr"
SIZE = 128
SEED = 21
REFERENCE = (
    "REAL films stand here when they are drawn from a folder:\n"
    "Cohen et al. 2020 (adults, CC BY) and Kermany et al. 2018 (children, CC BY 4.0)\n"
    "python -m lab gates sheet --films FOLDER --out FILE"
)
REAL = {"cxr_covid": "adults (covid)", "cxr_kermany": "children (kermany)"}


@dataclass(frozen=True)
class Column:
    """What one column asks for: a heading, the sentence, and the finding a phantom is computed with."""

    heading: str
    prompt: str
    finding: tuple[FindingSpec, ...]


COLUMNS = (
    Column("no finding", "No acute finding.", ()),
    Column("large right effusion", "Large right pleural effusion.", (FindingSpec("effusion", "right", "large"),)),
    Column("large left effusion", "Large left pleural effusion.", (FindingSpec("effusion", "left", "large"),)),
    Column("right pneumothorax", "Moderate right pneumothorax.", (FindingSpec("pneumothorax", "right", "moderate"),)),
    Column("severe cardiomegaly", "Severe cardiomegaly.", (FindingSpec("cardiomegaly", "", "large"),)),
    Column(
        "consolidation, RUL", "Large consolidation in the right upper lobe.",
        (FindingSpec("consolidation", "right", "large", "RUL"),),
    ),
    Column("pulmonary oedema", "Severe pulmonary oedema.", (FindingSpec("oedema", "", "large"),)),
    Column("left pacemaker", "Left pacemaker in place.", (FindingSpec("pacemaker", "left"),)),
)  # fmt: skip


def write_sheet(out: Path, films: Path | None, on_progress: OnProgress) -> Path:
    """Draw the sheet as PNG.

    Args:
        out: the file.
        films: folder that holds cxr_covid and cxr_kermany; None shows real films by reference.
        on_progress: called with (stage, done, total).

    Raises:
        InputError: for real films and a file inside the project, before anything is computed.
        DatasetError: when the folder does not hold the films.
    """
    if films is not None and in_project(out):
        raise InputError(
            "A sheet with real films does not belong in the project; nothing was drawn; name another --out."
        )
    headings = tuple(column.heading for column in COLUMNS)
    real = (
        [Row("REAL", "not in this repository", None, text=REFERENCE)] if films is None else _real_rows(films)
    )
    prompts, captions = [column.prompt for column in COLUMNS], _paediatric()
    rows = [
        *real,
        Row("PHANTOM", "computed", _phantoms(on_progress), headings),
        Row("SYNTHETIC", PHANTOM, _samples(PHANTOM, prompts, on_progress), headings),
        Row(
            "SYNTHETIC", PAEDIATRIC, _samples(PAEDIATRIC, captions, on_progress), tuple(map(_short, captions))
        ),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, encode_png(drawn(rows, SIZE)))
    return out


def _phantoms(on_progress: OnProgress) -> Images:
    """(n, SIZE, SIZE) films of held-out patients, one a column."""
    from lab.data.phantoms import render
    from lab.gates.prompts import frontal_films
    from lab.generators.training.phantom_source import shrink

    films = []
    for done, (column, film) in enumerate(zip(COLUMNS, frontal_films("held-out"), strict=False)):
        on_progress("Rendering phantoms", done, len(COLUMNS))
        films.append(shrink(render(film, finding=column.finding).image, SIZE))
    return np.stack(films)


def _samples(generator: str, prompts: Sequence[str], on_progress: OnProgress) -> Images:
    """(n, SIZE, SIZE) samples, one a prompt, at the card's own steps and guidance."""
    from lab.generators.cards import get_card
    from lab.generators.load import load
    from lab.generators.request import request_for

    card = get_card(generator)
    loaded, films = load(card), []
    for done, prompt in enumerate(prompts):
        on_progress(f"Samples of {generator}", done, len(prompts))
        request = request_for(card, prompt, 1, SEED + done)
        films += [sample.image for batch in loaded.generate(request) for sample in batch]
    return np.stack(films)


def _paediatric() -> list[str]:
    """The captions that the generator of children's films knows, in turn."""
    from lab.generators.cards import get_card

    captions = get_card(PAEDIATRIC).captions
    return [captions[k % len(captions)] for k in range(len(COLUMNS))]


def _real_rows(folder: Path) -> list[Row]:
    """A row of adults and a row of children, openly licensed films only, one of each patient."""
    rows = []
    for name, who in REAL.items():
        images, labels = _real(folder / name)
        rows.append(Row("REAL", who, images, tuple(labels)))
    return rows


def _real(folder: Path) -> tuple[Images, list[str]]:
    import pandas as pd

    from lab.data.images import decode
    from lab.errors import DatasetError
    from lab.generators.training.dataset_source import square

    table = folder / "metadata.csv"
    if not table.is_file():
        raise DatasetError(
            f"The folder holds no {folder.name}; nothing was drawn; name one that does with --films."
        )
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame = frame[frame["licence"].map(is_public) & frame["view"].isin(("PA", "AP", ""))].drop_duplicates(
        "patient_id"
    )
    chosen = frame.sample(min(len(COLUMNS), len(frame)), random_state=SEED)
    films = [square(decode((folder / name).read_bytes()).array, SIZE) for name in chosen["image"]]
    return np.stack(films), [_short(label.replace("_", " ")) for label in chosen["label"]]


def _short(text: str) -> str:
    return text.split(",")[0].rstrip(".").replace(" paediatric chest radiograph", "").lower()
