"""What the plan of an import knows of a DICOM file: words and numbers, no name, no date, no pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.data.dicom.frames import MAX_FRAMES
from lab.data.dicom.functional import number
from lab.data.dicom.opening import open_header
from lab.data.dicom.quiet import quiet
from lab.data.dicom.refusal import refused
from lab.data.images import ImageLimits


@quiet()
def describe(path: Path, limits: ImageLimits) -> dict[str, Any]:
    """JSON-able facts of a file: patient and study (keyed hashes), modality, body_part, burned_in, frames.

    Raises:
        ImageError: as `lab.data.dicom.opening.open_header`.
    """
    opened, facts = open_header(path, limits)
    frames = number(opened.header.get("NumberOfFrames", None) or 1)
    if frames is None or not 1 <= frames <= MAX_FRAMES:
        raise refused("The DICOM file declares no frames, or too many")
    return {
        "patient": facts.patient,
        "study": facts.study,
        "modality": facts.modality,
        "body_part": facts.body_part,
        "burned_in": facts.burned_in,
        "frames": int(frames),
        "syntax": opened.syntax.name,
    }
