"""Parquet rows and hub data sets: classes by name, splits, streaming in flat memory, nothing pickled, nothing run."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.data.containers import hub_location
from lab.data.containers.hub_location import hub_info, open_location
from lab.data.containers.parquet_rows import describe
from lab.data.images import limits_from_settings
from lab.data.importing.folder_index import FolderIndex
from lab.data.readers.registry import get_reader
from lab.data.readers.rows import RowsReader
from lab.data.sources.contract import ImportPlan, Options
from lab.data.sources.registry import get_source, recognised
from lab.data.store import add_folder, plan_import
from lab.errors import DatasetError, ImageError, InputError
from tests.builders import layouts
from tests.builders.dataset_hub import DatasetHub

pytestmark = pytest.mark.usefixtures("workspace")
ROOT = Path(__file__).resolve().parents[2]


def planned(root: Path, mapping: dict[str, str] | None = None, **choices: str) -> ImportPlan:
    return get_source("hugging-face").plan(FolderIndex(root), Options(mapping=mapping, choices=choices))


def test_shards_of_a_folder(tmp_path: Path):
    root = layouts.hub_shards(tmp_path)
    assert recognised(FolderIndex(root))[0][0].id == "hugging-face"
    plan = planned(root)
    assert len(plan.images) == 24 and plan.problem == "" and plan.splits_given
    assert Counter(image.fields["label"] for image in plan.images) == {"benign": 12, "malignant": 12}
    assert Counter(image.fields["split"] for image in plan.images) == {"train": 12, "test": 12}
    assert len(planned(root, splits="train").images) == 12
    assert not planned(root, division="by patient").splits_given
    report = add_folder(root, "shards")
    assert report.kept == 24 and report.dataset.card.patients == 12
    stored = {row["label"] for _, row in report.dataset.manifest.iterrows()}
    assert stored == {"benign", "malignant"}
    with pytest.raises(DatasetError, match="holds none"):
        planned(root, {"image": "patient_id"})


def test_one_parquet_file_is_a_place(tmp_path: Path):
    root = layouts.hub_shards(tmp_path)
    plan = plan_import(root / "data/train-00000-of-00002.parquet")
    assert len(plan.images) == 6 and plan.source == "hugging-face"


def test_rows_are_read_in_any_order(tmp_path: Path):
    path = layouts.synthchex(tmp_path / "a.parquet", 2, images=9, group=4)
    reader, limits = RowsReader(), limits_from_settings()
    for k in (0, 1, 3, 2, 8, 5, 5, 0):
        found = reader(path, {"group": k // 4, "row": k % 4, "column": "image"}, limits)
        assert (found.array == layouts.picture(9500 + k, colour=True)).all()
    for part in ({"group": 0, "row": 4}, {"group": 7, "row": 0}, {"group": -1, "row": 0}):
        with pytest.raises(ImageError):
            reader(path, part, limits)
    assert (reader(path, {"group": 1, "row": 1}, limits).array == layouts.picture(9505, colour=True)).all()


@pytest.mark.fault(19)
def test_pickled_objects_are_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    marker = tmp_path / "ran"
    bomb = b"\x80\x04\x95" + b"cposix\nsystem\n" + f"(S'touch {marker}'\ntR.".encode()
    cells = pa.array(
        [{"bytes": bomb, "path": "x"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    pq.write_table(pa.table({"image": cells}), tmp_path / "rows.parquet")
    with pytest.raises(ImageError, match="pickled"):
        RowsReader()(tmp_path / "rows.parquet", {"group": 0, "row": 0}, limits_from_settings())
    with pytest.raises(DatasetError, match="No image could be read"):
        add_folder(tmp_path, "bomb")
    typed = pa.field("image", pa.binary(), metadata={"ARROW:extension:name": "arrow.py_extension_type"})
    table = pa.table({"image": [bomb]}).cast(pa.schema([typed]))
    pq.write_table(table, tmp_path / "typed.parquet")
    with pytest.raises(DatasetError, match="pickled"):
        describe(tmp_path / "typed.parquet")
    assert not marker.exists()


@pytest.mark.fault(19)
def test_damaged_parquet_is_one_sentence(tmp_path: Path):
    path = layouts.synthchex(tmp_path / "a.parquet", 1)
    data = path.read_bytes()
    for broken in (
        b"",
        b"PAR1",
        data[: len(data) // 2],
        data[:-4] + b"XXXX",
        b"PAR1" + b"\xff" * 400 + b"PAR1",
    ):
        path.write_bytes(broken)
        with pytest.raises(DatasetError, match="damaged"):
            describe(path)
        with pytest.raises(ImageError):
            RowsReader()(path, {"group": 0, "row": 0}, limits_from_settings())
        assert "No image" in planned(tmp_path).problem or planned(tmp_path).left_out
    flipped = bytearray(data)
    flipped[20:200] = b"\xff" * 180
    path.write_bytes(bytes(flipped))
    with pytest.raises(ImageError):
        get_reader("rows").read(path, {"group": 0, "row": 0, "column": "image"}, limits_from_settings())


def test_memory_stays_flat_however_large_a_row_group_is(tmp_path: Path):
    """48 pictures of 512 x 512 x 3 lie in one row group of 38 MB of pixels."""
    script = f"""
        import numpy as np, pyarrow as pa, pyarrow.parquet as pq, sys
        from pathlib import Path
        side, n = 512, 48
        path = Path({str(tmp_path / "big.parquet")!r})
        kind = pa.list_(pa.list_(pa.list_(pa.uint8())))
        def picture(k):
            flat = pa.array(np.random.default_rng(k).integers(0, 256, side * side * 3, dtype=np.uint8))
            rows = pa.ListArray.from_arrays(np.arange(0, side * side * 3 + 1, 3, dtype=np.int32), flat)
            lines = pa.ListArray.from_arrays(np.arange(0, side * side + 1, side, dtype=np.int32), rows)
            return pa.ListArray.from_arrays(np.array([0, side], dtype=np.int32), lines)
        if sys.argv[1] == "write":
            table = pa.table({{"image": pa.chunked_array([picture(k) for k in range(n)], kind)}})
            pq.write_table(table, path, row_group_size=n)
            sys.exit()
        from lab.data.images import limits_from_settings
        from lab.data.readers.rows import RowsReader
        reader, limits, peaks = RowsReader(), limits_from_settings(), []
        for k in range(n):
            found = reader(path, {{"group": 0, "row": k, "column": "image"}}, limits)
            assert found.array.shape == (side, side, 3)
            peaks.append(pa.default_memory_pool().max_memory())
        print(pq.ParquetFile(path).metadata.num_row_groups, peaks[3], peaks[-1])
    """
    run = [sys.executable, "-c", textwrap.dedent(script)]
    subprocess.run([*run, "write"], cwd=ROOT, check=True, timeout=120)
    done = subprocess.run([*run, "read"], cwd=ROOT, check=True, timeout=120, capture_output=True, text=True)
    groups, early, late = map(int, done.stdout.split())
    assert groups == 1 and late < 40_000_000 and late < 1.3 * early


class FakeHub:
    """Answers as the hub's library does, from a folder."""

    def __init__(self, folder: Path, commit: str) -> None:
        self.folder, self.commit, self.asked = folder, commit, []

    def dataset_info(self, repository: str, **about: Any) -> Any:
        self.asked.append((repository, about["revision"]))
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        told = [
            SimpleNamespace(rfilename=path.relative_to(self.folder).as_posix(), size=path.stat().st_size)
            for path in files
        ]
        card = SimpleNamespace(to_dict=lambda: {"license": "cc-by-4.0"})
        return SimpleNamespace(sha=self.commit, siblings=told, card_data=card)

    def open(self, place: str, mode: str, block_size: int) -> Any:
        repository, _, path = place.removeprefix("datasets/").partition(f"@{self.commit}/")
        assert repository == "lab/films"
        return (self.folder / path).open(mode)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    import huggingface_hub

    found = FakeHub(layouts.hub_shards(tmp_path / "remote"), "ab" * 20)
    (found.folder / "films.py").write_text("raise SystemExit('a loading script was run')")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: found)
    monkeypatch.setattr(huggingface_hub, "HfFileSystem", lambda: found)
    return found


