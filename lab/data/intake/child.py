"""What a child process does: read a file by its reader, preprocess, store pixels without metadata, tell the facts.

Only this module and the readers touch bytes of files nobody vouches for. Errors carry no file name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.data.intake.contract import OF_PIXELS, SPACING, Order, Outcome, Task
from lab.data.pixels import encode_png
from lab.data.readers.contract import ReadImage
from lab.data.readers.image import IMAGE, outline
from lab.data.readers.registry import get_reader
from lab.errors import LabError, disk_full
from lab.provenance import digest_bytes

if TYPE_CHECKING:
    from lab.data.preprocess.picture import Picture

NO_MEMORY = (
    "Reading the file takes more memory than a reading process may have; it was left out; export a smaller one or "
    "raise LAB_DECODE_MEMORY_MB."
)
_NESTED = "The file is malformed (nested without end); it was left out; export it again."
_MASK_ROOM = 256


def begin(environ: Mapping[str, str], memory_mb: int) -> None:
    """Make a fresh child ready: settings of the parent, limits of memory, no core files, death with the parent.

    A system without such limits goes without them.
    """
    from lab.identity import die_with_parent

    for name in [name for name in os.environ if name.startswith("LAB_")]:
        del os.environ[name]
    os.environ.update(environ)
    die_with_parent()
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        room = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (_address_space() + room,) * 2)
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (room, room))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def take(tasks: Sequence[Task], order: Order) -> list[Outcome]:
    """Read and store some files; each is refused by itself.

    Raises:
        MemoryError: when memory ran out with more than one file at hand; each is then tried by itself.
    """
    return [_guarded(task, order, alone=len(tasks) == 1) for task in tasks]


def _guarded(task: Task, order: Order, alone: bool) -> Outcome:
    try:
        return _taken(task, order)
    except LabError as error:
        return Outcome(task.number, str(error))
    except MemoryError:
        if not alone:
            raise
        return Outcome(task.number, NO_MEMORY)
    except RecursionError:
        return Outcome(task.number, _NESTED)
    except OSError as error:
        if disk_full(error):  # a full disk is no fault of the file
            raise
        return Outcome(task.number, _damaged(error))
    except Exception as error:  # noqa: BLE001  a decoder's own error refuses its file, whatever it is
        return Outcome(task.number, _damaged(error))


def _damaged(error: Exception) -> str:
    kind = type(error).__name__
    return f"The file cannot be decoded ({kind}); it was left out; export it again."


def _taken(task: Task, order: Order) -> Outcome:
    if task.reader == IMAGE and order.recipe is None:
        found = outline(Path(task.file), order.image)
    else:
        found = get_reader(task.reader).read(Path(task.file), task.part, order.image)
    mask, bad_mask = _mask(task, order, found.array.shape[:2])
    figures: Mapping[str, str] = {}
    if order.recipe is not None:
        found, mask, figures = _prepared(found, mask, task, order)
    stored = found.stored or encode_png(found.array)
    digest = digest_bytes(stored)
    suffix = found.suffix if found.stored else ".png"
    _store(f"{order.staging}/images/{digest[:16]}{suffix}", stored)
    named = ""
    if mask is not None:
        named = f"{digest[:16]}.{task.number}{mask.suffix if mask.stored else '.png'}"
        _store(f"{order.staging}/masks/{named}", mask.stored or encode_png(mask.array))
    height, width = found.array.shape[:2]
    return Outcome(
        task.number, "", digest, suffix, width, height, 1 if found.array.ndim == 2 else 3,
        found.array.dtype.itemsize * 8, found.format, dict(found.fields), {**found.extra, **figures}, named,
        bad_mask,
    )  # fmt: skip


def _store(path: str, data: bytes) -> None:
    """Write a file whose name comes from its content; one that is there whole is left, a cut one replaced."""
    try:
        place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    except FileExistsError:
        found = Path(path)
        if found.stat().st_size != len(data):
            part = found.with_name(f".{found.name}.{os.getpid()}")
            part.write_bytes(data)
            part.replace(found)
        return
    with os.fdopen(place, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]


def _mask(task: Task, order: Order, shape: tuple[int, ...]) -> tuple[ReadImage | None, bool]:
    """The mask of a picture, and whether one was named that cannot be used."""
    if not task.mask:
        return None, False
    try:
        found = get_reader(task.mask_reader).read(Path(task.mask), task.mask_part, order.image)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a mask that cannot be read is left out, its picture kept
        return None, True
    if found.array.shape[:2] != shape:
        return None, True
    if not task.mask_values and order.recipe is None:
        return found, False
    labels = _labels(found.array, task.mask_values)
    return (None, True) if labels is None else (ReadImage(labels, found.format), False)


def _labels(array: NDArray[Any], values: Mapping[int, int]) -> NDArray[np.uint8] | None:
    """An 8-bit label image; None where planes differ, or a value is neither mapped nor background."""
    if array.ndim == 3:
        if (array != array[..., :1]).any():
            return None
        array = array[..., 0]
    if array.max(initial=0) >= _MASK_ROOM:
        return None
    if not values:
        return array.astype(np.uint8)
    table = np.zeros(_MASK_ROOM, dtype=np.uint8)
    known = np.zeros(_MASK_ROOM, dtype=bool)
    known[0] = True
    for value, label in values.items():
        table[value], known[value] = label, True
    return table[array] if known[array].all() else None


def _prepared(
    found: ReadImage, mask: ReadImage | None, task: Task, order: Order
) -> tuple[ReadImage, ReadImage | None, Mapping[str, str]]:
    """The picture after the recipe, its mask, and the figures that the steps measured."""
    from lab.data.preprocess.picture import Picture
    from lab.data.preprocess.recipe import Recipe

    recipe = Recipe.from_json(order.recipe)
    spacing = _spacing(found.extra.get(SPACING) or task.spacing)
    made: Picture = recipe.run(Picture(found.array, mask.array if mask else None, spacing), order.seed)
    figures = {f"recipe_{name}": _text(value) for name, value in made.notes.items()}
    if made.spacing_mm is not None:
        figures[SPACING] = "x".join(f"{side:.6g}" for side in made.spacing_mm)
    after = None if made.mask is None else ReadImage(made.mask, "PNG")
    extra = {name: value for name, value in found.extra.items() if name not in OF_PIXELS}
    return replace(found, array=made.image, stored=b"", suffix=".png", extra=extra), after, figures


def _spacing(text: str) -> tuple[float, float] | None:
    try:
        down, along = (float(side) for side in text.split("x"))
    except ValueError:
        return None
    return (down, along) if 0 < down < 1000 and 0 < along < 1000 else None


def _text(value: float | int | str | bool) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
