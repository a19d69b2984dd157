"""The words captions are made of."""

from __future__ import annotations

GRADES: dict[str, tuple[str, ...]] = {
    "small": ("mild",),
    "moderate": ("moderate",),
    "large": ("severe", "marked"),
}
SIZE_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "cardiomegaly": GRADES,
    "oedema": {**GRADES, "large": ("severe",)},
    "": {"small": ("small",), "moderate": ("moderate",), "large": ("large",)},
}
LOBES: dict[str, str] = {
    "RUL": "right upper lobe",
    "RML": "right middle lobe",
    "RLL": "right lower lobe",
    "LUL": "left upper lobe",
    "LLL": "left lower lobe",
}
TEMPLATES: dict[str, tuple[str, ...]] = {
    "effusion": (
        "{size} {side} pleural effusion",
        "{size} {side} pleural effusion",
        "{size} pleural effusion on the {side}",
        "there is a {size} {side} pleural effusion",
        "{side} pleural effusion, {size}",
        "{side} pleural effusion",
    ),
    "pneumothorax": (
        "{size} {side} pneumothorax",
        "{size} {side} pneumothorax",
        "{size} pneumothorax on the {side}",
        "there is a {size} {side} pneumothorax",
        "{side} pneumothorax, {size}",
        "{side} pneumothorax",
    ),
    "cardiomegaly": (
        "{size} cardiomegaly",
        "{size} cardiomegaly",
        "{size} enlargement of the heart",
        "there is {size} cardiomegaly",
        "the heart is enlarged, {size}",
        "cardiomegaly",
    ),
    "consolidation": (
        "{size} consolidation in the {lobe}",
        "{size} consolidation in the {lobe}",
        "{size} {lobe} consolidation",
        "there is a {size} consolidation in the {lobe}",
        "{lobe} consolidation, {size}",
        "consolidation in the {lobe}",
    ),
    "nodule": (
        "{size} nodule in the {lobe}",
        "{size} {mass} in the {lobe}",
        "{size} {lobe} {mass}",
        "{size} pulmonary {mass} in the {lobe}",
        "there is a {size} {mass} in the {lobe}",
        "{lobe} nodule, {size}",
        "{mass} in the {lobe}",
    ),
    "oedema": (
        "{size} pulmonary edema",
        "{size} pulmonary oedema",
        "{size} pulmonary edema",
        "there is {size} pulmonary oedema",
        "{size} perihilar edema",
        "pulmonary edema, {size}",
        "pulmonary oedema",
    ),
    "pacemaker": (
        "{side} pacemaker",
        "{side} chest pacemaker with leads",
        "{side} cardiac pacemaker in place",
        "pacemaker on the {side}",
    ),
    "endotracheal tube": (
        "endotracheal tube",
        "endotracheal tube in place",
        "endotracheal tube in place",
        "endotracheal tube above the carina",
    ),
    "gastric tube": (
        "gastric tube",
        "gastric tube in place",
        "gastric tube in the stomach",
        "nasogastric tube in place",
        "nasogastric tube below the diaphragm",
    ),
    "central line": (
        "{side} central line",
        "{side} central line in place",
        "{side} central venous catheter",
        "{side} central venous catheter in place",
        "central line on the {side}",
    ),
    "no finding": (
        "no acute finding",
        "no acute finding",
        "normal chest radiograph",
        "clear lungs, normal heart size",
        "no acute cardiopulmonary abnormality",
        "no pleural effusion or pneumothorax",
        "no consolidation or pulmonary edema",
        "lungs are clear",
    ),
}
NORMAL_BESIDE_DEVICES: tuple[str, ...] = (
    "no acute finding",
    "no acute finding",
    "clear lungs, normal heart size",
    "no acute cardiopulmonary abnormality",
)
NEGATIONS: dict[str, str] = {
    "effusion": "no pleural effusion",
    "pneumothorax": "no pneumothorax",
    "cardiomegaly": "normal heart size",
    "consolidation": "no consolidation",
    "nodule": "no pulmonary nodule",
    "oedema": "no pulmonary edema",
}
NO_DEVICES = "no support devices"
VIEWS: dict[str, str] = {"AP": "AP view", "PA": "PA view", "": "lateral view"}
SEXES: dict[str, str] = {"F": "woman", "M": "man"}
AGES: tuple[tuple[str, int], ...] = (("young", 40), ("middle-aged", 70), ("elderly", 999))
PARTS: tuple[str, ...] = (
    "finding and with right left clear lungs heart size normal no",
    "small moderate large mass nodule lobe in on of the an a is there",
)
