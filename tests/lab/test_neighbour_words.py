"""Across text and image: exact hits, equal captions once, whole runs with a toy model, one sentence without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import InputError
from lab.features.unit import unit
from lab.neighbours.retrieval import captions_for, films_for
from tests.builders.memory_set import blobs
from tests.builders.toy_clip import build_toy_clip


def test_hits_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    films, words = unit(rng.normal(size=(200, 16))), unit(rng.normal(size=(1, 16)))[0]
    found = films_for(words, films, 7)
    cosines = films.astype(float) @ words.astype(float)
    assert [one.row for one in found] == np.argsort(-cosines)[:7].tolist()
    np.testing.assert_allclose([one.cosine for one in found], np.sort(cosines)[::-1][:7], atol=1e-6)
    assert len(films_for(words, films[:3], 7)) == 3


def test_equal_captions_count_once_and_empty_ones_not_at_all() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(6, 8)))
    captions = ["left effusion", "", "nodule", "left effusion ", "no finding", "nodule"]
    found = captions_for(vectors[2], captions, vectors, 5)
    assert [text for text, _ in found][0] == "nodule" and found[0][1].row == 2
    assert sorted(text for text, _ in found) == ["left effusion", "no finding", "nodule"]
    assert captions_for(vectors[0], [""] * 6, vectors, 5) == []


@pytest.fixture
def dataset(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Films with captions, and no model among the program's files."""
    import lab.features.text_image_folder
    from lab.data.images import encode_png
    from lab.data.store import add_folder

    monkeypatch.setattr(lab.features.text_image_folder, "ASSETS", workspace / "no assets")
    monkeypatch.setenv("LAB_THREADS", "1")
    (tmp_path / "films").mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(41, 30)):
        (tmp_path / "films" / f"{number}.png").write_bytes(encode_png(film))
        rows.append(
            f"{number}.png,p{number},,{'small left pleural effusion' if number % 2 else 'no finding'}"
        )
    (tmp_path / "films" / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(tmp_path / "films", "films", licence="CC BY 4.0", title="Films")
    return "films"


@pytest.mark.row("X-06")
def test_words_find_films_and_a_film_finds_captions(dataset, workspace, monkeypatch) -> None:
    from lab.data.images import encode_png
    from lab.data.store import open_dataset
    from lab.features.text_image import TextImageModel, open_text_image
    from lab.runs.artifacts import write_artifact
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import retrieve_run

    model = open_text_image(build_toy_clip(workspace / "extractors" / "phantom-clip"))
    train = open_dataset(dataset).subset("train")
    pixels = [train.image(name) for name in train.ids()]
    words = "small left pleural effusion"
    done = run_inline(retrieve_run(dataset, words=f"  {words} ", k=4))
    assert done.state == "done" and done.result is not None, done.error
    cosines = model.scores(pixels, [words] * len(pixels))
    expected = [train.ids()[row] for row in np.argsort(-cosines, kind="stable")[:4]]
    assert [one["image_id"] for one in done.result["found"]] == expected
    np.testing.assert_allclose(
        [one["cosine"] for one in done.result["found"]], np.sort(cosines)[::-1][:4], atol=1e-5
    )

    embed = TextImageModel.embed_images
    seen: list[int] = []
    monkeypatch.setattr(
        TextImageModel, "embed_images", lambda me, films: seen.append(len(films)) or embed(me, films)
    )
    image = write_artifact(encode_png(pixels[0]), ".png")
    told = run_inline(retrieve_run(dataset, image=image, k=5)).result
    assert told is not None and sorted(one["caption"] for one in told["found"]) == ["no finding", words]
    again = run_inline(retrieve_run(dataset, words="no finding", k=2))
    assert again.state == "done" and seen == [1], "the films were embedded a second time"


def test_without_a_model_the_run_ends_in_one_sentence(dataset) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import retrieve_run

    run = run_inline(retrieve_run(dataset, words="nodule"))
    assert run.state == "failed" and run.error is not None and "not here" in run.error


@pytest.mark.parametrize(
    "given", [{}, {"words": "a", "image": "b" * 64}, {"words": "a" * 401}, {"words": "a", "k": 0}]
)
def test_a_search_takes_words_or_an_image(dataset, given) -> None:
    from lab.runs.neighbour_requests import retrieve_run

    with pytest.raises(InputError, match="nothing was started"):
        retrieve_run(dataset, **given)
