"""The prompt page's address: a link to samples or to a grid opens them, and what is shown stands in the address."""

from __future__ import annotations

import pytest

from lab.runs.store import RunStore
from lab.ui.grid_state import GRID, WORD
from lab.ui.state import GridKey, PromptKey
from tests.pages.test_grid import PROMPT, components, done, result_of, said, tab  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    """The small generator holds no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


def the_grid():
    (run,) = RunStore.open().list(kinds=("grid",))
    return run


def shows_the_grid(app, run) -> bool:
    assert not app.exception and not app.error
    return (
        app.session_state[PromptKey.TAB] == "Grid"
        and app.session_state[GridKey.RUN] == run.id
        and "Prompt word: right" in components(app)
        and run.id in app.query_params["run"]
    )


def test_the_address_of_a_grid_opens_its_table(done, visit):  # noqa: F811
    assert the_grid().id in done.query_params["run"], "a shown grid can be copied from the address"
    assert shows_the_grid(visit("prompt", run=the_grid().id), the_grid())


def test_the_address_of_changed_words_opens_them_among_their_kind(tab, visit):  # noqa: F811
    tab.get_by_key(GridKey.MODE).set_value(WORD).run()
    tab.button(key=GridKey.SUBMIT).click().run()
    app = visit("prompt", run=the_grid().id)
    assert shows_the_grid(app, the_grid()) and app.session_state[GridKey.MODE] == WORD


def test_the_queue_opens_a_waiting_grid_on_its_tab(tab):  # noqa: F811
    tab.button(key=GridKey.SUBMIT).click().run()
    tab.session_state[PromptKey.TAB] = "Queue"
    tab.run()
    tab.button(key=f"queue.open.{the_grid().id}").click().run()
    assert shows_the_grid(tab, the_grid())


def test_history_and_home_open_a_grid_where_it_belongs(done, visit):  # noqa: F811
    run = the_grid()
    app = visit("prompt")
    app.session_state[PromptKey.TAB] = "History"
    app.run()
    assert "1 of 1 runs" in said(app) and "grid of 16 images" in said(app) and "near-copy" in said(app)
    for query, found in (
        ("bilateral", 1),
        (str(run.spec.settings["cells"][-1]["request"]["seeds"][0]), 1),
        ("ribs", 0),
    ):
        app.text_input(key=PromptKey.SEARCH).set_value(query).run()
        assert f"{found} of 1 runs" in said(app), query
    app.text_input(key=PromptKey.SEARCH).set_value("").run()
    app.button(key=f"open.{run.id}").click().run()
    assert shows_the_grid(app, run) and app.session_state[GridKey.MODE] == GRID
    home = visit("home")
    assert run.id in [link.query_params.get("run") for link in _links(home)]


def _links(app):
    from types import SimpleNamespace
    from urllib.parse import parse_qsl

    return [
        SimpleNamespace(query_params=dict(parse_qsl(link.proto.query_string)))
        for link in app.get("page_link")
    ]


def test_a_grid_recalled_from_history_fills_the_composer_with_what_its_cells_share(done, visit):  # noqa: F811
    app = visit("prompt")
    app.session_state[PromptKey.TAB] = "History"
    app.run()
    app.button(key=f"recall.{the_grid().id}").click().run()
    assert not app.exception and app.session_state[PromptKey.TEXT] == PROMPT
    assert app.session_state[PromptKey.SEED] == the_grid().spec.settings["base"]["seeds"][0]


def test_a_link_wins_over_what_the_session_showed_before(done, loaded, visit, builders):  # noqa: F811
    newer = builders.finish(
        builders.generation_spec(loaded["dataset"], "Small nodule."), (loaded["samples"].result)
    )
    app = visit("prompt", run=newer.id)
    assert app.session_state[PromptKey.RUN] == newer.id and "Small nodule." in said(app)
    app.query_params["run"] = loaded["samples"].id
    app.run()
    assert app.session_state[PromptKey.RUN] == loaded["samples"].id and not app.exception
    app.query_params["run"] = the_grid().id
    assert shows_the_grid(app.run(), the_grid())


@pytest.mark.parametrize("address", ["0" * 16, "../../etc", "<b>"])
def test_an_address_that_names_nothing_says_so_and_shows_the_page(address, visit, dataset, generator):
    app = visit("prompt", run=address)
    assert not app.exception and "names no samples and no grid" in said(app)
    assert address not in said(app) and app.button(key=PromptKey.SUBMIT)


def test_a_grid_stays_on_the_page_while_its_verdicts_come(tab, builders):  # noqa: F811
    tab.button(key=GridKey.SUBMIT).click().run()
    run = the_grid()
    result = result_of(run)
    for sample in result["samples"]:
        sample |= {"verdict": None, "neighbours": []}
    claim = RunStore.open().claim_run(run.id, "test-worker")
    assert claim is not None
    RunStore.open().finish(claim.token, result)
    for step in range(1, 4):
        assert shows_the_grid(tab.run(), run) and f"Step {step} of 3" in said(tab), (
            "begun without being asked"
        )
        waiting = RunStore.open().list(states=("queued",), kinds=("embed", "calibrate", "compare"))[-1]
        names = [sample["image_id"] for sample in result["samples"]]
        verdict = {"label": "close", "p": 0.04, "n_reference": 24, "detectors": []}
        claim = RunStore.open().claim_run(waiting.id, "test-worker")
        assert claim is not None
        found = {"digest": "c" * 64, "found": {name: {"verdict": verdict} for name in names}}
        RunStore.open().finish(claim.token, found)
    assert shows_the_grid(tab.run(), run) and "not compared" not in said(tab)
    assert "close" in said(tab)
