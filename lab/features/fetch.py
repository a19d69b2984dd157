"""Fetching an extractor from the hub: the files its record names, at its commit, through the one download there is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab.errors import GeneratorError, WeightsError
from lab.features.record import ExtractorRecord
from lab.features.text_image_folder import VOCABULARIES
from lab.generators.download import HubFile, OnBytes, download
from lab.generators.hub import HubModel
from lab.generators.weights import check_no_code, check_safetensors


def fetch(record: ExtractorRecord, on_bytes: OnBytes | None = None) -> Path:
    """Fetch the files of a record into the workspace; returns their folder.

    Args:
        on_bytes: told the file, the bytes that are here and the bytes of the whole model.

    Raises:
        GeneratorError: when the record names no hub repository and commit, or the hub is not reached or refuses.
        WeightsError: when a file is not in the repository, differs from its digest, or may not be opened.
        StoreError: when the folder cannot be written or its disk is full.
    """
    if not record.hub_id or not record.revision:
        raise GeneratorError(
            f"{record.title} is not on the hub; nothing was downloaded; its record says where its files come from."
        )
    return download(record, on_bytes, partial(_named_files, record), partial(_check, record))


def _named_files(record: ExtractorRecord, model: HubModel, files: list[HubFile]) -> list[HubFile]:
    there = {file.path: file for file in files}
    wanted = [*record.weights, *record.settings]
    for name in wanted:
        if name not in there:
            raise WeightsError(
                f"The repository of {model.title} has no file {name[:80]}; nothing was downloaded; "
                "correct the record."
            )
        told = record.weights.get(name, "")
        if told and there[name].large and there[name].digest != told:
            raise WeightsError(
                f"The file {name[:80]} of {model.title} has another digest at the hub than in the record; "
                "nothing was downloaded; do not use it."
            )
    # A model of texts too is searched with by words once its tokenizer is here.
    words = ("tokenizer_config.json", *VOCABULARIES) if record.family == "open-clip" else ()
    return [there[name] for name in dict.fromkeys([*wanted, *(name for name in words if name in there)])]


def _check(record: ExtractorRecord, folder: Path) -> None:
    check_no_code(folder)
    for name in record.weights:
        if name.endswith(".safetensors"):
            check_safetensors(folder / name, name)
