"""Metrics on masks: agreement with the mask asked for, plausible anatomy, copies, variety; and the small segmenter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.mask_overlaps import best_matches, overlap
from lab.metrics.mask_rules import FAULTS, PIECES, RING, learn_rules
from lab.metrics.mask_shapes import at_side, encloses, perimeter, pieces, roundness, shape_of
from lab.metrics.pictures import pictures_of
from lab.metrics.result import MetricResult
from tests.builders.toy_hearts import LV, MYO, RV, SIDE, disk, film, hearts

N, H, M = 40, 30, 26
NAMES = {RV: "right ventricle", MYO: "myocardium", LV: "left ventricle"}


def broken(mask: np.ndarray) -> np.ndarray:
    """The muscle's ring opened by a cut of two pixels."""
    cut = mask.copy()
    row = int(np.argwhere(mask == LV)[:, 0].mean())
    strip = cut[row : row + 2]
    strip[strip == MYO] = 0
    return cut


def given(masks: list[np.ndarray] | None, found: list[np.ndarray] | None = None, **changes) -> MetricInput:
    real, held_out = hearts(N, 1), hearts(H, 2)
    rng = np.random.default_rng(0)
    n = len(masks if masks is not None else found)
    return MetricInput(
        **{
            "real": rng.normal(size=(N, 3)), "real_patients": np.asarray([f"p{row}" for row in range(N)]),
            "synthetic": rng.normal(size=(n, 3)), "held_out": rng.normal(size=(H, 3)),
            "held_out_patients": np.asarray([f"q{row}" for row in range(H)]),
            "real_masks": pictures_of(real), "held_out_masks": pictures_of(held_out),
            "synthetic_masks": None if masks is None else pictures_of(masks),
            "synthetic_segmented": None if found is None else pictures_of(found),
            "held_out_segmented": pictures_of([np.roll(one, 1, axis=1) for one in held_out]),
            "real_segmented": pictures_of(real), "structures": NAMES, **changes,
        }
    )  # fmt: skip


def measure(name: str, of: MetricInput) -> MetricResult:
    return next(iter(evaluate([name], of)))


@pytest.mark.row("CM-07")
@pytest.mark.fault(32)
def test_a_perfect_copy_scores_one_and_zero() -> None:
    asked = hearts(M, 3)
    for name, best in (("mask-dice", 1.0), ("mask-hd95", 0.0)):
        copied, moved = (
            measure(name, given(asked, asked)),
            measure(name, given(asked, [np.roll(m, 3, 0) for m in asked])),
        )
        assert copied.value == best and copied.per_image.tolist() == [best] * M
        sign = 1 if name == "mask-dice" else -1
        assert (
            sign * copied.value > sign * copied.control > sign * moved.value
        )  # the control is one pixel off
        assert [row["structure"] for row in moved.details["table"]] == list(NAMES.values())
        assert copied.floor == best and moved.low <= moved.value <= moved.high


@pytest.mark.row("CM-07")
def test_a_missing_structure_is_told_and_counts_and_background_does_not() -> None:
    asked = hearts(M, 3)
    lost = [np.where(mask == LV, 0, mask).astype(np.uint8) for mask in asked]
    found = measure("mask-dice", given(asked, lost))
    table = {row["structure"]: row for row in found.details["table"]}
    assert table["left ventricle"]["missing"] == M and table["left ventricle"]["samples"] == 0.0
    assert (
        found.value == pytest.approx(2 / 3)
        and f"{M} structures that were asked for are missing" in found.note
    )
    far = measure("mask-hd95", given(asked, lost))
    assert far.value == pytest.approx(np.hypot(SIDE, SIDE) / 3) and far.published == 0.0
    assert "drops infinite distances" in far.published_note
    nothing = measure("mask-dice", given(asked, [np.zeros_like(mask) for mask in asked]))
    assert nothing.value == 0.0  # all background: no credit for it
    extra = measure("mask-dice", given(lost, asked))
    assert extra.value == 1.0 and f"{M} structures are there that nobody asked for" in extra.note


