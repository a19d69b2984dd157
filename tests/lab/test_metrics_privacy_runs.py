"""Runs that use the privacy metrics: planted copies told by each detector, the privacy block of generated sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import InputError, NotComputable
from lab.metrics.inputs import MetricInput
from lab.metrics.sensitivity import DETECTORS, HONEST, sensitivity
from tests.builders.memory_set import CoarsePixels, blobs

COUNT = 150
BLOCK = ("nndr", "authpct", "copy-detection")


def _named(name: str) -> CoarsePixels:
    made = CoarsePixels(sum(map(ord, name)))
    made.id = name
    return made


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory):
    """A dataset of 150 small films, a patient each, and the sets of two generators: one copies half of the time."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("privacy-runs")
    patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
    patch.setenv("LAB_THREADS", "1")
    patch.delenv("LAB_STORE_URL", raising=False)
    made: dict[str, CoarsePixels] = {}

    import lab.features.extractors

    patch.setattr(lab.features.extractors, "get_extractor", lambda name: made.setdefault(name, _named(name)))
    _fill(folder)
    yield
    patch.undo()


def _fill(folder: Path) -> None:
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import add_folder, open_dataset

    films = folder / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(31, COUNT)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")
    train = open_dataset("films").subset("train")
    noise = np.random.default_rng(0)
    copies = [
        np.clip(train.image(name).astype(np.int16) + noise.integers(-4, 5, (64, 64)), 0, 255).astype(np.uint8)
        for name in train.ids()[:15]
    ]
    for name, pictures in (("gn-1", [*copies, *blobs(32, 15)]), ("df-1", blobs(33, 30))):
        writer = SampleSetWriter(name, "small", parent="films")
        writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(pictures))
        writer.finalise()


@pytest.mark.row("SG-19")
def test_the_privacy_block_is_there_for_the_sets_of_both_generators(room) -> None:
    """Upstream has none: ratio, authentic share and copies, each with its control, and the pairs for the gallery."""
    from lab.data.resolve import resolve
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    found = {}
    for name in ("gn-1", "df-1"):
        run = run_inline(evaluate_run("films", name, [*BLOCK, "extraction-ratio"]))
        assert run.state == "done", run.error
        results = {one["metric"]: one for one in run.result["results"]}
        for metric in BLOCK:
            one = results[metric]
            assert one["value"] is not None and one["control"] is not None and one["per_image"], metric
        found[name] = results
    train, made = resolve("films:train").ids(), resolve("gn-1").ids()
    for metric in ("nndr", "copy-detection", "extraction-ratio"):
        pairs = found["gn-1"][metric]["details"]["flagged"]
        copies = [pair for pair in pairs if pair["sample"] < 15]
        assert len(copies) >= 13, metric
        assert all(pair["sample"] == pair["training"] for pair in copies), metric
        assert all(made[pair["sample"]] and train[pair["training"]] for pair in pairs), metric
    values = {
        name: {metric: one["value"] for metric, one in results.items()} for name, results in found.items()
    }
    assert values["gn-1"]["nndr"] < values["df-1"]["nndr"]
    assert values["gn-1"]["authpct"] < values["df-1"]["authpct"]
    assert values["gn-1"]["copy-detection"] > values["df-1"]["copy-detection"]


def test_each_detector_is_tried_on_every_kind_of_planted_copy(room) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.privacy_requests import sensitivity_run

    run = run_inline(sensitivity_run("films", copies=12, seed=1))
    assert run.state == "done", run.error
    told = run.result
    assert [one["metric"] for one in told["detectors"]] == list(DETECTORS)
    assert told["copies"] == 12 and told["honest"] >= 8
    kinds = {"exact", "flipped", "cropped", "rotated", "re-windowed", "noised", "resampled"}
    for one in told["detectors"]:
        assert not one["note"], one["note"]
        own, matched = ({share["kind"]: share for share in one[key]} for key in ("found", "matched"))
        assert set(own) == set(matched) == kinds
        assert own["exact"]["value"] == 1.0 and own["exact"]["n"] == 12, one["metric"]
        assert own["exact"]["low"] < 1.0 == own["exact"]["high"]
        assert one["false_alarms"]["n"] == one["matched_alarms"]["n"] == told["honest"]
        assert one["matched_alarms"]["value"] <= one["level"] == 0.05
    by_name = {one["metric"]: one for one in told["detectors"]}
    flipped = {
        name: next(s["value"] for s in one["matched"] if s["kind"] == "flipped")
        for name, one in by_name.items()
    }  # Pixels in place do not see a mirrored copy.
    assert flipped["extraction-ratio"] < 0.5 and flipped["ssim-nearest"] < 0.5
    assert [row["detector"] for row in told["table"]] == [one["title"] for one in told["detectors"]]
    assert all(kinds <= set(row) for row in told["table"])


def test_honest_images_and_those_that_set_thresholds_are_of_different_patients(room) -> None:
    from lab.runs.kinds.planted import planted_set

    planted = planted_set("films", 10, 0)
    assert planted.kinds.tolist().count("exact") == 10 and len(planted.ids()) == 70 + planted.honest
    rows = [planted.row(name) for name in planted.ids()]
    honest = [row["source"] for row in rows if row["kind"] == HONEST]
    assert not set(honest) & set(planted.control.ids()) and not set(honest) & set(planted.train.ids())
    first = planted.ids()[0]
    source = planted.row(first)["source"]
    assert np.array_equal(planted.image(first), planted.train.image(source))
    noised = planted.ids()[planted.kinds.tolist().index("noised")]
    assert np.array_equal(planted.image(noised), planted_set("films", 10, 0).image(noised))
    assert planted.digest != planted_set("films", 10, 1).digest


def test_a_detector_without_a_rule_says_so_and_wrong_kinds_are_refused() -> None:
    rng = np.random.default_rng(0)
    train, held_out, honest = (rng.normal(size=(60, 4)) for _ in range(3))
    planted = MetricInput(
        train, np.arange(60).astype(str), np.concatenate([train[:30], honest]), held_out=held_out,
        held_out_patients=np.asarray([f"q{row}" for row in range(60)]),
    )  # fmt: skip
    kinds = np.asarray(["exact"] * 30 + [HONEST] * 60)
    ratio, area = sensitivity(("nndr", "gan-leaks"), planted, kinds)
    assert ratio.found[0].value == 1.0 and ratio.false_alarms.value < 0.2 and not ratio.note
    assert area.note == "It has no rule for single images." and area.found == ()
    with pytest.raises(InputError):
        next(sensitivity(("nndr",), planted, kinds[:-1]))
    with pytest.raises(InputError):
        next(sensitivity(("nndr",), planted, np.asarray(["exact"] * 90)))


def test_too_few_copies_or_held_out_patients_are_refused(room, monkeypatch) -> None:
    from lab.runs.kinds.planted import planted_set
    from lab.runs.privacy_requests import sensitivity_run

    with pytest.raises(InputError):
        sensitivity_run("films", copies=2)
    import lab.data.resolve

    whole = lab.data.resolve.resolve
    monkeypatch.setattr(
        lab.data.resolve, "resolve", lambda name: whole("films:train") if "train" in name else _none()
    )
    with pytest.raises(NotComputable):
        planted_set("films", 10, 0)


def _none():
    from tests.builders.memory_set import MemorySet

    return MemorySet("none", blobs(1, 3))
