"""A hub of data sets on this machine: lists the files of one folder and hands out pieces of them."""

from __future__ import annotations

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.builders.local_server import LocalServer

COMMIT = "ab" * 20
REPOSITORY = "lab/films"


class DatasetHub(LocalServer):
    """Serves `folder` as the data set `REPOSITORY` at `COMMIT`.

    Attributes:
        url: what HF_ENDPOINT must name.
        asked: method, path and size of the answer of every request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str, int]] = []
        self.serve(_Handler)

    def entries(self) -> list[dict[str, Any]]:
        """Every file as the hub tells it."""
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                oid = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
                name = path.relative_to(self.folder).as_posix()
                found.append({"type": "file", "path": name, "size": len(data), "oid": oid})
        return found


class _Handler(BaseHTTPRequestHandler):
    hub: DatasetHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if re.fullmatch(rf"/api/datasets/{REPOSITORY}(/revision/(main|{COMMIT}))?", path):
            siblings = [
                {"rfilename": e["path"], "size": e["size"], "blobId": e["oid"]} for e in self.hub.entries()
            ]
            told = {
                "id": REPOSITORY,
                "sha": COMMIT,
                "siblings": siblings,
                "cardData": {"license": "cc-by-4.0"},
            }
            self._send(json.dumps(told).encode())
        elif path.startswith(f"/api/datasets/{REPOSITORY}/tree/{COMMIT}"):
            self._send(json.dumps(self.hub.entries()).encode())
        elif path.startswith(f"/datasets/{REPOSITORY}/resolve/{COMMIT}/"):
            self._send_piece(self.hub.folder / path.split(f"/resolve/{COMMIT}/", 1)[1])
        else:
            self._send(b"", 404, X_Error_Code="EntryNotFound")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = json.loads(body).get("paths", []) if body.startswith(b"{") else []
        wanted = re.findall(r"paths=([^&]+)", body.decode()) or asked
        names = {unquote(name) for name in wanted}
        self._send(json.dumps([e for e in self.hub.entries() if e["path"] in names]).encode())

    def _send_piece(self, file: Path) -> None:
        data = file.read_bytes()
        match = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        headers = {
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X_Repo_Commit": COMMIT,
            "Accept_Ranges": "bytes",
        }
        if match is None:
            self._send(data, 200, "application/octet-stream", **headers)
            return
        start, end = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
        headers["Content_Range"] = f"bytes {start}-{end}/{len(data)}"
        self._send(data[start : end + 1], 206, "application/octet-stream", **headers)

    def _send(self, data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.hub.asked.append((self.command, self.path, len(data)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
