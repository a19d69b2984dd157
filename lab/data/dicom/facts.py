"""What of a DICOM header becomes columns: words of fixed lists, numbers, keyed hashes. Nothing else survives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.data.burned_in import STATED_NO, STATED_YES, UNKNOWN
from lab.data.dicom import vocabulary as words
from lab.data.dicom.functional import frame_value, number
from lab.data.dicom.pseudonym import names_nobody, pseudonym

OLDEST = 90
_AGE = re.compile(r"(\d{1,3})([DWMY])\Z")
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})\Z")


@dataclass(frozen=True)
class Facts:
    """Columns of a manifest out of a header.

    Attributes:
        patient: keyed hash; of the study where no patient is named; "" where neither is.
        study: keyed hash.
        modality: "CR", "MR"...; "other".
        body_part: "chest", "heart"...; "other"; "" where it is not stated.
        burned_in: what the file says of text in its pixels, `lab.data.burned_in`.
        fields: view, sex, age, vendor.
        extra: laterality and the above, for the manifest.
    """

    patient: str
    study: str
    modality: str
    body_part: str
    burned_in: str
    fields: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


def read_facts(header: Any, key: bytes) -> Facts:
    """Make the columns of a parsed header."""
    patient_id = _text(header, "PatientID")
    study = pseudonym("study", _text(header, "StudyInstanceUID"), key)
    patient = "" if names_nobody(patient_id) else pseudonym("patient", patient_id, key)
    modality = _text(header, "Modality").upper()
    modality = modality if modality in words.MODALITIES else "other"
    body_part = words.word(_text(header, "BodyPartExamined"), words.BODY_PARTS)
    stated = {"YES": STATED_YES, "NO": STATED_NO}
    burned_in = stated.get(_text(header, "BurnedInAnnotation").upper(), UNKNOWN)
    side = _text(header, "ImageLaterality") or _text(header, "Laterality")
    fields = {
        "view": words.word(_text(header, "ViewPosition"), words.VIEWS),
        "sex": words.word(_text(header, "PatientSex"), words.SEXES),
        "age": age_in_years(*(_text(header, n) for n in ("PatientAge", "PatientBirthDate", "StudyDate"))),
        "vendor": words.vendor(_text(header, "Manufacturer")),
    }
    extra = {
        "dicom_modality": modality,
        "body_part": body_part,
        "laterality": words.word(side, words.LATERALITIES),
        "study": study,
        "burned_in": burned_in,
    }
    return Facts(patient or study, study, modality, body_part, burned_in, fields, extra)


def spacing(header: Any, frame: int) -> Mapping[str, str]:
    """Size of a pixel in mm, "down x along", and thickness; "" where it is not stated or 0."""
    found = {"spacing_mm": "", "spacing_from": "", "slice_thickness_mm": ""}
    for name, origin in (("PixelSpacing", "patient"), ("ImagerPixelSpacing", "detector")):
        value = frame_value(header, name, frame)
        try:
            down, along = (number(side) for side in value or ())
        except (TypeError, ValueError):
            continue
        if down and along and 0 < down < 1000 and 0 < along < 1000:
            found |= {"spacing_mm": f"{down:.6g}x{along:.6g}", "spacing_from": origin}
            break
    thick = number(frame_value(header, "SliceThickness", frame))
    return found | ({"slice_thickness_mm": f"{thick:.6g}"} if thick and 0 < thick < 1000 else {})


def age_in_years(age: str, born: str, studied: str) -> str:
    """Whole years, 90 for everybody of 90 and more; from the dates where no age is stated; "" where unknown."""
    stated = _AGE.match(age.strip().upper())
    if stated:
        days = int(stated[1]) * {"D": 1, "W": 7, "M": 30.4375, "Y": 365.25}[stated[2]]
        return str(min(OLDEST, int(days / 365.25 + 1e-9)))
    birth, study = _DATE.match(born.strip()), _DATE.match(studied.strip())
    if not birth or not study:
        return ""
    then, now = ([int(part) for part in found.groups()] for found in (birth, study))
    years = now[0] - then[0] - (now[1:] < then[1:])
    return str(min(OLDEST, years)) if 0 <= years <= 130 else ""


def _text(header: Any, name: str) -> str:
    """An element as text; "" where it is missing or cannot be parsed. Several values: the first."""
    try:
        value = header.get(name, None)
    except Exception:  # noqa: BLE001 - values of a file nobody vouches for; a fact that cannot be read is none
        return ""
    if value is None or isinstance(value, (bytes, bytearray)):
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        value = next(iter(value), "")
    return str(value).strip().strip("\0")
