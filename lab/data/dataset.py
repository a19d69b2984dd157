"""A dataset on disk: `workspace/datasets/<id>/{card.json, manifest.parquet, images/, masks/}`, read
lazily."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from lab.data import manifest
from lab.data.card import DatasetCard, read_card
from lab.data.imageset import FrameSet
from lab.data.phantom_films import expected_digest, supply
from lab.data.splits import SPLITS, canonical_split
from lab.errors import ImageError, InputError, NotFoundError
from lab.provenance import digest_bytes

CARD, MANIFEST = "card.json", "manifest.parquet"


def parse_reference(reference: str) -> tuple[str, str | None]:
    """Divide "ID" or "ID:SPLIT".

    Returns:
        The id and the canonical split, `None` where none is named.

    Raises:
        InputError: for an unknown split.
    """
    id, colon, name = reference.partition(":")
    if not colon:
        return id, None
    split = canonical_split(name)
    if split is None:
        raise InputError(
            f"There is no split of that name; nothing was started; choose one of: {', '.join(SPLITS)}."
        )
    return id, split


class Dataset:
    """A dataset, opened from its folder; the manifest is read at the first use.

    Args:
        folder: the dataset's own folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card: DatasetCard = read_card(folder / CARD)

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row an image; columns as in `lab.data.manifest.COLUMNS`, then the dataset's own."""
        return manifest.read(self.folder / MANIFEST)

    def rows(self, split: str | None = None) -> pd.DataFrame:
        """The rows of one split, or all."""
        table = self.manifest
        return (table if split is None else table[table["split"] == split]).reset_index(drop=True)

    def image_bytes_path(self, image_id: str) -> Path:
        """File of an image, for a viewer that decodes itself; a phantom film is rendered where it is missing.

        Raises:
            NotFoundError: when there is no such image.
            ImageError: when a missing film can no longer be rendered.
        """
        return self._file(self._row(image_id), "path")

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of an image, uint8 or uint16, (H, W) or (H, W, 3).

        Raises:
            NotFoundError: when there is no such image.
            ImageError: when the file is gone or is no longer the one that was imported.
        """
        name, digest = self._images.get(image_id) or ("", "")
        path = self.folder / name
        if not name or not path.is_file():
            path = self._file(self._row(image_id), "path")
        return read_image(path, expected_digest(self.folder, path, digest))

    def mask(self, image_id: str) -> NDArray[Any] | None:
        """Mask of an image, uint8 or uint16 (H, W), or `None` where it has none."""
        row = self._row(image_id)
        return read_image(self._file(row, "mask")) if row["mask"] else None

    def subset(self, split: str | None = None) -> DatasetSubset:
        """One split, or all images, as an image set."""
        return DatasetSubset(self, split)

    def _file(self, row: Any, column: str) -> Path:
        path = self.folder / str(row[column])
        if not path.is_file():
            supply(self.folder, row)
        return path

    @cached_property
    def _images(self) -> dict[str, tuple[str, str]]:
        """File and digest of each image: a row of the table takes longer to find than its file to open."""
        names, files, digests = (map(str, self.manifest[name]) for name in ("image_id", "path", "digest"))
        return dict(zip(names, zip(files, digests, strict=True), strict=True))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {str(name): row for row, name in enumerate(self.manifest["image_id"])}

    def _row(self, image_id: str) -> Any:
        if image_id not in self._positions:
            raise NotFoundError(
                "This dataset has no image of that id; nothing was changed; choose one from its list."
            )
        return self.manifest.iloc[self._positions[image_id]]


class DatasetSubset(FrameSet):
    """A split of a dataset, or the whole of it, as an `ImageSet`."""

    def __init__(self, dataset: Dataset, split: str | None) -> None:
        card = dataset.card
        name = card.id if split is None else f"{card.id}:{split}"
        super().__init__(name, card.tag, dataset.rows(split), card.digest if split is None else None)
        self.dataset = dataset
        self.split = split

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of an image of this split, uint8 or uint16, (H, W) or (H, W, 3)."""
        self.position(image_id)
        return self.dataset.image(image_id)


def read_image(path: Path, digest: str | None = None) -> NDArray[Any]:
    """Read and decode one stored image.

    Args:
        path: file inside the workspace or a folder the person has named.
        digest: SHA-256 the bytes must have.

    Raises:
        ImageError: when the file is gone, changed or damaged.
    """
    from lab.data.images import decode

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(
            "The file of an image is gone; the manifest is kept; import the dataset again."
        ) from error
    if digest is not None and digest_bytes(data) != digest:
        raise ImageError(
            "The file of an image was changed after its import; it was not used; import the dataset again."
        )
    return decode(data).array
