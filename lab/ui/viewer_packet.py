"""What travels to the browser: words, sizes and addresses as JSON; pixels go through `viewer_store`.

Nothing in it is markup: the browser sets every word as text. A blinded packet says nothing but sizes, windows and
addresses; a film whose licence forbids it is not sent at all where the app runs in public.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lab.config import settings
from lab.errors import InputError
from lab.ui.viewer_film import Film, check
from lab.ui.viewer_presets import presets
from lab.ui.viewer_store import address, sealed

MAX_BYTES = 240_000_000
MAX_TEXT = 2000
_SAMPLED = 1_000_000


def packet(
    films: Sequence[Film],
    *,
    key: str,
    blinded: bool = False,
    keep: Callable[[np.ndarray[Any, Any], str], str] = address,
) -> dict[str, Any]:
    """Describe the films and keep their pixels where the browser finds them.

    Args:
        films: what to show, at least one.
        key: where on the page.
        blinded: leave out tag, note, badge, caption, dataset, split, case and every word made of them.
        keep: stores an array under a place and gives its address.

    Raises:
        InputError: for no films, more than `MAX_BYTES` of samples, or a film that `check` refuses.
    """
    for film in films:
        check(film)
    if not films or sum(film.stack.nbytes for film in films) > MAX_BYTES:
        raise InputError("There are no films, or too many at once, for one viewer; choose fewer films.")
    in_public = settings().public
    viewports = []
    for index, film in enumerate(films):
        place = f"{key}.{index}"
        shown = _words(film, index, len(films), blinded)
        if in_public and not film.public:
            viewports.append({**shown, "withheld": True})
        else:
            viewports.append({**shown, **_pixels(film, place, keep, blinded)})
    token = sealed("|".join(str(one.get("url", index)) for index, one in enumerate(viewports)))
    return {
        "viewports": viewports,
        "token": token,
        "blinded": blinded,
        "credits": [] if blinded else _credits(films, in_public),
        "presets": {name: presets(name) for name in sorted({film.kind for film in films})},
    }


def _credits(films: Sequence[Film], in_public: bool) -> list[str]:
    """Whom to name for the films that are shown, each once."""
    shown = (film.credit[:MAX_TEXT] for film in films if film.public or not in_public)
    return list(dict.fromkeys(credit for credit in shown if credit))


def _words(film: Film, index: int, count: int, blinded: bool) -> dict[str, Any]:
    if blinded:
        return {"alt": f"film {index + 1} of {count}", "modality": film.kind}
    height, width = film.samples.shape[:2]
    frames = f", {len(film.stack)} frames" if len(film.stack) > 1 else ""
    origin = ", ".join(filter(None, (film.dataset, film.split, film.case)))
    return {
        "tag": film.tag,
        "note": film.note[:MAX_TEXT],
        "badge": film.badge[:MAX_TEXT],
        "tone": film.tone,
        "caption": film.caption[:MAX_TEXT],
        "dataset": film.dataset[:MAX_TEXT],
        "split": film.split[:MAX_TEXT],
        "case": film.case[:MAX_TEXT],
        "public": film.public,
        "modality": film.kind,
        "alt": f"film of {width} by {height} pixels{frames}, {origin + ', ' if origin else ''}{film.caption[:200]}",
    }


def _pixels(
    film: Film, place: str, keep: Callable[[np.ndarray[Any, Any], str], str], blinded: bool
) -> dict[str, Any]:
    stack = film.stack
    height, width = film.samples.shape[:2]
    found: dict[str, Any] = {
        "url": keep(stack, place),
        "length": stack.nbytes,
        "width": width,
        "height": height,
        "channels": 1 if film.samples.ndim == 2 else 3,
        "depth": stack.dtype.itemsize * 8,
        "frames": len(stack),
        "window": _window(film),
    }
    if film.mask is not None:
        mask = film.mask if film.mask.ndim == 3 else film.mask[None]
        found["mask"] = {"url": keep(mask, f"{place}.mask"), "length": mask.nbytes, "frames": len(mask)}
        if not blinded:
            found["mask"]["names"] = {str(label): name[:MAX_TEXT] for label, name in film.mask_names.items()}
    return found


def _window(film: Film) -> dict[str, float] | None:
    if film.window is not None and all(map(math.isfinite, film.window)) and film.window[1] > 0:
        return {"centre": float(film.window[0]), "width": float(film.window[1])}
    if film.samples.dtype == np.uint8:
        return None
    # The middle frame stands for a stack, and a part of the pixels for a large film: this runs with every rerun.
    frame = film.stack[len(film.stack) // 2]
    step = max(1, math.isqrt(frame.size // _SAMPLED))
    low, high = (float(value) for value in np.percentile(frame[::step, ::step], (0.5, 99.5)))
    return {"centre": (low + high) / 2, "width": max(1.0, high - low)}
