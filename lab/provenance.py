"""Digests and versions: what a result depends on, as short strings that can be compared.

Every digest is SHA-256 in hexadecimal. JSON is canonical: keys sorted, no blanks, no NaN.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "numpy",
    "scipy",
    "scikit-learn",
    "umap-learn",
    "faiss-cpu",
    "streamlit",
)


def digest_bytes(data: bytes) -> str:
    """SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON text that is equal for equal values.

    Raises:
        ValueError: for NaN or infinity.
        TypeError: for a value that is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return digest_bytes(canonical_json(value).encode("utf-8"))


def digest_file(path: Path) -> str:
    """SHA-256 of a file, read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=256)
def _source_digest(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"no source for module {module!r}")
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    return digest_json([[file.name, digest_file(file)] for file in files])


def code_digest(modules: Iterable[str]) -> str:
    """Digest of the source of `modules`; naming a package takes all files below it."""
    return digest_json({module: _source_digest(module) for module in modules})


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose numbers can change a result."""
    return dict(_versions())


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    # Looked up once a process: it takes longer than writing the sample whose recipe names them.
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
