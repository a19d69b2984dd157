"""How much memory a generator's weights take: told from its files before it is loaded."""

from __future__ import annotations

import json
import math
from pathlib import Path

from lab.config import settings
from lab.generators.card import GeneratorCard
from lab.generators.weights import check_safetensors

SHARE = 0.7
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
# Files that repeat the weights of another: of half precision, or before averaging.
_VARIANTS = (".fp16.", ".non_ema.", ".bf16.", ".fp32.")


def expected_bytes(card: GeneratorCard, dtype: str = "") -> int:
    """Bytes that the weights will take once loaded: the tensors that the headers list, in the type they load as.

    Args:
        card: a generator whose folder is on this machine.
        dtype: type the numbers are loaded as; empty takes the card's.

    Raises:
        GeneratorError: when its folder is not on this machine.
        WeightsError: when a header is damaged.
    """
    from lab.generators.places import part_folders, pipeline_folder

    own = _components(pipeline_folder(card))
    parts = {name: place for name, place in part_folders(card).items() if place.is_dir()}
    # A part that lies elsewhere is taken in place of the folder's own.
    places = [*(place for place in own if place.name not in parts), *parts.values()]
    size = _BYTES[dtype or card.dtype]
    return sum(_file_bytes(file, size) for place in places for file in _weight_files(place))


def room(free: int, used: int = 0) -> int:
    """Bytes that models may take in all: the setting, else a share of what is free and what they already hold.

    The rest is left to the images being computed and to other programs.
    """
    return settings().model_memory or int(SHARE * (free + used))


def in_words(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _components(folder: Path) -> list[Path]:
    """The folders a pipeline is made of; a whole checkpoint beside them repeats their weights and is never opened."""
    index = folder / "model_index.json"
    try:
        names = json.loads(index.read_text("utf-8")) if index.is_file() else {}
    except (OSError, ValueError, RecursionError):
        names = {}
    own = [folder / name for name in names if not name.startswith("_") and (folder / name).is_dir()]
    return own or [folder]


def _weight_files(place: Path) -> list[Path]:
    files = sorted(place.rglob("*.safetensors"))
    plain = [file for file in files if not any(mark in file.name for mark in _VARIANTS)]
    return plain or files


def _file_bytes(file: Path, size: int) -> int:
    total = 0
    for tensor, entry in check_safetensors(file, file.name).items():
        if tensor == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        total += math.prod(entry["shape"]) * size if entry["dtype"] in _FLOATS else end - start
    return total
