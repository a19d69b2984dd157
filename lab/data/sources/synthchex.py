"""Generated images (SynthCheX-75K, CheXGenBench's tables) are recognised and sent to the sample sets."""

from __future__ import annotations

import dataclasses

from lab.data.containers.shards import first_shard
from lab.data.importing.folder_index import FolderIndex
from lab.data.layout import About, Gathered, finished
from lab.data.sources.contract import ImportPlan, Options, Recognition, Source, register
from lab.data.synthetic_tables import find_generated, generated_table, is_synthchex

ABOUT = About("synthchex", "chest radiograph", "", "")
_PROBLEM = (
    "These are generated images, so they are no dataset; nothing was imported; add them as a sample set: "
    "python -m lab samples add FOLDER --id ID --parent DATASET."
)


def recognise(files: FolderIndex) -> Recognition | None:
    """A table of generated images, or Parquet files with the columns of SynthCheX-75K."""
    if is_synthchex(first_shard(files)):
        return Recognition(
            0.97, "its Parquet files have the columns of SynthCheX-75K, which are generated images"
        )
    if generated_table(files) is not None:
        return Recognition(0.96, "it holds a table of generated images")
    return None


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """What lies there, with the reason why it is not imported as a dataset."""
    found = find_generated(files)
    gathered = Gathered(list(found.images), list(found.left_out), [], list(found.notes))
    told = finished(ABOUT, files, None, gathered, options)
    return dataclasses.replace(told, problem=_PROBLEM)


SOURCE = register(
    Source(
        "synthchex",
        "SynthCheX-75K and CheXGenBench samples",
        "Rows of SynthCheX-75K (versions 1 and 2) or a table of generated images; they become a sample set.",
        recognise,
        plan,
    )
)
