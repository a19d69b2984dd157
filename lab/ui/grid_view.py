"""A grid on the screen: while it is made, when it stopped, and when it is done."""

from __future__ import annotations

import streamlit as st

from lab.report.grid_files import tag_of
from lab.runs.grid_requests import cells_of, grid_of, made_cells
from lab.runs.records import Run
from lab.ui.films import artifact_pixels
from lab.ui.frame import plain
from lab.ui.grid_about import dataset_of, labels_of, largest
from lab.ui.grid_cells import finished
from lab.ui.grid_numbers import small_png, strip_parts
from lab.ui.grid_table import Picture, table
from lab.ui.prompt_settings import has_guidance, has_steps
from lab.ui.run_panel import duration, stand_in
from lab.ui.sample_origin import card_of, shown_here
from lab.ui.state import GridKey as Key


def grid_view(run: Run) -> None:
    """The grid of a run, whatever its state."""
    _heading(run)
    if run.state != "done":
        stand_in(run, _unfinished)
        if run.is_over and made_cells(run):
            st.caption("The cells that were finished are kept and shown; resume to make the others.")
            finished(run)
        return
    for note in (run.result or {}).get("notes", []):
        st.caption(plain(str(note)))
    finished(run)


def _heading(run: Run) -> None:
    chosen, asked = run.spec.settings, grid_of(run.spec)
    if chosen["name"]:
        st.markdown(f"**{plain(chosen['name'])}**")
    fixed = [f"“{asked.base.prompt}”"] if asked.base.prompt else []
    varied = {one.kind for one in (asked.rows, asked.columns) if one}
    card = card_of(asked.base.generator)
    steps, guidance = card is None or has_steps(card), card is None or has_guidance(card)
    fixed += [f"seed {asked.base.seeds[0]}"] if "seed" not in varied else []
    fixed += [f"guidance {asked.base.guidance:g}"] if "guidance" not in varied and guidance else []
    fixed += [f"{asked.base.steps} steps"] if "steps" not in varied and steps else []
    fixed += [card.title if card else asked.base.generator] if "generator" not in varied else []
    took = f" · made in {duration(run.duration_s)}" if run.state == "done" and run.duration_s else ""
    st.caption(plain(f"{tag_of(run)} · {' · '.join(fixed)} · {len(chosen['cells'])} cells{took}"))


def _unfinished(run: Run) -> None:
    """What is there so far, and the unfinished pictures of the cells that are being made."""
    made = made_cells(run)
    now: dict[int, bytes] = {}
    waiting: list[int] = next((group for group in run.spec.settings["groups"] if group[0] not in made), [])
    if run.progress is not None and run.progress.preview is not None:
        now = dict(
            zip(waiting, strip_parts(artifact_pixels(run.progress.preview), len(waiting)), strict=False)
        )
    pictures = []
    for number, cell in enumerate(cells_of(run.spec)):
        visible = shown_here(cell.request.generator, dataset_of(run, cell.request.generator))
        done = small_png(made[number].artifact) if number in made and visible else b""
        png = done or (now.get(number, b"") if visible else b"")
        pictures.append(
            Picture(
                number, cell.row, cell.column, png, f"cell {number + 1}", pending=not done,
                wait="" if visible else "not shown in public",
            )
        )  # fmt: skip
    labels = labels_of(run)
    table(pictures, labels, key=f"{Key.TABLE}.live.{run.id}", largest=largest(labels))
