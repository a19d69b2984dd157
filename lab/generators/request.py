"""A generation request, checked once at the border: after `checked` nothing else validates it."""

from __future__ import annotations

import math
import secrets
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from lab.errors import InputError
from lab.generators.card import GeneratorCard
from lab.generators.condition import NONE, Condition

MAX_SEED = 2**32 - 1
MAX_IMAGES = 64
MAX_PROMPT = 2000
MAX_STEPS = 1000
MAX_GUIDANCE = 30.0
MICRO_BATCH = 4
MICRO_BATCHES = (1, 2, 4)
# Bidirectional overrides can make a prompt read otherwise than it is.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class GenerationRequest:
    """What is asked of a generator: one image for each seed.

    Attributes:
        generator: id of the card.
        prompt, negative_prompt: text; the negative one may be empty.
        seeds: one a sample, 0 to 2^32 - 1.
        steps: denoising steps, 1 to 200.
        guidance: guidance scale, 0 to 30; up to 1 means none.
        size: image side in pixels, one of the card's.
        condition: class, vendor, mask and numbers of its own, for generators that take them.
        micro_batch: images computed at once: 4, or fewer where memory ran out with 4.
    """

    generator: str
    prompt: str
    seeds: tuple[int, ...]
    steps: int
    guidance: float
    size: int
    negative_prompt: str = ""
    condition: Condition = NONE
    micro_batch: int = MICRO_BATCH

    def checked(self, card: GeneratorCard) -> GenerationRequest:
        """The same request with clean text and plain numbers.

        Raises:
            InputError: one sentence with the valid range, for the first value outside it.
        """
        if self.generator != card.id:
            raise InputError(
                "The request names another generator than its card; nothing was started; "
                "choose the generator again."
            )
        return replace(
            self,
            prompt=_text(self.prompt, "prompt", may_be_empty=card.conditioning != "text"),
            negative_prompt=_text(self.negative_prompt, "negative prompt", may_be_empty=True),
            seeds=_seeds(self.seeds),
            steps=_whole(self.steps, "Steps", 1, MAX_STEPS),
            guidance=_guidance(self.guidance),
            size=_size(self.size, card),
            condition=self.condition.checked(card),
            micro_batch=_micro_batch(self.micro_batch),
        )


def draw_seeds(count: Any, first: Any = None) -> tuple[int, ...]:
    """Seeds for `count` samples: `first`, `first` + 1, ... (wrapping after 2^32 - 1), or random ones.

    Raises:
        InputError: when the count is not 1 to 64 or the seed not 0 to 4294967295.
    """
    n = _whole(count, "The number of images", 1, MAX_IMAGES)
    if first is None:
        return tuple(secrets.randbelow(MAX_SEED + 1) for _ in range(n))
    start = _whole(first, "The seed", 0, MAX_SEED)
    return tuple((start + k) % (MAX_SEED + 1) for k in range(n))


def request_for(
    card: GeneratorCard,
    prompt: str,
    count: Any = 4,
    seed: Any = None,
    *,
    steps: Any = None,
    guidance: Any = None,
    size: Any = None,
    negative_prompt: str = "",
    condition: Condition = NONE,
) -> GenerationRequest:
    """A checked request with the card's defaults wherever None is given.

    Raises:
        InputError: as `GenerationRequest.checked`.
    """
    return GenerationRequest(
        generator=card.id,
        prompt=prompt,
        seeds=draw_seeds(count, seed),
        steps=card.steps if steps is None else steps,
        guidance=card.guidance if guidance is None else guidance,
        size=card.size if size is None else size,
        negative_prompt=negative_prompt,
        condition=condition,
    ).checked(card)


def _refuse(what: str) -> InputError:
    return InputError(f"{what}; nothing was started.")


def _text(value: Any, name: str, *, may_be_empty: bool) -> str:
    if not isinstance(value, str):
        raise _refuse(f"The {name} must be text of 1 to {MAX_PROMPT} characters")
    if len(value) > MAX_PROMPT:
        raise _refuse(f"The {name} has {len(value):,} characters; the valid range is 1 to {MAX_PROMPT:,}")
    if any((unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\r\n") or c in _BIDI for c in value):
        raise _refuse(
            f"The {name} holds control characters; only letters, digits, signs and blanks are valid"
        )
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    if not text and not may_be_empty:
        raise _refuse(f"The {name} is empty; write 1 to {MAX_PROMPT:,} characters")
    return text


def _whole(value: Any, name: str, low: int, high: int) -> int:
    is_whole = isinstance(value, int) or (hasattr(value, "__index__") and not hasattr(value, "__len__"))
    if isinstance(value, bool) or not is_whole or not low <= int(value) <= high:
        raise _refuse(f"{name} must be a whole number from {low} to {high}")
    return int(value)


def _seeds(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or not 1 <= len(values) <= MAX_IMAGES:
        raise _refuse(
            f"The number of images must be a whole number from 1 to {MAX_IMAGES}, with one seed for each"
        )
    return tuple(_whole(value, "The seed", 0, MAX_SEED) for value in values)


def _micro_batch(value: Any) -> int:
    if isinstance(value, bool) or value not in MICRO_BATCHES:
        raise _refuse(f"Images at once must be one of {', '.join(map(str, MICRO_BATCHES))}")
    return int(value)


def _guidance(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= MAX_GUIDANCE:
        raise _refuse("Guidance must be a number from 0 to 30")
    return float(value)


def _size(value: Any, card: GeneratorCard) -> int:
    sizes = card.allowed_sizes
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value not in sizes:
        raise _refuse(f"The size must be one of {', '.join(map(str, sizes))} pixels for this generator")
    return int(value)
