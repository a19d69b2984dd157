"""A small folder of phantom films, rendered once a session."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 films of 36 phantom patients, with metadata.csv and masks."""
    from lab.data.phantoms import make_dataset_folder

    return make_dataset_folder(
        tmp_path_factory.mktemp("films"), patients=36, films_per_patient=2, processes=1
    )
