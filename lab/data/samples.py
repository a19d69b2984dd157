"""Sample sets: the images a generator has made, each with its recipe, written so that a crash loses none.

On disk: `workspace/samples/<id>/{images/<image id>.png, rows.jsonl, set.json}`. `rows.jsonl` grows with every
batch; `set.json` is written at the end. The recipe also travels inside each PNG (text chunk "doppel:recipe").
The digest of a sample is that of its PNG without text, so an equal image found elsewhere has an equal digest.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from lab.atomic import write_bytes, write_json
from lab.config import settings
from lab.data.card import check_id
from lab.data.codecs import png_chunks
from lab.data.imageset import FrameSet, rows_digest
from lab.errors import DatasetError, NotFoundError
from lab.provenance import canonical_json, digest_bytes, digest_json

RECIPE = "doppel:recipe"
ROW_COLUMNS = ("image_id", "digest", "path", "prompt", "seed", "recipe", "label")
_SET, _ROWS = "set.json", "rows.jsonl"


@dataclass(frozen=True)
class NewSample:
    """One sample to be kept: position in the set, uint8 or uint16 pixels, recipe, prompt and label."""

    index: int
    image: NDArray[Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = ""
    label: str = ""


@dataclass(frozen=True)
class SampleSetCard:
    """What is known about a sample set.

    Attributes:
        id: opaque id, usually from the run's digest.
        origin: id of the generator, "folder", or "dataset split".
        parent: id of the dataset the generator was trained on; "" where unknown.
        phantom_trained: whether that dataset is a phantom.
        licence: licence of the samples in one line.
        created: UTC time, ISO 8601.
        digest: content digest of the set.
        images: number of samples.
    """

    id: str
    origin: str
    parent: str
    phantom_trained: bool
    licence: str
    created: str
    digest: str
    images: int

    @property
    def tag(self) -> str:
        """Always "SYNTHETIC"."""
        return "SYNTHETIC"


class SampleSet(FrameSet):
    """A finished sample set as an `ImageSet`; each sample is its own patient."""

    def __init__(self, folder: Path, card: SampleSetCard, rows: Sequence[Mapping[str, Any]]) -> None:
        self.card = card
        self.folder = folder
        self.rows = pd.DataFrame([dict(row) for row in rows], columns=["index", *ROW_COLUMNS])
        super().__init__(card.id, card.tag, set_frame(self.rows), card.digest)
        self.origin, self.parent = card.origin, card.parent

    def image_bytes_path(self, image_id: str) -> Path:
        """File of a sample, for a viewer that decodes itself."""
        return self.folder / self.cell(image_id, "path")

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels of a sample, uint8 or uint16, (H, W) or (H, W, 3)."""
        return read_sample(self.image_bytes_path(image_id), self.cell(image_id, "digest"))

    def recipe(self, image_id: str) -> dict[str, Any]:
        """Recipe of a sample."""
        return parse_recipe(str(self.row(image_id)["recipe"])) or {}


