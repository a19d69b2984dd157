"""The terms of a chest radiograph that a composer offers: how each is written, sized and placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Grade = Literal["size", "severity", ""]
Place = Literal["side", "lobe", ""]


@dataclass(frozen=True)
class Term:
    """A finding or device.

    Attributes:
        title: on the screen.
        words: in a prompt.
        known_by: the word that a generator's vocabulary must hold.
        grade: whether it is small to large, mild to severe, or neither.
        place: whether it has a side, a lobe, or neither.
        absent: words for its absence; "" where it is never denied.
        plural: words for both sides at once.
        after: words behind it in the phrasing of the phantoms' captions.
    """

    title: str
    words: str
    known_by: str
    grade: Grade = ""
    place: Place = ""
    absent: str = ""
    plural: str = ""
    after: str = ""


NORMAL = Term("No finding", "no acute finding", "finding")
FINDINGS: tuple[Term, ...] = (
    NORMAL,
    Term(
        "Effusion", "pleural effusion", "effusion", "size", "side", "no pleural effusion", "pleural effusions"
    ),
    Term("Pneumothorax", "pneumothorax", "pneumothorax", "size", "side", "no pneumothorax", "pneumothoraces"),
    Term("Consolidation", "consolidation", "consolidation", "size", "lobe", "no consolidation"),
    Term("Nodule", "nodule", "nodule", "size", "lobe", "no pulmonary nodule"),
    Term("Cardiomegaly", "cardiomegaly", "cardiomegaly", "severity", "", "normal heart size"),
    Term("Oedema", "pulmonary edema", "edema", "severity", "", "no pulmonary edema"),
    Term("Mass", "mass", "mass", "size", "lobe", "no mass"),
    Term("Pneumonia", "pneumonia", "pneumonia", "", "lobe", "no pneumonia"),
    Term("Atelectasis", "atelectasis", "atelectasis", "severity", "lobe", "no atelectasis"),
    Term("Pleural thickening", "pleural thickening", "thickening", "severity", "side"),
    Term("Rib fracture", "rib fracture", "fracture", "", "side", "no rib fracture", "rib fractures"),
    Term("Emphysema", "emphysema", "emphysema", "severity"),
    Term("Fibrosis", "pulmonary fibrosis", "fibrosis", "severity"),
    Term("Hiatal hernia", "hiatal hernia", "hernia", "size"),
)
DEVICES: tuple[Term, ...] = (
    Term("Pacemaker", "pacemaker", "pacemaker", "", "side", "", "pacemakers"),
    Term("Endotracheal tube", "endotracheal tube", "endotracheal", after="in place"),
    Term("Gastric tube", "gastric tube", "gastric", after="in place"),
    Term("Central line", "central line", "central", "", "side", "", "central lines"),
    Term("Chest tube", "chest tube", "drain", "", "side", "", "chest tubes"),
    Term("Sternal wires", "sternal wires", "sternal"),
)
NO_DEVICES = "no support devices"
SIDES = ("Right", "Left", "Both sides")
LOBES = ("Right upper lobe", "Right middle lobe", "Right lower lobe", "Left upper lobe", "Left lower lobe")
SIZES = ("Small", "Moderate", "Large")
SEVERITY = {"Small": "Mild", "Moderate": "Moderate", "Large": "Severe"}
VIEWS = ("PA", "AP", "Lateral")
SEXES = ("Female", "Male")
RACES = ("White", "Black", "Asian", "Hispanic")
AGE_WORDS = (("young", 40), ("middle-aged", 70), ("elderly", 999))


def known(terms: Sequence[Term], vocabulary: Sequence[str]) -> tuple[Term, ...]:
    """The terms that a generator knows the word for; all of them where its vocabulary is open (empty)."""
    return tuple(term for term in terms if not vocabulary or term.known_by in vocabulary)


def term_of(title: str) -> Term:
    """The finding or device of that title.

    Raises:
        KeyError: for none of that title.
    """
    return {term.title: term for term in (*FINDINGS, *DEVICES)}[title]


def places_of(term: Term) -> tuple[str, ...]:
    """Where it can be: sides, lobes, or nowhere in particular."""
    return SIDES if term.place == "side" else LOBES if term.place == "lobe" else ()


def size_word(term: Term, size: str | None) -> str:
    """How a size reads for this term, lower case: "severe" for a large cardiomegaly; "" for none."""
    if not size or not term.grade:
        return ""
    return (SEVERITY[size] if term.grade == "severity" else size).lower()
