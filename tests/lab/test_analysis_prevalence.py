"""The prevalence a printed result implies: SkinGenBench's table as the known case."""

from __future__ import annotations

import pytest

from lab.analysis.pasted import parse_rows, reported
from lab.analysis.prevalence import check_prevalence, smallest_counts
from lab.errors import InputError

TABLE = """| | F1 | sens | spec | prec | ROC |
|---|---|---|---|---|---|
| ViT-B/16 | 0.8831 | 0.8564 | 0.9798 | 0.9115 | 0.9802 |
| ResNet-50 | 0.8663 | 0.8401 | 0.9758 | 0.8941 | 0.9787 |
| VGG-16 | 0.8438 | 0.8108 | 0.9730 | 0.8796 | 0.9729 |
| EfficientNet-B0 | 0.8126 | 0.7781 | 0.9667 | 0.8503 | 0.9633 |
| ResNet-18 | 0.7724 | 0.7390 | 0.9576 | 0.8089 | 0.9542 |
"""


@pytest.mark.row("SG-15")
def test_one_printed_row_implies_its_prevalence_and_is_flagged() -> None:
    found = check_prevalence(parse_rows("0.8564/0.9798/0.9115"), stated=0.111)
    assert 0.1945 < found.low < found.rows[0].prevalence.value < found.high < 0.1965 and found.flagged
    assert "19.5% to 19.6%" in found.sentence and "against 11.1%" in found.sentence
    assert not check_prevalence(found.rows, stated=0.1955).flagged
    assert not check_prevalence(found.rows).flagged and "against" not in check_prevalence(found.rows).sentence


@pytest.mark.row("SG-15")
def test_the_smallest_counts_of_five_rows_are_613_and_2521() -> None:
    rows = parse_rows(TABLE)
    assert [row.name for row in rows] == ["ViT-B/16", "ResNet-50", "VGG-16", "EfficientNet-B0", "ResNet-18"]
    found = smallest_counts(rows)
    assert found is not None and (found.positives, found.negatives) == (613, 2521)
    assert found.true_positives == (525, 515, 497, 477, 453)
    assert found.false_positives == (51, 61, 68, 84, 107)
    assert "613 images of the class and 2,521 others (3,134)" in check_prevalence(rows, 0.111).sentence


def test_counts_give_back_every_digit() -> None:
    """Counts of our own: what is printed from them is read back to a table no larger that prints the same."""
    hit, miss, alarm, calm = 41, 9, 12, 138
    shares = hit / (hit + miss), calm / (calm + alarm), hit / (hit + alarm)
    found = smallest_counts(parse_rows(" ".join(f"{share:.4f}" for share in shares)))
    assert found is not None and found.positives + found.negatives <= 200
    p, n, tp, fp = found.positives, found.negatives, found.true_positives[0], found.false_positives[0]
    assert [f"{v:.4f}" for v in (tp / p, 1 - fp / n, tp / (tp + fp))] == [f"{share:.4f}" for share in shares]


def test_rows_of_two_test_sets_contradict_one_another() -> None:
    found = check_prevalence(parse_rows("a\t0.8564\t0.9798\t0.9115\nb\t0.8564\t0.9798\t0.7000"))
    assert found.flagged and "exclude one another" in found.sentence and found.counts is None


@pytest.mark.parametrize(
    "text",
    [
        "model,sensitivity,specificity,precision\nResNet-50,0.8401,0.9758,0.8941",
        "ResNet-50; 84.01 %; 97.58 %; 89.41 %",
        "precision\tsensitivity\tspecificity\n0.8941\t0.8401\t0.9758",
        "ResNet-50 0.8401 0.9758 0.8941",
        "ResNet-50, 84.01, 97.58, 89.41",
    ],
)
def test_rows_are_read_however_they_are_parted(text: str) -> None:
    (row,) = parse_rows(text)
    assert [share.value for share in (row.sensitivity, row.specificity, row.precision)] == pytest.approx(
        [0.8401, 0.9758, 0.8941]
    )
    assert row.sensitivity.low == pytest.approx(0.84005) and row.sensitivity.high == pytest.approx(0.84015)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Paste 1 to 200 lines"),
        ("ViT 0.85 0.97", "Line 1 has 2 numbers"),
        ("0.85 0.97 312", "outside 0 to 100 %"),
        ("name, sens, prec\nViT, 0.85, 0.9", "column specificity is missing"),
        ("sens spec prec", "no numbers"),
        ("0.9 0.9 0.9\n" * 201, "Paste 1 to 200 lines"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_rows(text)


def test_whole_percent_hide_more_than_four_digits() -> None:
    assert reported("86").high - reported("86").low == pytest.approx(0.01)
    assert reported("1").value == 1.0 and reported("0,8564").value == 0.8564
