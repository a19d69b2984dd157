"""Level 2 of the leakage page under AppTest: choosing, starting runs, numbers beside controls, the way to a case."""

from __future__ import annotations

import re

import pytest

from tests.builders.audited_set import attack, audited_set


def _words(app) -> str:
    return "\n".join(str(part.value) for part in (*app.markdown, *app.caption, *app.warning, *app.error))


def _open(visit):
    from lab.ui.state import LeakageKey as Key

    app = visit("home")
    app.session_state[Key.LEVEL] = "The population"
    return app.switch_page("../../pages/leakage.py").run()


@pytest.fixture
def counted(dataset, generator, builders, workspace):
    """The generator "small", its two sets audited together."""
    return audited_set(workspace, dataset, builders)


def test_an_empty_workspace_says_what_is_missing(visit):
    app = _open(visit)
    assert not app.exception and "There is no dataset yet" in _words(app)


def test_an_audit_is_started_for_all_sets_together(visit, dataset, generator, builders, workspace):
    from lab.runs import requests
    from lab.runs.store import RunStore
    from tests.builders import audited_set as made

    builders.finish(requests.embed_run(dataset), {})
    builders.finish(requests.calibrate_run(dataset), made._calibration(dataset))
    made._samples()
    app = _open(visit)
    assert not app.exception
    (button,) = [one for one in app.button if one.label == "Audit these samples"]
    button.click()
    app.run()
    (run,) = RunStore.open().list(kinds=("audit",))
    assert run.spec.settings["samples"] == "set-0+set-1" and run.state == "queued"
    assert "2 sets" in run.label, "the list of runs names no row of ids"


@pytest.mark.row("CM-15")
def test_numbers_stand_beside_their_controls(visit, counted):
    app = _open(visit)
    assert not app.exception
    words = _words(app)
    assert re.search(r"12 of 30 samples are near\\?-copies", words)
    assert "1 of 120 held" in words.replace("\\", "")
    assert "30 samples against 400 training images are 12,000 comparisons" in words
    assert (
        "Feature cosine: misses noised (10 %) copies and finds only some cropped (70 %) copies"
        in words.replace("\\", "")
    )
    assert "This detector: finds at least nine in ten of every kind" in words.replace("\\", "")
    assert [one.label for one in app.button if one.label == "Measure it"], (
        "closer to training can be measured"
    )


def test_what_is_closer_to_train_shows_its_control_and_null(visit, counted, builders, dataset):
    from lab.runs.leakage_requests import closer_run

    builders.finish(
        closer_run("set-0+set-1", dataset), {"results": [builders.metric("closer-to-training", 0.5)]}
    )
    app = _open(visit)
    assert not app.exception
    assert "held-out control" in _words(app) and "n = 12" in _words(app)


def test_attacks_show_area_control_and_a_ledger_that_holds_or_not(
    visit, dataset, generator, builders, workspace, monkeypatch
):
    import lab.generators.load
    from lab.runs.leakage_requests import membership_run

    # Before anything is digested: the folder of this generator holds no weights.
    monkeypatch.setattr(lab.generators.load, "model_digest", lambda card: "0" * 64)
    audited_set(workspace, dataset, builders)
    result = {
        "generator": "small",
        "listed": False,
        "trained": 24,
        "closed": "",
        "attacks": [attack("white-box pia", 0.7), attack("white-box loss", 0.9)],
    }
    before = _open(visit)
    assert "asked 55 times for each of at most 200 films" in _words(before), (
        "the cost stands there before the launch"
    )
    assert "9 small models are trained" in _words(before)
    builders.finish(membership_run("small", dataset, "set-0+set-1"), result)
    app = _open(visit)
    assert not app.exception
    words = _words(app)
    assert "0.5 is chance" in words and "120 films it saw" in words and "of members" in words
    (focus,) = [one for one in app.selectbox if one.label == "In focus"]
    assert focus.options == ["Denoising loss", "PIA"], "the largest area first"
    (table,) = [one.value for one in app.dataframe if "Best accuracy" in one.value]
    assert (
        table["Attack"].tolist() == ["PIA", "Denoising loss"]
        and "At 1 %" in table
        and "At 0.1 %" not in table
    )
    app.number_input(key="leakage.population_ledger.epsilon").set_value(0.5)
    (check,) = [one for one in app.button if one.label == "Check the ledger"]
    check.click()
    app.run()
    assert "contradicts itself" in _words(app).replace("\\", "")


def test_a_click_on_a_pair_opens_its_case(counted, workspace):
    import pandas as pd
    import streamlit as st

    from lab.ui import leakage_population_gallery as gallery
    from lab.ui.leakage_population_choice import Chosen
    from lab.ui.state import LeakageKey as Key

    table, _ = counted

    class Told:
        chosen = Chosen("small", "set-0+set-1", ("set-0", "set-1"), "films", 30)
        table: pd.DataFrame

    from lab.ui.sets import open_set

    names = table["image_id"].tolist()[14:16]
    for index, name in enumerate(names):
        st.session_state["viewer"] = {"picked": 2 * index + 1}
        gallery._open("viewer", Told(), names)
        assert st.session_state[Key.CASE_SAMPLE] == name
        assert name in open_set(st.session_state[Key.CASE_SET]).ids()
        assert st.session_state[Key.LEVEL] == "The case"
    st.session_state["viewer"] = {"picked": 99}
    gallery._open("viewer", Told(), names)
    assert st.session_state[Key.CASE_SAMPLE] == names[1]
