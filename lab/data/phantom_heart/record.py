"""The row of a picture: who, what, on which scanner; and its caption, made of nothing but that row."""

from __future__ import annotations

from lab.data.phantom_heart.draws import GROUPS
from lab.data.phantom_heart.shape import Heart, thickest_wall, volumes_at
from lab.data.phantom_heart.vendors import Scan

PHASES = {"ED": "end-diastole", "ES": "end-systole"}


def record_of(heart: Heart, scan: Scan, size: int) -> dict[str, str]:
    """What is known of a patient and the examination, all as text.

    Volumes are those of the drawn heart, integrated over its height: lv_edv_ml, lv_esv_ml, rv_edv_ml, rv_esv_ml in ml,
    ef and rv_ef in percent, wall_mm the thickest end-diastolic wall, bsa_m2, pixel_mm, slice_mm between slices.
    """
    patient = heart.patient
    left, right = volumes_at(heart, 0.0)
    left_es, right_es = volumes_at(heart, patient.systole)
    return {
        "patient_id": patient.patient_id,
        "label": patient.label,
        "label_name": GROUPS[patient.label],
        "view": "short-axis cine",
        "sex": patient.sex,
        "age": str(patient.age),
        "vendor": scan.vendor,
        "field_t": f"{scan.sequence.tesla:g}",
        "ef": f"{100 * (1 - left_es / left):.0f}",
        "lv_edv_ml": f"{left:.0f}",
        "lv_esv_ml": f"{left_es:.0f}",
        "rv_edv_ml": f"{right:.0f}",
        "rv_esv_ml": f"{right_es:.0f}",
        "rv_ef": f"{100 * (1 - right_es / right):.0f}",
        "wall_mm": f"{thickest_wall(heart):.1f}",
        "akinetic": patient.territory,
        "bsa_m2": f"{patient.bsa:.2f}",
        "heart_rate": str(patient.rate),
        "pixel_mm": f"{scan.field / size:.3f}",
        "slice_mm": f"{scan.spacing:g}",
    }


def caption(record: dict[str, str]) -> str:
    """One sentence, such as "Short-axis cine MRI, mid slice at end-systole, dilated cardiomyopathy, vendor B, ejection
    fraction 28 %."
    """
    disease = record["label_name"]
    if record["akinetic"]:
        disease += f" with an akinetic {record['akinetic']} wall"
    named = {"normal": "normal heart"}.get(disease, disease)
    return (
        f"Short-axis cine MRI, {record['slice']} slice at {PHASES[record['phase']]}, {named}, {record['vendor']}, "
        f"ejection fraction {record['ef']} %."
    )
