"""Where an import comes from: a folder or file on this machine, an upload, MedMNIST, or the Hugging Face hub."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from lab.atomic import write_bytes
from lab.config import settings
from lab.data.containers.hub_location import PREFIX
from lab.data.importing.locations import UPLOADS, forget_old_uploads
from lab.data.store import list_datasets
from lab.errors import InputError, LabError
from lab.provenance import digest_json
from lab.ui.frame import refuse
from lab.ui.state import LibraryKey as Key

PLACES = ("A folder on this machine", "Upload files", "MedMNIST", "Hugging Face")
DAY = 86_400
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NO_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Place:
    """What is to be imported.

    Attributes:
        folder: a folder, a zip, a file of many images, or "hf://datasets/OWNER/NAME@REVISION".
        table: the CSV, where one was named.
        control: a second folder, of other patients, held out whole; "" for none.
    """

    folder: str
    table: Path | None = None
    control: str = ""


@dataclass(frozen=True)
class Official:
    """A MedMNIST set to be downloaded."""

    flag: str
    size: int


def place() -> Place | Official | None:
    """Draw the choice; None while nothing is named."""
    where = st.segmented_control(
        "Where are the images?", PLACES, default=PLACES[0], key=Key.SOURCE, required=True
    )
    draw = {PLACES[0]: _folder, PLACES[1]: _upload, PLACES[2]: _medmnist, PLACES[3]: _hub}
    return draw[str(where)]()


def _folder() -> Place | None:
    left, middle, right = st.columns([0.46, 0.27, 0.27])
    named = left.text_input(
        "Folder",
        key=Key.FOLDER,
        placeholder="/data/chest-films",
        help="Images, DICOM, NIfTI, or the layout of a public set, in subfolders too; or a zip, npz or Parquet file. "
        "Nothing in it is changed.",
    )
    table = middle.text_input(
        "CSV (optional)",
        key=Key.METADATA,
        placeholder="metadata.csv in that folder",
        help="One row an image. Without a CSV the subfolder names are the labels.",
    )
    control = right.text_input(
        "Held-out folder (optional)",
        key=Key.CONTROL,
        placeholder="/data/other-patients",
        help="A second folder, of other patients, held out whole: the control of every privacy number. "
        "All of the first folder is then train.",
    )
    if not (named or "").strip():
        st.caption("Name a folder to see what an import would do. Nothing is copied before you start it.")
        return None
    path = Path(named.strip()).expanduser()
    if not path.exists():
        st.error("There is no folder of that name on this machine; nothing was read; check the path.")
        return None
    return Place(
        str(path),
        Path(table.strip()).expanduser() if (table or "").strip() else None,
        (control or "").strip(),
    )


def _upload() -> Place | None:
    files = st.file_uploader(
        "Images, DICOM, NIfTI, npz, a zip of them, and a CSV if there is one",
        accept_multiple_files=True,
        key=Key.UPLOAD,
        help="Decided by content, not by name. Files are read in a process of their own with limits of memory and "
        "time, and the upload is removed when the import has ended.",
    )
    if not files:
        return None
    try:
        return Place(str(_kept(files)))
    except LabError as error:
        refuse(error)
        return None


def _kept(files: list[Any]) -> Path:
    """Write the uploads into a folder of the workspace, under cleaned names; equal uploads share one.

    A CSV names its images, so names are needed until the import has read them; then the folder is removed.
    """
    forget_old_uploads(DAY)
    limit = settings().max_file_bytes
    if any(file.size > limit for file in files):
        raise InputError(f"A file is larger than {limit:,} bytes; nothing was kept; export a smaller one.")
    named = digest_json(sorted([f.name, f.size, f.file_id] for f in files))[:16]
    folder = settings().workspace / UPLOADS / named
    for number, file in enumerate(files):
        name = _UNSAFE.sub("_", Path(file.name).name).lstrip(".-")[-120:] or f"file-{number}"
        if not (folder / name).is_file():
            write_bytes(folder / name, file.getvalue())
    names = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return names[0] if len(names) == 1 and names[0].suffix.lower() in (".zip", ".npz", ".parquet") else folder


def _medmnist() -> Official | None:
    from lab.data.medmnist.info import SIZES, medmnist_info

    known = medmnist_info()
    if not known:
        st.error("The package medmnist is not installed; nothing was started; install it and restart.")
        return None
    left, right = st.columns([0.7, 0.3])
    flag = str(
        left.selectbox(
            "Set", sorted(known), key=Key.MEDMNIST, format_func=lambda one: f"{one}: {known[one]['task']}",
            help="Downloaded from its official place, checked, and kept; without a connection the run says so.",
        )
    )  # fmt: skip
    size = int(right.selectbox("Edge (px)", SIZES, key=Key.MEDMNIST_SIZE) or SIZES[0])
    return Official(flag, size)


def _hub() -> Place | None:
    left, right = st.columns([0.6, 0.4])
    named = (left.text_input("Dataset", key=Key.HUB, placeholder="owner/name") or "").strip()
    revision = (
        right.text_input(
            "Revision", key=Key.HUB_REVISION, placeholder="main",
            help="A commit, branch or tag. What it is today is pinned as a commit and shown.",
        )
        or ""
    ).strip()  # fmt: skip
    if not named:
        st.caption(
            "Only Parquet shards are read, in pieces over the net; no script of the dataset is ever run."
        )
        return None
    return Place(f"{PREFIX}{named}" + (f"@{revision}" if revision else ""))


def propose(place: str) -> None:
    """Fill in an id after a place's own name, until a person writes another; an upload has no name to go by."""
    known = {card.id for card in list_datasets()}
    last = f"{Key.ID}.proposed"
    name = "" if f"/{UPLOADS}/" in place else proposed_id(place, known)
    if st.session_state.get(Key.ID, "") == st.session_state.get(last, ""):
        st.session_state[Key.ID] = st.session_state[last] = name


def proposed_id(place: str, known: set[str]) -> str:
    """The last part of a path or hub name in lower case, digits and dashes, with a number where it is taken."""
    plain = re.sub(r"\.(zip|npz|parquet)$", "", place.rstrip("/").rsplit("/", 1)[-1].split("@", 1)[0].lower())
    name = _NO_ID.sub("-", plain).strip("-")[:48]
    numbers = itertools.count(2)
    found = name
    while found in known:
        found = f"{name}-{next(numbers)}"
    return found
