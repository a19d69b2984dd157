"""A reading by the text-image model in words a radiologist reads, the same on pages and in the shell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Fit = Literal["fits", "unclear", "does not fit"]
# A wrong pair scores this high in one case of twenty, a right pair this low in one of twenty.
RARE = 0.05


def fit_of(reading: Mapping[str, Any]) -> Fit:
    """The verdict on a sample and its prompt: "fits" above 95 % of wrong pairs, "does not fit" below that and below
    95 % of right pairs, else "unclear"."""
    if reading["mismatched"] >= 1 - RARE:
        return "fits"
    return "does not fit" if reading["matched"] <= RARE else "unclear"


def fit_sentence(reading: Mapping[str, Any]) -> str:
    """Where the sample stands among held-out films, in one sentence."""
    wrong, own = _than(reading["mismatched"]), _than(reading["matched"])
    joint = "and" if wrong.split()[0] == own.split()[0] else "but"
    return f"It agrees with its prompt {wrong} films agree with a wrong caption, {joint} {own} agree with their own."


def side_words(reading: Mapping[str, Any]) -> str:
    """Whether the sample shows the side of the prompt; "" where the prompt names none or it was not asked."""
    as_asked = reading.get("side_as_asked")
    if as_asked is None:
        return ""
    return "side as asked" if as_asked else "side: more like the other one"


def basis(about: Mapping[str, Any]) -> str:
    """What the verdict rests on, for a tooltip.

    Args:
        about: what the run says of the model: films, tells_apart, sides, sides_films.
    """
    films = about.get("films")
    told = f"{films} films" if films else "films"
    words = (
        f"A model that has learnt which captions go with which films compares the sample with the prompt. The score "
        f"itself says nothing, so it is placed among the scores of {told} of patients that no model has seen, beside "
        "their own captions and beside wrong ones. Fits: above 95 of 100 wrong pairs. Does not fit: below that, and "
        "below 95 of 100 right pairs. On these films the model takes the right caption over a wrong one in "
        f"{100 * about['tells_apart']:.0f} % of pairs"
    )
    sides = about.get("sides")
    if sides is None:
        return f"{words}."
    return f"{words}, and the right side over the left-right exchanged caption in {100 * sides:.0f} %."


def lines(reading: Mapping[str, Any]) -> list[str]:
    """A reading as plain text: verdict with side, where it stands, and words left out if any."""
    side = side_words(reading)
    head = f"{fit_of(reading)} its prompt" if fit_of(reading) == "fits" else f"prompt: {fit_of(reading)}"
    told = [f"{head}, {side}." if side else f"{head}.", fit_sentence(reading), reading.get("note") or ""]
    return [line for line in told if line]


def _than(share: float) -> str:
    """A hundred films are as fine as some hundred can tell: the ends stay at 99."""
    count = min(99, round(100 * share))
    return f"better than {count} of 100" if count else "worse than 99 of 100"
