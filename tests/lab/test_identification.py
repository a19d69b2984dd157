"""Networks for patients and copies: they learn, resume to the bit, load nothing unsafe, and say what they are worth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.errors import InputError, LabError, WeightsError
from lab.identification.card import folder_of, installed_digest, list_cards, why_absent
from lab.identification.changes import may_mirror
from lab.identification.judging import equal_error, verify
from lab.identification.pairs import batch_rows, divide, judging_pairs
from lab.runs.identity_requests import train_identity_run
from lab.runs.inline import run_inline
from tests.builders.toy_patients import toy_films, write_toy_folder

WIDTHS = (8, 16, 16, 16)


def recipe(question: str = "patient", steps: int = 50):
    from lab.identification.network import Shape
    from lab.identification.training import Recipe

    return Recipe(Shape(question, 32, WIDTHS), steps, people=12, rate=4e-3, half=False)


def finished(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def weights(network) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}


def test_patients_stand_on_one_side_and_batches_hold_two_films_of_each() -> None:
    films, patients = toy_films(30, 3, size=8)
    splits = np.repeat(["train"] * 20 + ["held-out"] * 7 + ["test"] * 3, 3)
    divided = divide(list(patients), list(splits))
    sides = [set(patients[rows]) for rows in (divided.learn, divided.choose, divided.judge)]
    assert sum(map(len, sides)) == 30 and not (
        sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2]
    )
    assert sides[2] == set(patients[splits != "train"])
    rows = batch_rows(patients, 8, seed=1, step=3)
    first, second = rows[:8], rows[8:]
    assert (patients[first] == patients[second]).all() and (first != second).all()
    assert len(set(patients[first])) == 8
    assert (batch_rows(patients, 8, 1, 3) == rows).all() and (batch_rows(patients, 8, 1, 4) != rows).any()
    same, other = judging_pairs(patients, 0)
    assert (patients[same[:, 0]] == patients[same[:, 1]]).all() and (same[:, 0] != same[:, 1]).all()
    assert (patients[other[:, 0]] != patients[other[:, 1]]).all() and len(same) == len(other) == 90


def test_area_and_errors_are_those_counted_by_hand() -> None:
    rng = np.random.default_rng(0)
    own, other = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 200).round(1)
    error, limit = equal_error(own, other)
    assert (own < limit).mean() == pytest.approx(error, abs=0.03)
    assert (other >= limit).mean() == pytest.approx(error, abs=0.03)
    assert verify(lambda pairs: np.zeros(len(pairs)), np.array(["a", "b", "c"]), 0) is None
    # a threshold that other patients chose decides here, and its two errors are counted as they are
    names = np.repeat([f"p{n}" for n in range(25)], 2)
    given = verify(lambda pairs: np.where(names[pairs[:, 0]] == names[pairs[:, 1]], 0.6, 0.4), names, 0, 0.7)
    assert (given.threshold, given.missed, given.taken, given.equal_error, given.auc) == (
        0.7,
        1.0,
        0.0,
        0.0,
        1.0,
    )


@pytest.mark.row("C12")
def test_a_network_learns_to_tell_patients_it_has_never_seen_apart(tmp_path: Path) -> None:
    import torch

    from lab.identification.films import as_tensor
    from lab.identification.network import pair_logits
    from lab.identification.training import learn

    films, patients = toy_films(48, 2)
    strangers, names = toy_films(40, 3, seed=9)
    network = finished(learn(recipe(), films, patients, tmp_path))
    with torch.no_grad():
        rows = network(as_tensor(strangers))
        assert rows.shape == (120, 128) and float(rows.min()) >= 0 and float(rows.max()) <= 1

        def scores(pairs):
            found = pair_logits(network, rows[pairs[:, 0]], rows[pairs[:, 1]])
            return found.detach().sigmoid().double().numpy()

        found = verify(scores, names, 0)
    assert found.auc > 0.9 and found.low < found.auc < found.high and found.equal_error < 0.2
    assert found.patients == 40 and sum(found.histogram["same"]) == found.same_pairs == 120
    # an exact copy scores highest: no difference is ever rewarded
    assert float(network.fc_end.weight.detach().max()) <= 0
    exact = float(network.fc_end.bias.detach().sigmoid())
    assert scores(judging_pairs(names, 0)[0]).max() <= exact
    shuffled = verify(scores, np.random.default_rng(0).permutation(names), 0)
    assert 0.35 < shuffled.auc < 0.65  # no patients, no score


@pytest.mark.parametrize("question", ["patient", "copy"])
def test_a_training_that_was_stopped_ends_with_the_weights_of_one_that_was_not(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.generators.training import steps
    from lab.identification.training import learn

    monkeypatch.setattr(steps, "REPORT_S", 0.0)
    films, patients = toy_films(12, 2)
    asked = replace(recipe(question, steps=20), people=6)
    whole = weights(finished(learn(asked, films, patients, tmp_path / "whole")))
    (tmp_path / "cut").mkdir()
    cut = learn(asked, films, patients, tmp_path / "cut")
    assert [next(cut).done for _ in range(10)][-1] == 10
    cut.close()
    resumed = learn(asked, films, patients, tmp_path / "cut")
    assert next(resumed).done == 11
    again = weights(finished(resumed))
    assert whole.keys() == again.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


def test_pictures_with_a_left_and_a_right_are_never_mirrored() -> None:
    import torch

    from lab.identification.changes import Changes, changed

    assert not any(may_mirror(one) for one in ("chest radiograph", "cardiac MRI", "CT", "X-ray"))
    assert may_mirror("dermoscopy")
    half = torch.zeros(40, 1, 16, 16)
    half[..., 8:] = 1.0
    draws = torch.Generator().manual_seed(0)
    brighter = changed(half, Changes(5.0), draws)
    assert bool((brighter[..., 12:].mean((1, 2, 3)) > brighter[..., :4].mean((1, 2, 3))).all())
    mirrored = changed(half, Changes(5.0, flips=True), draws)
    left = mirrored[..., 12:].mean((1, 2, 3)) < mirrored[..., :4].mean((1, 2, 3))
    assert 8 < int(left.sum()) < 32


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with an imported toy set and a small network of each question."""
    from lab.data.importing.importer import add_folder

    place = tmp_path_factory.mktemp("identity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(place / "workspace"))
        add_folder(write_toy_folder(place / "films"), "toys", licence="CC0", modality="chest radiograph")
        missing = why_absent("toys", "patient"), installed_digest("toys", "patient")
        runs = {
            question: run_inline(train_identity_run("toys", question, steps, 32, widths=WIDTHS))
            for question, steps in (("patient", 40), ("copy", 20))
        }
        yield place / "workspace", runs, missing


def test_the_run_leaves_a_network_with_its_verification_and_no_checkpoint(trained) -> None:
    place, runs, (missing, none) = trained
    assert "python -m lab identity train toys --question patient" in missing and none == "none"
    for question, run in runs.items():
        assert run.state == "done", run.error
        card = json.loads((place / "identity" / "toys" / question / "card.json").read_text())
        assert card == run.result["card"] and card["origin"] == "trained here"
        assert card["training"]["judged_images"] + card["training"]["images"] <= 120
        assert card["verification"]["auc"] > card["verification"]["equal_error"] >= 0
        assert 0 <= card["verification"]["missed"] <= 1 and 0 <= card["verification"]["taken"] <= 1
        assert card["verification"]["auc"] > (0.6 if question == "patient" else 0.9)
        assert installed_digest("toys", question) != "none" and why_absent("toys", question) == ""
    assert not list((place / "training").glob("identity-*"))
    assert [(card.dataset, card.question) for _, card in list_cards() if card.dataset == "toys"] == [
        ("toys", "copy"), ("toys", "patient"),
    ]  # fmt: skip


def test_the_metric_scores_as_the_networks_own_forward_pass(trained) -> None:
    import torch

    from lab.identification.films import as_tensor, small
    from lab.identification.models import open_model
    from lab.metrics.identity import Identity

    model = open_model(folder_of("toys", "patient"))
    films, _ = toy_films(4, 2, seed=5)
    rows = model.embed(list(films))
    assert rows.dtype == np.float32 and rows.shape == (8, 128)
    assert small(films[0], 32).dtype == np.uint8
    network = model._network
    with torch.no_grad():
        both = network.fc_end((network(as_tensor(films[:4])) - network(as_tensor(films[4:]))).abs())
    own = Identity(*model.head).scores(rows[:4], rows[4:])
    np.testing.assert_allclose(own, both.sigmoid()[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(own, model.scores(rows[:4], rows[4:]), atol=1e-5)
    # sixteen bits and colour of the same film are the same film
    deep = films[0].astype(np.uint16) * 257
    colour = np.repeat(films[0][..., None], 3, axis=2)
    np.testing.assert_allclose(model.embed([deep, colour])[:2], rows[[0, 0]], atol=1e-6)


def test_the_contrastive_loss_is_the_published_formula() -> None:
    import torch

    from lab.identification.network import Shape
    from lab.identification.training import TEMPERATURE, nt_xent, recipe_for

    rows = torch.nn.functional.normalize(torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    total = 0.0
    for row in range(6):
        alike = (rows @ rows[row] / 0.07).exp()
        total -= float((alike[(row + 3) % 6] / alike[torch.arange(6) != row].sum()).log())
    assert TEMPERATURE == 0.07 and float(nt_xent(rows, TEMPERATURE)) == pytest.approx(total / 6, rel=1e-4)
    asked = recipe_for(Shape("copy"), 10, 0, flips=False)
    assert (asked.rate, asked.people, asked.flips) == (1e-4, 64, False)


def test_the_copy_embedding_fills_its_space_and_puts_turned_copies_nearest(trained) -> None:
    from lab.config import settings
    from lab.data.resolve import resolve
    from lab.identification.changes import turned
    from lab.identification.models import open_model
    from lab.runs.context import RunContext
    from lab.runs.kinds.providers import Sets, absent_needs, provider
    from lab.runs.resident import Residents

    real, held_out = resolve("toys:train"), resolve("toys:held-out")
    assert absent_needs(["copy-embedding"], "toys", held_out, "") == {}
    ctx = RunContext(settings(), Residents())
    space = finished(provider("copy-embedding").provide(ctx, Sets("toys", real, held_out, None, None, {})))
    space = space["spaces"]["copy"]
    assert space.real.shape == (len(real), 128) and space.synthetic.shape == (len(held_out), 128)
    assert space.held_out is None and space.extractor == "identity-toys-copy"
    np.testing.assert_allclose(np.linalg.norm(space.real, axis=1), 1.0, atol=1e-5)
    films = np.stack([held_out.image(name) for name in held_out.ids()])
    copies = open_model(folder_of("toys", "copy")).embed(list(turned(films, flips=False)))
    nearest = (copies @ space.synthetic.T).argmax(axis=1)
    own = held_out.patients()[nearest] == held_out.patients()
    assert own.mean() > 0.8  # films of one patient are nearly one picture here


def test_published_weights_of_the_documented_layout_are_judged_and_others_refused(
    trained, tmp_path: Path
) -> None:
    import torch
    from torchvision.models import resnet50

    from lab.identification.models import open_model
    from lab.identification.published import install

    torch.manual_seed(0)
    trunk = resnet50(weights=None)
    trunk.fc = torch.nn.Linear(2048, 128)
    state = {f"module.model.{name}": value for name, value in trunk.state_dict().items()}
    state |= {"module.fc_end.weight": torch.randn(1, 128), "module.fc_end.bias": torch.zeros(1)}
    file = tmp_path / "weights.pth"
    torch.save(state, file)
    before = installed_digest("toys", "patient")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.identification.published.MOST_FILMS", 6)
        card = install("toys", file)
    assert card.trunk == "resnet50" and card.origin == "published weights" and card.verification
    assert installed_digest("toys", "patient") != before
    model = open_model(folder_of("toys", "patient"))
    image = toy_films(1, 1)[0][0]
    with torch.no_grad():
        pixels = (
            torch.from_numpy(np.array(_as_published(image))).float()[None, None].expand(1, 3, -1, -1) / 255
        )
        expected = torch.sigmoid(trunk.eval()(pixels))[0].numpy()
    np.testing.assert_allclose(model.embed([image])[0], expected, atol=1e-5)

    del state["module.fc_end.bias"]
    torch.save(state, file)
    with pytest.raises(WeightsError, match="do not fit"):
        install("toys", file)
    torch.save({"model": Path("x")}, file)
    with pytest.raises(WeightsError, match="could run code"):
        install("toys", file)


def _as_published(image: np.ndarray):
    from PIL import Image

    # Image.resize((512, 512)) of the published code, then torchvision's Resize((224, 224)) of a PIL image
    return Image.fromarray(image).resize((512, 512)).resize((224, 224), Image.Resampling.BILINEAR)


def test_what_cannot_be_trained_is_refused_in_a_sentence(trained, tmp_path: Path) -> None:
    from lab.data.importing.importer import add_folder

    with pytest.raises(InputError, match="patient or copy"):
        train_identity_run("toys", "person")
    with pytest.raises(InputError, match="multiples of 8"):
        train_identity_run("toys", widths=(8, 8, 8, 9))
    add_folder(write_toy_folder(tmp_path / "lone", patients=12, films=1), "lone", licence="CC0")
    run = run_inline(train_identity_run("lone", steps=5, size=32, widths=WIDTHS))
    assert run.state == "failed" and "two images or more" in run.error
    with pytest.raises(LabError):
        train_identity_run("nowhere")


def test_the_shell_lists_networks_with_their_worth(trained, capsys) -> None:
    from lab.commands.main import app

    app(["identity", "list", "--json"], standalone_mode=False)
    told = {(one["dataset"], one["question"]): one for one in json.loads(capsys.readouterr().out)["networks"]}
    assert {("toys", "copy"), ("toys", "patient")} <= set(told)
    app(["identity", "list"], standalone_mode=False)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("toys copy"))
    assert f"AUC {told['toys', 'copy']['verification']['auc']:.3f}" in line
