"""A server of 127.0.0.1 that stands for one of the net: started in a thread, ended by its own handle."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """Base of the hubs under test; their handlers find them as `hub`.

    Attributes:
        url: where it answers.
    """

    url: str

    def serve(self, handler: type[BaseHTTPRequestHandler]) -> None:
        """Begin to answer by that handler."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
