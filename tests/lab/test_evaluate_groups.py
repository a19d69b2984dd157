"""One run by label, view or vendor: which rows a group holds, and that every number names its own n."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lab.data.imageset import FrameSet
from lab.errors import InputError
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.pictures import pictures_of
from lab.runs.kinds.evaluate_groups import group_titles, in_group
from lab.runs.requests import checked_options


def table(rows: int, name: str, **columns) -> FrameSet:
    ids = [f"{name}{row:015x}" for row in range(rows)]
    frame = pd.DataFrame({"image_id": ids, "digest": ids, "patient_id": ids, "split": "train", "caption": ""})
    return FrameSet(name, "REAL", frame.assign(**{"label": "", **columns}))


def given(n: int, m: int, h: int) -> MetricInput:
    rng = np.random.default_rng(0)
    real, synthetic, held_out = (rng.normal(size=(count, 4)) for count in (n, m, h))
    return MetricInput(
        real=real,
        real_patients=np.arange(n).astype(str),
        synthetic=synthetic,
        held_out=held_out,
        held_out_patients=np.asarray([f"h{row}" for row in range(h)]),
        spaces={"logits": Space(real, synthetic, held_out)},
        synthetic_sources=np.arange(m) % n,
        real_pictures=pictures_of([np.full((2, 2), row, np.uint8) for row in range(n)]),
    )


@pytest.mark.row("C10")
def test_several_labels_an_image_and_prompts_that_ask_for_one_make_the_groups() -> None:
    labels = ["Effusion|Edema", "Edema", "No Finding", "Effusion"]
    captions = ["fluid on both sides", "wet lungs", "clear", "fluid on both sides"]
    real = table(4, "r", labels=labels, caption=captions)
    asked = ["Large effusion.", "clear", "No effusion.", "fluid on both sides"]
    made = table(4, "s", caption=asked)
    held_out = table(2, "h", label=["Effusion", "No Finding"])

    assert group_titles(real, "label") == ["all", "label: Edema", "label: Effusion", "label: No Finding"]
    whole = given(4, 4, 2)
    effusion = in_group(whole, "label: Effusion", real, made, held_out)

    assert effusion.real.tolist() == whole.real[[0, 3]].tolist()
    # "No effusion" asks for none; the prompt that is a caption of films with both labels belongs to both.
    assert effusion.synthetic.tolist() == whole.synthetic[[0, 3]].tolist()
    assert in_group(whole, "label: Edema", real, made, held_out).n_synthetic == 1
    assert effusion.held_out.tolist() == whole.held_out[[0]].tolist()
    assert effusion.spaces["logits"].synthetic.tolist() == effusion.synthetic.tolist()
    assert effusion.synthetic_sources.tolist() == [0, 1] and [p[0, 0] for p in effusion.real_pictures] == [
        0,
        3,
    ]


@pytest.mark.row("C10", "CM-06")
def test_each_group_tells_its_own_n_and_a_small_one_gives_no_number() -> None:
    vendors = ["A"] * 60 + ["B"] * 4
    real, made = table(64, "r", vendor=vendors), table(64, "s", vendor=vendors)
    held_out = table(64, "h", vendor=vendors)
    whole = given(64, 64, 64)
    found = {
        title: next(evaluate(["kernel-distance"], in_group(whole, title, real, made, held_out)))
        for title in group_titles(real, "vendor")
    }

    assert [found[title].n_synthetic for title in ("all", "vendor: A", "vendor: B")] == [64, 60, 4]
    assert found["vendor: A"].value is not None and found["vendor: A"].group == "vendor: A"
    assert found["vendor: B"].value is None and "needs 10 or more" in found["vendor: B"].note


def test_an_option_that_no_chosen_metric_has_is_refused() -> None:
    with pytest.raises(InputError, match="unknown or outside"):
        checked_options({"kernel-distance.k": 3}, ["kernel-distance"])
