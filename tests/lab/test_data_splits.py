"""Splits: by patient, the same everywhere, in any order."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.linked_patients import linked_groups
from lab.data.splits import (
    SPLITS,
    canonical_split,
    check_splits,
    own_patients,
    split_by_patient,
)
from lab.errors import DatasetError, InputError

ids = st.lists(st.text(min_size=1).filter(lambda text: text.strip()), min_size=1, max_size=60)


@settings(max_examples=25, deadline=None)
@given(ids, st.integers(0, 2**32), st.randoms())
def test_order_and_repeats_change_nothing(patients, seed, chance: random.Random):
    first = split_by_patient(patients, seed=seed)
    shuffled = patients * 2
    chance.shuffle(shuffled)
    assert split_by_patient(shuffled, seed=seed) == first
    assert set(first) == set(patients) and set(first.values()) <= set(SPLITS)
    check_splits(shuffled, [first[patient] for patient in shuffled])


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 400), st.integers(0, 1000))
def test_shares_are_met_to_the_patient(n, seed):
    counts = Counter(split_by_patient([f"p{i}" for i in range(n)], seed=seed).values())
    assert sum(counts.values()) == n and all(counts[split] >= 1 for split in SPLITS)
    for split, share in zip(SPLITS, (0.6, 0.3, 0.1), strict=True):
        assert abs(counts[split] - share * n) <= 2


def test_pinned_for_ever():
    assert split_by_patient(["a", "b", "c", "d", "e"]) == PINNED
    assert Counter(split_by_patient([f"p{i}" for i in range(820)]).values()) == {
        "train": 492, "held-out": 246, "test": 82,
    }  # fmt: skip


PINNED = {"a": "test", "b": "held-out", "c": "train", "d": "train", "e": "held-out"}


def test_the_hash_seed_of_the_process_is_no_part_of_it():
    code = "from lab.data.splits import split_by_patient as s; print(sorted(s([f'p{i}' for i in range(50)]).items()))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


def test_another_seed_is_another_division():
    patients = [f"p{i}" for i in range(100)]
    assert split_by_patient(patients, seed=0) != split_by_patient(patients, seed=1)


def test_ids_that_differ_only_in_blanks_or_unicode_form_are_one_patient():
    many = [f"p{i}" for i in range(30)]
    found = split_by_patient([*many, *(f" {p} " for p in many), "Zo\u00eb", "Zoe\u0308"])
    assert all(found[p] == found[f" {p} "] for p in many)
    assert found["Zo\u00eb"] == found["Zoe\u0308"]


def test_an_unknown_patient_is_the_image_itself():
    assert own_patients(["", " p1", "  "], ["i1", "i2", "i3"]) == ["i1", "p1", "i3"]
    with pytest.raises(InputError):
        split_by_patient(["p1", " "])


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.2, 0), (0.5, 0.5), (float("nan"), 0.5, 0.5)])
def test_impossible_shares(shares):
    with pytest.raises(InputError, match="sum to 1"):
        split_by_patient(["a"], shares)


@pytest.mark.fault(34)
def test_a_patient_in_two_splits_is_refused_with_the_count_and_no_name():
    with pytest.raises(DatasetError, match="2 patients stand in more than one split") as caught:
        check_splits(["Doe", "Doe ", "b", "b", "c"], ["train", "test", "train", "held-out", "test"])
    assert "Doe" not in str(caught.value)
    with pytest.raises(DatasetError, match="1 images have a split other"):
        check_splits(["a"], ["dev"])


def test_usual_split_names():
    assert [canonical_split(name) for name in ("Training", "val", "held_out", "TEST", "0")] == [
        "train", "held-out", "held-out", "test", None,
    ]  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_linked_patients_form_closed_groups(pairs):
    links = [(f"{a:02d}", f"{b:02d}") for a, b in pairs]
    group = linked_groups([f"{i:02d}" for i in range(13)], links)
    assert all(group[a] == group[b] for a, b in links)
    assert all(group[group[p]] == group[p] <= p for p in group)
    if not links:
        assert all(group[p] == p for p in group)
