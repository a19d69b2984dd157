"""The Inception score: class scores from weights in the published layout, kept features, both modes told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import WeightsError
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from tests.builders.extractor_files import inception_state
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs

FILMS = 3


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    pytest.importorskip("torchvision")
    return inception_state()


@pytest.fixture
def own_records(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped record of the network without the digest of the published weights, which no toy file has."""
    from lab.features import records

    told = json.loads((records.EMBEDDED / "inception-fid.json").read_text("utf-8"))
    told["weights"] = dict.fromkeys(told["weights"], "")
    place = tmp_path / "records"
    place.mkdir()
    (place / "inception-fid.json").write_text(json.dumps(told), "utf-8")
    monkeypatch.setattr(records, "EMBEDDED", place)
    return workspace / "extractors" / "inception-fid" / next(iter(told["weights"]))


def sides() -> tuple[MemorySet, MemorySet]:
    return MemorySet("real", blobs(0, FILMS)), MemorySet("made", blobs(1, FILMS))


def provided() -> dict[str, Any]:
    from lab.config import settings
    from lab.runs.context import RunContext
    from lab.runs.kinds.providers import Sets
    from lab.runs.kinds.providers.logits import provide
    from lab.runs.resident import Residents

    real, made = sides()
    steps = provide(RunContext(settings(), Residents()), Sets("real", real, made, None, CoarsePixels(), {}))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.row("C7", "SG-10")
def test_class_scores_equal_torch_fidelitys_from_the_published_layout(
    own_records: Path, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.features.loaded import LoadedExtractor

    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    own_records.parent.mkdir(parents=True)
    torch.save(state, own_records)
    spaces = provided()["spaces"]
    theirs = reference.FeatureExtractorInceptionV3(
        "x", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(own_records)
    )
    _, made = sides()
    for row, name in enumerate(made.ids()):
        plane = torch.from_numpy(np.repeat(made.image(name)[None, None], 3, axis=1))
        with torch.inference_mode():
            pool, logits = theirs(plane)
        wanted = logits[0].numpy()
        np.testing.assert_allclose(spaces["logits"].synthetic[row], wanted, atol=5e-4 * np.abs(wanted).max())
        np.testing.assert_allclose(
            spaces["pool3"].synthetic[row], pool[0].numpy(), atol=5e-4 * float(pool.abs().max())
        )
    # Everything is in the feature store now: a second metric of this network needs no forward pass.
    monkeypatch.setattr(LoadedExtractor, "embed", None)
    again = provided()["spaces"]
    np.testing.assert_array_equal(again["logits"].synthetic, spaces["logits"].synthetic)
    assert spaces["logits"].real.shape == (FILMS, 1008) and spaces["logits"].held_out is None
    assert spaces["pool3"].real.shape == (FILMS, 2048)


def test_weights_without_a_last_layer_are_refused_with_a_reason(
    own_records: Path, state: dict[str, Any]
) -> None:
    torch = pytest.importorskip("torch")
    from lab.runs.kinds.providers.logits import class_head

    own_records.parent.mkdir(parents=True)
    torch.save({name: tensor for name, tensor in state.items() if not name.startswith("fc.")}, own_records)
    with pytest.raises(WeightsError, match="lack their last layer"):
        class_head()


def test_absent_weights_say_how_to_get_them_and_the_metric_passes_it_on(workspace: Path) -> None:
    from lab.runs.kinds.providers.logits import absent

    reason = absent("real", sides()[1], "efficientnet-lite0")
    assert "pt_inception-2015-12-05-6726825d.pth" in reason and "extractors/inception-fid" in reason
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4))
    patients = np.asarray([f"p{row}" for row in range(60)])
    for told in ({"logits": reason}, {}):
        given = MetricInput(features, patients, features + 1.0, absent=told)
        result = next(evaluate(["inception-score"], given))
        assert result.value is None and "class scores" in result.note


@pytest.mark.row("C7")
def test_both_modes_are_given_differ_and_are_labelled() -> None:
    rng = np.random.default_rng(1)
    pooled, films = (np.abs(rng.normal(size=(200, 64))) for _ in range(2))
    head = rng.normal(size=(64, 20))
    patients = np.asarray([f"p{row}" for row in range(200)])
    given = MetricInput(
        pooled, patients, pooled[::-1].copy(), held_out=films, held_out_patients=np.char.add("h", patients),
        spaces={
            "logits": Space(pooled @ head, pooled[::-1] @ head, films @ head, "network"),
            "pool3": Space(pooled, pooled[::-1].copy(), films, "network"),
        },
    )  # fmt: skip
    result = next(evaluate(["inception-score"], given))
    assert result.published is not None and abs(result.value - result.published) > 0.5
    assert "CheXGenBench" in result.published_note and "not comparable" in result.published_note
    table = result.details["table"]
    assert {row["Scores from"] for row in table} == {
        "class scores (logits)", "pooled features (pool3, as CheXGenBench)",
    }  # fmt: skip
    assert [row["Side"] for row in table] == ["Samples", "Held-out images"] * 2
    assert table[0]["Mean"] == pytest.approx(result.value, abs=1e-6)
    assert table[2]["Mean"] == pytest.approx(result.published, abs=1e-6)
    assert result.low <= result.value <= result.high and result.control is not None
    assert result.extractor == "network" and result.dimension == 20


@pytest.mark.row("C7")
def test_the_published_mode_equals_torchmetrics_on_pooled_features() -> None:
    """One split leaves nothing to chance; ten differ by the shuffle alone."""
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("torchmetrics.image.inception")
    rng = np.random.default_rng(2)
    pooled = np.abs(rng.normal(size=(300, 32))).astype(np.float32)
    patients = np.asarray([f"p{row}" for row in range(300)])
    spaces = {"logits": Space(pooled[:, :9], pooled[:, :9]), "pool3": Space(pooled, pooled)}

    def theirs(splits: int) -> float:
        score = module.InceptionScore(feature=torch.nn.Flatten(), splits=splits)
        score.features = [torch.from_numpy(pooled).double()]
        return float(module.InceptionScore.compute(score)[0])

    for splits, tolerance in ((1, 1e-6), (10, 5e-3)):
        given = MetricInput(
            pooled, patients, pooled, spaces=spaces, options={"inception-score.splits": float(splits)}
        )
        result = next(evaluate(["inception-score"], given))
        assert result.published == pytest.approx(theirs(splits), rel=tolerance)
