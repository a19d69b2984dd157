"""The Neighbours page in a real Chromium: a click walks on, back works in every way, a pair of an audit opens."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WAIT_MS
from tests.pages.test_neighbours import audited, films_search

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def shown(workspace, tmp_path, page, serve):
    """A small workspace where everything was done once, served without a worker; opens a page of it."""
    from lab.data.store import add_folder, open_dataset
    from lab.runs import requests
    from tests.pages import conftest as builders

    add_folder(builders.films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")
    table = open_dataset("films").rows()
    builders.finish(requests.embed_run("films"), {})
    builders.finish(
        requests.calibrate_run("films"), {"dataset": "films", "digest": "c" * 64, "n_reference": 24}
    )
    samples = builders.finish(builders.generation_spec("films"), builders.generation_result(table))
    loaded = {"table": table, "dataset": "films", "samples": samples, "builders": builders}
    base = serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER="0", LAB_PREPARE="0")
    page.set_default_timeout(WAIT_MS)

    def visit(query: str = "") -> dict:
        page.goto(f"{base}/neighbours{query}")
        page.get_by_role("heading", name="Neighbours", level=1).wait_for()
        return loaded

    return visit


def frame(page, index: int):
    return page.locator(f'.viewer .frame[data-index="{index}"]')


def tagged(page, tag: str):
    """The first frame, once it shows a film of that tag: the viewer draws after the page."""
    return page.locator(f'.viewer .frame[data-index="0"][data-tag="{tag}"]')


def crumbs(page) -> list[str]:
    """The way as it is shown, without the icons."""
    return [text.strip() for text in page.get_by_role("button").filter(has_text="› ").all_inner_texts()]


def asked(page) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


@pytest.mark.row("C13")
def test_a_click_on_a_neighbour_makes_it_the_query_and_back_returns(shown, page, seen):
    loaded = shown()
    table, run = loaded["table"], loaded["samples"]
    train = table[table["split"] == "train"]["image_id"].tolist()
    # The sample's neighbours are the first five training images; their own were searched before.
    films_search("films", table, loaded["builders"], train[1], train[6:11])
    films_search("films", table, loaded["builders"], train[7], train[12:17])
    frame(page, 6).wait_for()
    assert "trail" not in asked(page)
    frame(page, 2).locator("canvas").first.click()
    page.get_by_text("This is a real training image itself").wait_for()
    page.get_by_role("button", name=f"› {train[1][:6]}").wait_for()
    first = asked(page)
    assert first["set"] == run.id and first["trail"].split(".")[1:] == [train[1]]
    tagged(page, "REAL").wait_for()

    frame(page, 2).locator("canvas").first.click()
    page.get_by_role("button", name=f"› {train[7][:6]}").wait_for()
    assert [text[-6:] for text in crumbs(page)] == [train[1][:6], train[7][:6]]
    assert asked(page)["trail"].split(".")[1:] == [train[1], train[7]]

    # A reload, and a stranger's tab with the same address, stand at the same place.
    page.reload()
    page.get_by_role("button", name=f"› {train[7][:6]}").wait_for()
    tab = page.context.browser.new_page()
    tab.set_default_timeout(WAIT_MS)
    tab.goto(page.url)
    tab.get_by_role("button", name=f"› {train[7][:6]}").wait_for()
    tab.locator('.viewer .frame[data-index="5"]').wait_for()
    tab.close()

    # Back by the browser, then by the way itself.
    page.go_back()
    page.get_by_role("button", name=f"› {train[7][:6]}").wait_for(state="detached")
    page.get_by_role("button", name=f"› {train[1][:6]}").wait_for()
    assert asked(page)["trail"] == first["trail"]
    page.get_by_role("button", name=re.compile("^.*seed 7")).first.click()
    page.get_by_text("This is a real training image itself").wait_for(state="detached")
    page.wait_for_function("!location.search.includes('trail')")
    tagged(page, "SYNTHETIC").wait_for()
    assert crumbs(page) == []
    assert seen.outside == [] and seen.errors == []


@pytest.mark.row("C13")
def test_the_browsers_back_from_the_first_step_is_the_image_it_began_with(shown, page):
    loaded = shown()
    table = loaded["table"]
    train = table[table["split"] == "train"]["image_id"].tolist()
    films_search("films", table, loaded["builders"], train[0], train[6:11])
    frame(page, 6).wait_for()
    frame(page, 1).locator("canvas").first.click()
    page.get_by_role("button", name=f"› {train[0][:6]}").wait_for()
    page.go_back()
    page.get_by_role("button", name=f"› {train[0][:6]}").wait_for(state="detached")
    tagged(page, "SYNTHETIC").wait_for()


@pytest.mark.row("XI-11", "CM-12")
def test_a_pair_of_an_audit_opens_among_its_neighbours(shown, page, seen):
    loaded = shown()
    audited(loaded, loaded["builders"])
    page.get_by_role("radio", name="A whole set").click()
    page.get_by_text("2 of 4 images are near-copies").wait_for()
    frame(page, 7).wait_for()
    # The viewer of the one image before it leaves with the next run of the page.
    expect(page.locator(".viewer .frame")).to_have_count(8)
    captions = page.locator(".viewer .caption").all_inner_texts()
    # The first pair is the smallest p, the fourth sample; its image is followed by its training image.
    wanted = loaded["samples"].result["samples"][3]["image_id"]
    assert wanted[:6] in captions[0] and "to look at first" in captions[1]
    tags = page.locator(".viewer .frame").evaluate_all("all => all.map(one => one.dataset.tag)")
    assert tags == ["SYNTHETIC", "REAL"] * 4
    page.get_by_role("radio", name="Copy set (1)").click()
    page.get_by_text("whose neighbourhood it lies in").first.wait_for()
    page.get_by_role("radio", name=re.compile("^Closest pairs")).click()
    frame(page, 7).wait_for()
    frame(page, 1).locator("canvas").first.click()
    page.get_by_role("combobox", name="Sample").wait_for()
    expect(page.get_by_role("radio", name="One image")).to_be_checked()
    page.locator(".viewer .caption", has_text="seed 10").first.wait_for()
    page.locator(".viewer .caption", has_text="nearest held-out image").first.wait_for()
    assert seen.errors == []
