"""Opens files nobody vouches for while an import is planned: `python -m lab.data.intake.header_child KIND`.

Reads paths as JSON strings, one a line, and answers one line of JSON each: what the file says, or {"error": sentence}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.config import settings
from lab.data.images import ImageLimits, limits_from_settings
from lab.errors import LabError

READY = "ready"
Describe = Callable[[Path, ImageLimits], dict[str, Any]]


def main(kind: str) -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    describe = _describer(kind)
    _limit_memory(settings().decode_memory_mb)
    limits = limits_from_settings()
    answers.write(json.dumps(READY) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(_answer(describe, Path(json.loads(line)), limits)) + "\n")


def _answer(describe: Describe, path: Path, limits: ImageLimits) -> dict[str, Any]:
    try:
        return describe(path, limits)
    except LabError as error:
        return {"error": str(error)}
    except MemoryError:
        return {
            "error": "The file asks for more memory than is allowed; it was left out; export a smaller one."
        }
    except Exception:  # noqa: BLE001 - its text may repeat what stands in the file
        return {"error": "The file is malformed; it was left out; export it again."}


def _describer(kind: str) -> Describe:
    if kind == "dicom":
        import pydicom  # noqa: F401 - a missing package is told before the first file is

        from lab.data.dicom.header import describe as of_dicom

        return of_dicom
    import nibabel  # noqa: F401 - as above

    from lab.data.nifti.describe import describe_labels, describe_volume

    return {"nifti": describe_volume, "labels": describe_labels}[kind]


def _limit_memory(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes << 20
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


if __name__ == "__main__":
    main(sys.argv[1])
