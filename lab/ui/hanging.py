"""Hanging protocols: how films are laid out for a question, and the difference film that goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.errors import InputError
from lab.neighbours.difference import registered_difference
from lab.ui.viewer_film import Film


@dataclass(frozen=True)
class Layout:
    """A named arrangement.

    Attributes:
        name: what callers ask for.
        title: for people.
        columns: viewports in a row; the narrow count is used where the page is narrow.
        narrow: viewports in a row below 1,000 px.
        lead: whether the first film is two rows high and two columns wide.
        most: how many films it takes; 0 is any number.
        tools: "full" for comparing, "few" for browsing.
    """

    name: str
    title: str
    columns: int
    narrow: int
    lead: bool = False
    most: int = 0
    tools: str = "full"


@dataclass(frozen=True)
class Stage:
    """One way to hang the films of a viewer.

    Attributes:
        layout: name of the layout.
        title: for people.
        columns: viewports in a row; the narrow count is used where the page is narrow.
        narrow: viewports in a row below 1,000 px.
        lead: whether the first film is two rows high and two columns wide.
        films: how many are shown, from the first.
    """

    layout: str
    title: str
    columns: int
    narrow: int
    lead: bool
    films: int


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("grid", "Grid", 4, 3, tools="few"),
        Layout("pair", "Sample and its nearest", 2, 2, most=2),
        Layout("audit", "Audit one pair", 4, 2, most=4),
        Layout("one-and-five", "One and its neighbours", 5, 4, lead=True, most=7),
        Layout("two-by-two", "Two by two", 2, 2, most=4),
        Layout("case", "Case", 3, 3, most=3),
        Layout("case-audit", "Case and difference", 4, 4, most=4),
        Layout("two-in-a-row", "Two in a row", 2, 2, tools="few"),
        Layout("first-large", "First one large", 4, 3, lead=True, tools="few"),
    )
}
# What the keys , and . step through beside the layout a page asked for.
_FURTHER = {
    "one-and-five": ("pair", "grid"),
    "audit": ("pair", "two-by-two"),
    "pair": (),
}
_ELSE = ("two-in-a-row", "first-large")


def arrangement(name: str) -> Layout:
    """The layout of that name.

    Raises:
        InputError: when there is none.
    """
    if name not in LAYOUTS:
        raise InputError(
            f"There is no layout of that name; nothing was drawn; use one of {', '.join(LAYOUTS)}."
        )
    return LAYOUTS[name]


def stages(layout: str | None, columns: int, lead: bool, count: int) -> tuple[list[Stage], str]:
    """The ways to hang films, the one asked for first, and which tools go with them ("full" or "few").

    Args:
        layout: name of a layout, or None for `columns` viewports in a row, the first one large with `lead`.
        count: number of films, at least one.

    Raises:
        InputError: for an unknown layout, or more films than it takes.
    """
    first = Layout("", "As listed", columns, columns, lead, tools="few")
    if layout is not None:
        first = arrangement(layout)
        if first.most and count > first.most:
            raise InputError(
                f"This layout takes {first.most} films; nothing was drawn; choose the grid instead."
            )
    found: list[Stage] = []
    for each in (first, *(LAYOUTS[name] for name in _FURTHER.get(first.name, _ELSE) if count > 2)):
        stage = _stage(each, count)
        seen = {(old.columns, old.lead, old.films) for old in found}
        if (stage.columns, stage.lead, stage.films) not in seen:
            found.append(stage)
    return found, first.tools


def _stage(layout: Layout, count: int) -> Stage:
    shown = min(layout.most or count, count)
    # A row is not wider than its films, save beside a large one, and where a page asked for just so many.
    columns = layout.columns if layout.lead or not layout.name else min(layout.columns, shown)
    return Stage(layout.name, layout.title, columns, min(layout.narrow, columns), layout.lead, shown)


def pair(sample: Film, nearest: Film) -> list[Film]:
    """Sample beside its nearest training film, for the layout "pair"."""
    return [sample, nearest]


def audit(sample: Film, nearest: Film, held_out: Film | None) -> list[Film]:
    """Sample, nearest training film, nearest held-out film, difference after registration: the layout "audit"."""
    return [sample, nearest, *([held_out] if held_out else []), difference_film(sample, nearest)]


def one_and_five(sample: Film, neighbours: Sequence[Film], held_out: Film | None = None) -> list[Film]:
    """Sample large, up to five neighbours, and the nearest held-out film, for the layout "one-and-five"."""
    return [sample, *neighbours[:5], *([held_out] if held_out else [])]


def difference_film(sample: Film, nearest: Film) -> Film:
    """The sample, registered, minus the nearest film: mid-grey where both agree.

    Returns:
        An 8-bit film of the nearest film's size, tagged as the sample; it may be shown in public where both may.
    """
    found = registered_difference(sample.samples, nearest.samples)
    caption = (
        f"difference after registration: mid-grey is equal\nregistered {found.variant.words()}, correlation "
    )
    return Film(
        found.image,
        sample.tag,
        f"{caption}{found.correlation:.3f}",
        "minus nearest",
        modality=sample.modality,
        public=sample.public and nearest.public,
    )
