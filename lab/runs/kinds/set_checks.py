"""What is looked at before two sets are measured against each other: polarity, colour, and how each was stored."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from lab.data.codecs.sniff import kind_by_name
from lab.runs.context import RunContext
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

DRAWN, STAGE = 120, "Comparing how both sets were stored"


def stored_alike(
    ctx: RunContext, real: ImageSet, synthetic: ImageSet, modality: str
) -> Generator[Progress, None, list[str]]:
    """Sentences about two sets that were stored differently, or hold inverted pictures; at most 120 of each are read.

    Phantoms are passed over: this program draws and stores them itself, and reading them would draw them first.
    """
    from lab.data.preprocess.fingerprint import compare, set_fingerprint
    from lab.data.preprocess.polarity import examine_polarity
    from lab.errors import NotComputable

    if "PHANTOM" in (real.tag, synthetic.tag):
        return []
    found, prints = [], []
    for done, (name, images) in enumerate((("real images", real), ("synthetic images", synthetic))):
        yield ctx.progress(STAGE, done, 2)
        drawn = list(_pictures(images))
        polarity = examine_polarity(((name, image) for name, image, _, _ in drawn), modality)
        found += [f"{name.capitalize()}: {one.sentence}" for one in polarity.findings]
        prints.append(set_fingerprint(name, ((image, patient, kind) for _, image, patient, kind in drawn)))
    yield ctx.progress(STAGE, 2, 2)
    # Too few pictures to tell is no warning: the metrics say what their own n allows.
    with contextlib.suppress(NotComputable):
        found += compare(prints[0], prints[1]).warnings
    return found


def _pictures(images: ImageSet) -> Iterator[tuple[str, NDArray[Any], str, str]]:
    """Id, pixels, patient and file format of a patient-balanced draw."""
    from lab.data.imageset import patient_balanced

    frame = images.frame().set_index("image_id")
    for image_id in patient_balanced(images, DRAWN, 0):
        row = frame.loc[image_id]
        kind = str(row["format"]).lower() if "format" in row else _by_name(images, image_id)
        yield image_id, images.image(image_id), str(row["patient_id"]), kind


def _by_name(images: ImageSet, image_id: str) -> str:
    """Kind of the file of a sample, as the suffix of its copy or original says; "" where there is no file."""
    place = getattr(images, "image_bytes_path", None)
    return "" if place is None else (kind_by_name(place(image_id).name) or "").lower()
