"""Whole runs behind the cases: planted copies beside their source, fair controls, reference distances counted anew."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from tests.builders.memory_set import CoarsePixels, blobs

PATIENTS, FILMS = 130, 2


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A workspace with a calibrated dataset, two films a patient, and a set of two copies and six new films."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("case-runs")
    patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
    patch.setenv("LAB_THREADS", "1")
    patch.delenv("LAB_STORE_URL", raising=False)
    extractor = CoarsePixels()
    extractor.id = "efficientnet-lite0"

    import lab.features.extractors

    patch.setattr(lab.features.extractors, "get_extractor", lambda name: extractor)
    yield _filled(folder)
    patch.undo()


def _filled(folder: Path) -> str:
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import add_folder, open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.requests import calibrate_run

    films = folder / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(41, PATIENTS * FILMS)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number // FILMS},,")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")
    done = run_inline(calibrate_run("films"))
    assert done.state == "done", done.error
    train = open_dataset("films").subset("train")
    copies = [train.image(train.ids()[0]), np.ascontiguousarray(train.image(train.ids()[1])[:, ::-1])]
    writer = SampleSetWriter("set-1", "small", parent="films")
    pictures = [*copies, *blobs(42, 6)]
    writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(pictures))
    writer.finalise()
    return "set-1"


@pytest.fixture(scope="module")
def laid(room):
    from lab.runs.case_requests import cases_run
    from lab.runs.inline import run_inline

    run = run_inline(cases_run(room, "films"))
    assert run.state == "done" and run.result is not None, run.error
    return run


@pytest.mark.row("C13")
def test_copies_stand_beside_their_source_and_held_out_films_are_asked_too(laid, room) -> None:
    from lab.data.samples import open_sample_set
    from lab.data.store import open_dataset

    rows = {row["image_id"]: row for row in laid.result["cases"]}
    samples, train = open_sample_set(room).ids(), open_dataset("films").subset("train")
    held_out = set(open_dataset("films").subset("held-out").ids())
    assert [name in rows for name in samples] == [True] * 8
    caught = [row for row in rows.values() if row["source"] == "held-out"]
    assert len(caught) == 3 and all(row["image_id"] in held_out for row in caught)
    for at in (0, 1):
        row = rows[samples[at]]
        assert row["training"]["image_id"] == train.ids()[at] and row["source"] == "sample"
        assert row["training"]["rms"] < row["control"]["rms"] and row["training"]["ssim"] > 0.95
    assert rows[samples[1]]["training"]["variant"].startswith("flipped")
    for row in rows.values():
        assert row["training"]["image_id"] in set(train.ids()) and row["control"]["image_id"] in held_out
        assert [one["name"] for one in row["control"]["verdict"]["detectors"]] == [
            "registered-correlation",
            "feature-cosine",
        ], "the control is judged as the training film is"


def test_no_control_is_of_a_patient_who_is_asked_as_a_sample(laid) -> None:
    from lab.data.store import open_dataset

    held_out = open_dataset("films").subset("held-out")
    patient = dict(zip(held_out.ids(), map(str, held_out.patients()), strict=True))
    caught = {patient[row["image_id"]] for row in laid.result["cases"] if row["source"] == "held-out"}
    assert len(caught) == 3 and not caught & {
        patient[row["control"]["image_id"]] for row in laid.result["cases"]
    }
    left = [name for name, one in patient.items() if one not in caught]
    assert laid.result["n_control"] == len(left)
    assert laid.result["n_train"] == len(open_dataset("films").subset("train"))


def test_held_out_films_are_shown_at_the_size_of_the_samples(laid) -> None:
    from lab.data.images import decode
    from lab.runs.artifacts import read_artifact

    for row in laid.result["cases"]:
        if row["source"] == "held-out":
            assert decode(read_artifact(row["shown"])).array.shape == (64, 64)
        else:
            assert row["shown"] == ""


def test_cases_are_told_as_they_are_found_in_their_final_order(room) -> None:
    from lab.data.store import open_dataset
    from lab.runs.case_requests import cases_run

    told, result = _executed(cases_run(room, "films"))
    assert len(told[0]["cases"]) == 1, "the first case is not kept waiting"
    assert [one["code"] for one in told[0]["cases"]] == [result["cases"][0]["code"]]
    assert told[-1]["cases"] == result["cases"]
    assert told[0]["n_train"] == len(open_dataset("films").subset("train"))


def test_of_a_large_set_the_closest_are_taken_mirrored_copies_too(room, monkeypatch) -> None:
    from lab.data.samples import open_sample_set
    from lab.leakage import case_order
    from lab.runs.case_requests import cases_run

    monkeypatch.setattr(case_order, "MOST", 4)
    _, result = _executed(cases_run(room, "films"))
    chosen = [row["image_id"] for row in result["cases"] if row["source"] == "sample"]
    assert len(chosen) == 4 and set(open_sample_set(room).ids()[:2]) <= set(chosen)


def _executed(spec):
    """What a run of cases tells on its way, and its result, without a store."""
    from lab.runs.kind import find_kind

    told, context = [], _Context()
    work = find_kind("cases").execute(spec, context)
    try:
        while True:
            progress = next(work)
            if progress.preview:
                told.append(json.loads(context.kept[progress.preview]))
    except StopIteration as end:
        return told, json.loads(json.dumps(end.value))


class _Context:
    """A run context that keeps artifacts in memory."""

    def __init__(self) -> None:
        from lab.config import settings
        from lab.runs.context import RunContext
        from lab.runs.resident import Residents

        self.kept: dict[str, bytes] = {}
        self._own = RunContext(settings(), Residents())

    def artifact(self, data: bytes, suffix: str = "") -> str:
        digest = self._own.artifact(data, suffix)
        self.kept[digest] = data
        return digest

    def __getattr__(self, name: str):
        return getattr(self._own, name)


def test_a_single_sample_is_the_same_case_alone(laid, room) -> None:
    from lab.runs.case_requests import cases_run
    from lab.runs.inline import run_inline

    wanted = next(row for row in laid.result["cases"] if row["source"] == "sample")
    run = run_inline(cases_run(room, "films", only=wanted["image_id"]))
    assert run.state == "done" and run.result is not None, run.error
    (row,) = run.result["cases"]
    assert row["code"] == wanted["code"] and row["control"]["image_id"] == wanted["control"]["image_id"]
    unknown = run_inline(cases_run(room, "films", only="f" * 16))
    assert unknown.state == "failed" and "no sample of that id" in str(unknown.error)


def test_reference_distances_are_those_of_other_patients_counted_anew(room) -> None:
    from lab.data.imageset import patient_balanced
    from lab.data.store import open_dataset
    from lab.leakage.pair_measures import pair_measures
    from lab.neighbours.difference import best_variant
    from lab.runs.artifacts import read_artifact
    from lab.runs.case_requests import evidence_run
    from lab.runs.inline import run_inline

    run = run_inline(evidence_run("films", 200))
    assert run.state == "done" and run.result is not None, run.error
    train = open_dataset("films").subset("train")
    assert run.result["n"] == min(200, len(train)) and run.result["n_train"] == len(train)
    rms = np.load(io.BytesIO(read_artifact(run.result["measures"]["rms"])), allow_pickle=False)
    assert len(rms) == run.result["n"] and (np.diff(rms) >= 0).all() and rms.min() > 1.0
    people = dict(zip(train.ids(), map(str, train.patients()), strict=True))
    name = patient_balanced(train, 1, 0)[0]
    apart = []
    for other in train.ids():
        if people[other] != people[name]:
            pose, _ = best_variant(train.image(name), train.image(other))
            apart.append(pair_measures(train.image(name), train.image(other), pose).rms)
    nearest = np.abs(rms[:, None] - np.array(apart)[None]).min()
    assert nearest < 0.5, "the film's own distance is among them"
    for one in run.result["lean"].values():
        assert (
            one["n"] == min(100, len(open_dataset("films").subset("held-out")))
            and 0 <= one["low"] <= one["high"]
        )


def test_too_few_films_and_a_dataset_without_calibration_are_refused(room, tmp_path) -> None:
    from lab.data.store import add_folder
    from lab.errors import InputError
    from lab.runs.case_requests import cases_run, evidence_run
    from lab.runs.inline import run_inline
    from tests.pages.conftest import films

    with pytest.raises(InputError, match="200"):
        evidence_run("films", 199)
    add_folder(films(tmp_path / "raw", size=64), "raw", licence="CC BY 4.0", title="Not calibrated")
    for spec in (cases_run(room, "raw"), evidence_run("raw")):
        run = run_inline(spec)
        assert run.state == "failed" and "not calibrated on this dataset" in str(run.error)
