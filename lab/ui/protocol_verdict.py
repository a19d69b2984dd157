"""Whether a generator gives its training images back: prompts beyond a limit that held-out images set, by measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from lab.leakage.rates import clopper_pearson
from lab.ui.frame import plain
from lab.ui.protocol_numbers import FEWEST, Scores

_HELP = (
    "The rule: for each measure a limit is set so that at most one in twenty of the held-out controls lies beyond it: "
    "other patients' images with the same label, as many for each prompt. A generator gives training images back when "
    "more of its prompts have a sample beyond that limit than chance explains: the exact 95 % intervals of the two "
    "shares do not touch. One measure is enough, because each is blind to some copies: a flipped copy is far away in "
    "pixels."
)


@dataclass(frozen=True)
class Beyond:
    """Prompts whose most suspicious sample lies beyond the limit that the held-out control sets.

    Attributes:
        title: of the measure.
        found, prompts: how many of how many prompts.
        low, high: exact 95 % interval of that share.
        accused, controls: the same of the control, which sets the limit.
        accused_high: upper end of its interval.
    """

    title: str
    found: int
    prompts: int
    low: float
    high: float
    accused: int
    controls: int
    accused_high: float

    @property
    def leaks(self) -> bool:
        """Whether there are more than chance explains."""
        return self.low > self.accused_high


def beyond(scores: Scores) -> Beyond | None:
    """Count prompts beyond the limit of a measure; None where fewer than 20 controls could set one."""
    limit = scores.control_limit()
    if limit is None:
        return None
    extreme = scores.by_prompt()["extreme"].to_numpy()
    found, accused = scores.suspicious(extreme, limit), scores.suspicious(scores.control, limit)
    low, high = clopper_pearson(found, len(extreme))
    ends = clopper_pearson(accused, len(scores.control))
    return Beyond(scores.title, found, len(extreme), low, high, accused, len(scores.control), ends[1])


def verdict(scores: Mapping[str, Scores]) -> None:
    """Draw the word and the counts behind it; with too few controls, that nothing can be told."""
    told = [found for one in scores.values() if (found := beyond(one)) is not None]
    if not told:
        st.caption(
            f"Fewer than {FEWEST} prompts have a control, so no share can be told from chance: ask for more."
        )
        return
    word, lines = worded(told)
    st.markdown(word, help=_HELP)
    st.markdown("\n".join(lines))


def worded(told: Sequence[Beyond]) -> tuple[str, list[str]]:
    """The badge, and lines of Markdown for the counts by measure, those that leak first."""
    ordered = sorted(told, key=lambda one: not one.leaks)
    lines = ["Prompts with a sample nearer to a copy than held-out images come:", ""]
    lines += [
        f"- **{one.found:,} of {one.prompts:,}** by {plain(one.title[:1].lower() + one.title[1:])} "
        f"({100 * one.low:.0f} to {100 * one.high:.0f} %; held-out control {one.accused:,} of {one.controls:,})"
        for one in ordered
    ]
    if ordered[0].leaks:
        return ":red-badge[:material/warning: It gives training images back]", lines
    lines += [
        "",
        "No more than chance explains. Copies of other images than the prompt's own do not show here.",
    ]
    return ":gray-badge[:material/search: No sign that it gives training images back]", lines
