"""The Neighbours page: the sentence, walking on and back, several spaces, the audit of a whole set."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from lab.charts.spaces import RankLine, rank_figure
from lab.leakage.population import near_copy_limit
from lab.ui.neighbour_set import ordered
from lab.ui.neighbour_spaces import agreement_sentence
from lab.ui.neighbour_view import sentence
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import Subject
from lab.ui.viewer import Film

BOTH = ("registered-correlation", "feature-cosine")


def text(app) -> str:
    return "\n".join(str(one.value) for kind in ("markdown", "caption", "error") for one in app.get(kind))


def subject(label: str = "ordinary", agreeing=(), **changes) -> Subject:
    film = Film(np.zeros((8, 8), np.uint8), "SYNTHETIC")
    verdict = {"label": label, "p": 0.0031, "agreeing": list(agreeing)}
    return Subject(film, "films", changes.pop("verdict", verdict), [], None, **changes)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (subject("near-copy", BOTH), "Near-copy by both registered correlation and feature cosine"),
        (subject("near-copy", BOTH[:1]), "Near-copy by registered correlation alone"),
        (subject("close", BOTH[1:]), "Close by feature cosine alone"),
        (subject(), "Ordinary: no closer"),
        (subject(verdict=None), "no verdict"),
        (subject(verdict=None, known=True), "training image itself"),
        (subject("near-copy", BOTH, identical="x"), "byte for byte"),
    ],
)
def test_the_sentence_names_the_detectors_that_agree(given, says, workspace) -> None:
    assert says in sentence(given) and sentence(given).count(". ") == 0


def films_search(dataset: str, table: pd.DataFrame, builders, image_id: str, others: list[str]):
    """A finished search for one image of the dataset, which finds itself first."""
    from lab.data.store import open_dataset
    from lab.runs.requests import neighbours_run

    match = {"patient_id": "p1", "split": "train", "registered": 0.2, "variant": "as is", "found_by": []}
    near = [{**match, "image_id": name, "distance": 0.1 * at} for at, name in enumerate([image_id, *others])]
    held_out = table[table["split"] == "held-out"]["image_id"].iloc[0]
    spec = neighbours_run([open_dataset(dataset).image_bytes_path(image_id)], dataset, 6)
    found = {
        "digest": spec.settings["images"][0], "verdict": {"label": "near-copy", "p": 0.0, "detectors": []},
        "neighbours": near, "held_out": {**match, "image_id": held_out, "distance": 0.4}, "identical": image_id,
        "off_map": False,
    }  # fmt: skip
    return builders.finish(spec, {"dataset": dataset, "images": [found]})


@pytest.mark.row("C13")
def test_a_neighbour_walks_on_and_the_way_back_is_kept(visit, loaded, builders) -> None:
    table, dataset = loaded["table"], loaded["dataset"]
    train = table[table["split"] == "train"]["image_id"].tolist()
    films_search(dataset, table, builders, train[2], train[3:8])
    app = visit("neighbours", set=loaded["samples"].id)
    assert not app.exception and not app.get_by_key(Key.LAYOUT).disabled
    start = app.session_state[Key.TRAIL]["start"]
    app.session_state[Key.TRAIL] = {"start": start, "steps": [(dataset, train[2])]}
    app.run()
    assert not app.exception
    assert "training image itself" in text(app) and "near-copy" not in text(app).split("How good")[0].lower()
    crumbs = [button.label for button in app.button if button.key and button.key.startswith(Key.TRAIL)]
    assert crumbs == [start, f"› {train[2][:6]}"]
    app.button(key=f"{Key.TRAIL}.0").click().run()
    assert not app.exception and app.session_state[Key.TRAIL]["steps"] == []
    assert "training image itself" not in text(app)


def test_the_pair_can_be_audited(visit, loaded) -> None:
    app = visit("neighbours", set=loaded["samples"].id)
    app.get_by_key(Key.LAYOUT).set_value("audit").run()
    assert not app.exception and not app.error
    assert "minus the training image after registration" in text(app)


def spaces_result(names: list[str]) -> dict:
    spaces = [
        {"name": space, "compared": 24, "nearest": names[:10]}
        for space in ("pixels", "structure", "efficientnet-lite0")
    ]
    films = [
        {
            "image_id": name,
            "patient_id": "p1",
            "shown": at < 2,
            "ranks": [at + 1, at + 1, 9 - at],
            "distances": [0.1] * 3,
        }
        for at, name in enumerate(names[:4])
    ]
    pair = {"first": "pixels", "second": "structure", "spearman": 0.9, "overlap": 8}
    other = {"first": "pixels", "second": "efficientnet-lite0", "spearman": 0.2, "overlap": 1}
    return {
        "dataset": "films",
        "n": 24,
        "top": 10,
        "spaces": spaces,
        "films": films,
        "agreement": [pair, other],
    }


@pytest.mark.row("X-01")
def test_several_spaces_are_compared_when_asked_and_drawn(visit, loaded, builders) -> None:
    from lab.runs.neighbour_requests import spaces_run
    from lab.runs.store import RunStore

    sample = loaded["samples"].result["samples"][0]
    shown = [match["image_id"] for match in sample["neighbours"]]
    app = visit("neighbours", set=loaded["samples"].id)
    assert not app.get("plotly_chart"), "nothing is computed before it is asked for"
    button = next(one for one in app.button if one.label == "Compare spaces")
    button.click().run()
    assert not app.exception
    (queued,) = RunStore.open().list(kinds=("spaces",))
    assert queued.spec.digest == spaces_run(sample["artifact"], "films", shown).digest
    builders.finish(spaces_run(sample["artifact"], "films", shown), spaces_result(shown))
    app = visit("neighbours", set=loaded["samples"].id)
    assert not app.exception and app.get("plotly_chart")
    assert "All 3 spaces put the same film first" in text(app) and "agree least" in text(app)


def test_the_rank_picture_puts_the_nearest_on_top_and_draws_the_lead_last() -> None:
    lines = [
        RankLine("aa<b", [1, 3], ["x", "y"], lead=True, shown=True),
        RankLine("cc", [7, None], ["x", "y"]),
    ]
    figure = rank_figure(["Pixels", "Structure"], lines, 100)
    assert figure.layout.yaxis.autorange == "reversed" and figure.layout.yaxis.type == "log"
    assert [trace.name for trace in figure.data] == ["cc", "aa&lt;b"]
    assert figure.data[1].line.width > figure.data[0].line.width and figure.data[1].text[-1] == "aa&lt;b"
    assert not rank_figure(["Pixels"], [], 5).data


def test_the_sentence_on_agreement_counts_first_places() -> None:
    result = spaces_result(["aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd"])
    result["spaces"][2]["nearest"] = ["zzzzzzz"]
    assert agreement_sentence(result).startswith("2 of 3 spaces put film aaaaaa first.")


def audit_table(loaded) -> pd.DataFrame:
    result, table = loaded["samples"].result, loaded["table"]
    from lab.data.samples import open_sample_set

    ids = open_sample_set("set-1").ids()
    train = table[table["split"] == "train"]["image_id"].tolist()
    return pd.DataFrame(
        {
            "image_id": ids, "digest": [one["digest"] for one in result["samples"]],
            "set": ["copy", "real", "non-real", "non-real"], "nearest": train[:4], "offending": train[4:8],
            "first": train[8:12], "distance": [0.1, 0.2, 0.3, 0.4], "nndr": [0.2, 0.8, 0.9, 0.95],
            "pixel_nearest": train[:4], "pixel_distance": 0.4, "pixel_nndr": 0.7,
            "label": ["near-copy", "close", "ordinary", "near-copy"], "p": [0.004, 0.03, 0.6, 0.002], "agreeing": "",
            "cosine": 0.1, "registered": 0.2, "control": 0.3, "identical": "",
            "mask_dice": [0.995, 0.8, np.nan, 0.7], "lpips": np.nan,
        }
    )  # fmt: skip


def audited(loaded, builders):
    """A finished audit of the samples."""
    from lab.runs.artifacts import write_artifact
    from lab.runs.neighbour_requests import audit_run

    table, stream = audit_table(loaded), io.BytesIO()
    table.to_parquet(stream, index=False)
    array = io.BytesIO()
    np.save(array, np.linspace(0.05, 0.5, 400).astype(np.float32))
    kept = write_artifact(array.getvalue(), ".npy")
    result = {
        "samples": "set-1", "dataset": "films", "extractor": "efficientnet-lite0", "n": 4, "n_train": 24,
        "table": write_artifact(stream.getvalue(), ".parquet"), "sets": {"copy": 1, "real": 1, "non-real": 2},
        "labels": {"near-copy": 2}, "flagged": 1, "nndr_median": 0.85,
        "masks": {"compared": 3, "flagged": 1}, "lpips": {"compared": 0, "flagged": 0, "why": "absent"},
        "distances": {name: {"train": kept, "held-out": kept} for name in BOTH},
    }  # fmt: skip
    return builders.finish(audit_run("set-1", "films"), result)


@pytest.mark.row("CM-12", "XI-11")
def test_a_whole_set_is_audited_and_its_pairs_are_browsed_by_set(visit, loaded, builders) -> None:
    audited(loaded, builders)
    app = visit("neighbours")
    app.get_by_key(Key.VIEW).set_value("A whole set").run()
    assert not app.exception and not app.error, text(app)
    assert "2 of 4 images are near-copies" in text(app) and "1 below 0.6" in text(app)
    assert "features alone would have missed 1 of them" in text(app)
    assert "mask Dice above 0.99: 1 of 3" in text(app) and "LPIPS" not in text(app)
    assert len(app.get("plotly_chart")) == 2 and app.get("bidi_component")
    options = list(app.get_by_key(Key.WHOLE_SET).options)
    assert "Copy set (1)" in options and "Non-real set (2)" in options and "Near-copies (2)" in options
    for name in ("copy", "real", "non-real", "near-copy"):
        app.get_by_key(Key.WHOLE_SET).set_value(name).run()
        assert not app.exception and not app.error


def test_the_closest_pairs_come_first_and_a_click_opens_the_pair(visit, loaded, builders) -> None:
    from lab.ui import neighbour_set

    table = audit_table(loaded)
    assert ordered(table, "closest")["p"].tolist() == [0.002, 0.004, 0.03, 0.6]
    assert ordered(table, "real")["image_id"].tolist() == [table["image_id"][1]]
    audited(loaded, builders)
    app = visit("neighbours")
    wanted = loaded["samples"].result["samples"][3]["image_id"]
    run = loaded["samples"].id
    app.session_state[Key.SET], app.session_state[f"{Key.SAMPLE}.{run}"] = run, wanted
    app.run()
    assert not app.exception
    picked = next(one for one in app.selectbox if one.label == "Sample")
    assert picked.value == wanted
    assert callable(neighbour_set._open)


def test_the_threshold_of_the_picture_is_that_of_the_verdict() -> None:
    from lab.neighbours.verdict import p_values

    reference = np.sort(np.random.default_rng(0).random(1999))
    limit = near_copy_limit(reference, 2)
    assert limit is not None
    assert 2 * p_values(np.array([limit]), reference)[0] <= 0.01
    assert 2 * p_values(np.array([limit + 1e-9]), reference)[0] > 0.01
    assert near_copy_limit(reference[:50], 2) is None


def test_words_are_searched_where_a_model_is_here_and_else_one_sentence_says_why(
    visit, loaded, workspace, monkeypatch, builders
) -> None:
    import lab.features.text_image_folder
    import lab.ui.neighbour_words
    from lab.runs.neighbour_requests import retrieve_run

    monkeypatch.setattr(lab.features.text_image_folder, "ASSETS", workspace / "no assets")
    app = visit("neighbours")
    app.get_by_key(Key.VIEW).set_value("By words").run()
    assert not app.exception and "Words and images are not compared" in text(app)
    assert app.text_input(key=Key.WORDS).disabled
    monkeypatch.setattr(lab.ui.neighbour_words, "reason", lambda dataset: "")
    train = loaded["table"][loaded["table"]["split"] == "train"]["image_id"].tolist()
    found = [{"image_id": name, "caption": "<b>effusion</b>", "cosine": 0.4} for name in train[:3]]
    result = {"dataset": "films", "model": "phantom-clip", "n": 24, "note": "", "found": found}
    builders.finish(retrieve_run("films", words="left effusion", k=8), result)
    app.run()
    app.text_input(key=Key.WORDS).set_value("left effusion").run()
    assert not app.exception and not app.error
    assert "The best 3 of 24 training images" in text(app).replace("\\", "") and app.get("bidi_component")


def address(app) -> dict[str, str]:
    """The parameters of the address."""
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


@pytest.mark.row("C13")
def test_a_walk_is_in_the_address_by_opaque_ids_and_a_link_restores_it(visit, loaded, builders) -> None:
    from lab.ui.neighbour_address import code_of

    table, dataset, run = loaded["table"], loaded["dataset"], loaded["samples"]
    train = table[table["split"] == "train"]["image_id"].tolist()
    for name in train[2:4]:
        films_search(dataset, table, builders, name, train[4:9])
    sample = run.result["samples"][2]["image_id"]
    app = visit("neighbours", set=run.id, sample=sample)
    start = app.session_state[Key.TRAIL]["start"]
    app.session_state[Key.TRAIL] = {"start": start, "steps": [(dataset, train[2]), (dataset, train[3])]}
    app.run()
    assert not app.exception
    asked = address(app)
    assert asked == {
        "set": run.id,
        "sample": sample,
        "trail": f"{code_of(dataset)}.{train[2]}.{train[3]}",
    }
    assert dataset not in "".join(asked.values()) and "effusion" not in "".join(asked.values())

    again = visit("neighbours", **asked)
    assert not again.exception
    crumbs = [button.label for button in again.button if button.key and button.key.startswith(Key.TRAIL)]
    assert crumbs == [start, f"› {train[2][:6]}", f"› {train[3][:6]}"]
    assert next(one for one in again.selectbox if one.label == "Sample").value == sample
    again.button(key=f"{Key.TRAIL}.1").click().run()
    assert address(again)["trail"] == f"{code_of(dataset)}.{train[2]}"
    again.button(key=f"{Key.TRAIL}.0").click().run()
    assert "trail" not in address(again) and address(again)["sample"] == sample


def test_a_held_out_image_stands_in_the_address_by_a_code(visit, loaded, builders) -> None:
    from lab.ui.neighbour_address import code_of

    table, dataset = loaded["table"], loaded["dataset"]
    held_out = table[table["split"] == "held-out"]["image_id"].tolist()[1]
    train = table[table["split"] == "train"]["image_id"].tolist()
    films_search(dataset, table, builders, train[0], train[1:6])
    code = code_of(f"{dataset}:held-out")
    app = visit("neighbours", set=code, sample=held_out, trail=f"{code_of(dataset)}.{train[0]}")
    assert not app.exception
    assert app.session_state[Key.SET] == f"{dataset}:held-out"
    assert next(one for one in app.selectbox if one.label == "Image").value == held_out
    assert "training image itself" in text(app) and address(app)["set"] == code


@pytest.mark.parametrize(
    "trail", ["0123456789ab.0123456789abcdef", "CODE.0123456789abcdef", "CODE.<b>", "CODE", "x" * 500]
)
def test_a_link_to_images_that_are_not_here_is_one_sentence(visit, loaded, trail) -> None:
    from lab.ui.neighbour_address import code_of

    app = visit(
        "neighbours", set=loaded["samples"].id, trail=trail.replace("CODE", code_of(loaded["dataset"]))
    )
    assert not app.exception and not app.error
    told = [one.value for one in app.info]
    assert len(trail) > 400 or (len(told) == 1 and "walk was left out" in told[0])
    assert "trail" not in app.query_params


@pytest.fixture
def masked(workspace, tmp_path, builders):
    """A dataset whose films have masks of two structures; gives the subject of a held-out film among them."""
    from lab.data.images import encode_png
    from lab.data.store import add_folder, open_dataset

    folder = builders.films(tmp_path / "masked")
    lines = (folder / "metadata.csv").read_text("utf-8").split("\n")
    (folder / "masks").mkdir()
    for number in range(len(lines) - 1):
        mask = np.zeros((48, 48), np.uint8)
        mask[8:28, 8:28], mask[30:40, number % 3 * 4 : number % 3 * 4 + 10] = 1, 2
        (folder / "masks" / f"film-{number}.png").write_bytes(encode_png(mask))
    rows = [f"{lines[0]},mask", *(f"{line},masks/film-{at}.png" for at, line in enumerate(lines[1:]))]
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(folder, "masked", licence="CC BY 4.0", title="Masked films")
    table = open_dataset("masked").rows()
    train = table[table["split"] == "train"]["image_id"].tolist()[:3]
    own = table[table["split"] == "held-out"]["image_id"].tolist()[0]
    near = [{"image_id": name, "patient_id": "p", "distance": 0.1} for name in train]
    film = Film(np.zeros((8, 8), np.uint8), "REAL")
    return Subject(film, "masked", None, near, None, own=own)


@pytest.mark.row("CM-12")
def test_masks_are_compared_where_both_have_one(masked) -> None:
    import dataclasses

    from lab.data.store import open_dataset
    from lab.ui.neighbour_masks import mask_table

    table, images = mask_table(masked), open_dataset("masked")
    mine = images.mask(masked.own)
    for (_, row), match in zip(table.iterrows(), masked.neighbours, strict=True):
        beside = images.mask(match["image_id"])
        shared = 2 * ((mine == 2) & (beside == 2)).sum() / ((mine == 2).sum() + (beside == 2).sum())
        assert row["Label 1"] == 1.0 and row["Dice"] == pytest.approx((1 + row["Label 2"]) / 2)
        assert row["Label 2"] >= shared and (row["Taken"] == "mirrored" or row["Label 2"] == shared)
    assert not len(mask_table(dataclasses.replace(masked, own=""))), "a sample has no mask"


def test_the_film_nearest_when_registered_has_no_place_in_the_order_of_features() -> None:
    from lab.ui.neighbour_view import titles

    found = [[BOTH[0]], [BOTH[1]], [], []]
    told = titles([{"found_by": names} for names in found], "training image")
    assert told == [
        "training image, nearest when registered",
        "nearest training image",
        "2nd training image",
        "3rd training image",
    ]
    assert titles([{"found_by": list(BOTH)}], "film") == ["nearest film"]


def test_the_control_is_compared_with_the_nearest_by_features(monkeypatch) -> None:
    """Not with the first neighbour, which may be there for its registered distance."""
    import dataclasses

    import lab.ui.neighbour_view as view

    told: list[str] = []
    monkeypatch.setattr(view.st, "caption", told.append)
    near = [{"distance": 0.27}, {"distance": 0.21}]
    view._closer(dataclasses.replace(subject(), neighbours=near, held_out={"distance": 0.24}))
    assert "0.2100 to the nearest training image" in told[0] and "closer to a training image" in told[0]
