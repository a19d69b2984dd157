"""Pixels over their own door: once per content, not with every rerun.

Data handed to a component travels again whenever anything beside it changes. So a component gets addresses only, and
the bytes wait in the server's media store, which passes the same Host check as every request and forgets them with
the last session that shows them. An address is a keyed hash: it neither tells nor proves which film it names.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime

# A type of the video family, because the server would otherwise compress megabytes anew for every request.
_MIME = "video/x-raw"


@lru_cache(maxsize=1)
def _secret() -> bytes:
    return secrets.token_bytes(32)


def sealed(text: str) -> str:
    """A keyed hash of 32 digits: equal for equal text while this server lives, and without meaning elsewhere."""
    return hmac.new(_secret(), text.encode(), hashlib.sha256).hexdigest()[:32]


def address(pixels: NDArray[Any], place: str) -> str:
    """Keep the bytes of an array for this session and say where the browser finds them.

    Args:
        pixels: uint8 or uint16, any shape; sent rows first, little-endian, without loss.
        place: where on the page it is shown; what was kept under the same place before is let go.

    Returns:
        A path on this server; "" outside a server.
    """
    if not runtime.exists():
        return ""
    data = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)).tobytes()
    return keep(data, _MIME, f"{pixels.dtype}{pixels.shape}", f"viewer.{place}")


def keep(data: bytes, mime: str, words: str, place: str) -> str:
    """Keep bytes for this session and say where the browser finds them.

    Args:
        data: what is sent, as it is.
        mime: its type.
        words: part of what the address depends on, beside every byte.
        place: where it is used; what was kept under the same place before is let go.

    Returns:
        A path on this server; "" outside a server.
    """
    if not runtime.exists():
        return ""
    # The store's own id looks at three parts of a large file only; the name makes it depend on every byte.
    name = sealed(words + hashlib.sha256(data).hexdigest())
    path = runtime.get_instance().media_file_mgr.add(data, mime, place, file_name=name)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{path}" if base else path
