"""Images made elsewhere as a sample set: a folder, a folder with a table, or Parquet rows, copied without names.

The bytes of an image are kept where they are plain, so that an image that is really a film of a dataset has that film's
digest and is found (`lab.data.guards.real_files`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.config import settings
from lab.data.card import check_id
from lab.data.codecs import png_chunks
from lab.data.guards.real_files import real_files
from lab.data.importing.folder_index import shown_name
from lab.data.importing.locations import located
from lab.data.importing.plan_limit import drawn
from lab.data.importing.staging import staging_folder
from lab.data.intake.contract import Outcome
from lab.data.intake.reading import outcomes
from lab.data.samples import RECIPE, SampleSet, open_sample_set, parse_recipe, write_set
from lab.data.sources.contract import PlannedImage
from lab.data.synthetic_tables import GeneratedImages, find_generated
from lab.errors import DatasetError, ImageError
from lab.provenance import canonical_json, digest_json

FOLDER = "folder"
_TELL_EVERY_S = 0.1
_MOST_TEXT = 20_000_000


@dataclass(frozen=True)
class SampleReport:
    """What became of an import of samples.

    Attributes:
        samples: the set.
        left_out: name and reason, for the person who imports; stored nowhere.
        notes: one sentence each, without names.
        real_films: dataset id to the number of samples that are byte for byte one of its films.
    """

    samples: SampleSet
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    real_films: dict[str, int]


def plan_samples(
    place: str | Path, metadata: Path | None = None, limit: int | None = None, seed: int = 0
) -> GeneratedImages:
    """What an import of samples would read.

    Args:
        place: a folder, a zip, a Parquet file, or hf://datasets/OWNER/NAME@REVISION.
        metadata: the table, relative to the folder or not; by default the one with a column of generated files.
        limit: at most so many, drawn at random.
        seed: of the draw.

    Raises:
        DatasetError: when nothing is there, or the table cannot be read.
    """
    where = located(place)
    table = None
    if metadata is not None:
        given = Path(metadata).expanduser()
        table = next((path for path in (where.files.root / given, given) if path.is_file()), None)
        if table is None:
            raise DatasetError("There is no table of that name; nothing was imported; check the path.")
    found = find_generated(where.files, table)
    found = replace(found, left_out=(*where.left_out, *found.left_out), notes=(*where.notes, *found.notes))
    if limit is None or limit >= len(found.images):
        return found
    note = f"Drawn at random, seed {seed}: {limit:,} of {len(found.images):,} images."
    return replace(found, images=tuple(drawn(found.images, max(limit, 1), seed)), notes=(*found.notes, note))


def import_samples(
    place: str | Path,
    id: str,
    parent: str = "",
    licence: str = "",
    metadata: Path | None = None,
    *,
    generator: str = "",
    limit: int | None = None,
    seed: int = 0,
    key: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleReport:
    """Copy generated images into the workspace as a sample set.

    Args:
        place: as in `plan_samples`.
        id: id of the new set.
        parent: id of the dataset the generator learned from, "" where unknown.
        licence: of the samples.
        metadata: the table.
        generator: word for what made them; "folder" by default.
        limit: at most so many, drawn at random.
        seed: of the draw.
        key: digest of the run, so that a run that was stopped goes on from what is staged.
        on_progress: called with images done and images in all; an exception from it ends the import.

    Raises:
        InputError: for a bad id.
        NotFoundError: when the parent is not here.
        DatasetError: when the id is taken, or no image can be read.
        StoreError: when the disk is full.
    """
    target = settings().samples / check_id(id)
    if target.exists():
        raise DatasetError(
            "There is already a sample set of that id; it was kept; choose another or remove it."
        )
    phantom = _is_phantom(parent)
    plan = plan_samples(place, metadata, limit, seed)
    rows: list[dict[str, Any]] = []
    left_out = list(plan.left_out)
    with staging_folder(target, key) as staging:
        for number, (image, outcome) in enumerate(_read(plan.images, staging, on_progress)):
            if outcome.refused:
                left_out.append((shown_name(image.name), outcome.refused))
            else:
                rows.append(_row(id, number, image, outcome, embedded=not plan.dialect))
        if not rows:
            raise DatasetError(
                f"No image could be read ({len(left_out)} were refused or missing); nothing was imported; check the "
                "folder and its table."
            )
        about = {
            "id": id,
            "origin": generator or FOLDER,
            "parent": parent,
            "phantom_trained": phantom,
            "licence": licence,
            "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        write_set(staging, about, rows)
    made = open_sample_set(id)
    return SampleReport(
        made, tuple(left_out), plan.notes, dict(Counter(one.dataset for one in real_files(made)))
    )


def _is_phantom(parent: str) -> bool:
    from lab.data.store import open_dataset

    return bool(parent) and open_dataset(parent).card.origin == "phantom"


def _read(
    images: Sequence[PlannedImage], staging: Path, on_progress: Callable[[int, int], None] | None
) -> Iterator[tuple[PlannedImage, Outcome]]:
    """Each image read in a child process and stored under its digest; what an earlier attempt has read is not again."""
    told = 0.0
    with contextlib.closing(outcomes(images, staging)) as found:
        for number, (image, outcome) in enumerate(zip(images, found, strict=True), start=1):
            yield image, outcome
            if on_progress is not None and (number == len(images) or time.monotonic() - told > _TELL_EVERY_S):
                told = time.monotonic()
                on_progress(number, len(images))


def _row(id: str, number: int, image: PlannedImage, outcome: Outcome, *, embedded: bool) -> dict[str, Any]:
    recipe = _embedded(image.file) if embedded else {}
    told = {name: text for name in ("prompt", "label") if isinstance(text := recipe.get(name, ""), str)}
    seed = image.fields.get("seed") or recipe.get("seed", 0)
    plain = str(seed).isdigit() and int(seed) < 2**32
    return {
        "index": number,
        "image_id": digest_json([id, number])[:16],
        "path": f"images/{outcome.image_id}{outcome.suffix}",
        "recipe": canonical_json(recipe) if recipe else "",
        "digest": outcome.digest,
        "prompt": image.fields.get("caption") or told.get("prompt", ""),
        "label": image.fields.get("label") or told.get("label", ""),
        "seed": int(seed) if plain else 0,
    }


def _embedded(file: Path) -> dict[str, Any]:
    """The recipe that a PNG of this program carries, {} for any other file."""
    if file.suffix.lower() != ".png" or file.stat().st_size > _MOST_TEXT:
        return {}
    data = file.read_bytes()
    try:
        text = png_chunks.read_text(data).get(RECIPE, "") if data.startswith(png_chunks.SIGNATURE) else ""
    except ImageError:
        return {}
    return parse_recipe(text) or {}
