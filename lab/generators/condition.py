"""What a generator is asked for besides words: a class, a vendor, a mask, and numbers of its own."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import ImageError, InputError
from lab.generators.card import GeneratorCard, Knob

MAX_MASK_BYTES = 64_000
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Condition:
    """Conditions of a request; each is empty where it is not asked for.

    Attributes:
        label: one of the card's classes.
        vendor: one of the card's vendors.
        mask: PNG bytes of an indexed mask, (H, W) uint8; 0 is background, k is the card's structure number k - 1.
        numbers: the card's knobs by name, such as (("psi", 0.7),), in the order of their names.
    """

    label: str = ""
    vendor: str = ""
    mask: bytes = b""
    numbers: tuple[tuple[str, float], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != NONE

    def number(self, name: str, default: float) -> float:
        """The value of one knob."""
        return dict(self.numbers).get(name, default)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON with only what is asked for; the mask in base64."""
        values: dict[str, Any] = {"label": self.label, "vendor": self.vendor, "numbers": dict(self.numbers)}
        values["mask"] = base64.b64encode(self.mask).decode("ascii")
        return {name: value for name, value in values.items() if value}

    def checked(self, card: GeneratorCard) -> Condition:
        """The same condition, every part of it known to the card; knobs left out stay at the card's default.

        Raises:
            InputError: one sentence with what is valid, for the first part that the card does not take.
        """
        _one_of(self.label, card.classes, "class")
        _one_of(self.vendor, card.vendors, "vendor")
        if self.mask:
            _check_mask(self.mask, card)
        elif card.conditioning == "mask":
            raise _refused("This generator needs a mask; choose, draw or upload one")
        known = {knob.name: knob for knob in card.knobs}
        for name, value in self.numbers:
            if name not in known:
                raise _refused(f"This generator has no setting {name[:40]!r}")
            _check_number(value, known[name])
        return Condition(self.label, self.vendor, self.mask, tuple(sorted(self.numbers)))


NONE = Condition()


def condition_from_json(values: Any) -> Condition:
    """A condition from the JSON of `Condition.to_json`; nothing given is no condition.

    Raises:
        InputError: when it is not such JSON.
    """
    try:
        given = dict(values or {})
        numbers = given.get("numbers") or {}
        if not isinstance(numbers, Mapping) or len(numbers) > 32:
            raise TypeError
        mask = base64.b64decode(given.get("mask") or "", validate=True)
        label, vendor = str(given.get("label") or ""), str(given.get("vendor") or "")
        return Condition(label, vendor, mask, tuple(sorted((str(k), float(v)) for k, v in numbers.items())))
    except (TypeError, ValueError, binascii.Error) as error:
        raise _refused("The condition of this recipe cannot be read; choose it again") from error


def encode_mask(mask: NDArray[np.uint8]) -> bytes:
    """(H, W) uint8 of structure numbers as PNG bytes; equal masks give equal bytes."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(mask, dtype=np.uint8)).save(stream, format="PNG", compress_level=9)
    return stream.getvalue()


def decode_mask(mask: bytes) -> NDArray[np.uint8]:
    """(H, W) uint8 of structure numbers from PNG bytes.

    Raises:
        ImageError: when they are not a single-channel PNG of at most 2,048 pixels a side.
    """
    from PIL import Image

    try:
        if mask[:8] != _PNG or len(mask) > MAX_MASK_BYTES:
            raise ValueError
        with Image.open(io.BytesIO(mask), formats=["PNG"]) as image:
            if image.mode not in ("L", "P") or max(image.size) > 2048:
                raise ValueError
            return np.asarray(image, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError(
            "This mask is not a PNG of structure numbers; no image was made; choose another mask."
        ) from error


def _check_mask(mask: bytes, card: GeneratorCard) -> None:
    if not card.structures:
        raise _refused("This generator takes no mask")
    highest = int(decode_mask(mask).max(initial=0))
    if highest > len(card.structures):
        raise _refused(
            f"The mask holds the number {highest}; valid are 0 for background to {len(card.structures)} "
            f"({', '.join(card.structures)})"
        )


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value and value not in known:
        valid = f"valid are {', '.join(known)}" if known else f"it has no {what}"
        raise _refused(f"This generator does not know that {what}; {valid}")


def _check_number(value: float, knob: Knob) -> None:
    if not math.isfinite(value) or not knob.low <= value <= knob.high:
        raise _refused(f"{knob.title} must be a number from {knob.low:g} to {knob.high:g}")


def _refused(what: str) -> InputError:
    return InputError(f"{what}; nothing was started.")
