"""Who is signed in, where the secrets set sign-in up: the gate before the pages, and the same gate before their films.

A film's address cannot be guessed, but it can be copied out of a browser. So addresses of films ask for the login
cookie that Streamlit set, checked as Streamlit checks it; and nobody who is not named in `LAB_ALLOWED_USERS` passes.
Without an `[auth]` section in the secrets there is no sign-in, and everything is open to whoever reaches the server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

FILMS = ("/media/", "/api/map/")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def required() -> bool:
    """Whether sign-in is set up: an `[auth]` section in Streamlit's secrets."""
    return bool(st.secrets.load_if_toml_exists() and st.secrets.get("auth"))


def allowed(email: object) -> bool:
    """Whether a signed-in user may come in: all may without `LAB_ALLOWED_USERS`, a comma-separated list of emails."""
    listed = [name.strip().lower() for name in os.environ.get("LAB_ALLOWED_USERS", "").split(",")]
    names = {name for name in listed if name}
    return not names or (isinstance(email, str) and email.strip().lower() in names)


def gate() -> None:
    """Stop the script where sign-in is asked for and nobody who may come in is signed in."""
    if not required():
        return
    if not st.user.is_logged_in:
        st.title("Doppel")
        st.write("Sign in to see this lab.")
        st.button("Sign in", on_click=st.login, type="primary", icon=":material/login:")
        st.stop()
    if not allowed(st.user.get("email")):
        st.title("Doppel")
        st.write("This account is not on the list of this lab; ask whoever runs it to add it.")
        st.button("Sign out", on_click=st.logout, icon=":material/logout:")
        st.stop()


def passes(cookies: Mapping[str, str], host: str) -> bool:
    """Whether cookies hold a login of this server by a user who may come in.

    Args:
        cookies: names and values as the browser sent them.
        host: the Host header; a login made for another host does not count.
    """
    from streamlit.auth_util import get_cookie_with_chunks
    from streamlit.web.server.server_util import AUTH_COOKIE_NAME, get_cookie_secret
    from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value.encode("latin-1")) if value else None

    try:
        told = json.loads(get_cookie_with_chunks(signed, AUTH_COOKIE_NAME) or b"null")
    except (ValueError, UnicodeError):
        return False
    if not isinstance(told, dict) or told.get("is_logged_in") is not True:
        return False
    return urlsplit(str(told.get("origin", ""))).netloc.lower() == host.lower() and allowed(told.get("email"))


class FilmGate:
    """Refuse addresses of films, with 403, to browsers that are not signed in."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] != "http" or not self._film(scope["path"]) or not required():
            await self._app(scope, receive, send)
            return
        from starlette.requests import Request
        from starlette.responses import JSONResponse

        asked = Request(scope)
        if passes(asked.cookies, asked.headers.get("host", "")):
            await self._app(scope, receive, send)
            return
        answer = JSONResponse({"error": "Sign in to see films."}, status_code=403)
        await answer(scope, receive, send)

    def _film(self, path: str) -> bool:
        base = str(st.get_option("server.baseUrlPath") or "").strip("/")
        return path.startswith(FILMS) or (
            bool(base) and path.startswith(tuple(f"/{base}{one}" for one in FILMS))
        )
