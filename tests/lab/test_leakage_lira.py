"""LiRA: its scores by hand, its halves of patients, and a run that goes on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import InputError, NotComputable
from lab.leakage.attacks.lira import balanced_halves, offline, online
from lab.leakage.roc import roc_of


def test_scores_are_the_two_normal_distributions_by_hand() -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    inside = balanced_halves(10, 6, 0)
    shadows = rng.normal(size=(6, 10)) + 2.0 * inside
    target = rng.normal(size=10)
    expected, below = [], []
    spread = {}
    for kept in (True, False):
        gaps = [shadows[inside[:, at] == kept, at] for at in range(10)]
        spread[kept] = np.sqrt(
            sum(((gap - gap.mean()) ** 2).sum() for gap in gaps) / sum(len(gap) - 1 for gap in gaps)
        )
    for at in range(10):
        seen, unseen = (shadows[inside[:, at] == kept, at].mean() for kept in (True, False))
        expected.append(
            norm.logpdf(target[at], seen, spread[True]) - norm.logpdf(target[at], unseen, spread[False])
        )
        below.append(norm.logcdf((target[at] - unseen) / spread[False]))
    np.testing.assert_allclose(online(target, shadows, inside), expected, rtol=1e-9)
    np.testing.assert_allclose(offline(target, shadows, inside), below, rtol=1e-9)


def test_each_film_has_a_spread_of_its_own_from_64_shadow_models_on() -> None:
    rng = np.random.default_rng(1)
    inside = balanced_halves(8, 64, 0)
    shadows = rng.normal(size=(64, 8)) * np.arange(1, 9)
    out = shadows[~inside[:, 5], 5]
    from scipy.stats import norm

    found = offline(np.zeros(8), shadows, inside)
    assert found[5] == pytest.approx(norm.logcdf(-out.mean() / out.std(ddof=1)))


def test_a_film_that_is_hard_for_all_is_not_taken_for_a_stranger() -> None:
    """Difficulties differ far more than what membership changes: the loss alone is blind, LiRA is not."""
    rng = np.random.default_rng(2)
    hard, inside = rng.normal(0, 5, 200), balanced_halves(200, 16, 1)
    seen = rng.random(200) < 0.5
    shadows = hard + 1.0 * inside + rng.normal(0, 0.4, (16, 200))
    target = hard + 1.0 * seen + rng.normal(0, 0.4, 200)
    people = np.arange(200).astype(str)

    def area(scores) -> float:
        return roc_of(scores[seen], scores[~seen], people[seen], people[~seen]).area

    assert area(target) < 0.7
    assert area(online(target, shadows, inside)) > 0.9 and area(offline(target, shadows, inside)) > 0.85


def test_every_patient_is_in_half_of_the_shadow_models() -> None:
    halves = balanced_halves(20, 8, 3)
    assert (halves.sum(0) == 4).all() and (halves.sum(1) == 10).all()
    for patients, shadows in ((20, 7), (20, 2), (4, 8)):
        with pytest.raises(NotComputable, match="even number"):
            balanced_halves(patients, shadows, 0)
    with pytest.raises(NotComputable, match="in all shadow models"):
        online(np.zeros(3), np.zeros((4, 3)), np.ones((4, 3), dtype=bool))


def _tiny_set(tmp_path, monkeypatch) -> None:
    from lab.data.images import encode_png
    from lab.data.store import add_folder
    from tests.builders.memory_set import blobs

    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LAB_THREADS", "1")
    monkeypatch.delenv("LAB_STORE_URL", raising=False)
    films = tmp_path / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(51, 40)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,normal chest")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")


def test_a_run_goes_on_after_the_models_that_are_trained(tmp_path, monkeypatch) -> None:
    import lab.leakage.shadow as shadow
    from lab.runs.inline import run_inline
    from lab.runs.leakage_requests import lira_run
    from lab.runs.store import RunStore

    _tiny_set(tmp_path, monkeypatch)
    spec = lira_run("films", 16, 4, shadow.Recipe(steps=10, batch=4))
    trained, seeds, left = shadow.trained, [], [2]

    def failing(films, recipe, seed):
        seeds.append((seed, len(films)))
        if len(seeds) > left[0]:
            raise RuntimeError("the power went out")
        return (yield from trained(films, recipe, seed))

    monkeypatch.setattr(shadow, "trained", failing)
    assert run_inline(spec).state == "failed" and len(seeds) == 3
    left[0] = 99
    RunStore.open().resume(RunStore.open().list(kinds=("lira",))[0].id)
    run = run_inline(spec)
    assert run.state == "done" and run.result is not None, run.error
    assert len(seeds) == 6 and len({seed for seed, _ in seeds}) == 5, (
        "two models are kept, the third is trained anew"
    )
    assert {count for _, count in seeds} == {8}, "half of the patients each"
    told = {one["name"]: one for one in run.result["attacks"]}
    assert set(told) == {"lira-online", "lira-offline", "loss"}
    assert told["lira-online"]["members"] == told["lira-online"]["others"] == 8 and told["loss"]["control"]
    for wrong in ({"patients": 4}, {"shadows": 5}):
        with pytest.raises(InputError, match="LiRA takes"):
            lira_run("films", **wrong)


def test_training_is_the_same_twice_and_learns() -> None:
    import torch

    from lab.leakage.shadow import Recipe, scores, trained
    from tests.builders.memory_set import blobs

    films = np.stack(blobs(3, 4, 32))

    def model(steps: int):
        work = trained(films, Recipe(steps=steps, batch=4), 7)
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value

    first, again = model(12), model(12)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert scores(first, films).mean() > scores(model(10), films).mean() - 0.5
    with pytest.raises(InputError, match="small model"):
        Recipe(steps=1)
