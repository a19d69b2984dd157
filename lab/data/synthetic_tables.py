"""Tables of generated images: the three dialects of CheXGenBench, SynthCheX-75K's rows, all to one frame.

File names of these sets can hold the DICOM id of the film whose report was the prompt: a name is shown to the person
who imports and stored nowhere. Files that are missing are listed; nothing is put in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from lab.data.containers.parquet_rows import Shard
from lab.data.containers.shards import described, first_shard, rows_of, shard_files
from lab.data.importing.folder_index import FolderIndex
from lab.data.layout import Gathered, Pictures, joined
from lab.data.sources.contract import PlannedImage
from lab.data.tabular.chexpert import AS_NEGATIVE, labels_of, parse_labels
from lab.data.tabular.columns import normal_name
from lab.data.tabular.table_columns import open_columns, read_header
from lab.errors import DatasetError

FILE_COLUMNS = ("img_savename", "synthetic_filename")
"""Columns that only tables of generated images have."""
_WANTED = {
    "image": (*FILE_COLUMNS, "image_filename", "filename", "image", "file"),
    "prompt": ("annotated_prompt", "prompt", "caption", "text"),
    "labels": ("chexpert_labels", "labels_dict", "label", "labels"),
    "seed": ("seed",),
}
_TABLES = ("generations_with_metadata.csv", "metadata.csv", "prompts.csv", "samples.csv")
CAUTION = (
    "Published names of these files hold the DICOM id of the film whose report was the prompt, which links an image to "
    "a patient for people with access; names were read to find the files and are not stored."
)
_SYNTHCHEX = ({"image", "prompt", "labels_dict"}, {"image_filename", "label", "image"})


@dataclass(frozen=True)
class GeneratedImages:
    """Generated images found in a place.

    Attributes:
        dialect: what kind of table named them, in words; "" where none did.
        images: where each lies; `fields` holds caption, label, labels and seed.
        left_out: name and reason, for the person who imports.
        notes: one sentence each.
    """

    dialect: str
    images: tuple[PlannedImage, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """One row an image in the order of the table: prompt, label, labels, seed; no names."""
        rows = [
            [image.fields.get(key, "") for key in ("caption", "label", "labels", "seed")]
            for image in self.images
        ]
        return pd.DataFrame(rows, columns=["prompt", "label", "labels", "seed"])


def is_synthchex(shard: Shard | None) -> bool:
    """Whether the columns of a Parquet file are those of SynthCheX-75K, version 1 or 2."""
    return shard is not None and any(wanted <= set(shard.columns) for wanted in _SYNTHCHEX)


def generated_table(files: FolderIndex) -> Path | None:
    """The table of generated images that lies in a folder, if one does."""
    tables = [path for name, path in files.by_path.items() if name.lower().endswith((".csv", ".csv.gz"))]
    dialects = [path for path in tables if dialect_of(path)]
    usual = [path for path in dialects if path.name.lower() in _TABLES]
    return next(iter([*usual, *dialects]), None)


def dialect_of(path: Path) -> str:
    """The dialect of a table in words, "" where it is no table of generated images."""
    try:
        names = {normal_name(name) for name in read_header(path)[0]}
    except DatasetError:
        return ""
    if "synthetic_filename" in names:
        return "CheXGenBench, generations_with_metadata"
    if "img_savename" in names:
        return f"CheXGenBench, {'annotated_prompt' if 'annotated_prompt' in names else 'prompt'} and img_savename"
    if "labels_dict" in names and "filename" in names:
        return "SynthCheX-75K, table of version 1"
    return ""


def find_generated(files: FolderIndex, table: Path | None = None) -> GeneratedImages:
    """Generated images of a folder: by its table, by the rows of its Parquet files, or all image files.

    Args:
        files: the folder.
        table: the table where a person named it.

    Raises:
        DatasetError: when the table cannot be read, or does not name its images.
    """
    path = table or generated_table(files)
    if path is not None:
        return by_table(files, path)
    if shard_files(files) and not files.images():
        return by_rows(files)
    texts, notes = _texts(files)
    images = [
        PlannedImage(file, name, texts.get(name) or texts.get(file.name) or _fields({}))
        for name, file in files.images().items()
    ]
    return GeneratedImages("", tuple(images), (), notes)


def _texts(files: FolderIndex) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Prompt, label and seed by file name, from a usual table beside the images; every image counts all the same."""
    path = next((files.by_path[name] for name in _TABLES if name in files.by_path), None)
    if path is None:
        return {}, ()
    try:
        source = open_columns(path, _WANTED)
    except DatasetError as error:
        return {}, (f"The table beside the images was not used: {error}",)
    if "image" not in source.found:
        return {}, ("The table beside the images names no image, so its prompts and labels were not used.",)
    texts = {row["image"]: _fields(row.cells) for row in source.rows() if row["image"]}
    known = sum(name in texts or file.name in texts for name, file in files.images().items())
    return texts, (f"Prompts and labels come from the table beside the images, for {known:,} of them.",)


