"""Which model folders may be opened: safetensors and plain text, judged by content, never by name."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.provenance import digest_file, digest_json

_PICKLE = re.compile(rb"\x80[\x01-\x05]")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf")
_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".msgpack", ".h5")
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion", None)
_HEADER_LIMIT = 100_000_000
_ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
_HASHED = (".safetensors", ".json", ".txt", ".model")
MEASURED = "gates"


def check_folder(folder: Path, *, weights: bool = True) -> None:
    """Refuse a model folder that holds anything but safetensors, JSON and text.

    Args:
        folder: a diffusers model folder or one component of it.
        weights: whether it has to hold weights; a tokenizer has none.

    Raises:
        WeightsError: for pickle content under any name, damaged safetensors, components that bring their own
            code, or no weights at all.
    """
    files = check_files(folder)
    if weights and not any(file.suffix == ".safetensors" for file in files):
        raise WeightsError(
            "This model folder holds no safetensors weights; nothing was loaded; "
            "download the safetensors version."
        )
    check_no_code(folder)


def check_files(folder: Path) -> list[Path]:
    """Refuse pickles, archives, code and damaged safetensors among the files of a folder; returns the files.

    Raises:
        WeightsError: naming the file.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and ".git" not in file.parts]
    for file in files:
        _check_file(file, file.relative_to(folder).as_posix())
    return files


def check_no_code(folder: Path) -> None:
    """Refuse a model folder that asks for code of its own: classes, mappings or Python files. Opens no weights.

    Raises:
        WeightsError: naming what asks for it.
    """
    for file in sorted(folder.rglob("*.py")):
        raise _own_code(file.relative_to(folder).as_posix())
    _check_index(folder / "model_index.json")
    for file in sorted([*folder.glob("*config.json"), *folder.glob("*/*config.json")]):
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise WeightsError(
                f"The settings {file.relative_to(folder).as_posix()[:80]} cannot be read; nothing was loaded; "
                "copy the model again."
            ) from error
        if isinstance(values, dict) and values.get("auto_map"):
            raise _own_code(file.relative_to(folder).as_posix())


def weights_digest(folder: Path, parts: Mapping[str, Path] | None = None) -> str:
    """SHA-256 over the weights and settings of a model: names and digests of its files.

    Args:
        folder: the model folder.
        parts: folders of components that lie elsewhere, by component.
    """
    names = _digests(folder, "")
    for part, place in (parts or {}).items():
        names |= _digests(place, f"{part}/")
    return digest_json(names)


def _digests(folder: Path, prefix: str) -> dict[str, str]:
    names = {file: file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        prefix + name.as_posix(): _digest_of(file)
        for file, name in names.items()
        # What was measured of a model is told beside it and changes nothing in it.
        if file.suffix in _HASHED and name.name != "card.json" and name.parts[0] != MEASURED
    }


def _digest_of(file: Path) -> str:
    """SHA-256 of a file; one of many gigabytes is not read again while nothing about it has changed."""
    told = file.stat()
    return _digest_as_it_is(file, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)


@lru_cache(maxsize=4096)
def _digest_as_it_is(file: Path, *told: int) -> str:
    return digest_file(file)


def _check_file(file: Path, name: str) -> None:
    with file.open("rb") as stream:
        head = stream.read(16)
    # Safetensors begin with the length of their JSON header, and those eight bytes may look like a pickle's first two.
    plain = head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= file.stat().st_size - 8
    looks = not plain and (_PICKLE.match(head) or head.startswith(_ARCHIVES))
    if looks or file.suffix.lower() in _PICKLE_SUFFIXES:
        raise WeightsError(
            f"The file {name[:80]} is in a format that can run code (pickle or archive); nothing was loaded; "
            "convert it to safetensors or remove it."
        )
    if file.suffix.lower() == ".safetensors":
        check_safetensors(file, name)
    elif file.suffix == ".py":
        raise _own_code(name)


def check_safetensors(file: Path, name: str) -> dict[str, Any]:
    """Check the header of a safetensors file; returns it.

    Raises:
        WeightsError: naming the file, and the tensor where one is at fault.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = struct.unpack("<Q", stream.read(8).ljust(8, b"\xff"))[0]
        if length > min(size - 8, _HEADER_LIMIT):
            raise _damaged(name, "its header does not fit the file")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise _damaged(name, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise _damaged(name, "its header is not a table of tensors")
    spans = []
    for tensor, entry in header.items():
        if tensor != "__metadata__":
            spans.append((*_span(entry, name, tensor, size - 8 - length), tensor))
    end = 0
    for start, stop, tensor in sorted(spans):
        if start != end:
            raise _damaged(name, f"tensor {tensor[:80]!r} overlaps another or leaves a gap")
        end = stop
    if end != size - 8 - length:
        raise _damaged(name, "it is longer or shorter than its tensors")
    return header


def _span(entry: Any, name: str, tensor: str, room: int) -> tuple[int, int]:
    try:
        start, stop = entry["data_offsets"]
        count = 1
        for side in entry["shape"]:
            count *= side
        fits = 0 <= start <= stop <= room and count >= 0
        fits = fits and stop - start == count * _ITEM_BYTES.get(
            entry["dtype"], (stop - start) // max(count, 1)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(name, f"tensor {tensor[:80]!r} is not described") from error
    if not fits:
        raise _damaged(
            name, f"tensor {tensor[:80]!r} lies outside the file or has another size than its shape"
        )
    return int(start), int(stop)


def _check_index(index: Path) -> None:
    if not index.is_file():
        return
    try:
        values = json.loads(index.read_text(encoding="utf-8"))
        parts = [
            value for key, value in values.items() if not key.startswith("_") and isinstance(value, list)
        ]
        custom = not isinstance(values.get("_class_name"), str) or any(
            part[0] not in _LIBRARIES for part in parts
        )
    except (OSError, ValueError, AttributeError, IndexError, TypeError, RecursionError) as error:
        raise WeightsError(
            "The model_index.json of this folder cannot be read; nothing was loaded; copy it again."
        ) from error
    if custom:
        raise WeightsError(
            "This model asks to run code of its own, which is never done; nothing was loaded; "
            "use a standard class."
        )


def _own_code(name: str) -> WeightsError:
    return WeightsError(
        f"The model folder brings its own code ({name[:80]}), which is never run; nothing was loaded; "
        "use a model of a standard class."
    )


def _damaged(name: str, reason: str) -> WeightsError:
    return WeightsError(
        f"The weights file {name[:80]} is damaged: {reason}; nothing was loaded; copy the model again."
    )
