"""Numbers in the words of a slide: a share with its count and interval, and the shape of a slide's parts."""

from __future__ import annotations

import html

from lab.neighbours.intervals import Share


def percent(value: float) -> str:
    """A share as a percentage without needless digits."""
    return f"{100 * value:.1f} %" if 0 < value < 0.1 else f"{100 * value:.0f} %"


def interval(share: Share) -> str:
    """The 95 % interval of a share, and what it is of."""
    return f"{percent(share.low)} to {percent(share.high)}, n = {share.n:,}"


def counted(share: Share) -> str:
    """ "12 of 20 (39 % to 78 %)"."""
    return f"{share.hits:,} of {share.n:,} ({percent(share.low)} to {percent(share.high)})"


def control_of(share: Share | None, of: str) -> str:
    """The control beside a number; says so where there is none."""
    return f"Control, {of}: {counted(share)}" if share else f"Control, {of}: not measured"


def title(words: str) -> str:
    """The heading of a slide."""
    return f'<h2 class="slide-title">{html.escape(words)}</h2>'


def say(words: str) -> str:
    """One sentence in large type."""
    return f'<p class="slide-say">{html.escape(words)}</p>'


def small(words: str) -> str:
    """A line in small type."""
    return f'<p class="slide-small">{html.escape(words)}</p>'


def number(value: str, words: str, further: str = "") -> str:
    """A large number, what it is, and its interval or control."""
    more = f"<small>{html.escape(further)}</small>" if further else ""
    return (
        f'<div class="slide-number"><b>{html.escape(value)}</b><span>{html.escape(words)}</span>{more}</div>'
    )
