"""Parquet shards as data set hubs hand them out, in a folder or streamed from the hub at a pinned commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from lab.data.containers.hub_location import hub_info
from lab.data.containers.parquet_rows import Shard
from lab.data.containers.shards import described, first_shard, rows_of, shard_files, split_of
from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.layout import About, Gathered, choice_of, finished
from lab.data.sources.contract import Choice, ImportPlan, Options, Recognition, Source, register
from lab.data.splits import HELD_OUT, TEST, TRAIN
from lab.data.tabular.class_map import CHOICE as CLASS_MAP
from lab.data.tabular.columns import FIELDS, guess_mapping
from lab.errors import DatasetError

_SPLITS = Choice(
    "splits",
    "Which shards",
    ("all", TRAIN, HELD_OUT, TEST),
    "A shard's split stands in its name; validation is held out.",
)
_DIVISION = Choice("division", "Division", ("as named", "by patient"), "Names of shards, or anew by patient.")
_SKIPPED = ("image", "mask", "split")


def recognise(files: FolderIndex) -> Recognition | None:
    """Parquet files of which one has a column of pictures."""
    if not shard_files(files):
        return None
    info = hub_info(files.root)
    if info is not None:
        return Recognition(0.9, f"it stands for {info.repository} on the hub at commit {info.commit[:12]}")
    return (
        Recognition(0.85, "it holds Parquet files with pictures in their rows")
        if first_shard(files)
        else None
    )


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Say what an import would read; of the files only footers and columns of text are looked at."""
    info = hub_info(files.root)
    licence = info.licence if info else ""
    about = About("hugging-face", "", licence, info.repository if info else "")
    wanted = choice_of(SOURCE, options, _SPLITS.name)
    image = (options.mapping or {}).get("image", "")
    shards, left_out = described(files, image, lambda name: wanted == "all" or split_of(name) == wanted)
    if image and not shards:
        raise DatasetError(
            "The column named for the pictures holds none; nothing was imported; choose another."
        )
    gathered = Gathered(left_out=left_out)
    if info is not None:
        gathered.notes.append(f"Streamed from {info.repository} on the hub at commit {info.commit}.")
    mapping, unused = _mapping(shards[0][1], options) if shards else {}, list[str]()
    for name, shard in shards:
        columns = sorted(set(mapping.values()) & set(shard.columns))
        gathered.images += rows_of(name, shard, columns, partial(_fields, mapping, split_of(name), licence))
    if gathered.images and "patient_id" not in mapping:
        gathered.notes.append("No patient ids are given: every image counts as its own patient.")
    if shards:
        used = {*mapping.values(), shards[0][1].image}
        told = [f"{column} as {field}" for field, column in mapping.items()]
        gathered.notes.append(f"Columns: {shards[0][1].image} as image{''.join(f', {one}' for one in told)}.")
        unused = [name for name in shards[0][1].columns if name not in used]
        gathered.notes += [f"Columns that were not stored: {', '.join(unused[:30])}."] if unused else []
    named = all(image.fields["split"] for image in gathered.images)
    several = len({image.fields["split"] for image in gathered.images}) > 1
    given = named and several and choice_of(SOURCE, options, _DIVISION.name) == "as named"
    preset = choice_of(SOURCE, options, CLASS_MAP.name)
    found = finished(about, files, None, gathered, options, preset=preset, splits_given=given)
    if not shards:
        return found
    first = shards[0][1]
    return replace(
        found, columns=first.columns, mapping={"image": first.image, **mapping}, unused=tuple(unused)
    )


def _mapping(shard: Shard, options: Options) -> dict[str, str]:
    """Field to column; the pictures' own column is known already."""
    given = {field: column for field, column in (options.mapping or {}).items() if field != "image"}
    names = [name for name in shard.columns if name != shard.image]
    found = guess_mapping(names, {**given, "image": "", "mask": ""})
    return {field: column for field, column in found.items() if field in FIELDS and field not in _SKIPPED}


def _fields(mapping: Mapping[str, str], split: str, licence: str, cells: Mapping[str, str]) -> dict[str, str]:
    fields = {field: cells.get(column, "") for field, column in mapping.items()}
    return {
        "patient_id": "",
        "label": "",
        **fields,
        "split": split,
        "licence": fields.get("licence") or licence,
    }


SOURCE = register(
    Source(
        "hugging-face",
        "Hugging Face data set (Parquet)",
        "Parquet files with a column of pictures, or hf://datasets/OWNER/NAME@REVISION, streamed; no script is run.",
        recognise,
        plan,
        (_SPLITS, _DIVISION, CLASS_MAP, LIMIT, SEED),
    )
)
