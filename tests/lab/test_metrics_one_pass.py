"""A run asks for each image's features once, whatever number of metrics reads them, then and later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.memory_set import CoarsePixels, blobs


@pytest.mark.row("C6", "R7")
def test_a_second_metric_makes_no_new_forward_pass(workspace: Path, tmp_path: Path, monkeypatch) -> None:
    import lab.features.extractors
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.data.store import add_folder
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    extractor = CoarsePixels(7)
    monkeypatch.setattr(lab.features.extractors, "get_extractor", lambda name: extractor)
    monkeypatch.setenv("LAB_THREADS", "1")
    films = tmp_path / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(41, 60)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films")
    writer = SampleSetWriter("made", "small", parent="films")
    writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(blobs(43, 40)))
    writer.finalise()

    passes = []
    for names in (
        ["kernel-distance"],
        ["kernel-distance", "frechet-distance", "density"],
        ["coverage", "mmd-rbf"],
    ):
        run = run_inline(evaluate_run("films", "made", names))
        assert run.state == "done", run.error
        assert all(
            one["value"] is not None for one in run.result["results"] if one["metric"] != "frechet-distance"
        )
        passes.append(extractor.embedded)
    assert 0 < passes[0] <= 100 and passes == [passes[0]] * 3
