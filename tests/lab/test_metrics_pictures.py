"""Metrics on pixels: paired similarity, likeness of siblings and classes, the average picture."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.mean_image import FORMATS, average, file_sizes, renormalised
from lab.metrics.pictures import pictures_of
from lab.metrics.result import MetricResult

SIDE, N, M, H = 48, 44, 40, 40
PAIRED = ("psnr", "ssim", "ms-ssim", "lpips")


def films(n: int, seed: int, noise: float = 8.0) -> list[np.ndarray]:
    """Smooth blobs at random places with a little noise: pictures that differ from each other."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    made = []
    for _ in range(n):
        (y, x), width = rng.uniform(10, SIDE - 10, 2), rng.uniform(4, 10)
        blob = 60 + 150 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
        made.append(np.clip(blob + noise * rng.normal(size=blob.shape), 0, 255).astype(np.uint8))
    return made


def flat(images: list[np.ndarray]) -> np.ndarray:
    return np.asarray([image[:SIDE:6, :SIDE:6].ravel() for image in images], dtype=np.float64)


def given(samples: list[np.ndarray], **changes) -> MetricInput:
    real, held_out = films(N, 1), films(H, 2)
    labels = [np.asarray(["a", "b"])[np.arange(n) % 2] for n in (N, len(samples), H)]
    return MetricInput(
        **{
            "real": flat(real), "real_patients": np.asarray([f"p{n // 2}" for n in range(N)]),
            "synthetic": flat(samples), "held_out": flat(held_out),
            "held_out_patients": np.asarray([f"q{n // 2}" for n in range(H)]),
            "real_pictures": pictures_of(real), "synthetic_pictures": pictures_of(samples),
            "held_out_pictures": pictures_of(held_out), "real_labels": labels[0],
            "synthetic_labels": labels[1], "held_out_labels": labels[2], "extractor": "toy", **changes,
        }
    )  # fmt: skip


def measure(name: str, of: MetricInput) -> MetricResult:
    return next(iter(evaluate([name], of)))


def squared(first: np.ndarray, second: np.ndarray) -> float:
    """Stands for LPIPS, whose weights are not here."""
    return float(np.mean((first.astype(float) - second) ** 2)) / 255.0**2


@pytest.mark.row("CM-09")
@pytest.mark.parametrize("name", PAIRED)
def test_an_unpaired_set_gets_an_explanation_and_no_number(name: str) -> None:
    for sources in (None, np.full(M, -1)):
        result = measure(name, given(films(M, 3), synthetic_sources=sources, perceptual=squared))
        assert result.value is None and "not paired" in result.note and "reconstructions" in result.note


@pytest.mark.row("CM-09")
@pytest.mark.fault(32)
@pytest.mark.parametrize("name", PAIRED)
def test_pairs_score_by_how_alike_they_are(name: str) -> None:
    sources = np.arange(M) % N
    real = films(N, 1)
    noisy = [
        np.clip(real[row] + 20.0 * np.random.default_rng(row).normal(size=(SIDE, SIDE)), 0, 255)
        for row in sources
    ]
    sets = {
        "copied": [real[row] for row in sources],
        "noisy": [one.astype(np.uint8) for one in noisy],
        "unrelated": films(M, 3),
    }
    found = {
        key: measure(name, given(samples, synthetic_sources=sources, perceptual=squared))
        for key, samples in sets.items()
    }
    best = {"psnr": 100.0, "lpips": 0.0}.get(name, 1.0)
    assert found["copied"].value == pytest.approx(best, abs=1e-9)
    sign = -1 if name == "lpips" else 1
    assert sign * found["copied"].value > sign * found["noisy"].value > sign * found["unrelated"].value
    unrelated = found["unrelated"]
    assert abs(unrelated.value - unrelated.control) < abs(found["noisy"].value - unrelated.control)
    assert unrelated.floor is not None and unrelated.per_image is not None
    assert unrelated.per_image.mean() == pytest.approx(unrelated.value)
    assert len(unrelated.details["histogram"]["samples"]) == M
    if name != "lpips":
        assert found["noisy"].published is None or found["noisy"].published_note


@pytest.mark.row("CM-09")
def test_a_pair_of_two_sizes_is_compared_at_the_sources_and_samples_without_source_are_left_out() -> None:
    real = films(N, 1)
    sources = np.asarray([0, 1, -1])
    samples = [np.kron(real[0], np.ones((2, 2), dtype=np.uint8)), real[1], real[2]]
    result = measure("psnr", given(samples, synthetic_sources=sources))
    assert "1 samples have no source" in result.note and "brought to the size" in result.note
    assert np.isnan(result.per_image[2]) and result.per_image[1] == 100.0 and result.per_image[0] > 30.0
    assert "No interval" in result.note


@pytest.mark.row("R6")
def test_four_samples_of_a_prompt_give_six_pairs_and_equal_ones_give_one() -> None:
    same, others = films(1, 5) * 4, films(4, 6)
    prompts = np.asarray(["effusion"] * 4 + ["clear lungs"] * 4 + ["alone"])
    of = given(same + others + films(1, 7), synthetic_prompts=prompts)
    result = measure("ms-ssim-siblings", of)
    rows = {len(row): row for row in result.details["table"]}
    assert [len(row) for row in result.details["table"]] == [7, 7]  # an id and six values
    values = [[row[f"ms_ssim_{at}"] for at in range(6)] for row in result.details["table"]]
    assert [1.0] * 6 in values and min(map(max, values)) < 0.95
    assert all(row["dicom_id"].startswith("prompt-") for row in result.details["table"])
    assert "effusion" not in json.dumps(result.to_json()) and rows
    assert result.value == pytest.approx(np.mean(values), abs=1e-4)
    assert result.note.startswith("No interval") and "12 pairs of 2 prompts" in result.note
    assert np.isnan(result.per_image[8]) and result.per_image[0] == pytest.approx(1.0)
    assert result.control is not None and result.control < 0.95


