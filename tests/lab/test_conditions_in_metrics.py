"""What samples were asked for reaches the metrics: tables by vendor, and the mask that their anatomy is held to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.data.samples import NewSample, SampleSet, SampleSetWriter
from lab.generators.condition import Condition, encode_mask
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.runs.kinds.evaluate_groups import group_titles, in_group
from lab.runs.kinds.providers.masks import mask_reader
from lab.runs.kinds.providers.told_masks import told_masks
from tests.builders.toy_hearts import hearts
from tests.lab.test_evaluate_groups import table

VENDORS = ("vendor A", "vendor B")


def written(conditions: list[Condition], name: str = "asked") -> SampleSet:
    """A sample set whose recipes hold these conditions."""
    rng = np.random.default_rng(1)
    writer = SampleSetWriter(name, "painter", parent="hearts")
    writer.append(
        NewSample(
            row,
            rng.integers(0, 256, (16, 16), dtype=np.uint8),
            {"seed": row, "generator": "painter", **({"condition": one.to_json()} if one else {})},
        )
        for row, one in enumerate(conditions)
    )
    return writer.finalise()


@pytest.mark.row("CM-06")
def test_each_vendor_has_its_own_distance_from_the_vendors_samples_were_asked_for(workspace: Path) -> None:
    n = 48
    real = table(n, "r", vendor=[VENDORS[row % 2] for row in range(n)])
    made = written([Condition(vendor=VENDORS[row % 2]) for row in range(n)])
    # Each vendor's images lie in a place of their own, and so do the samples that were asked for it.
    rng = np.random.default_rng(0)
    shift = 8.0 * (np.arange(n) % 2)[:, None]
    given = MetricInput(
        real=rng.normal(size=(n, 4)) + shift,
        real_patients=np.arange(n).astype(str),
        synthetic=rng.normal(size=(n, 4)) + shift,
    )
    titles = group_titles(real, "vendor")
    assert titles == ["all", "vendor: vendor A", "vendor: vendor B"]
    groups = {title: in_group(given, title, real, made, None) for title in titles}
    assert [groups[title].n_synthetic for title in titles] == [n, n // 2, n // 2]
    names = ["frechet-distance", "kernel-distance"]
    found = {title: {one.metric: one for one in evaluate(names, groups[title])} for title in titles}
    for title in titles[1:]:
        assert found[title]["kernel-distance"].value < 1  # type: ignore[operator]
    crossed = MetricInput(
        real=groups[titles[1]].real,
        real_patients=groups[titles[1]].real_patients,
        synthetic=groups[titles[2]].synthetic,
    )
    (apart,) = evaluate(["kernel-distance"], crossed)
    assert apart.value > 10 * max(1e-3, found[titles[1]]["kernel-distance"].value)  # type: ignore[operator]
    assert found[titles[1]]["frechet-distance"].group == "vendor: vendor A"


def test_a_class_that_was_asked_for_is_the_samples_label(workspace: Path) -> None:
    real = table(4, "r", label=["nevus", "melanoma", "nevus", "melanoma"])
    made = written([Condition(label="nevus"), Condition(label="melanoma"), Condition(label="nevus")])
    rng = np.random.default_rng(0)
    given = MetricInput(rng.normal(size=(4, 2)), np.arange(4).astype(str), rng.normal(size=(3, 2)))
    assert in_group(given, "label: nevus", real, made, None).n_synthetic == 2


@pytest.mark.row("CM-07")
def test_the_mask_in_a_recipe_is_what_a_sample_is_held_to(workspace: Path, tmp_path: Path) -> None:
    from lab.data.importing.importer import add_folder
    from tests.builders.toy_hearts import write_hearts

    add_folder(write_hearts(tmp_path / "hearts", 12, 1), "hearts")
    masks = hearts(2, 7)
    made = written([Condition(mask=encode_mask(mask)) for mask in masks] + [Condition(vendor="vendor A")])
    read = mask_reader(made, "hearts")
    assert read is not None
    ids = made.ids()
    assert [np.array_equal(read(name), mask) for name, mask in zip(ids, masks, strict=False)] == [True, True]
    assert read(ids[2]) is None and sorted(told_masks(made)) == sorted(ids[:2])
    assert mask_reader(written([Condition()], "plain"), "hearts") is None
