"""What the evaluation hands to metrics on pixels and masks: prompts, masks, a segmenter's answers, coarser features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lab.config import settings
from lab.errors import InputError
from lab.runs.inline import run_inline
from lab.runs.kinds.providers import Sets, absent_needs, provider
from lab.runs.segmenter_requests import train_segmenter_run
from tests.builders.toy_hearts import LV, write_hearts


class Parts:
    """What a provider needs of a run: progress, parts that stay, resident models."""

    def __init__(self) -> None:
        self.settings = settings()
        self.kept: dict[str, bytes] = {}
        self.saved = 0

    def progress(self, *told: Any) -> Any:
        return told

    def part(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def save_part(self, key: str, data: bytes) -> None:
        self.kept[key] = data
        self.saved += 1

    def resident(self, key: str, build: Any) -> Any:
        return build()


class Means:
    """An extractor of four numbers: the means of the quarters of a picture."""

    id, digest, dimension, input_size, resampling = "quarters", "q" * 64, 4, 8, "none"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def embed(self, images: Any) -> np.ndarray:
        self.shapes += [image.shape for image in images]
        halves = [[one[:h, :w].mean(), one[:h, w:].mean(), one[h:, :w].mean(), one[h:, w:].mean()]
                  for one in images for h, w in [(one.shape[0] // 2, one.shape[1] // 2)]]  # fmt: skip
        return np.asarray(halves, dtype=np.float32)


def taken(need: str, ctx: Parts, sets: Sets) -> dict[str, Any]:
    steps: Iterator[Any] = provider(need).provide(ctx, sets)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An imported set of toy hearts with a segmenter, and two folders of samples, with masks and without."""
    from lab.data.importing.importer import add_folder
    from lab.data.resolve import resolve

    place = tmp_path_factory.mktemp("hearts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(place / "workspace"))
        add_folder(write_hearts(place / "real", 40, 1), "hearts")
        masked = write_hearts(place / "masked", 6, 3, with_table=False)
        plain = write_hearts(place / "plain", 6, 4, with_masks=False, with_table=False)
        before = absent_needs(["masks", "siblings", "perceptual"], "hearts", resolve(plain), "quarters")
        run = run_inline(train_segmenter_run("hearts", steps=80, size=32))
        yield {
            "run": run,
            "before": before,
            "masked": resolve(masked),
            "plain": resolve(plain),
            "place": place,
        }


def sets(synthetic: Any, extractor: Any = None, **options: float) -> Sets:
    from lab.data.resolve import resolve

    real, held_out = resolve("hearts"), resolve("hearts:held-out")
    return Sets("hearts", real, synthetic, held_out, extractor or Means(), {"options": options})


@pytest.mark.row("CM-07")
def test_a_run_trains_a_segmenter_and_judges_it_on_patients_that_did_not_teach(
    hearts: dict[str, Any],
) -> None:
    from lab.segmentation.card import folder_of, installed_digest, list_cards

    assert hearts["run"].state == "done", hearts["run"].error
    card = hearts["run"].result["card"]
    assert card["values"] == [1, 2, 3] and card["training"]["patients"] < 40
    assert card["overlap"]["structure 3"] > 0.7 and card["training"]["judged_images"] > 0
    folder = folder_of("hearts")
    assert folder is not None and (folder / "network.safetensors").stat().st_size < 1_000_000
    assert [one.dataset for one in list_cards()][:1] == ["hearts"] and len(installed_digest("hearts")) == 64
    assert not list((hearts["place"] / "workspace" / "training").glob("segmenter-*"))


def test_what_cannot_be_had_says_why(hearts: dict[str, Any]) -> None:
    told = hearts["before"]
    assert "python -m lab segmenter train hearts" in told["masks"]
    assert "share a prompt" in told["siblings"] and "LPIPS" in told["perceptual"]
    assert absent_needs(["masks", "radiomics", "resolutions"], "hearts", hearts["plain"], "quarters") == {}


@pytest.mark.row("CM-07")
def test_masks_come_from_the_dataset_the_folder_and_the_segmenter(hearts: dict[str, Any]) -> None:
    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput
    from lab.metrics.mask_shapes import dice

    ctx = Parts()
    chosen = sets(hearts["masked"])
    found = taken("masks", ctx, chosen)
    assert all(mask is not None and mask.max() == LV for mask in found["real_masks"])
    asked, answers = found["synthetic_masks"], found["synthetic_segmented"]
    assert np.mean([dice(a == LV, b == LV) for a, b in zip(asked, answers, strict=True)]) > 0.6
    saved = ctx.saved
    again = taken("masks", ctx, chosen)
    assert ctx.saved == saved == 2  # samples and held-out images; a resumed run segments neither again
    assert all(np.array_equal(a, b) for a, b in zip(answers, again["synthetic_segmented"], strict=True))
    sides = {"real": chosen.real, "synthetic": chosen.synthetic, "held_out": chosen.held_out}
    rows = {name: np.random.default_rng(0).normal(size=(len(side.ids()), 3)) for name, side in sides.items()}
    of = MetricInput(
        rows["real"], chosen.real.patients(), rows["synthetic"], held_out=rows["held_out"],
        held_out_patients=chosen.held_out.patients(), **found,
    )  # fmt: skip
    result = next(iter(evaluate(["mask-dice"], of)))
    assert result.value > 0.5 and result.control > 0.5 and result.floor > 0.5
    plain = taken("masks", Parts(), sets(hearts["plain"]))
    assert plain["synthetic_masks"] is None and len(plain["synthetic_segmented"]) == 6


def test_a_recipe_names_the_training_image_whose_mask_was_asked_for(hearts: dict[str, Any]) -> None:
    from lab.data.resolve import resolve
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.runs.kinds.providers.masks import mask_reader

    real = resolve("hearts")
    source = real.ids()[2]
    writer = SampleSetWriter("asked", "toy", "hearts")
    image = real.image(source)
    writer.append(
        [NewSample(0, image, {"mask": source}, "a heart"), NewSample(1, image[::-1].copy(), {}, "a heart")]
    )
    made = writer.finalise()
    read = mask_reader(made, "hearts")
    assert read is not None
    first, second = (read(name) for name in made.ids())
    assert np.array_equal(first, real.dataset.mask(source)) and second is None
    prompts = taken("siblings", Parts(), sets(made))["synthetic_prompts"]
    assert prompts.tolist() == ["a heart", "a heart"]


@pytest.mark.row("XI-06")
def test_coarser_pictures_have_a_digest_of_their_own_and_are_embedded_once(
    hearts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.runs.kinds.providers import resolutions

    second = Means()
    second.id, second.digest = "other", "o" * 64
    monkeypatch.setattr(resolutions, "_second", lambda ctx, chosen: second)
    chosen = sets(hearts["plain"], **{"mm-fid.largest": 64})
    spaces = taken("resolutions", Parts(), chosen)["spaces"]
    assert sorted(spaces) == sorted(
        f"resolution:{side}:{name}" for side in (8, 16, 32, 64) for name in ("quarters", "other")
    )
    shapes = chosen.extractor.shapes
    total = sum(len(side.ids()) for side in (chosen.real, chosen.synthetic, chosen.held_out))
    assert {shape[0] for shape in shapes} == {8, 16, 32, 64} and len(shapes) == 4 * total
    again = taken("resolutions", Parts(), chosen)["spaces"]
    assert len(chosen.extractor.shapes) == 4 * total  # nothing was embedded a second time
    for name, space in spaces.items():
        assert np.array_equal(space.synthetic, again[name].synthetic) and space.held_out is not None
    assert not np.array_equal(spaces["resolution:8:quarters"].real, spaces["resolution:64:quarters"].real)


@pytest.mark.row("C9")
def test_radiomic_features_are_computed_once_for_each_image_and_size(
    hearts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.metrics.radiomics import features

    seen: list[int] = []
    width = len(features.feature_names())

    def counted(image: np.ndarray, side: int) -> np.ndarray:
        seen.append(side)
        return np.full(width, float(image.mean()))

    monkeypatch.setattr(features, "radiomic_vector", counted)
    chosen = sets(hearts["plain"], **{"radiomics-distance.side": 32})
    space = taken("radiomics", Parts(), chosen)["spaces"]["radiomics"]
    total = sum(len(side.ids()) for side in (chosen.real, chosen.synthetic, chosen.held_out))
    assert seen == [32] * total and space.real.shape == (len(chosen.real.ids()), width)
    taken("radiomics", Parts(), chosen)
    assert len(seen) == total
    taken("radiomics", Parts(), sets(hearts["plain"], **{"radiomics-distance.side": 48}))
    assert seen[total:] == [48] * total


def test_a_dataset_without_masks_is_refused_in_one_sentence(hearts: dict[str, Any]) -> None:
    from lab.data.importing.importer import add_folder

    add_folder(write_hearts(hearts["place"] / "bare", 12, 7, with_masks=False), "bare")
    run = run_inline(train_segmenter_run("bare", steps=1, size=32))
    assert run.state == "failed" and "needs 8 training images with masks" in run.error
    with pytest.raises(InputError, match="multiple of 8"):
        train_segmenter_run("hearts", size=33)
