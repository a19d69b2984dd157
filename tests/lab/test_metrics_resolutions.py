"""Several resolutions in several feature spaces, and the radiomics distance."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.result import MetricResult


def measure(name: str, of: MetricInput) -> MetricResult:
    return next(iter(evaluate([name], of)))


def films(n: int, seed: int, noise: float) -> list[np.ndarray]:
    """Smooth blobs at random places with noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:48, :48]
    made = []
    for _ in range(n):
        (y, x), width = rng.uniform(10, 38, 2), rng.uniform(4, 10)
        blob = 60 + 150 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
        made.append(np.clip(blob + noise * rng.normal(size=blob.shape), 0, 255).astype(np.uint8))
    return made


def spaces(shift: float = 0.0, seed: int = 0, spread: float = 1.0) -> dict[str, Space]:
    found = {}
    for extractor in ("first", "second"):
        for side in (32, 64, 128, 256):
            rng = np.random.default_rng([seed, side, len(extractor)])
            base = np.full(6, 5.0)
            real, held_out, fake = (base + rng.normal(size=(n, 6)) for n in (120, 80, 90))
            fake = base + (fake - base) * spread
            fake[:, 0] += shift
            found[f"resolution:{side}:{extractor}"] = Space(real, fake, held_out, extractor)
    return found


def at_resolutions(**changes) -> MetricInput:
    where = spaces(**changes)
    one = where["resolution:32:first"]
    return MetricInput(
        one.real, np.arange(120).astype(str), one.synthetic, held_out=one.held_out,
        held_out_patients=np.asarray([f"q{n}" for n in range(80)]), spaces=where,
    )  # fmt: skip


@pytest.mark.row("XI-06")
@pytest.mark.parametrize("name", ["mm-fid", "mm-std"])
def test_four_resolutions_in_two_spaces_make_a_table(name: str) -> None:
    from lab.metrics.resolutions import normalised_rows

    result = measure(name, at_resolutions())
    table = result.details["table"]
    assert [row["side"] for row in table] == [32, 64, 128, 256]
    assert all(set(row) == {"side", "first", "second"} for row in table)
    cells = [row[column] for row in table for column in ("first", "second")]
    assert result.value == pytest.approx(np.mean(cells)) and "8 values ±" in result.note
    assert result.control is not None and result.floor is not None and result.low < result.value < result.high
    worse = measure(name, at_resolutions(shift=4.0, spread=0.3))
    assert (worse.value > result.control_high) if name == "mm-fid" else (worse.value < result.control_low)
    both = normalised_rows({"good": table, "bad": worse.details["table"]})
    assert (both["bad"]["mean"] > both["good"]["mean"]) == (name == "mm-fid")
    assert both["good"]["mean"] ** 2 + both["bad"]["mean"] ** 2 == pytest.approx(1.0, abs=0.05)


@pytest.mark.row("XI-06")
def test_the_order_of_rows_is_no_matter() -> None:
    of, rng = at_resolutions(), np.random.default_rng(3)
    r, s, h = rng.permutation(120), rng.permutation(90), rng.permutation(80)
    shuffled = replace(
        of, real=of.real[r], real_patients=of.real_patients[r], synthetic=of.synthetic[s], held_out=of.held_out[h],
        held_out_patients=of.held_out_patients[h],
        spaces={k: Space(v.real[r], v.synthetic[s], v.held_out[h], v.extractor) for k, v in of.spaces.items()},
    )  # fmt: skip
    for name in ("mm-fid", "mm-std"):
        one, other = measure(name, of), measure(name, shuffled)
        assert (one.value, one.low, one.control) == pytest.approx(
            (other.value, other.low, other.control), rel=1e-9
        )
    assert "several resolutions" in measure("mm-fid", replace(of, spaces={})).note


@lru_cache(maxsize=8)
def texture(n: int, seed: int, noise: float) -> np.ndarray:
    """Radiomic features of toy films, at 24 pixels: enough for directions."""
    from lab.metrics.radiomics.features import radiomic_vector

    return np.asarray([radiomic_vector(one, 24) for one in films(n, seed, noise)])


def radiomic(samples: np.ndarray, rows: np.ndarray | None = None) -> MetricInput:
    real, chosen = texture(21, 1, 8.0), samples if rows is None else samples[rows]
    return MetricInput(
        real[:, :4],
        np.arange(21).astype(str),
        chosen[:, :4],
        spaces={"radiomics": Space(real, chosen, None, "radiomics")},
    )


@pytest.mark.row("C9")
@pytest.mark.fault(32)
def test_identical_sets_give_zero_before_the_logarithm_and_texture_counts() -> None:
    same = measure("radiomics-distance", radiomic(texture(21, 1, 8.0)))
    assert same.value == pytest.approx(0.0, abs=1e-6)
    honest = measure(
        "radiomics-distance", radiomic(texture(21, 3, 8.0))
    )  # of no batch a multiple: all 21 count
    rough = measure("radiomics-distance", radiomic(texture(21, 4, 25.0)))
    assert honest.n_synthetic == 21 and 0 < honest.value < rough.value and honest.published < rough.published
    assert (
        honest.floor is not None
        and "principal components of" in honest.note
        and "logarithm" in honest.published_note
    )


@pytest.mark.row("C9")
def test_the_order_of_files_is_no_matter_to_the_radiomics_distance() -> None:
    one = measure("radiomics-distance", radiomic(texture(21, 3, 8.0)))
    other = measure(
        "radiomics-distance", radiomic(texture(21, 3, 8.0), np.random.default_rng(0).permutation(21))
    )
    assert (other.value, other.low, other.published) == pytest.approx((one.value, one.low, one.published))
    assert other.value > 0.0


def test_without_radiomic_features_there_is_a_sentence() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 4))
    assert (
        "no radiomic features"
        in measure("radiomics-distance", MetricInput(rows, np.arange(30).astype(str), rows)).note
    )
