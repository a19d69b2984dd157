"""What the map's component fetches by itself: the drawing library, once, and the film under the pointer.

A film is asked for by its row in a table that this very session was given; the table's name is a random token, so
nothing can be listed or guessed, and at most `TABLES` of them are known at a time.
"""

from __future__ import annotations

import base64
import io
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import streamlit as st
from numpy.typing import NDArray

from lab.config import settings
from lab.errors import LabError
from lab.ui.films import as_8bit, may_be_public

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TABLES = 64
THUMBNAIL = 160
CACHED = 1024
KEEP = {"Cache-Control": "private, max-age=3600"}


@dataclass(frozen=True)
class FilmRow:
    """Where the picture of one point lies, and its words.

    Args:
        dataset: id of its dataset; of a sample, of the dataset its generator was trained on.
        digest: content digest of that dataset, or of the sample's artifact.
        image_id: of a dataset's image; "" for a sample.
        tag: "REAL", "SYNTHETIC" or "PHANTOM".
        words: a few short lines, shown as text.
    """

    dataset: str
    digest: str
    image_id: str
    tag: str
    words: tuple[str, ...]


class FilmTables:
    """Tables of points by token, the ones used longest ago forgotten first."""

    def __init__(self) -> None:
        self._tables: OrderedDict[str, Any] = OrderedDict()
        self._lock = Lock()

    def keep(self, token: str | None, rows: Any) -> str:
        """Store `rows` (an object whose `row(number)` gives a `FilmRow` or None) under a token, new without one."""
        token = token or secrets.token_urlsafe(18)
        with self._lock:
            self._tables[token] = rows
            self._tables.move_to_end(token)
            while len(self._tables) > TABLES:
                self._tables.popitem(last=False)
        return token

    def find(self, token: str, row: int) -> FilmRow | None:
        """The row of that number, or None."""
        with self._lock:
            rows = self._tables.get(token)
        return None if rows is None else rows.row(row)


@st.cache_resource(show_spinner=False)
def film_tables() -> FilmTables:
    """The tables of this server."""
    return FilmTables()


@lru_cache(maxsize=1)
def plotly_file() -> tuple[Path, str]:
    """The drawing library that the `plotly` package ships, and its version."""
    import plotly
    from plotly.offline import get_plotlyjs_version

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js", str(get_plotlyjs_version())


def folder() -> str:
    """Where the map's addresses lie on this server, below `server.baseUrlPath` where there is one."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/api/map" if base else "/api/map"


def plotly_path() -> str:
    """Its address on this server; the version is in it, so a browser keeps it for good."""
    return f"{folder()}/plotly-{plotly_file()[1]}.js"


def drawing_library(request: Request) -> Response:
    """The drawing library, to be kept by the browser."""
    from starlette.responses import FileResponse

    keep = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(plotly_file()[0], media_type="text/javascript", headers=keep)


def film_under(request: Request) -> Response:
    """Tag, words and a small picture of one point, as JSON; 404 for an unknown table or row."""
    from starlette.responses import JSONResponse

    row = film_tables().find(request.path_params["token"], request.path_params["row"])
    if row is None:
        return JSONResponse({"error": "There is no such point."}, status_code=404)
    told: dict[str, Any] = {"tag": row.tag, "words": list(row.words)}
    if settings().public and not may_be_public(row.dataset):
        return JSONResponse(
            told | {"problem": "The licence of this film does not allow showing it in public."}
        )
    try:
        told["picture"] = _picture(row.dataset, row.digest, row.image_id)
    except LabError as error:
        told["problem"] = str(error)
    return JSONResponse(told, headers=KEEP)


@lru_cache(maxsize=CACHED)
def _picture(dataset: str, digest: str, image_id: str) -> str:
    """A data address of the film at most `THUMBNAIL` pixels a side; the digest is part of the cache's key."""
    from lab.data.images import decode
    from lab.data.store import open_dataset
    from lab.runs.artifacts import read_artifact

    pixels = open_dataset(dataset).image(image_id) if image_id else decode(read_artifact(digest)).array
    return f"data:image/webp;base64,{base64.b64encode(small(pixels)).decode()}"


def small(pixels: NDArray[Any], size: int = THUMBNAIL) -> bytes:
    """A film (H, W) or (H, W, 3), uint8 or uint16, as a small WebP; 16-bit films are windowed by percentiles."""
    from PIL import Image

    picture = Image.fromarray(as_8bit(pixels))
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=82, method=2)
    return stream.getvalue()


def routes() -> list[Any]:
    """Routes of the map, beside Streamlit's own."""
    from starlette.routing import Route

    return [
        Route(plotly_path(), drawing_library),
        Route(f"{folder()}/{{token:str}}/{{row:int}}", film_under),
    ]
