"""Membership: whose films are attacked, the black box, and a whole run end to end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.errors import NotComputable, StoreError
from lab.leakage.attacks.catalogue import ATTACKS
from lab.leakage.membership import calibrated, read_members, sides
from tests.builders.memory_set import MemorySet, blobs
from tests.builders.toy_pipeline import build_toy_pipeline


def test_the_black_box_is_calibrated_by_the_reference() -> None:
    """A film near to everything is no member; one nearer to a sample than to any reference film is."""
    np.testing.assert_allclose(calibrated(np.array([0.1, 0.1]), np.array([0.1, 0.6])), [0.0, 0.5])


def test_members_are_listed_films_and_every_patient_comes_once_first(tmp_path) -> None:
    train = MemorySet("train", blobs(1, 12, 16), [f"p{row // 2}" for row in range(12)])
    held = MemorySet("held", blobs(2, 6, 16))
    assert read_members(None) is None and read_members(tmp_path) is None
    (tmp_path / "members.json").write_text(json.dumps(train.ids()[:8]), "utf-8")
    found = sides(train, held, read_members(tmp_path), 4)
    members, others = found.members, found.others
    assert found.columns == () and found.apart == 0.0, "nothing is told that both sides could be matched in"
    assert set(members.ids()) <= set(train.ids()[:8]) and len(set(members.patients().tolist())) == 4
    assert len(others.ids()) == 4
    (tmp_path / "members.json").write_text("{}", "utf-8")
    with pytest.raises(StoreError, match=r"members\.json"):
        read_members(tmp_path)
    with pytest.raises(NotComputable, match="never saw"):
        sides(train, MemorySet("none", blobs(3, 1, 16)[:1]), ["not here"], 4)


def _told_set(name: str, kinds: list[tuple[str, str]]) -> MemorySet:
    """Films of so many patients with a label and a view each."""
    made = MemorySet(name, blobs(5, len(kinds), 8))
    made._table["label"], made._table["view"] = zip(*kinds, strict=True)
    return made


@pytest.mark.row("CM-14")
def test_both_sides_are_alike_in_label_and_view() -> None:
    """Members are 3 : 1 normal; non-members, half of them normal, are drawn in the same shares."""
    members = _told_set("train", [("normal", "PA")] * 30 + [("effusion", "AP")] * 10)
    held = _told_set("held", [("normal", "PA")] * 60 + [("effusion", "AP")] * 30 + [("mass", "LAT")] * 30)
    found = sides(members, held, None, 40)
    labels = found.others.labels()
    assert found.columns == ("view", "label") and found.apart == 0.0
    assert (labels.count("normal"), labels.count("effusion"), len(labels)) == (30, 10, 40)
    # Without a film alike in label, the view alone is matched, and the rest is told.
    strange = _told_set("held", [("mass", "PA")] * 60 + [("mass", "AP")] * 30)
    coarse = sides(members, strange, None, 40)
    assert coarse.columns == ("view",) and len(coarse.others.ids()) == 40 and coarse.apart == 0.0


@pytest.mark.row("CM-14")
def test_a_whole_run_with_copies_among_the_samples(tmp_path, monkeypatch) -> None:
    """Samples that are copies of members give them away by the black box; its calibration films are the test images."""
    import lab.features.extractors
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import add_folder, open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.leakage_requests import membership_run
    from tests.builders.memory_set import CoarsePixels
    from tests.builders.toy_pipeline import toy_card_json

    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LAB_THREADS", "1")
    monkeypatch.delenv("LAB_STORE_URL", raising=False)
    coarse = CoarsePixels()
    coarse.id = "efficientnet-lite0"
    monkeypatch.setattr(lab.features.extractors, "get_extractor", lambda name: coarse)
    films = tmp_path / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(51, 80)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,normal chest")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")
    train = open_dataset("films").subset("train")
    root = tmp_path / "workspace" / "generators" / "toy"
    folder = build_toy_pipeline(tmp_path / "toy")
    root.mkdir(parents=True)
    (root / "card.json").write_text(
        json.dumps({**toy_card_json(folder, "toy"), "training_dataset": "films"}), "utf-8"
    )
    members = train.ids()[:20]
    (root / "members.json").write_text(json.dumps(members), "utf-8")
    writer = SampleSetWriter("copies", "toy", parent="films")
    writer.append(
        NewSample(at, train.image(name), {"seed": at}, "normal chest") for at, name in enumerate(members)
    )
    writer.finalise()
    run = run_inline(membership_run("toy", "films", "copies", films=20))
    assert run.state == "done" and run.result is not None, run.error
    told = {one["name"]: one for one in run.result["attacks"]}
    black = {"black-box registered-correlation", "black-box feature-cosine"}
    assert set(told) == black | {f"white-box {name}" for name in ATTACKS}
    for one in told.values():
        assert one["control"]["members"] + one["control"]["others"] == one["others"] == 20, "halves"
        assert one["rates"] == [] and one["best_low"] <= one["best"] <= one["best_high"]
    for name in ("black-box registered-correlation", "black-box feature-cosine"):
        assert told[name]["area"] > 0.95 and told[name]["members"] == 20
        assert told[name]["lower_epsilon"]["1e-05"] > 0
    for name in ATTACKS:
        assert 0.1 < told[f"white-box {name}"]["area"] < 0.9, "random weights know nobody"
    assert run.result["trained"] == 20 and run.result["listed"]
    _audit_names_the_sources(members)
    alone = membership_run("toy", "films", films=20)
    assert alone.digest != run.digest and alone.settings["samples"] == ""


def _audit_names_the_sources(members) -> None:
    """The audit of the copies holds, by every detector, the distance to its own nearest training film and that film."""
    import io

    import pandas as pd

    from lab.leakage.population import detectors_of, distance_column, film_column
    from lab.runs.artifacts import read_artifact
    from lab.runs.inline import run_inline
    from lab.runs.leakage_requests import population_run
    from lab.runs.requests import calibrate_run

    assert run_inline(calibrate_run("films")).state == "done"
    run = run_inline(population_run("copies", "films"))
    assert run.state == "done" and run.result is not None, run.error
    table = pd.read_parquet(io.BytesIO(read_artifact(run.result["table"])))
    assert (
        set(detectors_of(table))
        == set(run.result["distances"])
        == {"registered-correlation", "feature-cosine"}
    )
    for name in detectors_of(table):
        assert table[film_column(name)].tolist() == members
        assert (table[distance_column(name)] < 1e-4).all()
