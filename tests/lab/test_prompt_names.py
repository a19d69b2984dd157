"""Codes as people read them, with the code beside the name; requests and tables keep the code alone."""

from __future__ import annotations

import pytest

from lab.generators.cards import get_card
from lab.prompts.names import readable, vendor_name
from lab.prompts.past import asked_words, found, words_of
from lab.runs.grid_axes import axis, axis_from_json
from lab.runs.sweep_requests import Setting


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("nv", "Melanocytic nevus (nv)"),
        ("MEL", "Melanoma (MEL)"),
        ("MINF", "Myocardial infarction (MINF)"),
        ("HF-NI", "Heart failure without infarction (HF-NI)"),
        ("No Finding", "No finding"),
        ("Atelectasis|Pleural_Thickening", "Atelectasis, pleural thickening"),
        ("COVID-19|ARDS", "COVID-19, ARDS"),
        ("pneumonia_viral", "Viral pneumonia"),
        ("normal", "Normal"),
        ("", ""),
    ],
)
def test_a_label_is_readable(label, words):
    assert readable(label) == words


def test_every_class_of_the_shipped_generators_has_a_name():
    for name in get_card("phantom-derm-classes").classes:
        assert readable(name).endswith(f"({name})") and len(readable(name)) > len(name) + 3
    assert [vendor_name(one) for one in ("vendor A", "B", "Siemens")] == ["Vendor A", "Vendor B", "Siemens"]


def test_an_axis_shows_names_and_keeps_codes():
    one = axis("class", ["MEL", "NV"])
    assert one.shown == ("Melanoma (MEL)", "Melanocytic nevus (NV)")
    assert one.to_json()["values"] == one.to_json()["labels"] == ["MEL", "NV"]
    assert axis_from_json(one.to_json()).shown == one.shown, "a grid of the past shows names, too"
    assert axis("vendor", ["vendor A"]).shown == ("Vendor A",)
    assert axis("word", ["mel"], "nevus").shown == ("mel",), "words of a prompt stay as they are"


def test_a_past_request_reads_as_words_and_is_found_by_code_and_by_name():
    settings = {
        "prompt": "", "generator": "g", "seeds": [3], "condition": {"label": "MEL", "vendor": "vendor B"},
    }  # fmt: skip
    assert words_of(settings) == "Melanoma (MEL), vendor B"
    assert asked_words(settings) == words_of(settings) and asked_words({"prompt": ""}) == ""
    assert found("mel", settings) and found("melanoma", settings)
    assert Setting("g", 1, 1.0, label="BCC").parts()["class"] == "Basal cell carcinoma (BCC)"
