from __future__ import annotations

import threading

import pytest

from lab.errors import InputError, RunCancelled
from lab.runs.kinds.callbacks import stepwise


def count_to(n, seen):
    def work(report):
        for i in range(n):
            seen.append(i)
            report(i, n)
        return "finished"

    return work


def test_reports_come_in_order_and_the_result_is_returned() -> None:
    steps, got = stepwise(count_to(3, [])), []
    with pytest.raises(StopIteration) as end:
        while True:
            got.append(next(steps))
    assert got == [(0, 3), (1, 3), (2, 3)]
    assert end.value.value == "finished"


def test_work_stands_still_while_nobody_asks() -> None:
    seen: list[int] = []
    steps = stepwise(count_to(100, seen))
    next(steps)
    threading.Event().wait(0.05)
    assert seen == [0]
    steps.close()
    assert seen == [0]


def test_closing_raises_inside_the_work() -> None:
    ended: list[str] = []

    def work(report):
        try:
            report(1, 2)
        except RunCancelled:
            ended.append("cancelled")
            raise

    steps = stepwise(work)
    next(steps)
    steps.close()
    assert ended == ["cancelled"]


def test_errors_of_the_work_reach_the_consumer() -> None:
    def work(report):
        raise InputError("no")

    with pytest.raises(InputError):
        next(stepwise(work))