def test_a_data_set_of_the_hub_is_pinned_and_streamed(hub: FakeHub, workspace: Path):
    folder = open_location("hf://datasets/lab/films@main")
    assert folder.is_relative_to(workspace) and hub_info(folder) == hub_location.HubInfo(
        "lab/films", "ab" * 20, "cc-by-4.0"
    )
    assert not list(folder.rglob("*.py")) and sum(p.stat().st_size for p in folder.rglob("*")) < 30_000
    source, why = recognised(FolderIndex(folder))[0]
    assert source.id == "hugging-face" and "abababababab" in why.why
    plan = planned(folder, limit="7")
    assert len(plan.images) == 7 and any("ab" * 20 in note for note in plan.notes)
    assert plan.licence == "cc-by-4.0" and plan.attribution == "lab/films"
    image = plan.images[0]
    assert get_reader("rows").read(image.file, image.part, limits_from_settings()).array.shape == (24, 24)
    assert hub.asked == [("lab/films", "main")]
    assert open_location(f"hf://datasets/lab/films@{'ab' * 20}") == folder and len(hub.asked) == 1


def test_a_hub_without_parquet_or_out_of_reach(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    for path in hub.folder.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DatasetError, match="loading script is never run"):
        open_location("hf://datasets/lab/films")
    monkeypatch.setattr(
        hub, "dataset_info", lambda *a, **b: (_ for _ in ()).throw(ConnectionError("no route"))
    )
    with pytest.raises(DatasetError, match="cannot be reached"):
        open_location("hf://datasets/lab/films")
    for bad in (
        "hf://datasets/../etc",
        "hf://models/a/b",
        "hf://datasets/a/b/c@x",
        "hf://datasets/a/b@..",
        "a/b",
    ):
        with pytest.raises(InputError):
            open_location(bad)


