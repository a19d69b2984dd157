"""Settings, read from the environment at each call: no global state, tests can change any of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"


@dataclass(frozen=True)
class Settings:
    """What a run of the app, the shell or the worker depends on. Times are in seconds.

    `model_memory`: bytes that models may keep between runs, on the device they compute on; 0 takes a share of what
    is free. `previews`: whether unfinished samples are shown while they are made.
    """

    workspace: Path
    store_url: str
    device: str = "auto"
    threads: int = 0
    heartbeat_s: float = 5.0
    lease_s: float = 60.0
    poll_s: float = 0.25
    idle_exit_s: float = 900.0
    hang_limit_s: float = 1800.0
    max_pixels: int = 64_000_000
    max_file_bytes: int = 200_000_000
    public: bool = False
    decode_processes: int = 0
    decode_memory_mb: int = 2048
    decode_seconds: float = 60.0
    model_memory: int = 0
    previews: bool = True

    @property
    def artifacts(self) -> Path:
        """Folder of content-addressed results."""
        return self.workspace / "artifacts"

    @property
    def datasets(self) -> Path:
        """Folder of imported and rendered datasets, one folder an id."""
        return self.workspace / "datasets"

    @property
    def samples(self) -> Path:
        """Folder of sample sets, one folder an id."""
        return self.workspace / "samples"

    @property
    def features(self) -> Path:
        """Folder of the feature store."""
        return self.workspace / "features"

    @property
    def worker_threads(self) -> int:
        """Threads torch may use in the worker: the physical cores unless set."""
        return self.threads or physical_cores()


def in_project(path: Path) -> bool:
    """Whether a path lies in the project, where no film of a patient may be written."""
    return path.expanduser().resolve().is_relative_to(ROOT)


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `LAB_*` variables.

    Raises:
        InputError: when a variable does not hold a number of its kind.
    """
    env = os.environ if environ is None else environ
    workspace = Path(env.get("LAB_WORKSPACE") or ROOT / ".workspace").expanduser().resolve()
    return Settings(
        workspace=workspace,
        store_url=env.get("LAB_STORE_URL") or f"sqlite:///{workspace / 'runs.sqlite'}",
        device=env.get("LAB_DEVICE", "auto"),
        threads=int(_number(env, "LAB_THREADS", 0)),
        heartbeat_s=_number(env, "LAB_HEARTBEAT_S", Settings.heartbeat_s),
        lease_s=_number(env, "LAB_LEASE_S", Settings.lease_s),
        poll_s=_number(env, "LAB_POLL_S", Settings.poll_s),
        idle_exit_s=_number(env, "LAB_IDLE_EXIT_S", Settings.idle_exit_s),
        hang_limit_s=_number(env, "LAB_HANG_LIMIT_S", Settings.hang_limit_s),
        max_pixels=int(_number(env, "LAB_MAX_PIXELS", Settings.max_pixels)),
        max_file_bytes=int(_number(env, "LAB_MAX_FILE_BYTES", Settings.max_file_bytes)),
        public=bool(_number(env, "LAB_PUBLIC", 0)),
        decode_processes=int(_number(env, "LAB_DECODE_PROCESSES", 0)),
        decode_memory_mb=int(_number(env, "LAB_DECODE_MEMORY_MB", Settings.decode_memory_mb)),
        decode_seconds=_number(env, "LAB_DECODE_SECONDS", Settings.decode_seconds),
        model_memory=int(_number(env, "LAB_MODEL_MEMORY", 0)),
        previews=bool(_number(env, "LAB_PREVIEWS", 1)),
    )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise InputError(
            f"The setting {name} is not a number of 0 or more; nothing was started; correct or unset it."
        )
    return value


def physical_cores() -> int:
    """Physical cores of this machine, at least 1."""
    import psutil

    return int(psutil.cpu_count(logical=False) or psutil.cpu_count() or 1)
