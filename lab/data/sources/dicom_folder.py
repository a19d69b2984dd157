"""Source: a folder of DICOM files, whatever their names; with a table for labels where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.data.burned_in import UNKNOWN
from lab.data.dicom.preamble import is_dicom
from lab.data.dicom.pseudonym import pseudonym, workspace_key
from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.intake.header_scan import scan_headers
from lab.data.patient_notes import NO_PATIENTS
from lab.data.sources import image_table
from lab.data.sources.contract import (
    Choice,
    ImportPlan,
    Options,
    PlannedImage,
    Recognition,
    Source,
    register,
)

ID = "dicom-folder"
_LOOKED_AT = 40
_DOCUMENTS = (".csv", ".txt", ".md", ".json", ".html", ".xml", ".pdf", ".zip", ".log", ".cfg", ".ini")
_RADIOGRAPHS = frozenset({"CR", "DX", "RG", "RF"})
MODALITY = Choice(
    "modality", "Modality", ("most common", "chest radiographs", "radiographs", "MR", "CT", "any"),
    "Which files become images; the others are listed with the reason.",
)  # fmt: skip
FRAMES = Choice("frames", "Frames", ("all", "first", "middle"), "Which pictures of a multi-frame file.")
PIXELS = Choice(
    "pixels", "Pixels", ("16 bits", "8 bits as shown"),
    "16 bits keep every value for the viewer; 8 bits keep what the window of the file shows.",
)  # fmt: skip


@dataclass(frozen=True)
class _File:
    """A DICOM file: its planned image without part, and what its header says."""

    image: PlannedImage
    header: Mapping[str, Any]

    @property
    def group(self) -> str:
        modality = str(self.header["modality"])
        return "radiographs" if modality in _RADIOGRAPHS else modality


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder most of whose files, tables and texts apart, begin as DICOM does."""
    candidates = _candidates(files)
    step = max(1, len(candidates) // _LOOKED_AT)
    looked = candidates[::step][:_LOOKED_AT]
    found = sum(_begins_as_dicom(path) for path in looked)
    if not found or 2 * found < len(looked):
        return None
    return Recognition(0.6 + 0.3 * found / len(looked), f"{found} of {len(looked)} files looked at are DICOM")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Headers read in processes of their own; patients under keyed hashes; files of another modality left out.

    Raises:
        DatasetError: when the table cannot be read, or no process can be started.
    """
    base = _base(files, options)
    chosen = {choice.name: options.choices.get(choice.name) or choice.values[0] for choice in SOURCE.choices}
    left_out = list(base.left_out)
    usable: list[_File] = []
    for image, header in zip(base.images, scan_headers("dicom", [i.file for i in base.images]), strict=True):
        if "error" in header:
            left_out.append((image.name, str(header["error"])))
        else:
            usable.append(_File(image, header))
    kept, others, wanted = _of_modality(usable, chosen["modality"])
    left_out += others
    key = workspace_key()
    images = [one for file in kept for one in _pictures(file, chosen, files, key)]
    notes = [*(note for note in base.notes if note != NO_PATIENTS), *_notes(kept, images, wanted)]
    problem = base.problem or (
        "" if images else "No file of the folder is a DICOM image of the chosen modality; nothing was imported; "
        "look at the reasons and choose another modality."
    )  # fmt: skip
    return replace(
        base, images=tuple(images), left_out=tuple(left_out), notes=tuple(notes), problem=problem, source=ID,
        modality=_card_modality(kept),
    )  # fmt: skip


def _base(files: FolderIndex, options: Options) -> ImportPlan:
    """Rows of the table, where there is one; else one image a file that begins as DICOM does."""
    if image_table.table_path(files, options.metadata) is not None:
        base = image_table.plan(files, options)
        return replace(base, images=tuple(_with_readers(image) for image in base.images))
    images, left_out = [], []
    for path in _candidates(files):
        name = shown_name(files.name_of(path))
        if _begins_as_dicom(path):
            images.append(PlannedImage(path, name, {}, reader="dicom"))
        else:
            left_out.append((name, "The file is not DICOM; it was left out; export it again."))
    return ImportPlan(files.root, None, (), {}, {}, (), tuple(images), tuple(left_out), (), False, ())


def _with_readers(image: PlannedImage) -> PlannedImage:
    mask_reader = "dicom" if image.mask is not None and _begins_as_dicom(image.mask) else "image"
    return replace(image, reader="dicom", mask_reader=mask_reader)


def _candidates(files: FolderIndex) -> list[Path]:
    return [path for path in files.by_path.values() if path.suffix.lower() not in _DOCUMENTS]


def _begins_as_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(256))
    except OSError:
        return False


def _of_modality(files: Sequence[_File], choice: str) -> tuple[list[_File], list[tuple[str, str]], str]:
    """Files that are kept, the others with the reason, and what was taken, in words."""
    groups = Counter(file.group for file in files)
    group = groups.most_common(1)[0][0] if groups else ""
    parts = Counter(file.header["body_part"] for file in files if file.group == group)
    stated = sum(count for part, count in parts.items() if part)
    chest = group == "radiographs" and 2 * parts["chest"] > stated
    if choice == "any":
        return list(files), [], "files of any modality"
    if choice != "most common":
        group, chest = ("radiographs" if "radiographs" in choice else choice), choice == "chest radiographs"
    wanted = "chest radiographs" if chest else f"{group} files" if group != "radiographs" else group
    kept, others = [], []
    for file in files:
        part = str(file.header["body_part"])
        if file.group == group and not (chest and part not in ("", "chest")):
            kept.append(file)
            continue
        modality = f"of modality {file.header['modality']}"
        is_ = f"a radiograph of another part ({part})" if file.group == group else modality
        frames = f" with {file.header['frames']} frames" if file.header["frames"] > 1 else ""
        others.append((
            file.image.name,
            f"it is {is_}{frames}, not one of the {wanted} that are imported; it was left out; choose another modality",
        ))  # fmt: skip
    return kept, others, wanted


def _pictures(file: _File, chosen: Mapping[str, str], files: FolderIndex, key: bytes) -> list[PlannedImage]:
    """One image a chosen frame. A table's patient is hashed like the file's: it may be a hospital's number."""
    image, count = file.image, int(file.header["frames"])
    given = pseudonym("patient", image.fields.get("patient_id", ""), key)
    own = pseudonym("file", files.name_of(image.file), key) if count > 1 else ""
    fields = {**image.fields, "patient_id": given or str(file.header["patient"]) or own}
    numbers = {"all": range(count), "first": [0], "middle": [count // 2]}[chosen["frames"]]
    depth: dict[str, Any] = {"depth": 8} if chosen["pixels"] != PIXELS.values[0] else {}
    return [
        replace(
            image,
            fields=fields,
            name=image.name if count == 1 else f"{image.name}, frame {number + 1}",
            part={**depth, **({"frame": number} if count > 1 else {})},
        )
        for number in numbers
    ]


def _notes(kept: Sequence[_File], images: Sequence[PlannedImage], wanted: str) -> list[str]:
    notes = [f"Taken were {wanted}; files: {len(kept)}, images: {len(images)}."]
    if kept:
        notes.append(
            "Headers were de-identified (PS3.15 basic profile, nothing retained): patients and studies are keyed "
            "hashes, dates are gone, ages stop at 90."
        )
    doubtful = sum(file.header["burned_in"] == UNKNOWN for file in kept)
    if kept:
        notes.append(
            f"Files that do not say whether text is burned into their pixels: {doubtful} of {len(kept)}; the set is "
            "not public until a person has looked at the corners of its images."
        )
    named = all(image.fields.get("patient_id") for image in images)
    return notes if named or not images else [*notes, NO_PATIENTS]


def _card_modality(kept: Sequence[_File]) -> str:
    groups = {file.group for file in kept}
    parts = {str(file.header["body_part"]) for file in kept}
    if groups == {"radiographs"}:
        return "chest radiograph" if parts <= {"", "chest"} else "radiograph"
    if groups == {"MR"}:
        return "cardiac MRI" if parts == {"heart"} else "MR"
    return next(iter(groups)) if len(groups) == 1 else "unknown"


SOURCE = register(
    Source(
        ID,
        "DICOM files",
        "A folder or zip of DICOM files, with any names; with a CSV that names them, its labels are taken.",
        recognise,
        plan,
        (MODALITY, FRAMES, PIXELS),
    )
)
