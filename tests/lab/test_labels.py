from __future__ import annotations

import pytest

from lab.data.labels import prompted_label

LABELS = ["effusion", "pneumothorax", "cardiomegaly", "consolidation", "no finding"]


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("Large right pleural effusion.", "effusion"),
        ("Moderate cardiomegaly and small left effusion.", "cardiomegaly"),
        ("No pneumothorax. Small left effusion.", "effusion"),
        ("No acute finding.", "no finding"),
        ("Normal chest radiograph.", "no finding"),
        ("Heart without cardiomegaly", ""),
        ("a cat", ""),
        ("", ""),
    ],
)
def test_prompted_label_reads_affirmed_findings_only(prompt: str, label: str) -> None:
    assert prompted_label(prompt, LABELS) == label


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("Severe pulmonary edema.", "oedema"),
        ("Large mass in the left upper lobe.", "nodule"),
        ("No pulmonary nodule. Mild pulmonary oedema.", "oedema"),
        ("Bacterial pneumonia, paediatric chest radiograph.", "pneumonia_bacterial"),
        ("Viral pneumonia.", "pneumonia_viral"),
        ("Pneumonia.", ""),
        ("No bacterial pneumonia.", ""),
        ("Normal paediatric chest radiograph.", "normal"),
    ],
)
def test_labels_are_found_under_their_other_names(prompt: str, label: str) -> None:
    labels = ["nodule", "oedema", "pneumonia_bacterial", "pneumonia_viral", "normal"]
    assert prompted_label(prompt, labels) == label


def test_label_sets_without_a_normal_class_give_no_guess() -> None:
    assert prompted_label("Normal chest.", ["bacterial", "viral"]) == ""
    assert prompted_label("bacterial pneumonia", ["normal", "bacterial", "viral"]) == "bacterial"
