"""Pictures that stand in a dataset twice are found, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.data.guards.duplicate_pairs import SAME_BITS, DuplicatePair, report
from lab.data.guards.perceptual_hash import BITS, close_pairs, hash_distance, perceptual_hash
from lab.data.pixels import resize

TWICE = {
    frozenset({"16660_2_1", "-ards-admission"}),
    frozenset({"16660_3_1", "-ards-day-1"}),
    frozenset({"16660_4_1", "-ards-day-2"}),
    frozenset({"16660_5_1", "-ards-day-3"}),
}


def picture(seed: int, side: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = (rng.random((24, 24)) * 255).astype(np.uint8)
    return np.asarray(resize(coarse, side, "bicubic"))


def test_a_hash_survives_size_noise_and_mirroring_and_tells_pictures_apart() -> None:
    rng = np.random.default_rng(1)
    base = picture(0)
    noisy = np.clip(base.astype(int) + rng.integers(-8, 9, base.shape), 0, 255).astype(np.uint8)
    shown = [base, np.asarray(resize(base, 61, "bicubic")), noisy, np.ascontiguousarray(base[:, ::-1])]
    others = [picture(seed) for seed in range(1, 30)]
    hashes = np.stack([perceptual_hash(one) for one in [*shown, *others]])
    pairs = close_pairs(hashes, SAME_BITS)
    assert {(a, b) for a, b, _, _ in pairs} == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    assert {(a, b) for a, b, _, mirrored in pairs if mirrored} == {(0, 3), (1, 3), (2, 3)}
    assert all(hash_distance(hashes[a], hashes[b]) == bits for a, b, bits, _ in pairs)
    assert hash_distance(hashes[0], hashes[9]) > SAME_BITS


def test_blocks_give_the_pairs_of_the_plain_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    import lab.data.guards.perceptual_hash as module

    rng = np.random.default_rng(2)
    hashes = rng.integers(0, 2**63, (300, 2, 4), dtype=np.uint64)
    hashes[250], hashes[7, 0] = hashes[10], hashes[200, 1]
    monkeypatch.setattr(module, "_BLOCK", 64)
    limit = 105
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8).reshape(300, 2, 32), axis=2)
    assert bits.shape[2] == BITS
    expected = set()
    for a in range(300):
        for b in range(a + 1, 300):
            ways = [(bits[a, way] != bits[b, 0]).sum() for way in (0, 1)]
            if min(ways) <= limit:
                expected.add((a, b, int(min(ways))))
    assert {(a, b, n) for a, b, n, _ in close_pairs(hashes, limit)} == expected
    assert (10, 250, 0) in expected


def test_a_report_counts_pairs_across_patients_and_splits_and_within_a_patient() -> None:
    import pandas as pd

    table = pd.DataFrame({"image_id": list("abcd"), "patient_id": ["p", "p", "q", "r"]})
    pairs = [
        DuplicatePair("a", "b", 0, 1.0, 1.0, "as is", patients=False, splits=False),
        DuplicatePair("a", "c", 0, 1.0, 1.0, "as is", patients=True, splits=True),
        DuplicatePair("b", "d", 90, 0.95, 0.9, "flipped", patients=True, splits=False),
        DuplicatePair("c", "d", 90, 0.80, 0.9, "as is", patients=True, splits=True),
    ]
    told = report(pairs, table)
    assert (told["within_patient"], told["across_patients"], told["across_splits"]) == (1, 2, 1)
    assert [(pair["first"], pair["second"]) for pair in told["pairs"]] == [("a", "c"), ("b", "d")]


def _names(folder: Path) -> dict[str, str]:
    """Image id to file stem, by importing each file's pixels alone."""
    from lab.data.images import decode_clean
    from lab.provenance import digest_bytes

    found = {}
    for path in sorted((folder / "images").iterdir()):
        found[digest_bytes(decode_clean(path.read_bytes(), None, path.name)[1])[:16]] = path.stem
    return found


def test_the_four_films_published_twice_are_found(test_data: Path, workspace: Path) -> None:
    from lab.data.store import add_folder
    from lab.runs.dataset_requests import duplicates_run
    from lab.runs.inline import run_inline

    add_folder(test_data / "cxr_covid", "covid")
    run = run_inline(duplicates_run("covid"))
    assert run.state == "done" and run.result is not None, run.error
    names = _names(test_data / "cxr_covid")
    found = [(names[pair["first"]], names[pair["second"]]) for pair in run.result["pairs"]]
    assert len(found) == 4, "four, and no other pair"
    for pair in TWICE:
        assert any(all(any(part in name for name in both) for part in pair) for both in found), pair
    assert run.result["across_patients"] == 4
    assert run.result["images"] == 228 and run.result["patients"] == 107