def by_table(files: FolderIndex, path: Path) -> GeneratedImages:
    """Images that a table names, in the table's order.

    Raises:
        DatasetError: when it cannot be read, or has no column of file names.
    """
    source = open_columns(path, _WANTED)
    if "image" not in source.found:
        raise DatasetError(
            "The table has no column of file names (img_savename, synthetic_filename); nothing was read; rename it."
        )
    gathered, pictures = Gathered(), Pictures(files)
    seen: dict[Path, int] = {}
    for row in source.rows():
        found = pictures.find(row["image"]) if row["image"] else "it names no image; it was left out"
        if isinstance(found, str):
            gathered.leave_out(row["image"] or f"row {row.line}", found)
        elif found in seen:
            gathered.leave_out(row["image"], f"row {row.line} repeats row {seen[found]}; it was read once")
        else:
            seen[found] = row.line
            gathered.images.append(PlannedImage(found, row["image"], _fields(row.cells)))
    gathered.ragged(source)
    dialect = dialect_of(path)
    more = pictures.count - len(seen)
    notes = [f"Read as: {dialect or 'a table of generated images'}."]
    notes += [CAUTION] if dialect else []
    notes += (
        [f"Image files of the folder that the table does not name and that were not read: {more:,}."]
        if more > 0
        else []
    )
    return GeneratedImages(dialect, tuple(gathered.images), tuple(gathered.left_out), tuple(notes))


def by_rows(files: FolderIndex) -> GeneratedImages:
    """Images in the rows of Parquet files. The column of file names is never read."""
    shards, left_out = described(files)
    known = is_synthchex(first_shard(files))
    images: list[PlannedImage] = []
    for name, shard in shards:
        keys = {key: _column(shard, key) for key in ("prompt", "labels", "seed")}
        columns = [column for column in keys.values() if column]
        images += rows_of(name, shard, columns, partial(_row_fields, keys))
    dialect = "SynthCheX-75K, rows" if known else "rows of Parquet files"
    notes = (f"Read as: {dialect}.", *([CAUTION] if known else []))
    return GeneratedImages(dialect, tuple(images), tuple(left_out), notes)


def _column(shard: Shard, key: str) -> str:
    by_name = {normal_name(name): name for name in shard.columns if name != shard.image}
    return next((by_name[name] for name in _WANTED[key] if name in by_name), "")


def _row_fields(keys: Mapping[str, str], cells: Mapping[str, str]) -> dict[str, str]:
    return _fields({key: cells.get(column, "") for key, column in keys.items()})


def _fields(cells: Mapping[str, str]) -> dict[str, str]:
    """Prompt, label and seed as the manifest calls them; a dictionary of findings becomes its positive ones."""
    told = cells.get("labels", "")
    findings = parse_labels(told)
    label = joined(labels_of(findings, AS_NEGATIVE) or []) if findings or told.startswith("{") else told
    seed = cells.get("seed", "")
    return {
        "caption": cells.get("prompt", ""),
        "label": label,
        "labels": label,
        "seed": seed if seed.isdigit() and int(seed) < 2**32 else "",
    }
