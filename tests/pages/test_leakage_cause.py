"""Level 3 of the leakage page: what it says of finished runs and stored reports, and what it does not offer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.charts.dose import Dose, dose_figure
from lab.charts.extraction import Row, spread_out, strip_figure
from lab.charts.overtraining import Moment, overtraining_figure
from lab.charts.remedies import Remedy, remedies_figure
from lab.leakage.extraction import Ask, checked
from lab.ui.state import LeakageKey as Key

BOTH = ("registered-correlation", "feature-cosine")
SPREAD = {"value": 0.05, "low": 0.04, "high": 0.06, "n": 8}
CAPTIONS = ("Large left pneumothorax.", "Severe cardiomegaly.")


def text(app) -> str:
    return "\n".join(
        str(one.value) for kind in ("markdown", "caption", "error", "info") for one in app.get(kind)
    )


@pytest.fixture
def planted(loaded, generator, workspace: Path) -> list[str]:
    """The small generator with a list of planted films; returns their ids."""
    table = loaded["table"]
    names = table[table["split"] == "train"]["image_id"].tolist()[:3]
    films = [
        {"image_id": name, "caption": caption, "copies": 20}
        for name, caption in zip(names, CAPTIONS, strict=False)
    ]
    films.append({"image_id": names[2], "caption": "Lungs are clear.", "copies": 1})
    (workspace / "generators" / "small" / "planted.json").write_text(json.dumps(films), "utf-8")
    return names


def samples(distance: float, target: str, count: int = 8, label: str = "near-copy") -> list[dict]:
    from lab.data.images import encode_png
    from lab.runs.artifacts import write_artifact

    picture = write_artifact(encode_png(np.full((48, 48), 90, np.uint8)), ".png")
    return [
        {
            "artifact": picture, "seed": seed, "distances": dict.fromkeys(BOTH, distance + 0.001 * seed),
            "rank": 1, "compared": 24, "label": label, "p": 0.001, "nearest": target, "off_map": False, "map": None,
        }
        for seed in range(count)
    ]  # fmt: skip


def result_of(spec, found: dict[str, int]) -> dict:
    """A finished extraction: an ask named in `found` gave its film back that often, and came close."""
    asks = []
    for ask in spec.settings["asks"]:
        hits = found.get(ask["label"], 0)
        rows = samples(0.01 if hits else 0.3, ask["target"], len(spec.settings["seeds"]))
        for sample in rows[hits:]:
            sample["label"] = "ordinary"
        asks.append(
            {
                **ask,
                "samples": rows,
                "found": hits,
                "spread": {"value": 0.05, "low": 0.04, "high": 0.06, "n": 8},
            }
        )
    return {
        "dataset": "films", "asks": asks, "seeds": spec.settings["seeds"], "limits": dict.fromkeys(BOTH, 0.03),
        "n_reference": 24, "n_train": 24, "n_held_out": 12, "map": "none", "films": {},
        "real_spread": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 20},
    }  # fmt: skip


def opened(visit, panel: str):
    app = visit("leakage")
    app.session_state[Key.LEVEL] = "The cause"
    app.session_state[Key.CAUSE_PANEL] = panel
    return app.run()


def test_a_sweep_says_how_often_the_film_comes_back_and_what_chance_does(
    visit, planted, builders, monkeypatch
) -> None:
    from lab.runs.leakage_requests import extraction_run
    from lab.ui.leakage_cause_ask import held_out_ask, suspects

    suspect = suspects()[0]
    asks = [
        Ask("small", CAPTIONS[0], planted[0], "The film's own caption"),
        held_out_ask(suspect, suspect.planted[0]),
    ]
    spec = extraction_run(asks, range(16), "films")
    builders.finish(spec, result_of(spec, {"The film's own caption": 16}))
    app = opened(visit, "Seed after seed")
    assert not app.exception
    said = text(app)
    assert "comes back with 16 of 16 (81 % to 100 %) seeds" in said
    assert "held-out film, by its own caption: 0 of 16 (0 % to 19 %)" in said
    assert "10 % as far apart" in said


def test_nothing_found_is_never_called_private(visit, planted, builders) -> None:
    from lab.runs.leakage_requests import extraction_run
    from lab.ui.leakage_cause_ask import held_out_ask, suspects

    suspect = suspects()[0]
    asks = [
        Ask("small", CAPTIONS[0], planted[0], "The film's own caption"),
        held_out_ask(suspect, suspect.planted[0]),
    ]
    spec = extraction_run(asks, range(16), "films")
    builders.finish(spec, result_of(spec, {}))
    said = text(opened(visit, "Seed after seed"))
    assert "None found by these detectors at this sensitivity: 0 of 16 (0 % to 19 %)" in said
    assert "private" not in said.lower().replace("privacy", "")


def test_the_phrase_without_which_the_film_stays_away_is_named(visit, planted, builders) -> None:
    from lab.runs.leakage_requests import extraction_run
    from lab.ui.leakage_cause_words import ablated

    spec = extraction_run(ablated("small", None, CAPTIONS[0], planted[0]), range(8), "films")
    found = {"The whole caption": 8, "Without “Large”": 7, "Without “left”": 0, "Without “pneumothorax”": 6}
    builders.finish(spec, result_of(spec, found))
    app = opened(visit, "Word by word")
    assert not app.exception
    assert "“left” is the key" in text(app) and "without “left” 0 of 8" in text(app)


def test_several_phrases_can_be_needed_and_none_can_be(planted) -> None:
    from lab.runs.leakage_requests import extraction_run
    from lab.ui.leakage_cause_words import ablated, verdict

    spec = extraction_run(ablated("small", None, CAPTIONS[0], planted[0]), range(8), "films")
    whole = {"The whole caption": 8}
    two = result_of(spec, whole | {"Without “Large”": 1, "Without “left”": 0, "Without “pneumothorax”": 8})
    assert verdict(two).startswith("2 of 3 phrases are each needed, the strongest first: “left”, “Large”.")
    none = result_of(spec, whole | {"Without “Large”": 8, "Without “left”": 8, "Without “pneumothorax”": 8})
    assert verdict(none).startswith("No single phrase is the key")
    assert "no phrase is its key" in verdict(result_of(spec, {}))


def test_films_that_share_a_caption_are_told_apart() -> None:
    from lab.gates.planted import PlantedFilm
    from lab.ui.leakage_cause_ask import named

    films = [
        PlantedFilm("a" * 16, "Normal.", 20),
        PlantedFilm("b" * 16, "Normal.", 20),
        PlantedFilm("c", "Own.", 20),
    ]
    names = named(films)
    assert len(set(names.values())) == 3 and names["c"] == "Own. (20 times in training)"
    assert "aaaaaa" in names["a" * 16]


def test_films_that_were_shown_are_listed(visit, planted, builders) -> None:
    from lab.leakage.access_log import entries
    from lab.runs.leakage_requests import extraction_run
    from lab.ui.leakage_cause_words import ablated

    spec = extraction_run(ablated("small", None, CAPTIONS[0], planted[0]), range(8), "films")
    builders.finish(spec, result_of(spec, {"The whole caption": 8}))
    opened(visit, "Word by word")
    listed = [entry for entry in entries() if entry.dataset == "films"]
    assert [entry.cases for entry in listed] == [(planted[0][:6],)]


def test_before_a_run_a_panel_says_what_it_will_do(visit, planted) -> None:
    for panel, button in (("Seed after seed", "Ask 16 times"), ("Word by word", "Take 3 phrases away")):
        app = opened(visit, panel)
        assert not app.exception and [one.label for one in app.button if one.label == button], panel


def test_the_dose_is_shown_without_any_run(visit, planted) -> None:
    app = opened(visit, "How much it takes")
    assert not app.exception
    table = next(one.value for one in app.dataframe if "Films asked for" in one.value.columns)
    assert table["Films asked for"].tolist()[:3] == [
        "Training films repeated 20 times", "Training films seen once", "Held-out films (control)",
    ]  # fmt: skip
    assert {"Trained on 48", "Trained on 192", "Trained on 768"} <= set(table.columns)
    assert table["Trained on 48"].str.contains(r"n = \d+").all()


def test_real_films_are_not_offered_for_over_training(visit, planted) -> None:
    app = opened(visit, "Watch it happen")
    assert not app.exception and "no phantom generator to over-train" in text(app)


def test_remedies_that_were_not_measured_name_their_command(visit, planted) -> None:
    from lab.generators.cards import list_cards
    from lab.leakage.evidence import stored_evidence, unmeasured

    app = opened(visit, "What would help")
    assert not app.exception
    shown = "\n".join(str(one.value) for one in app.get("code"))
    for _, command in unmeasured(stored_evidence(list_cards())[0]):
        assert command in shown
    assert "No set is audited yet" in text(app)


def test_in_public_a_generator_of_restricted_films_is_not_offered(
    planted, tmp_path, workspace, builders, monkeypatch
):
    from lab.data.store import add_folder, list_datasets
    from lab.ui.leakage_cause_ask import suspects

    add_folder(
        builders.films(tmp_path / "secret"), "secret", licence="All rights reserved", title="Restricted films"
    )
    assert not next(card for card in list_datasets() if card.id == "secret").public
    place = workspace / "generators" / "small"
    card = json.loads((place / "card.json").read_text()) | {"training_dataset": "secret"}
    (place / "card.json").write_text(json.dumps(card), "utf-8")
    assert "small" in {one.card.id for one in suspects()}
    monkeypatch.setenv("LAB_PUBLIC", "1")
    assert "small" not in {one.card.id for one in suspects()}


def test_a_chart_has_a_mark_a_seed_and_its_threshold() -> None:
    rows = [
        Row("a", "asked", [0.1, 0.2, 0.1], ["x"] * 3, 0.1, 0.1, 0.2),
        Row("b <i>", "control", [0.4], ["y"]),
    ]
    figure = strip_figure(rows, 0.15, "registered correlation", baseline=0.1)
    assert len(figure.data[0].x) == 3 and list(figure.data[0].customdata[2]) == [0, 2]
    assert any("near-copy" in str(note.text) for note in figure.layout.annotations)
    assert "<i>" not in "".join(figure.layout.yaxis.ticktext)
    offsets = spread_out([0.1] * 5)
    assert len(set(offsets.tolist())) == 5 and np.abs(offsets).max() <= 1


def test_other_charts_keep_what_they_are_given() -> None:
    doses = [Dose("g", 48, "once", 0.4, 0.2, 0.6, 20), Dose("g", 768, "once", 0.0, 0.0, 0.2, 20)]
    assert list(dose_figure(doses).data[0].y) == [0.4, 0.0]
    assert dose_figure([]).layout.annotations[0].text
    moments = [Moment(0, [0.2, 0.4], [0.1, 0.1]), Moment(5, [0.0, 0.1], [0.1, 0.3])]
    figure = overtraining_figure(moments, 0.05, 200, 5)
    assert np.allclose(figure.data[-1].y, [0.3, 0.05]) and np.allclose(figure.data[-2].y, [0.1, 0.2])
    remedy = Remedy("x", True, 0.1, 0.0, 0.3, 20, 12.0, 9.0, 15.0)
    assert remedies_figure([remedy]).data[0].error_x.array[0] == pytest.approx(3.0)
    assert "yet" in remedies_figure([]).layout.annotations[0].text


def test_all_asks_of_the_live_dose_fit_into_one_run(planted) -> None:
    from lab.ui.leakage_cause_ask import suspects
    from lab.ui.leakage_cause_dose import FILMS, SEEDS, live_asks

    asks = live_asks(suspects(), FILMS[-1])
    assert checked(asks, range(SEEDS)) and {ask.role for ask in asks} <= {"repeated", "once", "held-out"}
