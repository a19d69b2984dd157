"""What the server needs besides the pages: the Host check, `/api/health`, and a worker started beside it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import lab
from lab.errors import LabError
from lab.ui import map_routes
from lab.ui.sign_in import FilmGate

ENTRY = Path(__file__).resolve().parent / "main.py"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HEAVY = ("torch", "umap", "numba", "diffusers", "transformers", "faiss", "sklearn", "open_clip")
_LOG = logging.getLogger("lab.ui")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def allowed_hosts() -> tuple[str, ...]:
    """Host names this server answers to: loopback, or the comma-separated `LAB_ALLOWED_HOSTS`."""
    named = [name.strip().lower() for name in os.environ.get("LAB_ALLOWED_HOSTS", "").split(",")]
    return tuple(name for name in named if name) or LOOPBACK


def host_name(header: str) -> str:
    """The name in a Host header without its port, lower case; brackets of an IPv6 address are dropped."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.rpartition(":")[0] if text.count(":") == 1 else text


class HostCheck:
    """Refuse requests and sockets whose Host header names another site (DNS rebinding)."""

    def __init__(self, app: Asgi, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400 (a socket is closed with 1008)."""
        if scope["type"] not in ("http", "websocket") or self._named(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = JSONResponse({"error": "This host name is not allowed here."}, status_code=400)
            await answer(scope, receive, send)

    def _named(self, scope: Scope) -> bool:
        names = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
        return len(names) == 1 and host_name(names[0]) in self._hosts


async def health(request: Request) -> JSONResponse:
    """Alive, and which heavy packages this process has loaded (none is expected)."""
    loaded = [name for name in HEAVY if name in sys.modules]
    return JSONResponse({"status": "ok", "version": lab.__version__, "pid": os.getpid(), "heavy": loaded})


def routes() -> list[Route]:
    """Routes beside Streamlit's own."""
    return [Route("/api/health", health), *map_routes.routes()]


def middleware() -> list[Middleware]:
    """Middleware around the whole server."""
    return [Middleware(HostCheck, hosts=allowed_hosts()), Middleware(FilmGate)]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start a worker in the background; the server never waits for it."""
    task = asyncio.create_task(asyncio.to_thread(_start_worker))
    yield {}
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _start_worker() -> None:
    if os.environ.get("LAB_START_WORKER", "1") == "0":
        return
    try:
        from lab.ui.first_steps import begin

        begin()
    except LabError as error:
        _LOG.warning("The worker was not started: %s", error)
    except OSError:
        _LOG.exception("The worker was not started")
