"""Source: ACDC as published: one folder a patient with Info.cfg, two labelled frames and the whole cine."""

from __future__ import annotations

import re
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.nifti.planning import LABELS, SLICES, TURN, Moment, VolumeFile, plan_of, take_apart
from lab.data.sources.contract import Choice, ImportPlan, Options, Recognition, Source, register

ID = "acdc"
LICENCE = "CC BY-NC-SA 4.0"
ATTRIBUTION = "ACDC, University Hospital of Dijon (Bernard et al., IEEE TMI 2018)"
VENDOR = "Siemens"
"""Both scanners of the set (Aera 1.5 T, Trio Tim 3 T) are Siemens'."""
GROUPS = ("NOR", "MINF", "DCM", "HCM", "RV")
FRAMES = Choice(
    "frames", "Frames", ("ED and ES", "ED", "ES", "all"),
    "The two labelled frames, or the whole cine, whose other frames have no mask.",
)  # fmt: skip
DIVISION = Choice(
    "division", "Division", ("by patient", "as published"),
    "As published: training and testing folders, which leave held-out empty.",
)  # fmt: skip
ORDER = Choice(
    LABELS.name, LABELS.title, ("acdc", "mms", "as stored"),
    "As published, 1 is the right ventricle; masks that contradict it by anatomy are refused.",
)  # fmt: skip
_INFO = re.compile(r"(?:^|/)(patient\d+)/info\.cfg\Z", re.IGNORECASE)


def recognise(files: FolderIndex) -> Recognition | None:
    """Folders called patientNNN that hold Info.cfg and frames."""
    found = _patients(files)
    return Recognition(0.97, f"it holds {len(found)} patient folders with Info.cfg") if found else None


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Disease group as label, phases by Info.cfg, masks in this app's order, which ACDC's is.

    Raises:
        DatasetError: when no process can be started.
    """
    choices = {choice.name: options.choices.get(choice.name) or choice.values[0] for choice in SOURCE.choices}
    volumes: list[VolumeFile] = []
    left_out: list[tuple[str, str]] = []
    for folder, info in _patients(files):
        found = _volumes(files, folder, _read_info(info), choices["frames"])
        if found:
            volumes += found
        else:
            reason = "its Info.cfg names no frames that are there; it was left out"
            left_out.append((shown_name(folder), reason))
    published = choices["division"] == DIVISION.values[1] and all(v.fields["split"] for v in volumes)
    taken = take_apart(volumes, choices, "labelled")
    base = ImportPlan(
        files.root, None, (), {}, {}, (), (), tuple(left_out), (), False, (),
        licence=LICENCE, attribution=ATTRIBUTION,
    )  # fmt: skip
    return plan_of(base, files, taken, ID, "cardiac MRI", published)


def _patients(files: FolderIndex) -> list[tuple[str, Path]]:
    """(folder's path, its Info.cfg), by name; a set that lies twice in the folder counts once."""
    found: dict[str, tuple[str, Path]] = {}
    for name, path in sorted(files.by_path.items()):
        match = _INFO.search(name)
        if match:
            found.setdefault(match[1].lower(), (name.rsplit("/", 1)[0], path))
    return list(found.values())


def _read_info(path: Path) -> dict[str, str]:
    """Info.cfg as key to value; {} where it cannot be read."""
    try:
        text = path.read_text("utf-8", errors="replace")[:10_000]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _number(info: dict[str, str], key: str) -> int:
    """A frame's number, from 1; 0 where it is missing or none."""
    return int(info[key]) if re.fullmatch(r"[0-9]{1,4}", info.get(key, "")) else 0


def _volumes(files: FolderIndex, folder: str, info: dict[str, str], frames: str) -> list[VolumeFile]:
    patient = folder.rsplit("/", 1)[-1].lower()
    phases = {n: phase for key, phase in (("ed", "ED"), ("es", "ES")) if (n := _number(info, key))}
    group = info.get("group", "").upper()
    parts = [part.lower() for part in folder.split("/")]
    fields = {
        "patient_id": patient, "label": group if group in GROUPS else "", "vendor": VENDOR,
        "view": "short-axis cine",
        "split": "train" if "training" in parts else "test" if "testing" in parts else "",
    }  # fmt: skip
    found = []
    for number, phase in sorted(phases.items()):
        image, mask = (_volume(files, folder, f"{patient}_frame{number:02d}{end}") for end in ("", "_gt"))
        if (
            image is not None
            and phase in ("ED", "ES")
            and (frames == "all" or phase in frames.split(" and "))
        ):
            one = (Moment(0, 0 if mask else None, phase),)
            found.append(VolumeFile(image, _shown(files, image), fields, {}, mask, one))
    cine = _volume(files, folder, f"{patient}_4d") if frames == "all" else None
    count = _number(info, "nbframe")
    if cine is not None and count:
        others = tuple(Moment(n - 1, None) for n in range(1, count + 1) if n not in phases or not found)
        found.append(VolumeFile(cine, _shown(files, cine), fields, {}, None, others))
    return found


def _volume(files: FolderIndex, folder: str, name: str) -> Path | None:
    return next((p for end in (".nii.gz", ".nii") if (p := files.by_path.get(f"{folder}/{name}{end}"))), None)


def _shown(files: FolderIndex, path: Path) -> str:
    return shown_name(files.name_of(path))


SOURCE = register(
    Source(
        ID,
        "ACDC",
        "Folders patient001... with Info.cfg, patient001_frame01.nii.gz and _gt, as published.",
        recognise,
        plan,
        (SLICES, FRAMES, DIVISION, ORDER, TURN),
    )
)
