"""The one place that fetches weights: asked for by name, at a pinned commit, every file checked as it arrives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.atomic import write_json
from lab.errors import GeneratorError, StoreError, WeightsError
from lab.generators.hub import HubFile, HubModel, Repository, listing, told
from lab.generators.load import downloaded_folder
from lab.generators.transfer import arriving, partial_file
from lab.generators.weights import check_folder, weights_digest

OnBytes = Callable[[str, int, int], None]  # file, bytes that are here, bytes of the whole model
Choose = Callable[[Repository, list[HubFile]], list[HubFile]]
Check = Callable[[Path], None]
_WANTED = (".json", ".txt", ".model", ".safetensors")
_VARIANT = re.compile(r"\.(fp16|bf16|non_ema)(?=[.-])")


@dataclass(frozen=True)
class Wanted:
    """One repository to be fetched.

    Attributes:
        title, hub_id, revision, gate: as a card names them.
        folder: where it belongs; complete whenever it exists.
        choose: picks the files that are needed.
        check: refuses a folder that may not be opened.
        prefix: folder of the repository that becomes `folder`, ending in a slash; empty for all of it.
        shared: whether parts of the repository may lie in `folder` already, fetched for another generator.
    """

    title: str
    hub_id: str
    revision: str
    gate: str
    folder: Path
    choose: Choose
    check: Check = check_folder
    prefix: str = ""
    shared: bool = False

    @property
    def is_here(self) -> bool:
        """Whether all of it is on this machine."""
        return self.folder.is_dir() and (not self.shared or _record(self.folder).is_file())

    def place(self, file: HubFile) -> Path:
        """Where a file waits for the others."""
        return self.stage / file.path.removeprefix(self.prefix)

    @property
    def stage(self) -> Path:
        """Where the files are collected until all are there and checked."""
        return self.folder.with_name(f".{self.folder.name}.part")


@dataclass(frozen=True)
class Arrived:
    """How far a download is: the file that comes in, bytes that are here, bytes in all."""

    file: str
    here: int
    total: int


def pipeline_files(repository: Repository, files: list[HubFile]) -> list[HubFile]:
    """What a diffusers pipeline is read from among the files of a repository.

    Raises:
        WeightsError: when it holds no pipeline in safetensors.
    """
    wanted = [
        # Pipelines are read from their component folders; one-file copies would double the bytes.
        file
        for file in _plain_files(files)
        if not (file.path.endswith(".safetensors") and "/" not in file.path)
    ]
    index = any(file.path == "model_index.json" for file in files)
    if not index or not any(f.path.endswith(".safetensors") for f in wanted):
        raise WeightsError(
            f"The repository of {repository.title} holds no pipeline in safetensors; nothing was downloaded; "
            "choose a repository with model_index.json and safetensors weights."
        )
    return wanted


def model_files(repository: Repository, files: list[HubFile]) -> list[HubFile]:
    """Settings, vocabularies and safetensors of a repository that is no pipeline.

    Raises:
        WeightsError: when it holds no safetensors.
    """
    wanted = _plain_files(files)
    if not any(file.path.endswith(".safetensors") for file in wanted):
        raise WeightsError(
            f"The repository of {repository.title} holds no weights in safetensors; nothing was downloaded; "
            "choose one that does, or convert its weights and give the folder in a card."
        )
    return wanted


def _plain_files(files: list[HubFile]) -> list[HubFile]:
    names = {file.path for file in files}
    return [
        file
        for file in files
        if PurePosixPath(file.path).suffix in _WANTED
        # Another precision beside the plain one would double the bytes.
        and not (_VARIANT.search(file.path) and _VARIANT.sub("", file.path) in names)
    ]


def download(
    card: HubModel,
    on_bytes: OnBytes | None = None,
    choose: Choose = pipeline_files,
    check: Check = check_folder,
) -> Path:
    """Fetch the weights of a hub model into the workspace; returns their folder. See `downloading`.

    Args:
        card: a card with a hub id and a commit.
        on_bytes: told the file, the bytes that are here and the bytes of the whole model.
        choose: picks from the files of the commit those that are wanted.
        check: refuses a folder that may not be opened.

    Raises:
        GeneratorError: when the card names no hub repository, or the hub is not reached or refuses.
        WeightsError: when a file differs from the digest that the commit names, or may not be opened.
        StoreError: when the folder cannot be written or its disk is full.
    """
    if not card.hub_id:
        raise GeneratorError(
            f"{card.title} is not on the hub; nothing was downloaded; its card names a folder of this machine."
        )
    wanted = Wanted(card.title, card.hub_id, card.revision, card.gate, downloaded_folder(card), choose, check)
    with closing(downloading([wanted])) as steps:
        for step in steps:
            if on_bytes is not None:
                on_bytes(step.file, step.here, step.total)
    return wanted.folder


def downloading(wanted: Sequence[Wanted]) -> Generator[Arrived, None, None]:
    """Fetch repositories, telling how far it is a few times a second.

    The files of each are collected beside its final folder, which appears by one rename when all of them are there
    and checked, so that half a model can never be loaded. What has arrived is kept for the next attempt.

    Raises:
        GeneratorError, WeightsError, StoreError: as `download` does.
    """
    missing = [one for one in wanted if not one.is_here]
    plan = [(one, planned(one)) for one in missing]
    _check_room(plan)
    here, total = 0, sum(file.size for _, files in plan for file in files)
    for one, files in plan:
        with told(one):
            for file in files:
                yield Arrived(file.path, here, total)
                for size in arriving(one, file, one.place(file)):
                    yield Arrived(file.path, here + size, total)
                here += file.size
            yield Arrived("", here, total)
            _finish(one, {one.place(file) for file in files})


def planned(one: Wanted) -> list[HubFile]:
    """The files that fetching a repository would bring: asks the hub, brings nothing.

    Raises:
        GeneratorError, WeightsError: as `download` does.
    """
    with told(one):
        return one.choose(one, listing(one))


def recorded_digest(card: HubModel) -> str | None:
    """What `weights_digest` said of the downloaded folder on the day it was checked, None when it was not."""
    import json

    record = _record(downloaded_folder(card))
    return str(json.loads(record.read_text(encoding="utf-8"))["weights"]) if record.is_file() else None


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.record.json")


def _check_room(plan: Sequence[tuple[Wanted, list[HubFile]]]) -> None:
    """Refuse before the first byte what the disk cannot hold."""
    needed = sum(_still_to_come(one, file) for one, files in plan for file in files)
    for one, _ in plan[:1]:
        there = next(place for place in (one.stage, *one.stage.parents) if place.is_dir())
        if shutil.disk_usage(there).free < needed:
            raise StoreError(
                f"{one.title} needs {needed / 1e9:.1f} GB and less is free; nothing was downloaded; "
                "free the disk or set LAB_WORKSPACE to another one."
            )


def _still_to_come(one: Wanted, file: HubFile) -> int:
    target = one.place(file)
    if target.is_file():
        return 0
    partial = partial_file(target, file)
    return file.size - (partial.stat().st_size if partial.is_file() else 0)


def _finish(one: Wanted, places: set[Path]) -> None:
    for stray in [path for path in one.stage.rglob("*") if path.is_file() and path not in places]:
        stray.unlink()
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, one.stage, ignore_errors=True)
        one.check(one.stage)
        undo.pop_all()
    write_json(_record(one.folder), {"weights": weights_digest(one.stage)})
    if one.shared and one.folder.is_dir():
        # Parts that were fetched for another generator are among the files that have just come.
        shutil.rmtree(one.folder)
    one.stage.replace(one.folder)
