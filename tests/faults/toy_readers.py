"""Readers that misbehave, for tests of the children that read files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from lab.data.images import ImageLimits
from lab.data.readers.contract import Part, Reader, ReadImage, register


def read(path: Path, part: Part, limits: ImageLimits) -> ReadImage:
    """Do what the file's first word says; else give a picture drawn from the file's text."""
    text = path.read_text()
    word = text.split()[0]
    if word == "memory":
        np.ones(4_000_000_000, np.uint8)
    elif word == "sleep":
        time.sleep(600)
    elif word == "exit":
        os._exit(3)
    elif word == "abort":
        os.abort()
    elif word == "nested":
        return read(path, part, limits)
    elif word == "error":
        raise KeyError(f"a message that quotes {path}")
    elif word == "objects":
        return ReadImage(np.zeros((2, 2), object), "toy")
    elif word == "full":
        raise OSError(28, "No space left on device")
    rng = np.random.default_rng(list(text.encode()))
    extra = {"setting": os.environ.get("LAB_TOY", "")}
    return ReadImage(rng.integers(0, 256, (16, 12), dtype=np.uint8), "toy", extra=extra)


register(Reader("toy", "Toy", read))
