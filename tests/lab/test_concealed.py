from __future__ import annotations

from pathlib import Path

import pytest

from lab.data.importing.concealed import concealed, revealed


@pytest.mark.fault(10)
def test_names_are_told_only_to_who_has_the_folder(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "Doe_Jane.png").touch()
    (tmp_path / "list.csv").write_text("image,label\nfilms/Roe_Jack.png,normal\n")
    rows = concealed([("films/Doe_Jane.png", "empty"), ("films/Roe_Jack.png", "missing"), ("x.png", "lost")])
    assert not any(name in str(rows) for name in ("Doe", "Roe", "x.png"))
    told = revealed(rows, tmp_path, tmp_path / "list.csv")
    assert [row["file"] for row in told[:2]] == ["films/Doe_Jane.png", "films/Roe_Jack.png"]
    assert told[2] == rows[2]
    assert revealed(rows, tmp_path / "gone") == rows
