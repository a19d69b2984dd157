"""Membership attacks: an over-fitted denoiser gives its films away, an untrained one does not; runs end to end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.errors import NotComputable, StoreError
from lab.leakage.membership import calibrated, losses, read_members, sides, why_closed
from lab.leakage.roc import roc_of
from tests.builders.memory_set import MemorySet, blobs
from tests.builders.toy_pipeline import SIZE, build_toy_pipeline


def _patients(count: int) -> np.ndarray:
    return np.array([str(number) for number in range(count)])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A tiny pipeline over-fitted to six films, and the same one before that."""
    import copy

    import torch
    from diffusers import StableDiffusionPipeline

    torch.set_num_threads(1)
    folder = build_toy_pipeline(tmp_path_factory.mktemp("toy"))
    fitted = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    untrained = copy.copy(fitted)
    films = blobs(41, 6, SIZE)
    with torch.no_grad():
        pixels = torch.from_numpy(np.stack(films))[:, None] / 127.5 - 1
        clean = fitted.vae.encode(pixels).latent_dist.mode()
        words = fitted.encode_prompt(["normal chest"] * 6, "cpu", 1, False)[0]
    model = copy.deepcopy(fitted.unet)
    optimiser, alphas = torch.optim.Adam(model.parameters(), 5e-3), fitted.scheduler.alphas_cumprod
    draw = torch.Generator().manual_seed(0)
    clean, words = clean.repeat(4, 1, 1, 1), words.repeat(4, 1, 1)
    for _ in range(90):
        times = torch.randint(50, 950, (len(clean),), generator=draw)
        noise = torch.randn(clean.shape, generator=draw)
        signal = alphas[times].view(-1, 1, 1, 1)
        given = model(signal.sqrt() * clean + (1 - signal).sqrt() * noise, times, words, return_dict=False)[0]
        loss = ((given - (signal.sqrt() * noise - (1 - signal).sqrt() * clean)) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    trained = copy.copy(fitted)
    trained.unet = model.eval()
    return trained, untrained, films


def test_an_overfitted_denoiser_gives_its_films_away_and_an_untrained_one_does_not(pipeline) -> None:
    trained, untrained, films = pipeline
    assert _area(trained, films, blobs(42, 24, SIZE)) > 0.8
    many = blobs(43, 160, SIZE)
    assert _area(untrained, many[::2], many[1::2]) == pytest.approx(0.5, abs=0.1), "80 films a side"


def _area(model, members, others) -> float:
    """Area of the loss attack on a pipeline."""
    told = [
        np.concatenate(list(losses(model, side, ["normal chest"] * len(side), "cpu")))
        for side in (members, others)
    ]
    return roc_of(-told[0], -told[1], _patients(len(members)), _patients(len(others))).area


def test_the_loss_does_not_depend_on_the_batch_a_film_stands_in(pipeline) -> None:
    trained, _, films = pipeline
    together = np.concatenate(list(losses(trained, films, ["chest"] * 6, "cpu")))
    alone = np.concatenate(
        [np.concatenate(list(losses(trained, [film], ["chest"], "cpu"))) for film in films]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_a_generator_without_a_denoiser_is_not_attacked() -> None:
    assert "another kind" in why_closed(object())


def test_the_black_box_is_calibrated_by_the_reference() -> None:
    """A film near to everything is no member; one nearer to a sample than to any reference film is."""
    np.testing.assert_allclose(calibrated(np.array([0.1, 0.1]), np.array([0.1, 0.6])), [0.0, 0.5])


def test_members_are_listed_films_and_every_patient_comes_once_first(tmp_path) -> None:
    train = MemorySet("train", blobs(1, 12, 16), [f"p{row // 2}" for row in range(12)])
    held = MemorySet("held", blobs(2, 6, 16))
    assert read_members(None) is None and read_members(tmp_path) is None
    (tmp_path / "members.json").write_text(json.dumps(train.ids()[:8]), "utf-8")
    members, others = sides(train, held, read_members(tmp_path), 4)
    assert set(members.ids()) <= set(train.ids()[:8]) and len(set(members.patients().tolist())) == 4
    assert len(others.ids()) == 4
    (tmp_path / "members.json").write_text("{}", "utf-8")
    with pytest.raises(StoreError, match=r"members\.json"):
        read_members(tmp_path)
    with pytest.raises(NotComputable, match="never saw"):
        sides(train, MemorySet("none", blobs(3, 1, 16)[:1]), ["not here"], 4)


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
    assert set(told) == {"black-box registered-correlation", "black-box feature-cosine", "white-box loss"}
    for name in ("black-box registered-correlation", "black-box feature-cosine"):
        assert told[name]["area"] > 0.95 and told[name]["members"] == 20
        assert told[name]["lower_epsilon"]["1e-05"] > 0
    assert 0.2 < told["white-box loss"]["area"] < 0.8, "random weights know nobody"
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
