"""Networks that know patients, and planted copies, on the Metrics page: form, launch, failure, result."""

from __future__ import annotations

import json

from lab.runs.identity_requests import train_identity_run
from lab.runs.privacy_requests import sensitivity_run
from lab.ui.state import PrivacyKey as Key
from tests.builders import privacy_runs as built
from tests.builders.privacy_runs import address, failed, open_panel, ready, runs, words


def test_a_network_is_trained_from_the_page(visit, dataset, builders) -> None:
    app = open_panel(visit, "train_identity")
    assert "patients with" in words(app) and "other patients judge" in words(app)
    app.get_by_key(Key.LEARN_STEPS + "patient").set_value(50)
    app.get_by_key(Key.LEARN_SIZE).set_value(32)
    app.get_by_key(Key.LEARN_FROM).set_value(dataset).run()
    app.get_by_key(Key.SUBMIT + "train_identity").click()
    app.run()
    (run,) = runs("train_identity")
    asked = run.spec.settings
    assert (asked["dataset"], asked["question"], asked["steps"], asked["size"]) == (
        dataset,
        "patient",
        50,
        32,
    )
    assert any(one.label == "Cancel" for one in app.button)


def test_patients_with_one_image_cannot_teach(visit, workspace, tmp_path, builders) -> None:
    from lab.data.store import add_folder

    folder = builders.films(tmp_path / "single", count=20)  # one film a patient
    add_folder(folder, "single", licence="CC BY 4.0", title="Single films")
    app = open_panel(visit, "train_identity")
    assert "Only 0 training patients of this dataset have two images or more" in words(app)
    assert app.get_by_key(Key.SUBMIT + "train_identity").disabled
    app.get_by_key(Key.QUESTION).set_value("copy").run()
    assert not app.get_by_key(Key.SUBMIT + "train_identity").disabled, "copies need no second image"


def test_a_trained_network_shows_what_it_is_worth(visit, dataset, builders) -> None:
    spec = train_identity_run(dataset, steps=50)
    run = builders.finish(spec, {"dataset": dataset, "question": "patient", "card": built.network(dataset)})
    app = visit("metrics", run=run.id)
    assert not app.exception
    told = words(app)
    assert (
        "AUC 0.910 (0.880 to 0.940) on 120 patients" in told
        and "It mostly tells two images of one patient" in told
    )
    figures = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    names = [trace.get("name", "") for figure in figures for trace in figure["data"]]
    assert "Verification: area 0.910 (0.880 to 0.940)" in names and "Images of two patients (n 240)" in names


def test_a_network_that_guesses_is_called_so() -> None:
    from lab.ui.identity_words import judgement

    assert "say nothing" in judgement({"auc": 0.56, "low": 0.5, "high": 0.62, "patients": 40})
    assert "no interval" in judgement({"auc": 0.97, "low": None, "high": None, "patients": 5})
    assert "Nobody has measured" in judgement({})


def test_a_training_that_failed_says_why(visit, dataset) -> None:
    run = failed(train_identity_run(dataset, steps=50), "The power went out; the checkpoint is kept; resume.")
    assert "The power went out" in words(visit("metrics", run=run.id))


def test_copies_are_planted_from_the_page(visit, dataset, builders) -> None:
    ready(dataset, builders)
    app = open_panel(visit, "sensitivity")
    assert "280 copies in 7 ways" in words(app) and "Nothing like it was run here yet" in words(app)
    assert "There is no copy embedding for films here" in words(app)
    app.get_by_key(Key.COPIES).set_value(10)
    app.get_by_key(Key.DETECTORS).set_value(["nndr", "authpct"]).run()
    assert "70 copies in 7 ways" in words(app) and "2 detectors" in words(app)
    app.get_by_key(Key.SUBMIT + "sensitivity").click()
    app.run()
    (run,) = runs("sensitivity")
    assert run.spec.settings["metrics"] == ["nndr", "authpct"] and run.spec.settings["copies"] == 10


def test_each_kind_of_copy_stands_beside_the_false_alarms_by_either_rule(
    visit, dataset, builders, monkeypatch
) -> None:
    import lab.ui.sensitivity_panel as panel

    shown = []
    monkeypatch.setattr(panel, "viewer", lambda films, **kw: shown.append(films))
    run = builders.finish(
        sensitivity_run(dataset, metrics=["nndr", "copy-detection"], copies=10), built.planted(dataset)
    )
    app = visit("metrics", run=run.id)
    assert not app.exception

    def shares():
        (frame,) = [one.value for one in app.dataframe if "Accused" in one.value]
        assert max(map(len, frame.columns[1:])) <= len("Re-windowed"), (
            "names of one word leave room for the digits"
        )
        return frame.iloc[0].tolist()[1:]

    assert shares() == [100, 10, 0, 0]
    told = words(app)
    assert "misses flipped (10 %) and noised (0 %) copies. It accuses 0 of 10 honest images" in told
    assert "There is no copy embedding." in told
    app.get_by_key(Key.RULE).set_value("Each by its own rule").run()
    assert shares() == [100, 30, 90, 40] and "It accuses 4 of 10 honest images (40%)" in words(app)
    films = shown[-1]
    assert [film.tag for film in films] == ["REAL"] * 4 and "exact copy" in films[1].caption
    assert films[2].caption.endswith("0 of 1 detectors") and films[3].caption.endswith("1 of 1 detectors")


def test_a_dataset_without_held_out_patients_cannot_be_tried(visit, workspace, tmp_path, builders) -> None:
    from lab.data.store import add_folder

    add_folder(builders.films(tmp_path / "few", count=4), "few", licence="CC BY 4.0", title="Few films")
    app = open_panel(visit, "sensitivity")
    assert "patients of this dataset were held out; 4 are needed" in words(app)


def test_planted_copies_that_failed_say_why(visit, dataset, builders) -> None:
    run = failed(sensitivity_run(dataset, copies=10), "A film cannot be read; nothing was kept; mend it.")
    assert "A film cannot be read" in words(visit("metrics", run=run.id))


def test_earlier_runs_can_be_opened(visit, dataset, builders) -> None:
    first = builders.finish(sensitivity_run(dataset, metrics=["nndr"], copies=10), built.planted(dataset))
    second = builders.finish(sensitivity_run(dataset, metrics=["nndr"], copies=20), built.planted(dataset))
    app = open_panel(visit, "sensitivity")
    assert address(app) == second.id, "the newest is shown"
    app.get_by_key(Key.EARLIER + "sensitivity").set_value(first.id).run()
    assert address(app) == first.id