def set_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of samples with the columns every image set has: patient, split, caption."""
    return rows.assign(patient_id=rows["image_id"], split="", caption=rows["prompt"])


def read_sample(path: Path, digest: str) -> NDArray[Any]:
    """Read a sample and check that its pixels are the recorded ones.

    Raises:
        ImageError: when the file is gone, damaged or has been changed.
    """
    from lab.data.images import decode_clean
    from lab.errors import ImageError

    try:
        found, clean, _ = decode_clean(path.read_bytes())
    except OSError as error:
        raise ImageError("The file of a sample is gone; its recipe is kept; generate it again.") from error
    if digest_bytes(clean) != digest:
        raise ImageError("The file of a sample was changed; it was not used; generate it again.")
    return found.array


class SampleSetWriter:
    """Writes a sample set batch by batch; opened again after a crash it goes on where it stopped.

    Args:
        id: id of the set; the same id continues the same set.
        origin: id of the generator, or another word.
        parent: id of the training dataset, "" where unknown.
        phantom_trained: whether that dataset is a phantom.
        licence: licence of the samples.
    """

    def __init__(
        self, id: str, origin: str, parent: str = "", phantom_trained: bool = False, licence: str = ""
    ) -> None:
        self.id = check_id(id)
        self.folder = settings().samples / id
        self._about = {
            "origin": origin,
            "parent": parent,
            "phantom_trained": phantom_trained,
            "licence": licence,
        }
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        self._rows = {row["index"]: row for row in _journal(self.folder)}

    def done(self) -> set[int]:
        """Positions that are already kept."""
        return set(self._rows)

    def append(self, samples: Iterable[NewSample]) -> list[str]:
        """Keep a batch: first the images, then one journal line each, then one fsync. A position can be
        kept again.

        Returns:
            The image ids of the batch.
        """
        from lab.data.images import encode_png

        added: list[dict[str, Any]] = []
        for sample in samples:
            recipe = canonical_json(dict(sample.recipe))
            png = encode_png(sample.image, {RECIPE: recipe})
            image_id = digest_json([self.id, sample.index])[:16]
            path = f"images/{image_id}.png"
            write_bytes(self.folder / path, png)
            added.append({
                "index": int(sample.index), "image_id": image_id, "path": path, "recipe": recipe,
                "digest": digest_bytes(png_chunks.inspect(png)[1]), "prompt": sample.prompt,
                "label": sample.label,
                "seed": int(sample.recipe.get("seed", 0)),
            })  # fmt: skip
        text = "".join(canonical_json(row) + "\n" for row in added)
        with (self.folder / _ROWS).open("a", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        self._rows.update({row["index"]: row for row in added})
        return [row["image_id"] for row in added]

    def finalise(self) -> SampleSet:
        """Write `set.json` and open the set. Doing it again changes nothing but later samples.

        Raises:
            DatasetError: when nothing was kept.
        """
        if not self._rows:
            raise DatasetError("The sample set is empty; nothing was written; generate at least one sample.")
        rows = [self._rows[index] for index in sorted(self._rows)]
        write_set(self.folder, {"id": self.id, **self._about, "created": self._created()}, rows)
        return open_sample_set(self.id)

    def _created(self) -> str:
        """UTC time of the first finish, or now."""
        if (self.folder / _SET).is_file():
            with contextlib.suppress(DatasetError):
                return _read_set(self.folder)[0].created
        return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def write_set(folder: Path, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the list that makes a folder of images a sample set; `about` is the card without digest and number."""
    frame = set_frame(pd.DataFrame([dict(row) for row in rows]))
    frame["patient_id"] = ""  # ids depend on the set's name, its content does not
    card = {**about, "digest": rows_digest(frame), "images": len(rows)}
    write_json(folder / _SET, {"card": card, "rows": [dict(row) for row in rows]})


def open_sample_set(id: str) -> SampleSet:
    """Open a finished sample set.

    Raises:
        NotFoundError: when there is none of that id.
        DatasetError: when it is damaged.
    """
    folder = settings().samples / check_id(id)
    if not (folder / _SET).is_file():
        known = ", ".join(card.id for card in list_sample_sets()[:20]) or "none yet"
        raise NotFoundError(f"There is no sample set of that id; nothing was started; these exist: {known}.")
    card, rows = _read_set(folder)
    return SampleSet(folder, card, rows)


def list_sample_sets() -> list[SampleSetCard]:
    """Cards of all finished sample sets, newest first; damaged ones are passed over."""
    cards = []
    for path in settings().samples.glob(f"*/{_SET}"):
        try:
            cards.append(_read_set(path.parent)[0])
        except DatasetError:
            continue
    return sorted(cards, key=lambda card: (card.created, card.id), reverse=True)


def remove_sample_set(id: str) -> None:
    """Remove a sample set and its images.

    Raises:
        NotFoundError: when there is none.
    """
    folder = open_sample_set(id).folder
    gone = folder.with_name(f".removed-{os.getpid()}-{id}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def parse_recipe(text: str) -> dict[str, Any] | None:
    """A recipe from text out of a file nobody vouches for, or `None` where it is not a JSON object."""
    try:
        value = json.loads(text)
        canonical_json(value).encode(
            "utf-8"
        )  # refuses NaN and broken Unicode, which JSON readers let through
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_set(folder: Path) -> tuple[SampleSetCard, list[dict[str, Any]]]:
    try:
        value = json.loads((folder / _SET).read_text("utf-8"))
        card = SampleSetCard(**value["card"])
        rows = [dict(row) for row in value["rows"]]
        if any(".." in row["path"] or not row["path"].startswith("images/") for row in rows):
            raise ValueError("path")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            "The list of this sample set is damaged; its images are kept; run the generation again."
        ) from error
    return card, rows


def _journal(folder: Path) -> list[dict[str, Any]]:
    """Rows kept so far. A line cut by a crash is taken away, a row whose image is gone is ignored."""
    path = folder / _ROWS
    if not path.is_file():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        write_bytes(path, whole)
    rows = [parse_recipe(line) for line in whole.decode("utf-8", errors="replace").split("\n") if line]
    return [
        row for row in rows
        if row is not None and {"index", *ROW_COLUMNS} <= set(row) and (folder / str(row["path"])).is_file()
    ]  # fmt: skip
