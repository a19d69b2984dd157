"""The case in a real browser: keys alone, nothing told before the verdict on any wire, the reveal, and a reload."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect

from lab.leakage import access_log, verdicts
from lab.leakage.case_order import training_first
from tests.pages.conftest import films, finish, generation_result, generation_spec
from tests.pages.test_leakage_case import TELLING, case_rows

READER = "aaaaaa"
ROOTS = "[...document.querySelectorAll('*')].filter(host => host.shadowRoot).map(host => host.shadowRoot)"
WHOLE = f"() => document.body.innerHTML + {ROOTS}.map(root => root.innerHTML).join()"


@pytest.fixture
def room(workspace, tmp_path, serve):
    """A server over a workspace in which seven cases of small films are laid out, without a worker."""
    from lab.data.store import add_folder, open_dataset
    from lab.runs import requests
    from lab.runs.artifacts import write_artifact
    from lab.runs.case_requests import cases_run, evidence_run

    add_folder(films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")
    table = open_dataset("films").rows()
    share = {"hits": 19, "n": 20, "low": 0.76, "high": 0.99, "clusters": 20, "value": 0.95}
    finish(requests.embed_run("films"), {"extracted": len(table), "stored": 0})
    finish(
        requests.calibrate_run("films"),
        {
            "dataset": "films", "digest": "c" * 64, "n_reference": 24, "n_patients": 12, "smallest_p": 0.08,
            "detectors": ["registered-correlation", "feature-cosine"], "false_alarms": share, "called_close": share,
            "off_map": 0.5, "canaries": [],
        },
    )  # fmt: skip
    finish(generation_spec("films"), generation_result(table))
    rows = case_rows(table)
    told = {"samples": "set-1", "dataset": "films", "n_train": 24, "n_control": 6, "cases": rows}
    finish(cases_run("set-1", "films"), told)
    stream = io.BytesIO()
    np.save(stream, np.linspace(0.2, 60.0, 200))
    measures = dict.fromkeys(("ssim", "rms"), write_artifact(stream.getvalue(), ".npy"))
    result = {"dataset": "films", "n": 200, "n_patients": 12, "n_train": 24, "n_held_out": 8, "lean": {}}
    finish(evidence_run("films"), result | {"measures": measures})
    address = serve(LAB_START_WORKER="0", LAB_WORKSPACE=str(workspace))
    return SimpleNamespace(address=address, rows=rows)


def frame(page, index: int):
    return page.locator(f'.viewer .frame[data-index="{index}"][data-ready=true]')


@pytest.mark.timeout(600)
@pytest.mark.row("C13")
def test_a_case_is_judged_by_keys_alone_and_nothing_is_told_before(room, page, seen):
    page.set_default_timeout(90_000)
    wires: list[bytes] = []
    page.on("websocket", lambda one: one.on("framereceived", lambda data: wires.append(_bytes(data))))
    page.goto(f"{room.address}/leakage?reader={READER}")
    frame(page, 2).wait_for()
    page.get_by_text("Who looked").wait_for()
    row = room.rows[0]
    hidden = [*TELLING, row["image_id"], row["training"]["image_id"], row["control"]["image_id"]]
    told = page.evaluate(WHOLE)
    expect(page.locator(".viewer .frame")).to_have_count(3)
    assert [word for word in hidden if word in told] == []

    page.keyboard.press("4")
    page.get_by_text("Candidate A: probably the same").wait_for()
    page.locator("button:not([disabled])", has_text="Go on to candidate B").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("Is candidate B the same patient").wait_for()
    expect(page.locator("table.evidence")).to_have_count(0)
    assert verdicts.of_set("set-1") == []
    page.keyboard.press("2")
    page.get_by_text("Candidate B: probably different").wait_for()
    page.locator("button:not([disabled])", has_text="Store and show the answer").wait_for()
    sent = b"".join(wires)
    own = [row["image_id"], row["training"]["image_id"], row["control"]["image_id"], "near-copy", "Near-copy"]
    assert [word for word in own if word.encode() in sent] == [], "nor in what the server has sent"

    page.keyboard.press("Enter")
    page.locator("table.evidence").wait_for()
    frame(page, 3).wait_for()
    (kept,) = verdicts.of_set("set-1")
    left = training_first(row["code"], READER)
    assert (kept.training, kept.control) == ((4, 2) if left else (2, 4)) and kept.reader == READER
    told = page.evaluate(WHOLE)
    assert "SYNTHETIC" in told and "REAL" in told and "Near-copy by 2 of 2 detectors" in told
    assert [one.action for one in access_log.entries()] == ["revealed", "verdict", "opened"]

    page.locator("button:not([disabled])", has_text="Next case").wait_for()
    page.reload()
    page.get_by_text("Near-copy by 2 of 2 detectors").wait_for()
    frame(page, 3).wait_for()
    assert "Case 1 of 7" in page.inner_text("body")
    page.locator("button:not([disabled])", has_text="Next case").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("Candidate A: not rated yet").wait_for()
    expect(page.locator("body")).to_contain_text("Case 2 of 7", use_inner_text=True)
    expect(page.locator("table.evidence")).to_have_count(0)
    assert seen.errors == [] and seen.outside == []


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data
