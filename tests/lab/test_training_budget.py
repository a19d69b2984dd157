"""A training ends with its steps or with its minutes: the bar and the time left follow whichever comes first."""

from __future__ import annotations

import pytest

from lab.runs.kinds import train
from lab.runs.kinds.train import _Budget
from lab.runs.spec import Progress


@pytest.fixture
def at(monkeypatch):
    """Sets the seconds that the budget's clock shows."""
    now = {"s": 100.0}
    monkeypatch.setattr(train.clock, "elapsed", lambda: now["s"])
    return lambda seconds: now.update(s=100.0 + seconds)


def told(done, total, rate):
    return Progress("Training", done, total, rate, (total - done) / rate, None, "loss 0.2")


def test_a_training_that_ends_by_the_clock_is_full_when_its_minutes_are_over(at):
    budget, seen = _Budget(600.0), []
    for seconds in range(0, 600, 60):
        at(seconds)
        seen.append(budget.ends(told(seconds / 10, 100_000, 0.1)))
    assert [round(one.fraction, 3) for one in seen] == [round(n / 10, 3) for n in range(10)]
    assert [one.remaining_s for one in seen] == [600.0 - seconds for seconds in range(0, 600, 60)]
    assert "loss 0.2" in seen[-1].message and "10 minutes are over before its last step" in seen[-1].message


def test_a_training_that_ends_by_its_steps_is_counted_by_them(at):
    budget = _Budget(600.0)
    at(0)
    budget.ends(told(0, 100, 1.0))
    at(50)
    half = budget.ends(told(50, 100, 1.0))
    assert half.fraction == 0.5 and half.remaining_s == 50.0 and half.message == "loss 0.2"


def test_each_stage_begins_at_nothing_and_ends_with_the_minutes_left(at):
    budget = _Budget(600.0)
    at(0)
    budget.ends(Progress("Data", 0, 10))
    at(300)
    assert budget.ends(told(0, 100_000, 0.1)).fraction == 0.0
    at(450)
    later = budget.ends(told(15, 100_000, 0.1))
    assert later.fraction == pytest.approx(0.5) and later.remaining_s == 150.0
    at(700)
    over = budget.ends(told(40, 100_000, 0.1))
    assert over.remaining_s == 0.0 and over.fraction == 1.0
    assert budget.ends(Progress("Writing", 0, 1)).fraction == 0.0, "what follows ends by its own steps"
    at(710)
    assert budget.ends(Progress("Writing", 1, 2)).fraction == 0.5


def test_progress_in_the_store_keeps_its_share():
    one = Progress("Training", 5, 1000, share=0.5)
    assert Progress.from_json(one.to_json()) == one and one.fraction == 0.5
    assert Progress.from_json('{"stage": "Training", "done": 5, "total": 10}').fraction == 0.5
