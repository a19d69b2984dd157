"""From volumes to pictures: which slices of which frames, with which mask; shared by the sources of volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.data.importing.folder_index import FolderIndex
from lab.data.intake.header_scan import scan_headers
from lab.data.nifti.labels import CHECKED, ORDERS, LabelDecision, decide
from lab.data.sources.contract import Choice, ImportPlan, PlannedImage

SLICES = Choice(
    "slices", "Slices", ("with structure", "middle", "all"),
    "With structure: those whose mask holds a label; all where there is no mask.",
)  # fmt: skip
LABELS = Choice(
    "labels", "Order of the labels", ORDERS,
    "Checked: masks have to be in this app's order by anatomy; a set's name converts its order.",
)  # fmt: skip
TURN = Choice(
    "turn", "Orientation", ("array order", "transposed"),
    "Array order: the file's first axis runs down the picture.",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A frame of a volume.

    Attributes:
        frame: in the image's file.
        mask_frame: in the mask's file; None where this frame has no mask.
        phase: "ED", "ES" or "".
    """

    frame: int = 0
    mask_frame: int | None = 0
    phase: str = ""


@dataclass(frozen=True)
class VolumeFile:
    """A volume or cine to be taken apart.

    Attributes:
        image: its file.
        name: shown to the person who imports.
        fields, extra: columns of every picture of it.
        mask: file of its labels.
        moments: frames that are wanted; None lets `choose_moments` decide.
    """

    image: Path
    name: str
    fields: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    mask: Path | None = None
    moments: tuple[Moment, ...] | None = None


