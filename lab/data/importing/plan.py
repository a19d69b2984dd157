"""What an import would do, before anything is copied: the layout recognised, rows found, problems by name."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.locations import located
from lab.data.importing.plan_limit import LIMIT, SEED, limited_by_choice
from lab.data.sources.contract import ImportPlan, Options, PlannedImage, Source
from lab.data.sources.registry import get_source, recognised
from lab.errors import DatasetError

TABLE, FOLDER = "image-table", "image-folder"


def plan_import(
    folder: str | Path,
    metadata: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    *,
    source: str | None = None,
    classes: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
) -> ImportPlan:
    """Look at a folder, a zip or a file of many images, and say what an import of it would do.

    Args:
        folder: the folder, a zip (unpacked into the workspace), a file that holds many images, or
            "hf://datasets/OWNER/NAME@REVISION"; links that lead out of it are not followed.
        metadata: CSV, relative to the folder or not; by default the source looks for it; "" for none.
        mapping: field to column, see `lab.data.tabular.columns.FIELDS`; "" leaves a field empty.
        keep: further columns to store.
        source: id of the source; by default the one that recognises the folder with most confidence.
        classes: label as given to label as stored; "" leaves images of that label out.
        choices: settings of the source, by name; "limit" and "limit_seed" belong to every source.

    Raises:
        DatasetError: when the folder or the CSV cannot be read at all, or the mapping names what does
        not exist.
        NotFoundError: for an unknown source.
    """
    place = located(folder)
    chosen, why = _source(place.files, source, metadata, mapping)
    options = Options(metadata, mapping, tuple(keep), classes, _checked(chosen, choices or {}))
    plan = chosen.plan(place.files, options)
    if not plan.classes:
        plan = with_classes(plan, classes or {})
    plan = limited_by_choice(plan, choices or {})
    return dataclasses.replace(
        plan,
        source=chosen.id,
        left_out=(*place.left_out, *plan.left_out),
        notes=(f"Read as: {chosen.title} ({why}).", *place.notes, *plan.notes),
    )


def _source(
    files: FolderIndex, named: str | None, metadata: str | Path | None, mapping: Mapping[str, str] | None
) -> tuple[Source, str]:
    """The source, and why it was taken."""
    if named:
        return get_source(named), "as chosen"
    if metadata is not None:
        return get_source(FOLDER if str(metadata) == "" else TABLE), "as the table is given"
    found = recognised(files)
    if not found:
        return get_source(FOLDER), "nothing else fits"
    chosen, answer = found[0]
    return chosen, answer.why


def _checked(source: Source, choices: Mapping[str, str]) -> dict[str, str]:
    """The choices, each known to the source and of an allowed value; the others at their defaults."""
    known = {choice.name: choice for choice in (LIMIT, SEED, *source.choices)}
    for name, value in choices.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise DatasetError(
                f"The source {source.id} has no such setting; nothing was imported; its settings are: {listed}."
            )
        if known[name].values and value not in known[name].values:
            raise DatasetError(
                f"That is no value of {name}; nothing was imported; choose one of: "
                f"{', '.join(known[name].values)}."
            )
    return {name: choices.get(name, (c.values or ("",))[0]) for name, c in known.items()}


def with_classes(plan: ImportPlan, classes: Mapping[str, str]) -> ImportPlan:
    """A plan whose labels are stored under other names, or whose images of a label are left out.

    Args:
        plan: whose images have their labels as given.
        classes: label as given to label as stored; "" leaves out; labels that are not named stay.

    Raises:
        DatasetError: when a label is named that no image has.
    """
    counts = Counter(image.fields.get("label", "") for image in plan.images)
    if any(label not in counts for label in classes):
        raise DatasetError(
            "A class is named that no image has; nothing was imported; take the labels as the table spells them."
        )
    told = {label: (classes.get(label, label), number) for label, number in sorted(counts.items()) if label}
    if not classes:
        return dataclasses.replace(plan, classes=told)
    gone = {label for label, stored in classes.items() if not stored}
    images = [_renamed(image, classes) for image in plan.images if image.fields.get("label", "") not in gone]
    number = len(plan.images) - len(images)
    notes = [f"Images of classes that are left out: {number}."] if number else []
    return dataclasses.replace(
        plan, images=tuple(images), classes=told, notes=(*plan.notes, *notes),
        problem=plan.problem or ("" if images else "All classes are left out; nothing was imported."),
    )  # fmt: skip


def _renamed(image: PlannedImage, classes: Mapping[str, str]) -> PlannedImage:
    label = image.fields.get("label", "")
    stored = classes.get(label, label)
    if stored == label:
        return image
    fields = {**image.fields, "label": stored}
    if fields.get("labels") == label:
        fields["labels"] = stored
    return dataclasses.replace(image, fields=fields)
