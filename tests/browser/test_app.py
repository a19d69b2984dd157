"""The app as a stranger meets it: a deep link first, a forged host, no outside request, a reload mid-run."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import press, settle

ROOT = Path(__file__).resolve().parents[2]


def ask(base: str, path: str, host: str | None = None) -> tuple[int, bytes]:
    """One request, with a Host header of our choosing."""
    place = urlsplit(base)
    link = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    link.request("GET", path, headers={} if host is None else {"Host": host})
    answer = link.getresponse()
    return answer.status, answer.read()


@pytest.fixture
def app(serve, workspace) -> str:
    """The app on an empty workspace, without a worker."""
    return serve(LAB_START_WORKER="0", LAB_WORKSPACE=str(workspace))


def test_a_deep_link_on_a_fresh_server_goes_through_the_entry_script(app, page, seen):
    page.goto(f"{app}/metrics")
    settle(page)
    links = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    expect(page.locator("h1")).to_have_text("Metrics", use_inner_text=True)
    assert len(links) == 7 and any("Library" in text for text in links)
    expect(page.get_by_test_id("stSidebar")).to_contain_text(
        "Research use, not for diagnosis", use_inner_text=True
    )
    assert seen.errors == []


def test_no_request_leaves_the_machine_and_the_server_loads_nothing_heavy(app, page, seen):
    for name in ("", "prompt", "neighbours", "feature_space", "metrics", "library"):
        page.goto(f"{app}/{name}")
        settle(page)
    assert seen.outside == []
    assert seen.errors == []
    status, body = ask(app, "/api/health")
    told = json.loads(body)
    assert status == 200 and told["status"] == "ok"
    assert told["heavy"] == []


def test_the_server_process_maps_no_heavy_library(app, page):
    psutil = pytest.importorskip("psutil")
    page.goto(f"{app}/prompt")
    settle(page)
    pid = json.loads(ask(app, "/api/health")[1])["pid"]
    try:
        mapped = " ".join(part.path for part in psutil.Process(pid).memory_maps())
    except (psutil.AccessDenied, NotImplementedError, AttributeError):
        pytest.skip("this system does not show what a process has mapped")
    assert not any(name in mapped for name in ("libtorch", "llvmlite", "libfaiss", "sklearn"))


@pytest.mark.fault(56)
@pytest.mark.parametrize("path", ["/", "/api/health", "/_stcore/health", "/_stcore/stream"])
def test_a_forged_host_is_refused(app, path):
    assert ask(app, path, "evil.example:80")[0] == 400
    assert ask(app, path, "127.0.0.1.evil.example")[0] == 400


def test_loopback_names_are_served(app):
    for host in ("localhost:1234", "127.0.0.1", "[::1]:99", "LOCALHOST"):
        assert ask(app, "/api/health", host)[0] == 200


@pytest.fixture
def busy(app, workspace):
    """A generation run that a worker holds: it reports progress and never ends by itself."""
    from lab.runs.spec import Progress, RunSpec
    from lab.runs.store import RunStore

    folder = workspace / "generators" / "small"
    (folder / "model").mkdir(parents=True)
    card = {
        "id": "small",
        "title": "Small generator",
        "modality": "chest radiograph",
        "folder": "model",
        "size": 48,
    }
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    chosen = {
        "generator": "small", "prompt": "Severe cardiomegaly.", "negative_prompt": "", "seeds": [7], "steps": 8,
        "guidance": 3.0, "size": 48, "dataset": None, "extractor": "efficientnet-lite0",
    }  # fmt: skip
    store = RunStore.open()
    run = store.submit(RunSpec("generate", chosen, {"weights": "0" * 64}, "1 images with small"))
    claim = store.claim_run(run.id, "test-worker")
    assert claim is not None
    store.report(claim.token, Progress("Denoising", 3, 8, remaining_s=5.0))
    return store, run, claim


@pytest.mark.fault(43)
def test_a_reload_and_a_second_tab_find_the_run(app, busy, page):
    store, run, claim = busy
    page.goto(f"{app}/prompt?run={run.id}")
    page.get_by_text("3 of 8").first.wait_for()
    page.reload()
    page.get_by_text("3 of 8").first.wait_for()
    tab = page.context.new_page()
    tab.goto(f"{app}/")
    tab.get_by_text("3 of 8").first.wait_for()
    press(page, "Cancel")
    page.get_by_role("button", name="Stopping…").wait_for()
    assert store.get(run.id).cancel_requested
    store.mark_cancelled(claim.token)
    page.get_by_text("The run was cancelled").wait_for()
    page.get_by_role("button", name="Resume").wait_for()


@pytest.mark.fault(44)
def test_a_double_click_starts_one_run(app, busy, page):
    store, _, _ = busy
    model = Path(store.database.url.removeprefix("sqlite:///")).parent / "generators" / "small" / "model"
    (model / "model_index.json").write_text("{}", "utf-8")
    (model / "unet").mkdir()
    (model / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    page.goto(f"{app}/prompt")
    settle(page)
    page.get_by_role("textbox", name="Prompt", exact=True).fill("No acute finding.")
    page.get_by_role("textbox", name="Prompt", exact=True).blur()
    settle(page)
    before = len(store.list(kinds=("generate",)))
    page.get_by_role("button", name="Generate").dblclick()
    time.sleep(2.5)
    assert len(store.list(kinds=("generate",))) == before + 1