def test_without_a_mask_or_a_segmenter_there_is_a_sentence() -> None:
    asked = hearts(M, 3)
    assert "no segmenter" in measure("mask-dice", given(asked, None)).note
    assert "was asked for a mask" in measure("mask-dice", given(None, asked)).note
    neither = given(asked, None, synthetic_masks=None)
    for name in ("mask-plausibility", "mask-copy-share", "mask-diversity"):
        assert (
            measure(name, neither).value is None
            and "python -m lab segmenter train" in measure(name, neither).note
        )
        assert "training images have no masks" in measure(name, given(asked, None, real_masks=None)).note


@pytest.mark.row("CM-08")
def test_a_disk_is_round_and_a_bar_is_not() -> None:
    for radius in (8, 15, 25):
        assert roundness(disk(32, 32, radius)) == pytest.approx(1.0, abs=0.06)
        assert perimeter(disk(32, 32, radius)) == pytest.approx(2 * np.pi * radius, rel=0.04)
    bar = np.zeros((SIDE, SIDE), dtype=bool)
    bar[30:34, 4:60] = True
    assert roundness(bar) < 0.3 and roundness(np.zeros_like(bar)) == 0.0
    two = disk(20, 20, 6) | disk(45, 45, 6)
    assert pieces(two) == 2 and pieces(two | bar) == 3


def test_a_shape_at_the_edge_of_the_picture_counts_as_in_the_middle() -> None:
    from lab.metrics.mask_shapes import box, hausdorff95

    middle, corner = disk(32, 32, 6), disk(5, 5, 6)
    assert (
        hausdorff95(corner, np.roll(corner, 4, axis=1))
        == hausdorff95(middle, np.roll(middle, 4, axis=1))
        == 4.0
    )
    assert middle[box(middle)].sum() == middle.sum() and middle[box(middle)].shape == (13, 13)
    assert box(np.zeros((4, 4), dtype=bool)) == (slice(0, None), slice(0, None))


@pytest.mark.row("CM-08")
def test_a_broken_ring_is_flagged() -> None:
    mask = hearts(1, 3)[0]
    assert encloses(mask == MYO, mask == LV) and not encloses(broken(mask) == MYO, mask == LV)
    rules = learn_rules([shape_of(one) for one in hearts(N, 1)])
    assert rules.rings == {(MYO, LV)} and rules.expected == {RV, MYO, LV}
    assert rules.broken(shape_of(mask)) == set() and RING in rules.broken(shape_of(broken(mask)))
    honest = measure("mask-plausibility", given(hearts(M, 3)))
    cut = measure("mask-plausibility", given([broken(one) for one in hearts(M, 3)]))
    assert honest.value > 0.9 and honest.control > 0.9 and cut.value == 0.0
    assert cut.details["bars"][RING] == 1.0 and honest.details["bars"][RING] == 0.0
    assert len(cut.details["flagged"]) == M and set(cut.details["bars"]) == set(FAULTS)
    table = {row["structure"]: row for row in honest.details["table"]}
    assert table["myocardium"]["ring around"] == "left ventricle"
    assert table["left ventricle"]["samples: roundness"] == pytest.approx(1.0, abs=0.08)


@pytest.mark.row("CM-08")
def test_every_kind_of_fault_has_its_own_word() -> None:
    rules = learn_rules([shape_of(one) for one in hearts(N, 1)])
    mask = hearts(1, 3)[0]
    scattered, huge, odd = mask.copy(), mask.copy(), mask.copy()
    scattered[2:4, 2:4] = RV
    huge[disk(32, 32, 31)] = LV
    odd[:2] = 9
    lost = np.where(mask == RV, 0, mask)
    found = [rules.broken(shape_of(one)) for one in (scattered, huge, odd, lost)]
    assert found[0] == {PIECES} and "an area never seen" in found[1]
    assert "an unknown structure" in found[2] and found[3] == {"a structure is missing"}


