"""What one viewport shows: pixels as stored, and the words that say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError

TAGS = ("REAL", "SYNTHETIC", "PHANTOM")
TONES = ("", "alarm", "warn", "calm")
MAX_SIDE = 16384


@dataclass(frozen=True)
class Film:
    """One viewport.

    Attributes:
        samples: (H, W) or (H, W, 3), uint8 or uint16, as stored: no scaling.
        tag: "REAL", "SYNTHETIC" or "PHANTOM"; always drawn in the frame.
        caption: text below the film; shown as text, never as markup.
        note: follows the tag, such as "(phantom-trained)".
        badge: a short verdict in the other corner.
        tone: "alarm", "warn", "calm" or "" for the badge.
        window: (centre, width) in grey levels to start with; None shows the full range of 8 bits, or the
            0.5th to 99.5th percentile of 16.
        frames: (F, H, W) or (F, H, W, 3), dtype as `samples`: a stack shown instead of `samples`.
        mask: (H, W) or (F, H, W), uint8 labels, 0 is none: drawn over the film, with its opacity in the toolbar.
        mask_names: what the labels of the mask stand for, such as {1: "left lung"}; unnamed ones are numbered.
        modality: "cxr", "dermoscopy" or "cardiac": chooses the window presets; "" goes by colour and frames.
        dataset, split: what the film belongs to; shown in the frame.
        case: an opaque code, never a name or number of a patient.
        credit: licence and whom to name, shown under the viewer; see `lab.ui.viewer_credit`.
        public: whether the licence lets this film be shown in public.
    """

    samples: NDArray[Any]
    tag: str
    caption: str = ""
    note: str = ""
    badge: str = ""
    tone: str = ""
    window: tuple[float, float] | None = None
    frames: NDArray[Any] | None = None
    mask: NDArray[np.uint8] | None = None
    mask_names: Mapping[int, str] = field(default_factory=dict)
    modality: str = ""
    dataset: str = ""
    split: str = ""
    case: str = ""
    credit: str = ""
    public: bool = True

    @property
    def kind(self) -> str:
        """The modality, guessed where it is not stated."""
        guessed = "dermoscopy" if self.samples.ndim == 3 else "cxr" if self.frames is None else "cardiac"
        return self.modality or guessed

    @property
    def stack(self) -> NDArray[Any]:
        """All frames, (F, H, W) or (F, H, W, 3)."""
        return self.samples[None] if self.frames is None else self.frames


def check(film: Film) -> None:
    """Refuse what the viewer cannot show truly.

    Raises:
        InputError: for an unknown tag or tone, a dtype other than uint8 and uint16, an empty or odd shape, frames
            unlike the film, or a mask of another size.
    """
    if film.tag not in TAGS or film.tone not in TONES:
        raise InputError("A film without a valid tag is not shown; give it REAL, SYNTHETIC or PHANTOM.")
    samples, stack = film.samples, film.stack
    shaped = samples.ndim == 2 or (samples.ndim == 3 and samples.shape[2] == 3)
    if samples.dtype not in (np.uint8, np.uint16) or not shaped or samples.size == 0:
        raise InputError("The viewer shows 8-bit and 16-bit grey or colour films; this one was left out.")
    if max(samples.shape[:2]) > MAX_SIDE:
        raise InputError(f"A film wider or higher than {MAX_SIDE} px is not shown; resize it first.")
    if stack.dtype != samples.dtype or stack.shape[1:] != samples.shape or len(stack) == 0:
        raise InputError(
            "The frames are not of the film's size and depth; nothing was shown; give them alike."
        )
    if film.mask is not None and not _fits(film.mask, stack):
        raise InputError(
            "The mask is not of the film's size in 8-bit labels; it was left out; resize it first."
        )


def _fits(mask: NDArray[Any], stack: NDArray[Any]) -> bool:
    sizes = (stack.shape[1:3], stack.shape[:3])
    return mask.dtype == np.uint8 and mask.shape in sizes