@pytest.mark.row("R6")
def test_without_siblings_there_is_no_number() -> None:
    result = measure("ms-ssim-siblings", given(films(3, 5), synthetic_prompts=np.asarray(["a", "b", ""])))
    assert result.value is None and "two or more a prompt" in result.note


@pytest.mark.fault(32)
@pytest.mark.parametrize(("name", "worse"), [("intra-class-ms-ssim", 1), ("intra-class-lpips", -1)])
def test_a_collapsed_class_is_alike_and_an_honest_one_like_the_held_out(name: str, worse: int) -> None:
    options = {f"{name}.pairs": 150.0}
    honest = measure(name, given(films(M, 3), perceptual=squared, options=options))
    near = [
        np.clip(films(1, 9)[0] + np.full((SIDE, SIDE), row % 3), 0, 255).astype(np.uint8) for row in range(M)
    ]
    collapsed = measure(name, given(near, perceptual=squared, options=options))
    assert worse * collapsed.value > worse * honest.value
    assert honest.low <= honest.control <= honest.high or abs(honest.value - honest.control) < 0.05
    assert "150 pairs" in honest.note and collapsed.control == honest.control


@pytest.mark.row("XI-04")
@pytest.mark.fault(32)
def test_identical_images_give_the_largest_file_and_varied_ones_a_smaller_one() -> None:
    options = {"mean-image-size.side": 48.0}
    one = films(1, 9, noise=25.0)
    same = measure("mean-image-size", given(one * M, options=options))
    varied = measure("mean-image-size", given(films(M, 3, noise=25.0), options=options))
    assert same.value > 1.3 * varied.value
    for result in (same, varied):
        assert set(result.details["bars"]) == {f"{name} (bytes)" for name in FORMATS}
        assert result.details["bars"]["png (bytes)"] == result.value == int(result.value)
        assert result.published == result.value // 1024 or "class means" in result.published_note
    assert same.details["bars"]["webp (bytes)"] > varied.details["bars"]["webp (bytes)"]
    assert varied.floor_n == M and varied.low is not None


@pytest.mark.row("XI-04")
def test_formats_are_lossless_and_the_average_weighs_images_not_classes() -> None:
    import io

    from PIL import Image

    picture = films(1, 4)[0]
    for name, ways in {"png": {}, "webp": {"lossless": True}, "jpeg2000": {"irreversible": False}}.items():
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, format=name.upper(), **ways)
        with Image.open(io.BytesIO(stream.getvalue())) as read:
            assert np.array_equal(np.asarray(read.convert("L")), picture), name
    assert all(size > 100 for size in file_sizes(picture).values())
    dark, light = np.zeros((SIDE, SIDE), dtype=np.uint8), np.full((SIDE, SIDE), 200, dtype=np.uint8)
    assert average(dark.astype(np.int64) * 3 + light, 4).max() == 50
    labels = np.asarray(["dark"] * 3 + ["light"])
    of = given([dark, dark, dark, light], synthetic_labels=labels)
    result = measure("mean-image-size", of)
    assert result.value is not None and result.value == file_sizes(np.full((256, 256), 50, np.uint8))["png"]


@pytest.mark.row("XI-05")
def test_a_further_group_changes_variety_and_not_bytes() -> None:
    sizes = {"stylegan": 40_000, "diffusion": 30_000}
    assert renormalised(sizes) == {"stylegan": 0.0, "diffusion": 1.0}
    more = {**sizes, "collapsed": 80_000}
    assert renormalised(more) == {"stylegan": 0.8, "diffusion": 1.0, "collapsed": 0.0}
    assert sizes == {"stylegan": 40_000, "diffusion": 30_000}
    assert renormalised({"alone": 5}) == {"alone": 1.0} and renormalised({}) == {}


@pytest.mark.fault(37)
@pytest.mark.parametrize("name", ["psnr", "ms-ssim-siblings", "intra-class-ms-ssim", "mean-image-size"])
def test_the_order_of_files_is_no_matter(name: str) -> None:
    samples, rng = films(24, 3), np.random.default_rng(5)
    rows, prompts, sources = rng.permutation(24), np.asarray(list("abcdef") * 4), np.arange(24)
    labels = np.asarray(["a", "b"])[np.arange(24) % 2]
    options = {"intra-class-ms-ssim.pairs": 30.0, "mean-image-size.side": 48.0}

    def of(order: np.ndarray) -> MetricInput:
        return given(
            [samples[row] for row in order], synthetic_prompts=prompts[order], synthetic_sources=sources[order],
            synthetic_labels=labels[order], options=options,
        )  # fmt: skip

    one, other = measure(name, of(np.arange(24))), measure(name, of(rows))
    for field in ("value", "low", "high", "control", "floor", "published"):
        wanted = getattr(one, field)
        assert getattr(other, field) == (None if wanted is None else pytest.approx(wanted, rel=1e-9)), field
    if one.per_image is not None:
        assert other.per_image == pytest.approx(one.per_image[rows])
