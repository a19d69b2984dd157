"""SkinGenBench's matrix: eight subsets, eight arms, each with its sources and counts, missing ones with advice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.arms.contents import arms, checked, facts, proposed, to_json
from lab.data.arms.matrix import ARMS, SUBSETS, get_matrix, keep, list_matrices, new_matrix, remove
from lab.errors import InputError, NotFoundError
from tests.builders.toy_pipeline import toy_card_json

CLASSES = ("MEL", "NV", "BCC")


def add(folder: Path, id: str, count: int = 18, seed: int = 0) -> None:
    """A dataset of small colour pictures, every lesion its own patient, classes in turn."""
    from lab.data.images import encode_png
    from lab.data.store import add_folder

    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = ["image,patient_id,label"]
    for number in range(count):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        (folder / f"lesion-{number}.png").write_bytes(encode_png(pixels))
        rows.append(f"lesion-{number}.png,p{number},{CLASSES[number % 3]}")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(folder, id, licence="CC0 1.0", modality="dermoscopy")


def derived(id: str, recipe: str, seed: int = 0) -> None:
    from lab.data.importing.derive import derived_from
    from lab.data.preprocess.presets import preset

    derived_from("lesions", id, preset(recipe).recipe, seed=seed)


def samples(id: str, origin: str, parent: str, labels: list[str]) -> None:
    from lab.data.samples import NewSample, SampleSetWriter

    writer = SampleSetWriter(id, origin, parent=parent)
    rng = np.random.default_rng(len(labels))
    writer.append(
        NewSample(at, rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), {"seed": at}, "", label)
        for at, label in enumerate(labels)
    )
    writer.finalise()


@pytest.fixture
def lesions(workspace: Path, tmp_path: Path) -> str:
    """A dataset, both pipelines of it, an augmentation, and the cards of a GAN and of a diffusion model."""
    add(tmp_path / "lesions", "lesions")
    derived("basic", "skin-a")
    derived("basic-again", "skin-a", seed=1)
    derived("shaved", "skin-b-9")
    (workspace / "generators").mkdir()
    for name, family in (("mel-gan", "GAN"), ("mel-ddpm", "diffusion")):
        card = {
            **toy_card_json(tmp_path, name),
            "family": family,
            "conditioning": "none",
            "training_dataset": "basic",
        }
        (workspace / "generators" / f"{name}.json").write_text(json.dumps(card), "utf-8")
    return "lesions"


def train_counts(dataset: str) -> dict[str, int]:
    from lab.data.store import open_dataset

    return open_dataset(dataset).rows("train")["label"].value_counts().to_dict()


@pytest.mark.row("SG-09")
def test_eight_subsets_and_eight_arms_stand_in_the_matrix() -> None:
    assert SUBSETS == ("BS_GT", "BS_GTA", "BS_GN", "BS_DF", "AD_GT", "AD_GTA", "AD_GN", "AD_DF")
    assert list(ARMS) == ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"]
    assert ARMS["A1"] == ("BS_GT",) and ARMS["A2"] == ("BS_GT", "BS_GN") and ARMS["B3"] == ("AD_GT", "AD_DF")
    assert ARMS["B4"] == ("AD_GT", "AD_GTA")


@pytest.mark.row("SG-09")
def test_each_arm_lists_its_sources_and_counts(lesions: str) -> None:
    samples("made-by-gan", "mel-gan", "basic", [""] * 7)
    samples("made-by-ddpm", "mel-ddpm", "basic", ["MEL"] * 5 + ["NV"] * 2)
    matrix = new_matrix("skin", lesions, "MEL")
    for subset, reference in proposed(matrix).items():
        matrix = checked(matrix, subset, reference)
    assert dict(matrix.references) == {
        "BS_GT": "basic", "BS_GTA": "basic-again", "BS_GN": "made-by-gan", "BS_DF": "made-by-ddpm", "AD_GT": "shaved"
    }  # fmt: skip
    real, found = train_counts("basic"), arms(matrix)
    assert found["A1"].sources == (("BS_GT", "basic"),) and dict(found["A1"].counts) == real
    assert found["A2"].sources == (("BS_GT", "basic"), ("BS_GN", "made-by-gan"))
    assert dict(found["A2"].counts) == {**real, "MEL": real["MEL"] + 7} and found["A2"].synthetic == 7
    assert dict(found["A3"].counts) == {**real, "MEL": real["MEL"] + 5}, "only the target class is topped up"
    assert dict(found["A4"].counts) == {**real, "MEL": 2 * real["MEL"]} and found["A4"].synthetic == 0
    assert found["B1"].is_complete and found["B2"].missing == ("AD_GN",) and not found["B2"].is_complete
    assert dict(found["B2"].counts) == train_counts("shaved"), "what is there is counted"
    assert "2 images of other classes" in facts(matrix)["BS_DF"].notes[0]


@pytest.mark.row("SG-09")
def test_missing_subsets_say_what_to_do(lesions: str) -> None:
    told = facts(new_matrix("skin", lesions, "MEL"))
    assert all(one.reference == "" and one.advice for one in told.values())
    assert "dataset derive lesions --recipe skin-a --id NEW" in told["BS_GT"].advice
    assert "--recipe skin-b-9 --seed 1" in told["AD_GTA"].advice
    assert (
        "psi 0.8" in told["BS_GN"].advice
        and "1,000 steps" in told["AD_DF"].advice
        and "MEL" in told["AD_DF"].advice
    )


def test_a_set_that_cannot_be_a_subset_is_refused(lesions: str) -> None:
    matrix = new_matrix("skin", lesions, "MEL")
    samples("made", "mel-gan", "basic", ["MEL"])
    for subset, reference, says in (
        ("BS_GT", "shaved", "other pipeline"), ("AD_GT", "basic", "other pipeline"),
        ("BS_GT", "lesions", "not made of"),
        ("BS_GT", "basic:test", "without a split"), ("BS_XX", "basic", "no subset"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=says):
            checked(matrix, subset, reference)
    with pytest.raises(NotFoundError):
        checked(matrix, "BS_GN", "basic")
    with pytest.raises(NotFoundError):
        checked(matrix, "BS_GT", "made")
    for changes in (
        {"target": "SCC"},
        {"id": "Skin!"},
        {"recipes": {"AD": "skin-a"}},
        {"recipes": {"BS": "skin-b-9"}},
    ):
        with pytest.raises(InputError, match="nothing was kept"):
            new_matrix(**{"id": "skin", "dataset": lesions, "target": "MEL", **changes})


def test_a_generator_of_the_wrong_family_or_training_set_is_noted(lesions: str) -> None:
    samples("ddpm-set", "mel-ddpm", "lesions", ["MEL"] * 3)
    matrix = checked(checked(new_matrix("skin", lesions, "MEL"), "BS_GT", "basic"), "BS_GN", "ddpm-set")
    notes = facts(matrix)["BS_GN"].notes
    assert any("not trained on basic" in note for note in notes) and any(
        "another family" in note for note in notes
    )


def test_a_matrix_is_kept_and_one_whose_set_is_gone_says_so(lesions: str) -> None:
    from lab.data.samples import remove_sample_set

    samples("made", "mel-gan", "basic", ["MEL"] * 2)
    matrix = checked(new_matrix("skin", lesions, "MEL"), "BS_GN", "made")
    keep(matrix)
    assert get_matrix("skin") == matrix and list_matrices() == [matrix]
    remove_sample_set("made")
    told = facts(get_matrix("skin"))["BS_GN"]
    assert told.reference == "" and "not here any more" in told.notes[0] and told.advice
    assert to_json(matrix)["arms"]["A2"]["missing"] == ["BS_GT", "BS_GN"]
    remove("skin")
    with pytest.raises(NotFoundError):
        get_matrix("skin")


@pytest.mark.row("SG-09")
def test_the_command_tells_sources_counts_and_advice(lesions: str, capsys: Any) -> None:
    from lab.commands.main import run

    def told(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            run(["arms", *words])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert "A1  BS_GT (basic): " in told("new", "skin", "--dataset", lesions)
    samples("made", "mel-gan", "basic", ["MEL"] * 4)
    facts_told = json.loads(told("find", "skin", "--json"))
    assert facts_told["arms"]["A2"]["synthetic"] == 4 and facts_told["arms"]["A2"]["missing"] == []
    assert "missing" in told("show", "skin") and "psi 0.8" in told("show", "skin")
    assert "skin: lesions, MEL, 4 of 8 subsets" in told("list")
    assert "made" not in told("set", "skin", "BS_GN", "")
    with pytest.raises(SystemExit) as ended:
        run(["arms", "new", "skin", "--dataset", lesions])
    assert ended.value.code == 1
