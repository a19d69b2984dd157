"""A hub on this machine: a real HTTP server that lists and hands out the files of one model folder."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.builders.local_server import LocalServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "lab/toy"


class Hub(LocalServer):
    """Serves `folder` as `REPOSITORY` at `COMMIT`.

    Attributes:
        url: what HF_ENDPOINT must name.
        faults: file to "wrong bytes", "cut", "longer" or "gated".
        extra: further files of the listing, as they are told.
        asked: the files that were asked for, in order.
        commit: the commit that the listing claims to be of.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: dict[str, str] = {}
        self.extra: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.commit = COMMIT
        self.serve(_Handler)

    def listing(self) -> list[dict[str, Any]]:
        """Every file as the hub tells it: weights by SHA-256, the rest by git's digest."""
        told = []
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            data, name = file.read_bytes(), file.relative_to(self.folder).as_posix()
            blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob}
            if file.suffix == ".safetensors":
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
            told.append(entry)
        return told + self.extra


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == f"/api/models/{REPOSITORY}/revision/{COMMIT}":
            told = {"id": REPOSITORY, "sha": self.hub.commit, "siblings": self.hub.listing()}
            self._send(json.dumps(told).encode(), "application/json")
            return
        name = path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")
        self.hub.asked.append(name)
        fault, file = self.hub.faults.get(name, ""), self.hub.folder / name
        if fault == "gated":
            self._send(b"", status=403, X_Error_Code="GatedRepo")
        elif name == path or not file.is_file():
            self._send(b"", status=404, X_Error_Code="EntryNotFound")
        else:
            self._send_file(file.read_bytes(), fault)

    def _send_file(self, data: bytes, fault: str) -> None:
        if fault == "wrong bytes":
            data = data[:-1] + bytes([data[-1] ^ 1])
        elif fault == "longer":
            data += b"more"
        elif fault == "cut":
            self._send(data[: len(data) // 2], length=len(data))
            self.close_connection = True
            return
        self._send(data)

    def _send(
        self,
        data: bytes,
        kind: str = "application/octet-stream",
        status: int = 200,
        length: int | None = None,
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
