"""Strange prompts, numbers out of range, and the same request twice: through whole runs, for every conditioning."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import InputError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.condition import Condition, condition_from_json, encode_mask
from lab.generators.load import load
from lab.generators.request import GenerationRequest, request_for
from lab.runs.artifacts import read_artifact
from lab.runs.inline import run_inline
from lab.runs.requests import generate_run
from lab.runs.store import Run, RunStore
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json
from tests.lab import test_spade, test_stylegan2

STRANGE = (
    "<script>alert(1)</script>", "[a](javascript:b) **bold** ![](http://x/y.png)", "$\\frac{1}{2}$ `x` :red[y]",
    "انصباب جنبي", "effusion 🫁", "'; DROP TABLE runs; --",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def install(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Adds a card to an empty workspace."""
    monkeypatch.setenv("LAB_THREADS", "1")
    (workspace / "generators").mkdir(parents=True)

    def add(card: dict[str, Any]) -> None:
        (workspace / "generators" / f"{card['id']}.json").write_text(json.dumps(card), "utf-8")

    return add


def ended(request: GenerationRequest) -> Run:
    run = run_inline(generate_run(request, None))
    assert run.state == "done" and run.result is not None, run.error
    return run


@pytest.mark.fault(26)
@pytest.mark.parametrize("prompt", STRANGE)
def test_a_strange_prompt_runs_and_is_kept_word_for_word(
    prompt: str, install: Callable[[dict[str, Any]], None], folder: Path, workspace: Path
) -> None:
    install(toy_card_json(folder))
    card = card_from_json(toy_card_json(folder))
    result = ended(request_for(card, prompt, 1, 3, steps=1)).result
    assert result is not None and result["prompt"] == prompt == result["samples"][0]["recipe"]["prompt"]
    logs = [file.read_text("utf-8") for file in (workspace / "logs").glob("*.log")]
    assert not any(prompt in text for text in logs), "no prompt goes into a log"


@pytest.mark.fault(26)
def test_words_beyond_the_encoder_are_told_with_the_result(
    install: Callable[[dict[str, Any]], None], folder: Path
) -> None:
    install(toy_card_json(folder))
    prompt = " ".join(["left"] * 13 + ["pneumothorax", "large", "effusion"])
    result = ended(request_for(card_from_json(toy_card_json(folder)), prompt, 1, 3, steps=1)).result
    assert result is not None and result["truncated"] == ["large", "effusion"]
    assert result["samples"][0]["recipe"]["dropped_words"] == "large effusion"


PSI = {
    "id": "toy", "title": "Toy", "folder": "model", "size": 64, "conditioning": "class", "classes": ["MEL", "NV"],
    "vendors": ["vendor A"], "structures": ["myocardium"],
    "knobs": [{"name": "psi", "title": "Truncation", "low": 0.0, "high": 1.0, "default": 0.7}],
}  # fmt: skip


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (Condition(numbers=(("psi", -0.01),)), "Truncation must be a number from 0 to 1"),
        (Condition(numbers=(("psi", 1.01),)), "Truncation must be a number from 0 to 1"),
        (Condition(numbers=(("psi", 1e9),)), "Truncation must be a number from 0 to 1"),
        (Condition(numbers=(("psi", float("nan")),)), "Truncation must be a number from 0 to 1"),
        (Condition(numbers=(("psi", float("inf")),)), "Truncation must be a number from 0 to 1"),
        (Condition(numbers=(("gamma", 1.0),)), "no setting 'gamma'"),
        (Condition(label="BCC"), "valid are MEL, NV"),
        (Condition(vendor="vendor Z"), "valid are vendor A"),
        (Condition(mask=encode_mask(np.full((8, 8), 2, np.uint8))), "valid are 0 for background to 1"),
    ],
)
def test_conditions_out_of_range_are_refused_with_what_is_valid(condition: Condition, says: str) -> None:
    card = card_from_json(PSI)
    with pytest.raises(InputError) as caught:
        request_for(card, "", 1, 1, condition=condition)
    assert says in str(caught.value) and "nothing was started" in str(caught.value)


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    "given",
    [{"numbers": {"psi": "x"}}, {"numbers": [1]}, {"mask": "not base64!"}, {"numbers": {"a": None}}, 7],
)
def test_a_condition_that_is_no_condition_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="nothing was started"):
        condition_from_json(given)


@pytest.mark.fault(27)
@pytest.mark.parametrize("images", [0, 3, 8, -1, True, 2.5])
def test_images_at_once_out_of_range_are_refused(images: Any) -> None:
    card = card_from_json({**PSI, "conditioning": "none"})
    request = GenerationRequest("toy", "", (1,), 1, 1.0, 64, micro_batch=images)
    with pytest.raises(InputError, match="Images at once must be one of 1, 2, 4"):
        request.checked(card)


def text(root: Path) -> tuple[GeneratorCard, str, Condition]:
    card = card_from_json(toy_card_json(build_toy_pipeline(root / "text")))
    return card, "small left pleural effusion", Condition()


def label(root: Path) -> tuple[GeneratorCard, str, Condition]:
    values = {**test_stylegan2.SMALL, "c_dim": 2}
    card = test_stylegan2.write(root / "class", values, conditioning="class", classes=["MEL", "NV"])
    return card, "", Condition(label="NV")


def mask(root: Path) -> tuple[GeneratorCard, str, Condition]:
    return test_spade.write(root / "mask", test_spade.SMALL), "", Condition(mask=test_spade.mask_of(0.3))


def psi(root: Path) -> tuple[GeneratorCard, str, Condition]:
    return test_stylegan2.write(root / "psi", test_stylegan2.SMALL), "", Condition(numbers=(("psi", 0.5),))


@pytest.mark.fault(28)
@pytest.mark.parametrize("build", [text, label, mask, psi])
def test_the_same_request_twice_is_served_from_the_store_with_equal_bytes(
    build: Callable[[Path], tuple[GeneratorCard, str, Condition]],
    install: Callable[[dict[str, Any]], None],
    tmp_path: Path,
) -> None:
    card, prompt, condition = build(tmp_path)
    install(card.to_json())
    request = request_for(card, prompt, 2, 7, steps=1, condition=condition)
    first, again = generate_run(request, None), generate_run(request, None)
    assert first.digest == again.digest
    made = ended(request)
    served = ended(request)
    assert served.id == made.id and served.attempts == made.attempts == 1 and served.result == made.result
    assert len(RunStore.open().list(kinds=("generate",), limit=10)) == 1
    assert made.result is not None
    kept = [read_artifact(sample["artifact"], ".png") for sample in made.result["samples"]]
    anew = [sample.png() for group in load(card).generate(request) for sample in group]
    assert anew == kept and kept[0] != kept[1], "made anew from its recipe: equal bytes"
    other = request_for(card, prompt, 2, 8, steps=1, condition=condition)
    assert generate_run(other, None).digest != first.digest
