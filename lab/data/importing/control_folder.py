"""Two folders as one import: what a generator learned from, and a control of other patients that it never saw."""

from __future__ import annotations

import dataclasses

from lab.data.sources.contract import ImportPlan, PlannedImage

TRAIN, CONTROL = "train", "held-out"


def with_control(plan: ImportPlan, control: ImportPlan) -> ImportPlan:
    """One plan in which all images of `plan` are training images and all of `control` are held out.

    A division that either folder brings is set aside: which folder an image lies in says what it is for.
    """
    images = [_placed(image, TRAIN) for image in plan.images]
    images += [_placed(image, CONTROL) for image in control.images]
    return dataclasses.replace(
        plan,
        images=tuple(images),
        left_out=(*plan.left_out, *control.left_out),
        merged=(*plan.merged, *control.merged),
        notes=(*plan.notes, *(note for note in control.notes if note not in plan.notes)),
        splits_given=True,
        problem=plan.problem or control.problem,
    )


def _placed(image: PlannedImage, split: str) -> PlannedImage:
    return dataclasses.replace(image, fields={**image.fields, "split": split})
