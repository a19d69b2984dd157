"""The reader of DICOM files: {"frame": n} of a multi-frame file, {"depth": 8} for what the window shows."""

from __future__ import annotations

from pathlib import Path

from lab.data.dicom.colour import palette_film
from lab.data.dicom.deidentify import METHOD
from lab.data.dicom.facts import spacing
from lab.data.dicom.frames import GREY, PALETTE, declared, read_frame
from lab.data.dicom.grey import grey_film
from lab.data.dicom.opening import open_dicom
from lab.data.dicom.quiet import quiet
from lab.data.images import ImageLimits
from lab.data.readers.contract import Part, Reader, ReadImage, register


@quiet()
def read(path: Path, part: Part, limits: ImageLimits) -> ReadImage:
    """One frame: grey of 8 or 16 bits with bright as white and nothing lost, or RGB.

    Args:
        path: the file.
        part: "frame" from 0; "depth" 8 for a grey frame through its window, as a monitor shows it.
        limits: largest image and file.

    Raises:
        ImageError: one sentence, without a word of the file's own.
    """
    frame = int(part.get("frame", 0))
    opened, facts = open_dicom(path, limits)
    shape = declared(opened, limits)
    raw = read_frame(opened, shape, frame)
    place = spacing(opened.header, frame)
    extra = {
        **facts.extra, **place, "photometric": shape.photometric, "bits_stored": str(shape.stored),
        "transfer_syntax": opened.syntax.name, "deidentified": METHOD,
        "frame": str(frame) if shape.frames > 1 else "", "dicom_notes": "",
    }  # fmt: skip
    if shape.photometric not in GREY:
        pixels, note = palette_film(raw, opened.header) if shape.photometric == PALETTE else (raw, "")
        return ReadImage(pixels, "DICOM", fields=facts.fields, extra={**extra, "dicom_notes": note})
    film = grey_film(raw, shape, opened.header, frame)
    extra |= dict(film.extra)
    if int(part.get("depth", 16)) == 8:
        note = f"Shown through the window ({film.extra['window_from']}) and kept in 8 bits."
        extra |= {
            "value_slope": "",
            "value_offset": "",
            "dicom_notes": f"{extra['dicom_notes']} {note}".strip(),
        }
        return ReadImage(film.shown(), "DICOM", fields=facts.fields, extra=extra)
    centre, width = film.window
    extra |= {"window_centre": f"{centre:.7g}", "window_width": f"{width:.7g}", "window_curve": film.curve}
    return ReadImage(film.pixels, "DICOM", fields=facts.fields, extra=extra)


READER = register(Reader("dicom", "DICOM", read))
