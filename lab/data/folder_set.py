"""A folder of images as a sample set, read where it lies: nothing is copied, bad files are listed with
the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from lab.data.codecs import png_chunks
from lab.data.imageset import FrameSet, rows_digest
from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.samples import RECIPE, ROW_COLUMNS, parse_recipe, read_sample, set_frame
from lab.data.sources.contract import PlannedImage
from lab.data.synthetic_tables import GeneratedImages, by_table, dialect_of, generated_table
from lab.data.tabular.columns import guess_mapping
from lab.data.tabular.tables import read_table
from lab.errors import DatasetError, ImageError
from lab.provenance import canonical_json, digest_bytes, digest_json

_TABLES = ("metadata.csv", "prompts.csv", "samples.csv")


class FolderSet(FrameSet):
    """Images of a folder as an `ImageSet`; each image is its own patient.

    Attributes:
        left_out: file name within the folder and reason, for the person who named the folder.
        notes: what had to be decided.
    """

    def __init__(self, rows: pd.DataFrame, left_out: list[tuple[str, str]], notes: tuple[str, ...]) -> None:
        frame = set_frame(rows)
        digest = rows_digest(frame.assign(patient_id=""))
        super().__init__(f"folder-{digest[:12]}", "SYNTHETIC", frame, digest)
        self.rows = rows
        self.left_out = left_out
        self.notes = notes
        self.origin, self.parent = "folder", ""

    def image_bytes_path(self, image_id: str) -> Path:
        """File of an image."""
        return Path(self.cell(image_id, "path"))

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of an image, uint8 or uint16, (H, W) or (H, W, 3)."""
        return read_sample(self.image_bytes_path(image_id), self.cell(image_id, "digest"))


def from_folder(
    folder: Path, metadata: Path | None = None, on_progress: Callable[[int, int], None] | None = None
) -> FolderSet:
    """Read a folder of PNG, JPEG or TIFF files, with recipes where PNGs carry them.

    Args:
        folder: searched with its subfolders; hidden files and folders called "masks" are passed over.
        metadata: CSV with columns such as image, prompt, label; by default a table of generated images (then its rows
            are the set, and files it names that are not there are listed), or metadata.csv, prompts.csv or samples.csv.
        on_progress: called with files done and files in all.

    Raises:
        DatasetError: when the folder does not exist or holds no readable image.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise DatasetError("There is no folder of that name; nothing was read; check the path.")
    index = FolderIndex(root)
    generated = _generated(index, metadata)
    left_out: list[tuple[str, str]] = []
    notes: tuple[str, ...]
    if generated is not None:  # a table of generated images says which files count, and which are missing
        files = [(image.file.relative_to(root).as_posix(), image.file) for image in generated.images]
        table = {name: _told(image) for (name, _), image in zip(files, generated.images, strict=True)}
        left_out, notes = list(generated.left_out), generated.notes
    else:
        files = list(index.images().items())
        table, notes = _texts(root, metadata)
    rows: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for done, (name, path) in enumerate(files, start=1):
        try:
            rows.append(_row(path, name, table, seen))
        except ImageError as error:
            left_out.append((shown_name(name), str(error)))
        if on_progress is not None:
            on_progress(done, len(files))
    if not rows:
        raise DatasetError(
            f"The folder holds no readable image ({len(left_out)} files were refused); nothing was read; "
            f"choose another."
        )
    return FolderSet(pd.DataFrame(rows, columns=list(ROW_COLUMNS)), left_out, notes)


def _row(path: Path, name: str, table: dict[str, tuple[str, str]], seen: dict[str, int]) -> dict[str, Any]:
    from lab.data.images import decode_clean

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError("The file cannot be read; it was left out; check its permissions.") from error
    _, clean, _ = decode_clean(data, None, path.name)
    digest = digest_bytes(clean)
    seen[digest] = seen.get(digest, -1) + 1
    text = png_chunks.read_text(data).get(RECIPE, "") if data.startswith(png_chunks.SIGNATURE) else ""
    recipe = parse_recipe(text) or {}
    prompt, label = (
        table.get(name) or table.get(path.name) or (_text(recipe, "prompt"), _text(recipe, "label"))
    )
    seed = recipe.get("seed", 0)
    plain = isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**32
    return {
        "image_id": digest_json([digest, seen[digest]])[:16],
        "digest": digest,
        "path": str(path),
        "prompt": prompt,
        "seed": seed if plain else 0,
        "recipe": canonical_json(recipe) if recipe else "",
        "label": label,
    }


def _generated(files: FolderIndex, metadata: Path | None) -> GeneratedImages | None:
    """What a table in one of the published dialects names, `None` where there is no such table."""
    path = generated_table(files) if metadata is None else metadata if dialect_of(metadata) else None
    return by_table(files, path) if path is not None else None


def _told(image: PlannedImage) -> tuple[str, str]:
    return image.fields.get("caption", ""), image.fields.get("label", "")


def _text(recipe: dict[str, Any], key: str) -> str:
    value = recipe.get(key, "")
    return value if isinstance(value, str) else ""


def _texts(root: Path, metadata: Path | None) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Prompt and label by file name."""
    path = metadata or next((root / name for name in _TABLES if (root / name).is_file()), None)
    if path is None:
        return {}, ()
    table = read_table(path)
    mapping = guess_mapping(table.columns)
    if "image" not in mapping:
        return {}, (*table.notes, "The CSV names no image column, so its prompts and labels were not used.")
    prompt, label = mapping.get("caption", ""), mapping.get("label", "")
    return {
        row[mapping["image"]]: (row.get(prompt, ""), row.get(label, "")) for row in table.rows
    }, table.notes
