"""What every room reads images from: a dataset split, a sample set or a folder, all alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.errors import NotFoundError
from lab.provenance import digest_json


@runtime_checkable
class ImageSet(Protocol):
    """A set of images in a fixed order; the lists below are parallel.

    Attributes:
        id: how a run names the set, for example "cxr:train"; never a path or a name.
        tag: "REAL", "SYNTHETIC" or "PHANTOM".
        digest: content digest of the set.
    """

    @property
    def id(self) -> str:  # noqa: D102
        ...

    @property
    def tag(self) -> str:  # noqa: D102
        ...

    @property
    def digest(self) -> str:  # noqa: D102
        ...

    def ids(self) -> list[str]:
        """Opaque image ids of 16 hexadecimal digits."""
        ...

    def patients(self) -> NDArray[Any]:
        """Patient of each image, as text; a sample is its own patient."""
        ...

    def digests(self) -> list[str]:
        """SHA-256 of each image's file."""
        ...

    def labels(self) -> list[str]:
        """Label of each image; "" where there is none."""
        ...

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels, uint8 or uint16, (H, W) or (H, W, 3)."""
        ...

    def frame(self) -> pd.DataFrame:
        """All rows with at least image_id, digest, patient_id, split, label, caption."""
        ...


class FrameSet:
    """The part of an `ImageSet` that follows from its table; subclasses say where pixels come from."""

    def __init__(self, id: str, tag: str, table: pd.DataFrame, digest: str | None = None) -> None:
        self.id = id
        self.tag = tag
        self._table = table.reset_index(drop=True)
        self.digest = digest or rows_digest(self._table)
        self._positions = {str(name): row for row, name in enumerate(self._table["image_id"])}
        self._columns: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._table)

    def ids(self) -> list[str]:
        """Opaque image ids, in the order of the rows."""
        return [str(name) for name in self._table["image_id"]]

    def patients(self) -> NDArray[Any]:
        """Patient of each image, (n,) of text."""
        return np.array([str(name) for name in self._table["patient_id"]], dtype=str)

    def digests(self) -> list[str]:
        """SHA-256 of each image's file."""
        return [str(value) for value in self._table["digest"]]

    def labels(self) -> list[str]:
        """Label of each image."""
        return [str(value) for value in self._table["label"]]

    def frame(self) -> pd.DataFrame:
        """A copy of the rows."""
        return self._table.copy()

    def row(self, image_id: str) -> dict[str, Any]:
        """The row of one image, as plain text and numbers.

        Raises:
            NotFoundError: when the set has no such image.
        """
        found = self._table.iloc[self.position(image_id)].items()
        return {str(key): value.item() if isinstance(value, np.generic) else value for key, value in found}

    def cell(self, image_id: str, column: str) -> str:
        """One cell of an image's row, as text; a hundred times as fast as `row`, for what every image needs.

        Raises:
            NotFoundError: when the set has no such image.
        """
        at = self.position(image_id)
        if column not in self._columns:
            self._columns[column] = self._table[column].tolist()
        return str(self._columns[column][at])

    def position(self, image_id: str) -> int:
        """Row number of an image.

        Raises:
            NotFoundError: when the set has no such image.
        """
        if image_id not in self._positions:
            raise NotFoundError(
                "This set has no image of that id; nothing was changed; choose one from its list."
            )
        return self._positions[image_id]


def rows_digest(table: pd.DataFrame) -> str:
    """Content digest of a part of a dataset or of a folder: image, patient and label of each row, in any
    order."""
    rows = zip(table["digest"], table["patient_id"], table["label"], strict=True)
    return digest_json(
        sorted([str(d), hashlib.sha256(str(p).encode()).hexdigest()[:16], str(v)] for d, p, v in rows)
    )


def patient_balanced(images: ImageSet, n: int, seed: int) -> list[str]:
    """Choose `n` image ids so that patients count as equally as they can.

    One image of every patient is taken before a second of any; order of patients and of their images
    depends on `seed` and the ids only. All images are returned where the set has no more than `n`.

    Args:
        images: any set.
        n: number of images wanted.
        seed: another seed gives another choice.
    """
    ids, patients = images.ids(), [str(p) for p in images.patients()]
    return [ids[i] for i in balanced_positions(ids, patients, n, seed)]


def balanced_positions(ids: Sequence[str], patients: Sequence[str], n: int, seed: int) -> list[int]:
    """Positions of `n` images chosen as `patient_balanced` does; ids and patients are parallel."""
    ranked = sorted(range(len(ids)), key=lambda i: _rank(seed, ids[i]))
    turn: dict[str, int] = {}
    keyed: list[tuple[int, bytes, int]] = []
    for i in ranked:
        turn[patients[i]] = turn.get(patients[i], -1) + 1
        keyed.append((turn[patients[i]], _rank(seed, patients[i]), i))
    return [i for _, _, i in sorted(keyed)[: max(n, 0)]]


def shared_digests(first: ImageSet, second: ImageSet) -> list[tuple[str, str]]:
    """Pairs of ids, one from each set, whose files are equal: a real image that stands in a synthetic set."""
    known: dict[str, str] = dict(zip(second.digests(), second.ids(), strict=True))
    pairs = zip(first.ids(), first.digests(), strict=True)
    return [(mine, known[digest]) for mine, digest in pairs if digest in known]


def shared_patients(first: ImageSet, second: ImageSet) -> list[str]:
    """Patients that have images in both sets, sorted."""
    return sorted(set(map(str, first.patients())) & set(map(str, second.patients())))


def subset(images: ImageSet, ids: Sequence[str], id: str | None = None) -> ImageSet:
    """The images of `ids`, in that order, as a set of their own."""
    return _Subset(images, ids, id or images.id)


class _Subset(FrameSet):
    def __init__(self, whole: ImageSet, ids: Sequence[str], id: str) -> None:
        rows = whole.frame().set_index("image_id", drop=False)
        missing = [name for name in ids if name not in rows.index]
        if missing:
            raise NotFoundError(
                f"{len(missing)} of the chosen images are not in this set; nothing was changed; choose again."
            )
        super().__init__(id, whole.tag, rows.loc[list(ids)])
        self._whole = whole

    def image(self, image_id: str) -> NDArray[Any]:
        self.position(image_id)
        return self._whole.image(image_id)


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{int(seed)}\x1f{name}".encode()).digest()
