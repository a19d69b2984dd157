"""The control of LiRA: 0.5 for models that saw other halves, and steadier than one split of the unseen films."""

from __future__ import annotations

import numpy as np
import pytest

from lab.leakage.attacks.lira import balanced_halves, offline, online
from lab.leakage.attacks.lira_control import on_other_models
from lab.leakage.roc import roc_of


def simulated(seed: int, leak: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores of 8 shadows and of the attacked model (last) on 64 films: difficulty + leak where seen + noise."""
    rng = np.random.default_rng(seed)
    halves = np.concatenate([balanced_halves(64, 8, seed), np.zeros((1, 64), bool)])
    halves[-1, rng.permutation(64)[:32]] = True
    easy = rng.normal(size=64) * 3.0
    scores = easy + leak * halves + rng.normal(size=halves.shape)
    return scores, halves, halves[-1], np.asarray([f"p{k}" for k in range(64)])


@pytest.mark.row("CM-13")
def test_control_is_a_half_on_average_and_steadier_than_one_split_of_the_unseen() -> None:
    controls, splits, attacks = [], [], []
    for seed in range(24):
        scores, halves, seen, people = simulated(seed, leak=2.0)
        told = on_other_models(online, scores[:-1], halves[:-1], seen, people, seed)
        assert told is not None and told["low"] <= told["area"] <= told["high"]
        controls.append(told["area"])
        found = online(scores[-1], scores[:-1], halves[:-1])
        attacks.append(roc_of(found[seen], found[~seen], people[seen], people[~seen], seed).area)
        first = np.random.default_rng(seed).permutation(np.flatnonzero(~seen))
        one, two = first[:16], first[16:]
        splits.append(roc_of(found[one], found[two], people[one], people[two], seed).area)
    assert np.mean(attacks) > 0.8, "what leaks is found"
    assert abs(np.mean(controls) - 0.5) < 0.02
    assert np.std(controls) < 0.6 * np.std(splits)


def test_control_cancels_that_some_films_are_easy_for_every_model() -> None:
    scores, halves, seen, people = simulated(3, leak=0.0)
    scores += 5.0 * seen  # the films that were taken are easier, whoever is asked
    told = on_other_models(lambda own, _s, _i: own, scores[:-1], halves[:-1], seen, people, 0)
    assert told is not None and told["area"] > 0.7, (
        "the loss alone takes easy films for members, and the control says so"
    )
    calibrated = on_other_models(offline, scores[:-1], halves[:-1], seen, people, 0)
    assert calibrated is not None and abs(calibrated["area"] - 0.5) < 0.1


def test_too_few_shadows_give_no_control() -> None:
    scores, halves, seen, people = simulated(1, leak=1.0)
    assert on_other_models(online, scores[:2], halves[:2], seen, people, 0) is None
