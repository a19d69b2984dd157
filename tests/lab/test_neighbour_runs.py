"""Whole runs of the Neighbours page: several spaces for one image, the audit of a set with planted copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders.memory_set import CoarsePixels, blobs

COUNT = 120


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A workspace with a calibrated dataset of small films and a set of copies and new films."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("neighbour-runs")
    patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
    patch.setenv("LAB_THREADS", "1")
    patch.delenv("LAB_STORE_URL", raising=False)
    made: dict[str, CoarsePixels] = {}

    def extractor(name: str) -> CoarsePixels:
        return made.setdefault(name, _named(name))

    import lab.features.extractors

    patch.setattr(lab.features.extractors, "get_extractor", extractor)
    yield _filled(folder), made
    patch.undo()


def _named(name: str) -> CoarsePixels:
    """A stand-in under that id; each has a digest of its own and the same features."""
    made = CoarsePixels(sum(map(ord, name)))
    made.id = name
    return made


def _filled(folder: Path) -> str:
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import add_folder, open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.requests import calibrate_run

    films = folder / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(31, COUNT)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")
    done = run_inline(calibrate_run("films"))
    assert done.state == "done", done.error
    train = open_dataset("films").subset("train")
    copies = [train.image(name) for name in train.ids()[:3]]
    copies[1] = np.ascontiguousarray(copies[1][:, ::-1])
    writer = SampleSetWriter("set-1", "small", parent="films")
    pictures = [*copies, *blobs(32, 5)]
    writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(pictures))
    writer.finalise()
    return "set-1"


def _table(result) -> pd.DataFrame:
    from lab.runs.artifacts import read_artifact

    return pd.read_parquet(io.BytesIO(read_artifact(result["table"])))


@pytest.mark.row("CM-12", "XI-11", "C13")
def test_the_audit_puts_planted_copies_beside_their_source(room) -> None:
    from lab.data.store import open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import audit_run

    name, _ = room
    run = run_inline(audit_run(name, "films"))
    assert run.state == "done" and run.result is not None, run.error
    table, train = _table(run.result), open_dataset("films").subset("train")
    assert table["first"].tolist()[:3] == train.ids()[:3], "the verdict sees a mirrored copy"
    assert table["offending"].tolist()[0] == table["nearest"].tolist()[0] == train.ids()[0]
    assert table["set"].tolist()[0] == table["set"].tolist()[2] == "copy"
    assert (table["nndr"][[0, 2]] < 0.01).all() and run.result["flagged"] >= 2
    assert (table["pixel_nndr"][[0, 2]] < 0.01).all()
    assert table["label"].tolist()[0] == table["label"].tolist()[1]
    assert sum(run.result["sets"].values()) == sum(run.result["labels"].values()) == 8 == run.result["n"]
    assert set(run.result["distances"]) == {"registered-correlation", "feature-cosine"}


@pytest.mark.row("X-01", "C13")
def test_a_copy_is_first_in_every_space(room) -> None:
    from lab.data.images import encode_png
    from lab.data.store import open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import spaces_run

    train = open_dataset("films").subset("train")
    names = train.ids()
    both = ("efficientnet-lite0", "efficientnet-lite2")
    spec = spaces_run(encode_png(train.image(names[5])), "films", [names[5], names[9]], both)
    run = run_inline(spec)
    assert run.state == "done" and run.result is not None, run.error
    assert [space["name"] for space in run.result["spaces"]] == ["pixels", "structure", *both]
    first = run.result["films"][0]
    assert first["image_id"] == names[5] and first["ranks"] == [1, 1, 1, 1] and first["shown"]
    assert all(
        space["nearest"][0] == names[5] and len(space["nearest"]) == 10 for space in run.result["spaces"]
    )
    assert len(run.result["agreement"]) == 6
    same = next(one for one in run.result["agreement"] if {one["first"], one["second"]} == set(both))
    assert same["overlap"] == 10 and same["spearman"] == pytest.approx(1.0)


@pytest.mark.row("X-06")
def test_a_second_run_extracts_nothing(room) -> None:
    """Another set of spaces for another image: only the new image goes through the extractor."""
    from lab.data.images import encode_png
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import spaces_run

    _, made = room
    before = {name: one.embedded for name, one in made.items()}
    film = blobs(33, 1)[0]
    run = run_inline(spaces_run(encode_png(film), "films", [], ("efficientnet-lite0",)))
    assert run.state == "done", run.error
    assert made["efficientnet-lite0"].embedded - before.get("efficientnet-lite0", 0) == 2, (
        "as is and mirrored"
    )


def test_spaces_are_named_and_few(room) -> None:
    from lab.errors import InputError, NotFoundError
    from lab.runs.neighbour_requests import spaces_run

    with pytest.raises(InputError, match="feature spaces"):
        spaces_run(b"x", "films", (), ())
    with pytest.raises(NotFoundError):
        spaces_run(b"x", "films", (), ("no-such-extractor",))


@pytest.fixture
def shell(room, monkeypatch, capsys):
    """Call the command line in this process: a run goes on here, and `--json` gives its object."""
    import json

    import lab.commands.output
    from lab.commands.main import run
    from lab.runs.inline import run_inline

    monkeypatch.setattr(lab.commands.output, "submit_and_wait", lambda spec, on_progress: run_inline(spec))

    def call(*words: str, expect: int = 0) -> dict:
        with pytest.raises(SystemExit) as ended:
            run([*words, "--json"])
        assert (ended.value.code or 0) == expect
        return json.loads(capsys.readouterr().out)

    return call


@pytest.mark.row("CM-12", "XI-11")
def test_the_shell_audits_a_set_by_the_run_of_the_page(room, shell) -> None:
    from lab.runs.neighbour_requests import audit_run
    from lab.runs.store import RunStore

    told = shell("audit", room[0], "--dataset", "films")
    page = RunStore.open().find_done(audit_run(room[0], "films").digest)
    assert page is not None and page.id == told["run"]
    assert len(told["pairs"]) == told["n"] == 8
    ranked = [(pair["p"], pair["registered"]) for pair in told["pairs"]]
    assert ranked == sorted(ranked), "those to look at first on top"
    assert all(pair["mask_dice"] is None and pair["lpips"] is None for pair in told["pairs"])
    assert told["masks"] == {"compared": 0, "flagged": 0} and "put vgg16" in told["lpips"]["why"]
    assert "nothing was started" in shell("audit", "absent", "--dataset", "films", expect=1)["error"]


@pytest.mark.row("X-01")
def test_the_shell_compares_spaces_by_the_run_of_the_page(room, shell, tmp_path) -> None:
    from lab.data.images import encode_png
    from lab.data.store import open_dataset
    from lab.runs.neighbour_requests import spaces_run
    from lab.runs.requests import neighbours_run
    from lab.runs.store import RunStore

    train = open_dataset("films").subset("train")
    data = encode_png(train.image(train.ids()[4]))
    (tmp_path / "film.png").write_bytes(data)
    both = ["efficientnet-lite0", "efficientnet-lite2"]
    words = [word for name in both for word in ("--extractor", name)]
    told = shell("spaces", str(tmp_path / "film.png"), "--dataset", "films", *words)
    assert {space["nearest"][0] for space in told["spaces"]} == {train.ids()[4]}
    store = RunStore.open()
    searched = store.find_done(neighbours_run([data], "films", 5).digest)
    assert searched is not None and searched.result is not None
    shown = [match["image_id"] for match in searched.result["images"][0]["neighbours"]]
    page = store.find_done(spaces_run(data, "films", shown, both).digest)
    assert page is not None and page.id == told["run"]
    absent = shell("spaces", str(tmp_path / "film.png"), "--dataset", "films", "--lpips", expect=1)
    assert "everything else works" in absent["error"]


@pytest.mark.parametrize("words", [[], ["--words", "x" * 401], ["--words", "a", "--image", "b.png"]])
def test_the_shell_searches_by_words_or_by_an_image(shell, words) -> None:
    assert "nothing was started" in shell("retrieve", "--dataset", "films", *words, expect=1)["error"]


@pytest.mark.row("CM-12")
def test_lpips_is_measured_on_the_nearest_where_its_weights_are_here(room, monkeypatch) -> None:
    """A stand-in for the network, whose number is the mean difference of grey levels."""
    import lab.neighbours.perceptual as perceptual
    from lab.data.images import encode_png
    from lab.data.store import open_dataset
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import audit_run, spaces_run

    def distances(self, image, others):
        return np.array([np.abs(image.astype(float) - other).mean() / 255 for other in others])

    monkeypatch.setattr(perceptual, "why_not", lambda: "")
    monkeypatch.setattr(perceptual.Perceptual, "distances", distances)
    train = open_dataset("films").subset("train")
    name = train.ids()[7]
    run = run_inline(spaces_run(encode_png(train.image(name)), "films", [name], perceptual=True))
    assert run.state == "done" and run.result is not None, run.error
    last = run.result["spaces"][-1]
    others = {one for space in run.result["spaces"][:-1] for one in space["nearest"]}
    assert last["name"] == perceptual.NAME and last["compared"] == len(others) < len(train.ids())
    assert last["nearest"][0] == name and set(last["nearest"]) <= others
    audit = run_inline(audit_run(room[0], "films"))
    assert audit.state == "done" and audit.result is not None, audit.error
    table = _table(audit.result)
    assert audit.result["lpips"]["compared"] == 8 and audit.result["lpips"]["why"] == ""
    assert (table["lpips"][[0, 2]] == 0).all() and audit.result["lpips"]["flagged"] >= 2