@pytest.mark.row("CM-08")
@pytest.mark.fault(32)
def test_copied_masks_are_counted_and_new_ones_are_not() -> None:
    real = hearts(N, 1)
    honest = measure("mask-copy-share", given(hearts(M, 3)))
    half = measure("mask-copy-share", given(real[: M // 2] + hearts(M - M // 2, 3)))
    assert honest.value == honest.control == 0.0 and half.value == 0.5
    assert (
        honest.low == 0.0 and 0.05 < honest.high < 0.2
    )  # none of 26: the exact bound, not an interval of no width
    flagged = half.details["flagged"]
    assert len(flagged) == M // 2 and all(
        row["sample"] == row["training"] and row["score"] == 1.0 for row in flagged
    )
    assert half.details["rule"] == {"above": 0.99} and half.per_image.max() == 1.0
    small = [one[::2, ::2] for one in real[:3]]
    best, which = best_matches(
        *(np.asarray([m.ravel() for m in side], dtype=np.uint8) for side in (small, small))
    )
    assert best.tolist() == [1.0] * 3 and which.tolist() == [0, 1, 2]


@pytest.mark.row("CM-08")
@pytest.mark.fault(32)
def test_equal_masks_have_no_variety() -> None:
    varied = measure("mask-diversity", given(hearts(M, 3)))
    same = measure("mask-diversity", given(hearts(1, 3) * M))
    assert same.value == 0.0 and same.published == 1.0
    assert varied.value > 0.2 and abs(varied.value - varied.control) < 0.1
    assert set(varied.details["bars"]) == set(NAMES.values()) and varied.floor is not None


def test_blocks_of_overlaps_equal_single_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.metrics import mask_overlaps

    masks, others = hearts(7, 3), hearts(9, 4)
    others[2] = np.where(others[2] == RV, 0, others[2])
    flat = [np.asarray([m.ravel() for m in side], dtype=np.uint8) for side in (masks, others)]
    wanted = np.asarray([[overlap(a, b) for b in others] for a in masks])
    for rows in (2, 128):
        monkeypatch.setattr(mask_overlaps, "ROWS", rows)
        best, which = best_matches(*flat)
        assert (
            best == pytest.approx(wanted.max(axis=1), abs=1e-12)
            and which.tolist() == wanted.argmax(axis=1).tolist()
        )
    assert overlap(masks[0], at_side(at_side(masks[0], 128, 128), SIDE, SIDE)) == 1.0


def test_samples_without_masks_are_judged_by_the_segmenter_and_so_are_the_held_out() -> None:
    found = measure("mask-plausibility", given(None, hearts(M, 3)))
    assert f"{M} masks are the segmenter's" in found.note and found.value > 0.9 and found.control > 0.9


@pytest.mark.row("CM-07")
def test_a_segmenter_learns_in_steps_resumes_alike_and_outlines_other_patients(tmp_path) -> None:
    from lab.metrics.mask_shapes import dice
    from lab.segmentation.card import SegmenterCard
    from lab.segmentation.segmenter import open_segmenter, write_segmenter
    from lab.segmentation.training import Recipe, learn

    rng = np.random.default_rng(0)
    masks = [one[::2, ::2] for one in hearts(24, 5)]
    films = [film(one, rng) for one in masks]
    recipe = Recipe(4, size=32, steps=60, batch=8, widths=(8, 16))

    def trained(place, stops: int | None):
        place.mkdir()
        steps = learn(recipe, np.asarray(films), np.asarray(masks), place)
        if stops is not None:
            list(itertools.islice(steps, stops))
            steps.close()
            steps = learn(recipe, np.asarray(films), np.asarray(masks), place)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    whole, resumed = trained(tmp_path / "whole", None), trained(tmp_path / "resumed", 2)
    for name, value in whole.state_dict().items():
        assert np.allclose(value.numpy(), resumed.state_dict()[name].numpy(), atol=1e-5), name
    card = SegmenterCard("toy", 32, (8, 16), (RV, MYO, LV), tuple(NAMES.values()), "trained here", "CC0")
    segmenter = open_segmenter(write_segmenter(tmp_path / "kept", card, whole))
    other = hearts(6, 6)
    images = [film(one, rng) for one in other]
    found = segmenter.segment(images)
    assert found[0].shape == (SIDE, SIDE) and found[0].dtype == np.uint8
    assert (
        np.mean([dice(asked == LV, answer == LV) for asked, answer in zip(other, found, strict=True)]) > 0.8
    )
    assert (
        np.mean([dice(asked == MYO, answer == MYO) for asked, answer in zip(other, found, strict=True)]) > 0.6
    )
