"""The choices of `evaluate` on the command line: ready choices, breakdown and changed numbers become one run."""

from __future__ import annotations

import pytest

from lab.commands.analyse import _asked, _options
from lab.errors import InputError, NotFoundError
from lab.metrics.presets import get_preset


def test_a_preset_gives_its_metrics_and_breakdown_and_takes_more() -> None:
    names, by = _asked("vendi-score, precision", "chexgenbench", "")
    assert names[: len(get_preset("chexgenbench").metrics)] == list(get_preset("chexgenbench").metrics)
    assert names.count("precision") == 1 and names[-1] == "vendi-score" and by == "label"
    assert _asked("", "chexgenbench", "none")[1] == "" and _asked("", "chexgenbench", "sex")[1] == "sex"
    assert _asked("precision", "", "view") == (["precision"], "view")


def test_options_are_named_numbers() -> None:
    assert _options(["nndr.limit=0.5", " xing-privacy.k = 7"]) == {"nndr.limit": 0.5, "xing-privacy.k": 7.0}
    with pytest.raises(InputError, match="METRIC.NAME=NUMBER"):
        _options(["xing-privacy.k"])


@pytest.mark.parametrize(("metrics", "by"), [("", ""), ("precision", "hospital")])
def test_nothing_starts_without_metrics_or_by_an_unknown_column(metrics: str, by: str) -> None:
    with pytest.raises(InputError, match="nothing was started"):
        _asked(metrics, "", by)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="quick-look"):
        _asked("", "everything-else", "")
