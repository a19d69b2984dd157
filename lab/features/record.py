"""An extractor record: everything the lab knows about a feature extractor, as data in one JSON file.

The preprocessing an extractor gets is read from its record and from nowhere else, so that two people with one
record get one set of numbers. A new record needs no code: it goes into the workspace, or comes from a folder.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.features.record_check import LAYERS, checked
from lab.features.resize import FITS, RESAMPLINGS
from lab.provenance import digest_json

MAX_RECORD_BYTES = 1_000_000
CHANNELS = {"rgb": "RGB, grey repeated", "grey": "grey, colour by its luma"}


@dataclass(frozen=True)
class ExtractorRecord:
    """What an extractor is, where its weights lie, and exactly what its network sees.

    Attributes:
        id: lower-case name, used in commands and in the store.
        family: which loader of `lab.features.loaders` reads the weights.
        layer: which activations are the features, one of the layers of its family.
        dimension: numbers in one vector.
        input_size: side of the square the network sees, in pixels.
        resampling: the filter that makes it, one of `resize.RESAMPLINGS`.
        fit: "square" (whole image), "crop" (shorter side to `resize_to`, then the middle), "middle" (the middle
            square of the image first).
        resize_to: shorter side before the crop; 0 means `input_size`.
        channels: "rgb" (grey repeated) or "grey".
        value_range: what grey levels 0 and 255 become before mean and std.
        mean, std: subtracted, then divided by; one number, or one a channel.
        unit: whether vectors are scaled to length 1.
        batch: images at a time.
        options: what only its family reads.
        hub_id, revision: repository on the hub and its full commit.
        folder: local folder, absolute or relative to the record's own.
        package: an installable package that brings the weights, with its exact version.
        weights: weight file to SHA-256, "" where it is not known.
        settings: further files of the folder that the features depend on.
        purposes: what it is for: fidelity, privacy, alignment.
        modalities: what it was made for; () for any image.
        edition: raised when code changes what one record gives.
        root: folder of the record file; not part of the JSON.
    """

    id: str
    title: str
    family: str
    layer: str
    dimension: int
    input_size: int = 224
    resampling: str = "torch-bicubic-antialias"
    fit: str = "square"
    resize_to: int = 0
    channels: str = "rgb"
    value_range: tuple[float, ...] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    unit: bool = False
    batch: int = 16
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    hub_id: str = ""
    revision: str = ""
    folder: str = ""
    package: str = ""
    weights: dict[str, str] = field(default_factory=dict, hash=False)
    settings: tuple[str, ...] = ()
    licence: str = ""
    gate: str = ""
    citation: str = ""
    trained_on: str = ""
    purposes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    notes: str = ""
    edition: int = 1
    root: Path | None = field(default=None, compare=False)

    @property
    def levels_mean(self) -> tuple[float, ...]:
        """What is subtracted from grey levels 0..255."""
        low, high = self.value_range
        return tuple((value - low) * 255.0 / (high - low) for value in self.mean)

    @property
    def levels_std(self) -> tuple[float, ...]:
        """What grey levels 0..255 are then divided by."""
        low, high = self.value_range
        return tuple(value * 255.0 / (high - low) for value in self.std)

    @property
    def resampling_words(self) -> str:
        """How an image becomes the square the network sees, in words."""
        words = f"{RESAMPLINGS[self.resampling]}, {FITS[self.fit]}"
        words = words.format(size=self.input_size, before=self.resize_to or self.input_size)
        return words + (", clipped to 0..255" if self.resampling == "torch-bicubic-antialias" else "")

    @property
    def layer_words(self) -> str:
        """Which activations are the features, in words."""
        return LAYERS[self.family][self.layer]

    @property
    def path(self) -> Path | None:
        """Absolute local folder, None where the record names none."""
        if not self.folder:
            return None
        given = Path(self.folder).expanduser()
        return given if given.is_absolute() or self.root is None else self.root / given

    @property
    def comes_along(self) -> bool:
        """Whether its weights come with the program, or it needs none."""
        return bool(self.package) or not self.weights

    def digest_with(self, weights_digest: str) -> str:
        """SHA-256 over weights, layer and preprocessing; titles, places and licences do not count."""
        kept: dict[str, Any] = {
            "id": self.id,
            "weights_digest": weights_digest,
            "layer": self.layer_words,
            "dimension": self.dimension,
            "input_size": self.input_size,
            "resampling": self.resampling_words,
            "channels": CHANNELS[self.channels],
            "mean": _one_or_list(self.levels_mean),
            "scale": _one_or_list(self.levels_std),
            "revision": self.edition,
        }
        if self.options:
            kept["options"] = self.options
        if self.unit:
            kept["unit"] = True
        return digest_json(kept)

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON, without `root`; what has its default is left out."""
        told: dict[str, Any] = {}
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            default = one.default_factory() if callable(one.default_factory) else one.default
            if one.name != "root" and value != default:
                told[one.name] = list(value) if isinstance(value, tuple) else value
        return told


def record_from_json(values: Any, root: Path | None = None) -> ExtractorRecord:
    """A checked record from parsed JSON.

    Raises:
        InputError: naming the first field that is missing, unknown or of the wrong kind.
    """
    fields = {one.name: one for one in dataclasses.fields(ExtractorRecord) if one.name != "root"}
    return ExtractorRecord(**checked(values, fields, tuple(CHANNELS)), root=root)


def read_record(path: Path) -> ExtractorRecord:
    """Read one record file.

    Raises:
        InputError: when the file is missing, too large, not JSON, or not a record.
    """
    try:
        large = path.stat().st_size > MAX_RECORD_BYTES
        values = None if large else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            "This extractor record is missing or is not JSON; other extractors are kept; correct the record."
        ) from error
    return record_from_json(values, root=path.resolve().parent)


def _one_or_list(values: tuple[float, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)