def test_offline_is_a_plain_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DatasetError, match="cannot be reached from here"):
        open_location("hf://datasets/lab/films")


def test_a_hub_over_http_hands_out_only_the_pieces_that_are_needed(tmp_path: Path):
    """Another process against a real server: listing, pinning, footers, two pictures of a large shard, an import."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = [
        {"bytes": layouts.png(layouts.picture(k, colour=True, side=512)), "path": "x"} for k in range(48)
    ]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    large = tmp_path / "repository/data/train-00000-of-00001.parquet"
    large.parent.mkdir(parents=True)
    pq.write_table(
        pa.table({"image": pa.array(cells, kind), "label": ["a", "b"] * 24}), large, row_group_size=2
    )
    hub = DatasetHub(tmp_path / "repository")
    environ = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    environ |= {"LAB_WORKSPACE": str(tmp_path / "workspace"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    script = """
        from lab.data.store import add_folder
        report = add_folder("hf://datasets/lab/films@main", "films", choices={"limit": "2"})
        print(report.kept, report.dataset.card.licence, report.dataset.card.attribution)
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=200,
        )  # fmt: skip
    finally:
        hub.close()
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["2", "cc-by-4.0", "lab/films"]
    size = large.stat().st_size
    served = sum(n for command, path, n in hub.asked if "/resolve/" in path and command == "GET")
    assert size > 30_000_000 and served < 0.6 * size, served
    assert not any("/resolve/main" in path for _, path, _ in hub.asked), "every piece is of the pinned commit"
