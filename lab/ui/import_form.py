"""Adding a dataset: a folder or an upload, a plan to look at, columns to correct, then one run."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from lab.atomic import write_bytes
from lab.config import settings
from lab.data.columns import FIELDS
from lab.data.import_plan import ImportPlan, plan_import
from lab.errors import InputError, LabError
from lab.provenance import digest_json
from lab.runs.requests import import_run
from lab.ui.frame import plain
from lab.ui.run_panel import submit
from lab.ui.state import LibraryKey as Key

SOURCES = ("A folder on this machine", "Upload files")
NONE = "(none)"
_SHOWN = ("image", "patient_id", "label", "caption", "split", "view", "sex", "age", "licence")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HELP = {
    "image": "The column that names the image file.",
    "patient_id": "Splits are by patient, so that no patient stands in two of them.",
    "label": "The finding, for colours on the map and for label agreement.",
    "caption": "Report text, for generators that read words.",
    "split": "train, validation (used as held-out) and test; leave it out to split by patient.",
}


def form() -> None:
    """Draw the form; a started import puts its run's id into the session."""
    source = st.segmented_control(
        "Where are the images?", SOURCES, default=SOURCES[0], key=Key.SOURCE, required=True
    )
    folder, table = _from_folder() if source == SOURCES[0] else _from_upload()
    if folder is None:
        return
    try:
        plan = plan_import(folder, table)
        mapping = _mapping(plan)
        plan = plan_import(folder, table, mapping) if mapping != dict(plan.mapping) else plan
    except LabError as error:
        st.error(plain(str(error)))
        return
    _preview(plan)
    _start(plan, folder, table, mapping)


def _from_folder() -> tuple[Path | None, Path | None]:
    left, right = st.columns([0.6, 0.4])
    named = left.text_input(
        "Folder",
        key=Key.FOLDER,
        placeholder="/data/chest-films",
        help="PNG, JPEG or TIFF files, in subfolders too. Nothing in it is changed.",
    )
    table = right.text_input(
        "CSV (optional)",
        key=Key.METADATA,
        placeholder="metadata.csv in that folder",
        help="One row an image. Without a CSV the subfolder names are the labels.",
    )
    if not (named or "").strip():
        st.caption("Name a folder to see what an import would do. Nothing is copied before you start it.")
        return None, None
    folder = Path(named.strip()).expanduser()
    if not folder.is_dir():
        st.error("There is no folder of that name on this machine; nothing was read; check the path.")
        return None, None
    return folder, Path(table.strip()).expanduser() if (table or "").strip() else None


def _from_upload() -> tuple[Path | None, Path | None]:
    files = st.file_uploader(
        "Images, and a CSV if there is one",
        type=["png", "jpg", "jpeg", "tif", "tiff", "csv"],
        accept_multiple_files=True,
        key=Key.UPLOAD,
    )
    if not files:
        return None, None
    try:
        return _kept(files), None
    except LabError as error:
        st.error(plain(str(error)))
        return None, None


def _kept(files: list[Any]) -> Path:
    """Write the uploads into a folder of the workspace, under cleaned names; equal uploads share one."""
    limit = settings().max_file_bytes
    if any(file.size > limit for file in files):
        raise InputError(f"A file is larger than {limit:,} bytes; nothing was kept; export a smaller one.")
    folder = (
        settings().workspace
        / "uploads"
        / digest_json(sorted([f.name, f.size, f.file_id] for f in files))[:16]
    )
    for number, file in enumerate(files):
        name = _UNSAFE.sub("_", Path(file.name).name).lstrip(".-")[-120:] or f"file-{number}"
        if not (folder / name).is_file():
            write_bytes(folder / name, file.getvalue())
    return folder


def _mapping(plan: ImportPlan) -> dict[str, str]:
    if not plan.columns:
        st.caption("No CSV: subfolder names become labels, and every image counts as its own patient.")
        return {}
    chosen = dict(plan.mapping)
    with st.expander("Columns", expanded=True):
        st.caption("Guessed from the header. Correct what is wrong.")
        options = [NONE, *plan.columns]
        for column, group in zip(st.columns(3), (_SHOWN[0::3], _SHOWN[1::3], _SHOWN[2::3]), strict=True):
            for field in group:
                guess = plan.mapping.get(field, NONE)
                picked = column.selectbox(
                    field.replace("_", " ").capitalize(),
                    options,
                    index=options.index(guess),
                    key=f"{Key.COLUMN}{field}.{digest_json(plan.columns)[:8]}",
                    help=_HELP.get(field),
                )
                if picked != guess:
                    chosen[field] = "" if picked == NONE else str(picked)
    return {field: column for field, column in chosen.items() if field in FIELDS}


def _preview(plan: ImportPlan) -> None:
    patients = {image.fields.get("patient_id", "") for image in plan.images} - {""}
    labels = Counter(image.fields.get("label", "") or "(no label)" for image in plan.images)
    a, b, c, d = st.columns(4)
    a.metric("Images", len(plan.images))
    b.metric("Patients", len(patients) or "not given")
    c.metric("Labels", len(set(labels) - {"(no label)"}))
    d.metric("Left out", len(plan.left_out))
    if plan.images:
        st.caption("Labels: " + ", ".join(f"{plain(name)} {count}" for name, count in labels.most_common(8)))
    for note in plan.notes:
        st.caption(f":material/info: {plain(note)}")
    problems(plan.left_out)
    if plan.problem:
        st.error(plain(plan.problem))


def problems(left_out: Any) -> None:
    """Files that were or would be left out, each with its reason."""
    listed = [{"File": str(name), "Reason": str(reason)} for name, reason in left_out]
    if listed:
        with st.expander(f"{len(listed)} files are left out"):
            st.dataframe(pd.DataFrame(listed), hide_index=True, height=min(280, 72 + 35 * len(listed)))


def _start(plan: ImportPlan, folder: Path, table: Path | None, mapping: dict[str, str]) -> None:
    left, right = st.columns(2)
    name = left.text_input(
        "Id",
        key=Key.ID,
        placeholder="chest-films",
        max_chars=64,
        help="The name of the dataset here: letters, digits, dashes.",
    )
    licence = right.text_input(
        "Licence",
        key=Key.LICENCE,
        placeholder="CC BY 4.0",
        help="Used for images whose row gives none. It decides what may be shown in public.",
    )
    ready = bool(plan.images) and not plan.problem and bool((name or "").strip())
    if st.button(
        "Import", type="primary", disabled=not ready, icon=":material/download_done:", key="library.import"
    ):
        try:
            spec = import_run(folder, (name or "").strip(), table, mapping, (licence or "").strip() or None)
            st.session_state[Key.RUN] = submit(spec).id
        except LabError as error:
            st.error(plain(str(error)))
            return
        st.rerun()
