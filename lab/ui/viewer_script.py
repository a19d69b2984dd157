"""The viewer's script and style on their way to the browser.

Streamlit sends a component's script again with every change of its data. So only a small loader travels that way; it
fetches the rest, script and style in one module, from the server's media store once a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from lab.config import ASSETS
from lab.errors import NotComputable
from lab.ui.viewer_store import keep

LOADER = "loader.js"
SCRIPTS = (
    "parts.js",
    "packet.js",
    "paint.js",
    "view.js",
    "compare.js",
    "marks.js",
    "labels.js",
    "legend.js",
    "stages.js",
    "tools.js",
    "touch.js",
    "hands.js",
    "keys.js",
    "main.js",
)


def component() -> Callable[..., Any]:
    """The viewer as a function that mounts it; its script is kept for this session's browser.

    Raises:
        NotComputable: when the files are missing.
    """
    loader, module = _sources()
    address = keep(module.encode(), "application/javascript", "viewer", "viewer.script")
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_viewer",
        html='<div class="viewer"></div>',
        js=loader.replace('"@address@"', json.dumps(address)),
    )
    return mount


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    """The loader and the module it fetches."""
    folder = ASSETS / "viewer"
    try:
        parts = [(folder / name).read_text("utf-8") for name in SCRIPTS]
        style = (folder / "viewer.css").read_text("utf-8")
        loader = (folder / LOADER).read_text("utf-8")
    except OSError as error:
        raise NotComputable(
            "The viewer's files are missing; images are kept; restore assets/viewer."
        ) from error
    module = "\n".join([f"const STYLE = {json.dumps(style)}", *parts])
    return _spare(loader), _spare(module)


def _spare(script: str) -> str:
    """Without comments and margins, which stay at home."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
