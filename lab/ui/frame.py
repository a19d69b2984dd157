"""The frame around every page: heading, notice, facts, empty states, and errors as one sentence."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from lab.config import ROOT
from lab.errors import LabError

PAGES = ROOT / "pages"
NOTICE = "Research use, not for diagnosis."
_LOG = logging.getLogger("lab.ui")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def head(title: str, lead: str, films: bool = False) -> None:
    """Heading and one line on what the page is for; `films` adds the research notice."""
    st.title(title, anchor=False)
    notice = f'<p class="doppel-notice">{NOTICE} Patient’s right is the viewer’s left.</p>' if films else ""
    st.html(f'<p class="doppel-lead">{html.escape(lead)}</p>{notice}')


def plain(text: str) -> str:
    """`text` with all Markdown marks escaped, on one line: for places that only take Markdown."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def facts(pairs: Mapping[str, object]) -> None:
    """A small two-column list of names and values; both are shown as text."""
    rows = "".join(f"<dt>{html.escape(str(k))}</dt><dd>{html.escape(str(v))}</dd>" for k, v in pairs.items())
    st.html(f'<dl class="doppel-facts">{rows}</dl>')


def missing(what: str, why: str, page: str | None = None, label: str = "") -> None:
    """An empty state: what is missing, why, and a link to the page that provides it."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.markdown(why)
        if page is not None:
            link(page, label)


def link(page: str, label: str, icon: str = ":material/arrow_forward:") -> None:
    """A link to one of our pages."""
    st.page_link(place(page), label=label, icon=icon)


def place(page: str) -> Path:
    """The file of a page by its name."""
    return PAGES / f"{page}.py"


def refuse(error: LabError) -> None:
    """Show an error's sentence, as text."""
    st.error(plain(str(error)), icon=":material/error:")


@contextmanager
def sentences() -> Iterator[None]:
    """Turn a `LabError` inside the block into its sentence; the rest of the page stays usable."""
    try:
        yield
    except LabError as error:
        _LOG.info("refused: %s", type(error).__name__)
        refuse(error)


def link_with(page: str, label: str, asked: Mapping[Any, str], icon: str) -> None:
    """A link to one of our pages that carries opaque ids in its address."""
    st.page_link(
        place(page), label=label, icon=icon, query_params={str(key): value for key, value in asked.items()}
    )
