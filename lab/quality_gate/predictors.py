"""Who reads age, sex, race and finding in a sample: the embedded predictors, and those that a plug-in brings.

A plug-in is an importable module named in `LAB_EXTRA_PREDICTORS` (comma-separated) that registers functions with
`@predictor(...)`: the published age, sex and race networks come in that way, since their weights are not ours to ship.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.quality_gate.rules import SUBJECTS
from lab.registry import Registry

Images = Sequence[NDArray[Any]]
Read = Callable[[Images, str], Sequence[str | float | None]]
EMBEDDED = "embedded"


@dataclass(frozen=True)
class Predictor:
    """A reader of one subject.

    Attributes:
        name: in settings and recipes.
        subject: age, sex, race or finding.
        title: on the screen.
        read: from images and what is wanted to years, a class, or the probability of the wanted finding.
        held_out: how well it does on held-out films, as a sentence; "" where nobody measured it here.
        digest: of what it computes with; part of the run's identity.
    """

    name: str
    subject: str
    title: str
    read: Read
    held_out: str = ""
    digest: str = ""


PREDICTORS: Registry[Predictor] = Registry("predictor")


def predictor(
    name: str, subject: str, title: str, held_out: str = "", digest: str = ""
) -> Callable[[Read], Read]:
    """Register the decorated function as a predictor.

    Raises:
        ValueError: for an unknown subject or a name that is taken.
    """
    if subject not in SUBJECTS:
        raise ValueError(f"a predictor reads one of {SUBJECTS}")

    def add(read: Read) -> Read:
        PREDICTORS.register(name)(Predictor(name, subject, title, read, held_out, digest))
        return read

    return add


def load_predictors() -> Registry[Predictor]:
    """Import the plug-ins; returns the registry."""
    for module in os.environ.get("LAB_EXTRA_PREDICTORS", "").split(","):
        if module.strip():
            importlib.import_module(module.strip())
    return PREDICTORS


def offered(subject: str) -> list[str]:
    """Names of the plug-in predictors of a subject."""
    return [name for name, one in load_predictors() if one.subject == subject]


def plugged(subject: str, name: str) -> Predictor:
    """The plug-in predictor of that name.

    Raises:
        NotFoundError: when there is none.
        InputError: when it reads something else.
    """
    from lab.errors import InputError

    found = load_predictors().get(name)
    if found.subject != subject:
        raise InputError(f"That predictor does not read the {subject}; nothing was started; choose another.")
    return found


def read_checked(one: Predictor, images: Images, wanted: Any) -> list[str | float | None]:
    """What a predictor sees in each image; a number that is not finite counts as no reading.

    Raises:
        ValueError: when it gives another number of readings than images.
    """
    seen = list(one.read(images, str(wanted)))
    if len(seen) != len(images):
        raise ValueError("a predictor gives one reading an image")
    return [None if isinstance(v, (float, np.floating)) and not np.isfinite(v) else v for v in seen]
