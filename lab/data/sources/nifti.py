"""Source: a folder of NIfTI volumes, with masks by name or by a table; each slice becomes a picture."""

from __future__ import annotations

from dataclasses import replace

from lab.data.dicom.pseudonym import pseudonym, workspace_key
from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.nifti.names import is_volume, pairs, patient_of
from lab.data.nifti.planning import LABELS, SLICES, TURN, VolumeFile, plan_of, take_apart
from lab.data.sources import image_table
from lab.data.sources.contract import Choice, ImportPlan, Options, Recognition, Source, register

ID = "nifti"
FRAMES = Choice(
    "frames", "Frames", ("labelled", "all", "first", "ED and ES", "ED", "ES"),
    "Frames of a cine. Labelled: those with a mask, all where there is none. ED and ES: largest and smallest left "
    "ventricle.",
)  # fmt: skip


def recognise(files: FolderIndex) -> Recognition | None:
    """A folder that holds NIfTI volumes and hardly any other image."""
    volumes = sum(is_volume(name) for name in files.by_path)
    others = sum(not is_volume(name) for name in files.images())
    if not volumes or others > volumes:
        return None
    return Recognition(0.8, f"it holds {volumes} NIfTI volumes")


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Volumes of the table, or of the folder with masks by name.

    Raises:
        DatasetError: when the table cannot be read, or no process can be started.
    """
    choices = {choice.name: options.choices.get(choice.name) or choice.values[0] for choice in SOURCE.choices}
    if image_table.table_path(files, options.metadata) is not None:
        base = image_table.plan(files, options)
        volumes = [
            VolumeFile(i.file, i.name, i.fields, i.extra, i.mask)
            for i in base.images
            if is_volume(i.file.name)
        ]
        others = [
            (i.name, "it is no NIfTI volume; it was left out")
            for i in base.images
            if not is_volume(i.file.name)
        ]
        base = replace(base, left_out=(*base.left_out, *others))
        splits_given = base.splits_given
    else:
        base, volumes, splits_given = _without_table(files), _by_name(files), False
    taken = take_apart(volumes, choices, choices["frames"])
    heart = bool(taken.labels.names) or any("short-axis" in v.fields.get("view", "") for v in volumes)
    return plan_of(base, files, taken, ID, "cardiac MRI" if heart else "unknown", splits_given)


def _without_table(files: FolderIndex) -> ImportPlan:
    note = (
        "Patients were told apart by the names of the files (without frame, phase and number) and are kept as keyed "
        "hashes; with a CSV they are what it says."
    )
    return ImportPlan(files.root, None, (), {}, {}, (), (), (), (), False, (note,))


def _by_name(files: FolderIndex) -> list[VolumeFile]:
    key = workspace_key()
    return [
        VolumeFile(
            path, shown_name(name), {"patient_id": pseudonym("patient", patient_of(name), key)}, {}, mask
        )
        for name, path, mask in pairs(files)
    ]


SOURCE = register(
    Source(
        ID,
        "NIfTI volumes",
        "Volumes or cines as .nii or .nii.gz, masks as NAME_gt, NAME_seg or in a folder called masks, or by a CSV.",
        recognise,
        plan,
        (SLICES, FRAMES, LABELS, TURN),
    )
)
