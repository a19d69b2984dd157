"""A hub on this machine: a real HTTP server that lists and hands out the files of model folders."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.builders.local_server import LocalServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "lab/toy"


class Hub(LocalServer):
    """Serves `folder` as `REPOSITORY` at `COMMIT`, and the folders of `more` under their own names at that commit.

    Attributes:
        url: what HF_ENDPOINT must name.
        faults: file to "wrong bytes", "cut", "longer", "gated", "slow" (half, then it waits for `go_on`), or
            "anew" (answers every part with the whole).
        extra: further files of the listing, as they are told.
        more: further repositories, by OWNER/NAME.
        asked: the files that were asked for, in order; those of `more` with their repository before a colon.
        ranges: the first byte asked for of each file that was asked for in part.
        tokens: the Authorization headers that came, "" for none.
        token: what they must be, None for whatever.
        commit: the commit that the listing claims to be of.
        go_on: set it, and slow files go on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: dict[str, str] = {}
        self.extra: list[dict[str, Any]] = []
        self.more: dict[str, Path] = {}
        self.asked: list[str] = []
        self.ranges: dict[str, int] = {}
        self.tokens: set[str] = set()
        self.token: str | None = None
        self.commit = COMMIT
        self.go_on = threading.Event()
        self.serve(_Handler)

    def folders(self) -> dict[str, Path]:
        """Every repository served."""
        return {REPOSITORY: self.folder, **self.more}

    def listing(self, repository: str = REPOSITORY) -> list[dict[str, Any]]:
        """Every file as the hub tells it: weights by SHA-256, the rest by git's digest."""
        told, folder = [], self.folders()[repository]
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            data, name = file.read_bytes(), file.relative_to(folder).as_posix()
            blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob}
            if file.suffix == ".safetensors":
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
            told.append(entry)
        return told + (self.extra if repository == REPOSITORY else [])


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    _start = 0

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "")
        self.hub.tokens.add(token)
        if self.hub.token is not None and token != f"Bearer {self.hub.token}":
            self._send(b"", status=403, X_Error_Code="GatedRepo")
            return
        for repository, folder in self.hub.folders().items():
            if path in (f"/api/models/{repository}/revision/{COMMIT}", f"/api/models/{repository}"):
                told = {"id": repository, "sha": self.hub.commit, "siblings": self.hub.listing(repository)}
                self._send(json.dumps(told).encode(), "application/json")
                return
            start = f"/{repository}/resolve/{COMMIT}/"
            if path.startswith(start):
                self._file(repository, folder, path.removeprefix(start))
                return
        self._send(b"", status=404, X_Error_Code="RepoNotFound")

    def _file(self, repository: str, folder: Path, name: str) -> None:
        self.hub.asked.append(name if repository == REPOSITORY else f"{repository}:{name}")
        fault, file = self.hub.faults.get(name, ""), folder / name
        if fault == "gated":
            self._send(b"", status=403, X_Error_Code="GatedRepo")
        elif not file.is_file():
            self._send(b"", status=404, X_Error_Code="EntryNotFound")
        else:
            part = re.match(r"bytes=(\d+)-\Z", self.headers.get("Range", ""))
            if part:
                self.hub.ranges[name] = int(part[1])
            self._start = int(part[1]) if part and fault != "anew" else 0
            self._send_file(file.read_bytes(), fault)

    def _send_file(self, data: bytes, fault: str) -> None:
        if self._start >= len(data) > 0:
            self._send(b"", status=416)
            return
        if fault == "wrong bytes":
            data = data[:-1] + bytes([data[-1] ^ 1])
        elif fault == "longer":
            data += b"more"
        data = data[self._start :]
        if fault == "cut":
            self._send(data[: len(data) // 2], length=len(data))
            self.close_connection = True
        elif fault == "slow":
            self._send(data[: len(data) // 2], length=len(data))
            self.wfile.flush()
            self.hub.go_on.wait(60)
            self.wfile.write(data[len(data) // 2 :])
        else:
            self._send(data)

    def _send(
        self,
        data: bytes,
        kind: str = "application/octet-stream",
        status: int = 0,
        length: int | None = None,
        **headers: str,
    ) -> None:
        self.send_response(status or (206 if self._start else 200))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
