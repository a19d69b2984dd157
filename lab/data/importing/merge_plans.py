"""Several folders as one import, each read by its own source: HAM10000 and MILK10k as one set, for example."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from lab.data.importing.plan_limit import LIMIT, SEED, limited_by_choice
from lab.data.sources.contract import ImportPlan, PlannedImage
from lab.data.tabular.class_map import CHOICE, with_class_map
from lab.errors import InputError


def plan_merged(plans: Sequence[ImportPlan], *, separate_patients: bool = False) -> ImportPlan:
    """One plan of all images of several.

    Each image keeps what its own plan says about licence, reader and mask. The divisions are kept only where all
    folders bring one; else all images are divided by patient.

    Args:
        plans: at least one; their order is the order of the images.
        separate_patients: whether equal patient ids of different folders are different people. By default they are one
            person, which can never put one person into two splits.

    Raises:
        InputError: for no plan.
    """
    if not plans:
        raise InputError("There is no folder to merge; nothing was imported; name at least one.")
    if len(plans) == 1:
        return plans[0]
    images = [
        _own(image, plan, f"{number}:" if separate_patients else "")
        for number, plan in enumerate(plans, start=1)
        for image in plan.images
    ]
    given = all(plan.splits_given for plan in plans)
    notes = list(dict.fromkeys(note for plan in plans for note in plan.notes))
    if not given and any(plan.splits_given for plan in plans):
        notes.append(
            "Only some of the folders bring a division, so it was set aside: all are split by patient."
        )
    notes += [] if separate_patients else _shared_note(plans)
    counts: Counter[tuple[str, str]] = Counter()
    for plan in plans:
        for label, (stored, n) in plan.classes.items():
            counts[label, stored] += n
    first = plans[0]
    return dataclasses.replace(
        first,
        images=tuple(images if given else _without_splits(images)),
        left_out=tuple(row for plan in plans for row in plan.left_out),
        merged=tuple(row for plan in plans for row in plan.merged),
        unused=tuple(dict.fromkeys(name for plan in plans for name in plan.unused)),
        splits_given=given,
        notes=tuple(notes),
        problem=next((plan.problem for plan in plans if plan.problem), "") or _mask_problem(plans),
        modality=first.modality if len({plan.modality for plan in plans}) == 1 else "",
        licence="",
        attribution="; ".join(dict.fromkeys(plan.attribution for plan in plans if plan.attribution)),
        mask_labels=next((plan.mask_labels for plan in plans if plan.mask_labels), {}),
        classes={label: (stored, n) for (label, stored), n in sorted(counts.items())},
    )


def merged_by_choice(
    plans: Sequence[ImportPlan], choices: Mapping[str, str], classes: Mapping[str, str] | None
) -> ImportPlan:
    """`plan_merged`, then the class map and the limit that a person has chosen for the whole.

    Args:
        plans: made without a limit.
        choices: "class_map", "limit" and "limit_seed" count here; the others have gone to the sources.
        classes: label to stored label, on top of the class map.
    """
    merged = with_class_map(plan_merged(plans), choices.get(CHOICE.name, ""), classes)
    return limited_by_choice(merged, choices)


def without_limit(choices: Mapping[str, str]) -> dict[str, str]:
    """Choices for the single folders of a merged import: the limit is for the whole."""
    return {name: value for name, value in choices.items() if name not in (LIMIT.name, SEED.name)}


def _own(image: PlannedImage, plan: ImportPlan, prefix: str) -> PlannedImage:
    """An image that carries the licence of its folder, and a patient id no other folder has where asked for."""
    patient = image.fields.get("patient_id", "")
    fields = {**image.fields, "licence": image.fields.get("licence") or plan.licence}
    fields["patient_id"] = f"{prefix}{patient}" if patient else ""
    return dataclasses.replace(image, fields=fields)


def _without_splits(images: Sequence[PlannedImage]) -> list[PlannedImage]:
    return [dataclasses.replace(image, fields={**image.fields, "split": ""}) for image in images]


def _shared_note(plans: Sequence[ImportPlan]) -> list[str]:
    seen: Counter[str] = Counter()
    for plan in plans:
        seen.update({patient for image in plan.images if (patient := image.fields.get("patient_id"))})
    shared = sum(n > 1 for n in seen.values())
    return (
        [f"Patient ids that occur in several folders and count as one person: {shared:,}."] if shared else []
    )


def _mask_problem(plans: Sequence[ImportPlan]) -> str:
    maps = {tuple(sorted(plan.mask_labels.items())) for plan in plans if plan.mask_labels}
    if len(maps) < 2:
        return ""
    return "The masks of the folders have different structures; nothing was imported; import them one by one."
