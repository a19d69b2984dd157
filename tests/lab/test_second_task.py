"""The second label of images: which columns serve, how they become labels, and what is said without one."""

from __future__ import annotations

import pandas as pd
import pytest

from lab.runs.kinds.providers.second_task import absent, columns_for, task_labels
from tests.builders.memory_set import MemorySet, blobs


@pytest.fixture
def films() -> MemorySet:
    made = MemorySet("films", blobs(0, 20, side=16))
    made._table["sex"] = ["female", "male"] * 10
    made._table["age"] = [str(20 + n) for n in range(19)] + [""]
    made._table["vendor"] = ["one"] * 20
    made._table["site"] = [f"site {n}" for n in range(20)]
    return made


@pytest.mark.row("XI-07")
def test_columns_with_two_values_or_many_numbers_serve(films: MemorySet) -> None:
    assert columns_for(films) == ["sex", "age"]
    frames = {"real": films.frame(), "held_out": films.frame().iloc[:3].drop(columns="sex")}
    sexes = task_labels(frames, "sex")
    assert sexes["real"].tolist() == ["female", "male"] * 10 and sexes["held_out"].tolist() == [""] * 3
    ages = task_labels(frames, "age")
    assert ages["real"].tolist() == ["up to 29"] * 10 + ["above 29"] * 9 + [""]
    assert ages["held_out"].tolist() == ["up to 29"] * 3, "the training median parts every side"
    assert task_labels(frames, "nothing") == {}


def test_without_a_column_the_page_is_told(films: MemorySet, monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.data import resolve as resolving

    monkeypatch.setattr(resolving, "resolve", lambda _: films)
    assert absent("films", films, "") == ""
    plain = MemorySet("plain", blobs(0, 6, side=16))
    monkeypatch.setattr(resolving, "resolve", lambda _: plain)
    assert absent("plain", films, "").startswith("No column")
    assert isinstance(films.frame(), pd.DataFrame)
