"""Which label is stored for which label of a table: editable, several schemes into one, counts and shares beside it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lab.data.sources.contract import Choice, ImportPlan, PlannedImage
from lab.errors import InputError

AS_PUBLISHED = "as published"
JOIN = "|"
PRESETS: Mapping[str, Mapping[str, str]] = {
    # HAM10000's and MILK10k's names, and those of the ISIC challenges, into the five classes of SkinGenBench.
    "skingenbench": {
        "NV": "NV", "BCC": "BCC", "BKL": "BKL", "MEL": "MEL", "SCCKA": "SCC", "SCC": "SCC",
        "AKIEC": "", "AK": "", "DF": "", "VASC": "", "BEN_OTH": "", "MAL_OTH": "", "INF": "", "UNK": "",
    },
}  # fmt: skip
"""Class maps by name: label in any case to the stored label; "" leaves its images out."""

CHOICE = Choice(
    "class_map",
    "Class map",
    (AS_PUBLISHED, *PRESETS),
    "Which classes are kept and under which names; single classes can be changed on top of it.",
)


@dataclass(frozen=True)
class ClassShare:
    """A stored class: its label, how many images it has, and its share of all in percent (never rounded)."""

    label: str
    images: int
    percent: float


def chosen_map(preset: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """One map from a preset's name and single changes on top of it; labels in lower case.

    Raises:
        InputError: for an unknown preset.
    """
    if preset not in ("", AS_PUBLISHED) and preset not in PRESETS:
        raise InputError(
            "There is no class map of that name; nothing was imported; take one of: "
            f"{', '.join((AS_PUBLISHED, *PRESETS))}."
        )
    merged = {**PRESETS.get(preset, {}), **(given or {})}
    return {label.strip().lower(): stored.strip() for label, stored in merged.items()}


def apply_map(
    images: Sequence[PlannedImage], classes: Mapping[str, str], named: Collection[str] = ()
) -> tuple[list[PlannedImage], dict[str, tuple[str, int]], list[str]]:
    """Give every image its stored label.

    An image of several findings ("A|B") loses those that are left out, and goes when none remains. A label the map
    does not name stays as it is.

    Args:
        images: as planned.
        classes: label in lower case to stored label, as `chosen_map` gives it.
        named: labels that a person has named; those that no image has are told.

    Returns:
        the images that stay; label to (stored label, images), as `ImportPlan.classes`; notes.
    """
    counts: Counter[str] = Counter()
    kept: list[PlannedImage] = []
    dropped: Counter[str] = Counter()
    for image in images:
        labels = _labels(image)
        counts.update(labels)
        stored = list(dict.fromkeys(new for label in labels if (new := classes.get(label.lower(), label))))
        if labels and not stored:
            dropped.update(labels)
            continue
        kept.append(image if stored == labels else _relabelled(image, stored))
    table = {label: (classes.get(label.lower(), label), n) for label, n in sorted(counts.items())}
    notes = []
    if dropped:
        told = ", ".join(f"{label} {n:,}" for label, n in sorted(dropped.items()))
        notes.append(f"Images left out by the class map: {len(images) - len(kept):,} ({told}).")
    unmet = sorted({label.strip().lower() for label in named} - {label.lower() for label in counts})
    if unmet:
        notes.append(f"Labels of the class map that no image has: {', '.join(unmet)[:200]}.")
    return kept, table, notes


def with_class_map(plan: ImportPlan, preset: str, given: Mapping[str, str] | None) -> ImportPlan:
    """A plan, perhaps of several folders, with a class map on top of what its sources have already done.

    Raises:
        InputError: for an unknown preset.
    """
    classes = chosen_map(preset, given)
    if not classes:
        return plan
    images, _, notes = apply_map(plan.images, classes)
    told = {label: (classes.get(now.lower(), now), n) for label, (now, n) in plan.classes.items()}
    problem = plan.problem or ("" if images else "All classes are left out; nothing was imported; keep some.")
    return dataclasses.replace(
        plan, images=tuple(images), classes=told, problem=problem, notes=(*plan.notes, *notes)
    )


def shares(plan: ImportPlan) -> list[ClassShare]:
    """Stored classes of a plan with counts and shares of all images, largest first; computed, never copied."""
    counts = Counter(image.fields.get("label", "") or "(none)" for image in plan.images)
    return counted_shares(counts)


def counted_shares(counts: Mapping[str, int]) -> list[ClassShare]:
    """Counts to shares in percent, largest first."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [ClassShare(label, n, 100.0 * n / total) for label, n in ordered if n]


def rounded_shares(found: Sequence[ClassShare], digits: int = 1) -> list[float]:
    """Shares as they are printed: rounded so that together they are 100 (largest remainders), same order."""
    unit = 10**digits
    exact = [share.percent * unit for share in found]
    whole = [int(value + 1e-9) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for i in order[: 100 * unit - sum(whole)] if found else []:
        whole[i] += 1
    return [value / unit for value in whole]


def _labels(image: PlannedImage) -> list[str]:
    text = image.fields.get("labels") or image.fields.get("label") or ""
    return [label for part in text.split(JOIN) if (label := part.strip())]


def _relabelled(image: PlannedImage, stored: Sequence[str]) -> PlannedImage:
    joined = JOIN.join(stored)
    changed = {"label": joined} | ({"labels": joined} if "labels" in image.fields else {})
    return dataclasses.replace(image, fields={**image.fields, **changed})