@dataclass(frozen=True)
class Taken:
    """Pictures out of volumes, and what is told about them."""

    images: tuple[PlannedImage, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    labels: LabelDecision


def take_apart(volumes: Sequence[VolumeFile], choices: Mapping[str, str], frames: str) -> Taken:
    """Read headers and count labels in processes of their own, then choose slices and frames.

    Args:
        volumes: what the layout holds.
        choices: values of SLICES, LABELS and TURN by name; defaults where one is missing.
        frames: "labelled", "all", "first", "ED", "ES" or "ED and ES", for volumes without moments of their own.

    Raises:
        DatasetError: when no process can be started.
    """
    headers = scan_headers("nifti", [volume.image for volume in volumes])
    masks = list(dict.fromkeys(volume.mask for volume in volumes if volume.mask is not None))
    counted = dict(zip(masks, scan_headers("labels", masks), strict=True))
    decision = decide((one for one in counted.values() if "error" not in one), choices.get("labels", CHECKED))
    images: list[PlannedImage] = []
    left_out: list[tuple[str, str]] = []
    bad_masks = 0
    for volume, header in zip(volumes, headers, strict=True):
        if "error" in header:
            left_out.append((volume.name, str(header["error"])))
            continue
        labels = counted.get(volume.mask) if volume.mask is not None else None
        if labels is not None and ("error" in labels or labels["shape"][:3] != header["shape"][:3]):
            labels, bad_masks = None, bad_masks + 1
        moments = volume.moments
        if moments is None:
            moments = choose_moments(header["shape"][3], labels, frames, decision.values)
        if not moments:
            left_out.append(
                (volume.name, "no frame of it has the chosen phase; it was left out; choose other frames")
            )
        images += _pictures(volume, header["shape"], labels, moments, choices, decision)
    notes = [*decision.notes] if masks else []
    if bad_masks:
        notes.append(f"Masks that cannot be read or are of another size, their volumes kept: {bad_masks}.")
    patients = len({image.fields.get("patient_id", "") for image in images})
    notes.append(f"Volumes: {len(volumes) - len(left_out)}, of {patients} patients; pictures: {len(images)}.")
    return Taken(tuple(images), tuple(left_out), tuple(notes), decision)


def choose_moments(
    count: int, labels: Mapping[str, Any] | None, frames: str, values: Mapping[int, int]
) -> tuple[Moment, ...]:
    """Frames of a volume; ED and ES are the largest and smallest area of the left ventricle in labelled frames.

    Args:
        count: frames of the image.
        labels: from `describe_labels`, or None.
        frames: see `take_apart`.
        values: number in the mask to number here.
    """
    counts = labels["counts"] if labels is not None and labels["shape"][3] == count else {}
    held = sorted(int(frame) for frame in counts)
    if count == 1:
        return (Moment(0, 0 if held else None),)
    areas = {frame: _left_ventricle(counts[str(frame)], values) for frame in held}
    areas = {frame: area for frame, area in areas.items() if area}
    phases = {}
    if len(areas) > 1:
        phases = {max(areas, key=lambda f: areas[f]): "ED", min(areas, key=lambda f: areas[f]): "ES"}
    if frames in ("ED", "ES", "ED and ES"):
        chosen = sorted(frame for frame, phase in phases.items() if phase in frames.split(" and "))
    elif frames == "first":
        chosen = [0]
    else:
        chosen = held if frames == "labelled" and held else list(range(count))
    return tuple(Moment(frame, frame if frame in held else None, phases.get(frame, "")) for frame in chosen)


def _left_ventricle(slices: Mapping[str, Mapping[str, int]], values: Mapping[int, int]) -> int:
    return sum(
        pixels for held in slices.values() for label, pixels in held.items()
        if values.get(int(label), int(label)) == 3
    )  # fmt: skip


def _pictures(
    volume: VolumeFile, shape: Sequence[int], labels: Mapping[str, Any] | None, moments: Iterable[Moment],
    choices: Mapping[str, str], decision: LabelDecision,
) -> list[PlannedImage]:  # fmt: skip
    turned = {"transpose": True} if choices.get("turn") == TURN.values[1] else {}
    counts = labels["counts"] if labels is not None else {}
    found = []
    for moment in moments:
        of_frame = counts.get(str(moment.mask_frame), {}) if moment.mask_frame is not None else {}
        for number in _slices(shape[2], counts, of_frame, choices.get("slices", SLICES.values[0])):
            masked = labels is not None and moment.mask_frame is not None
            where = f", slice {number + 1}" + (f", frame {moment.frame + 1}" if shape[3] > 1 else "")
            image = PlannedImage(
                volume.image, volume.name + where, volume.fields,
                {**volume.extra, **({"phase": moment.phase} if moment.phase else {})},
                reader="nifti", part={"slice": number, "frame": moment.frame, "axis": 2, **turned},
            )  # fmt: skip
            if masked:
                image = replace(
                    image, mask=volume.mask, mask_reader="nifti", mask_values=dict(decision.values),
                    mask_part={
                        "slice": number, "frame": moment.mask_frame, "axis": 2, "labels": True, **turned,
                    },
                )  # fmt: skip
            found.append(image)
    return found


def _slices(
    count: int, counts: Mapping[str, Mapping[str, Any]], of_frame: Mapping[str, Any], choice: str
) -> list[int]:
    if choice == "middle":
        return [count // 2]
    held = of_frame or {number: 1 for slices in counts.values() for number in slices}
    if choice == "all" or not held:
        return list(range(count))
    return sorted(int(number) for number in held)


def plan_of(
    base: ImportPlan, files: FolderIndex, taken: Taken, source: str, modality: str, splits_given: bool
) -> ImportPlan:
    """A plan out of pictures, on top of what the table said."""
    problem = base.problem or taken.labels.problem
    if not problem and not taken.images:
        problem = (
            "No volume of the folder can be taken apart; nothing was imported; look at the reasons and choose other "
            "frames."
        )
    return replace(
        base, root=files.root, images=taken.images, left_out=(*base.left_out, *taken.left_out),
        notes=(*base.notes, *taken.notes), problem=problem, source=source, modality=modality,
        splits_given=splits_given, mask_labels=dict(taken.labels.names),
    )  # fmt: skip
