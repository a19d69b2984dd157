"""What an extractor record may hold: fields, kinds, layers of each family. One sentence for the first fault."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field
from pathlib import PurePosixPath
from typing import Any

from lab.errors import InputError
from lab.features.resize import FITS, RESAMPLINGS

LAYERS: dict[str, dict[str, str]] = {
    "efficientnet-lite": {
        "pooled": "pooled, averaged over the image",
        "blocks": "blocks, averaged over the image",
    },
    "inception-fid": {
        "2048": "last block, averaged over the image",
        "768": "block 6e, averaged over the image",
        "192": "after the second pooling, averaged over the image",
        "64": "after the first pooling, averaged over the image",
    },
    "densenet": {"features": "last block, rectified, averaged over the image"},
    "biovil": {
        "projected": "projected to the space shared with text, averaged over the image",
        "encoder": "image encoder with the learnt stand-in for a missing earlier film, averaged over the image",
    },
    "transformers": {
        "cls": "class token of the last layer, normalised",
        "patches": "patch tokens of the last layer, averaged; class and register tokens left out",
        "cls+patches": "class token beside the average of the patch tokens",
    },
    "open-clip": {"image": "image tower, projected to the space shared with text"},
    "descriptors": {"colour-texture": "colour moments and histograms, local binary patterns, co-occurrence"},
}
PURPOSES = ("fidelity", "privacy", "alignment")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_PACKAGE = re.compile(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*\Z")
_CODE_OPTIONS = ("trust_remote_code", "code_revision", "custom_pipeline")
_NUMBERS = ("value_range", "mean", "std")
_WORDS = ("purposes", "modalities", "settings")


def checked(values: Any, fields: Mapping[str, Field[Any]], channels: tuple[str, ...]) -> dict[str, Any]:
    """The values of a record, ready for its class.

    Raises:
        InputError: naming the first field that is missing, unknown or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise refused("it is not a JSON object or is larger than 1 MB")
    unknown = sorted(set(map(str, values)) - set(fields))
    if unknown:
        raise refused(f"the field {unknown[0][:40]!r} is not known")
    for name, one in fields.items():
        if one.default is MISSING and one.default_factory is MISSING and name not in values:
            raise refused(f"the field {name!r} is needed")
    ready = {name: _value(name, value, fields[name]) for name, value in values.items()}
    full = {name: one.default if one.default is not MISSING else {} for name, one in fields.items()} | ready
    _check_names(full, channels)
    _check_numbers(full)
    _check_places(full)
    return ready


def refused(reason: str) -> InputError:
    """The sentence for a record that is not taken."""
    return InputError(
        f"This extractor record was not taken because {reason}; other extractors are kept; correct the record."
    )


def _value(name: str, value: Any, one: Field[Any]) -> Any:
    if name in _NUMBERS or name in _WORDS:
        kinds: tuple[type, ...] = (int, float) if name in _NUMBERS else (str,)
        if not isinstance(value, list) or not all(
            isinstance(item, kinds) and not isinstance(item, bool) for item in value
        ):
            raise refused(
                f"the field {name!r} must be a list of {'numbers' if name in _NUMBERS else 'words'}"
            )
        return tuple(float(item) for item in value) if name in _NUMBERS else tuple(value)
    if name in ("options", "weights"):
        wanted: tuple[type, ...] = (dict,)
    elif isinstance(one.default, bool):
        wanted = (bool,)
    else:
        wanted = (int,) if "int" in str(one.type) else (str,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise refused(f"the field {name!r} is not of the right kind")
    return value


def _check_names(record: Mapping[str, Any], channels: tuple[str, ...]) -> None:
    if not _ID.match(record["id"]):
        raise refused("the id must be 1 to 64 lower-case letters, digits, dots or dashes")
    if not record["title"].strip():
        raise refused("the title is empty")
    choices: dict[str, tuple[str, ...]] = {
        "family": tuple(LAYERS),
        "layer": tuple(LAYERS.get(record["family"], ())),
        "resampling": tuple(RESAMPLINGS),
        "fit": tuple(FITS),
        "channels": channels,
    }
    for name, allowed in choices.items():
        if record[name] not in allowed:
            raise refused(f"the {name} must be one of {', '.join(allowed)}")
    if set(record["purposes"]) - set(PURPOSES):
        raise refused(f"the purposes must be among {', '.join(PURPOSES)}")
    asked = sorted(set(record["options"]) & set(_CODE_OPTIONS))
    if asked:
        raise refused(f"it asks to run code of its own ({asked[0]}), which is never done")


def _check_numbers(record: Mapping[str, Any]) -> None:
    values = [*record["value_range"], *record["mean"], *record["std"]]
    planes = 3 if record["channels"] == "rgb" else 1
    if not all(map(math.isfinite, values)) or len(record["value_range"]) != 2:
        raise refused("value_range, mean and std must be finite numbers, value_range two of them")
    if record["value_range"][0] >= record["value_range"][1] or any(value <= 0 for value in record["std"]):
        raise refused("value_range must rise and std must be above 0")
    if any(len(record[name]) not in (1, planes) for name in ("mean", "std")):
        raise refused("mean and std must be one number or one a channel")
    if not 1 <= record["dimension"] <= 65_536 or not 16 <= record["input_size"] <= 2048:
        raise refused("the dimension must be 1 to 65536 and the input size 16 to 2048 pixels")
    if not 1 <= record["batch"] <= 512 or not 0 <= record["resize_to"] <= 4096:
        raise refused("the batch must be 1 to 512 and resize_to 0 to 4096")
    if record["resize_to"] and record["resize_to"] < record["input_size"]:
        raise refused("resize_to is smaller than the square that is cut from it")


def _check_places(record: Mapping[str, Any]) -> None:
    if record["revision"] and not _COMMIT.match(record["revision"]):
        raise refused("the revision must be the full 40-digit commit, not a branch name")
    if record["package"] and not _PACKAGE.match(record["package"]):
        raise refused("the package must name its exact version, as in name==1.0")
    for name, digest in record["weights"].items():
        if not isinstance(digest, str) or (digest and not _SHA256.match(digest)):
            raise refused("the weights must give a SHA-256 of 64 digits, or an empty text, for each file")
        _check_inside(name)
    for name in record["settings"]:
        _check_inside(name)
    if record["family"] != "descriptors" and not record["weights"]:
        raise refused("it names no weights file")


def _check_inside(name: str) -> None:
    path = PurePosixPath(name)
    if not name or "\\" in name or path.is_absolute() or ".." in path.parts:
        raise refused("a file of it lies outside its folder")
