"""What leaves the server for the viewer: words, sizes and addresses; nothing more where nothing more may."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lab.data.card import DatasetCard
from lab.errors import InputError
from lab.neighbours.difference import registered_difference, warp
from lab.neighbours.registered import Variant
from lab.ui.hanging import LAYOUTS, arrangement, audit, difference_film, stages
from lab.ui.viewer import Film
from lab.ui.viewer_credit import MAX_CREDIT, credit
from lab.ui.viewer_packet import packet
from lab.ui.viewer_presets import PRESETS, modality_of
from lab.ui.viewer_regions import MAX_REGIONS, Region, read_regions
from lab.ui.viewer_script import LOADER, SCRIPTS
from tests.builders.viewer_wall import WORDS, films, secrets

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "viewer"


def kept():
    """A store of one test: addresses count up."""
    arrays: list[np.ndarray] = []

    def keep(array: np.ndarray, place: str) -> str:
        arrays.append(array)
        return f"/media/{len(arrays)}"

    return arrays, keep


def test_a_packet_says_sizes_and_windows_and_keeps_pixels_apart():
    arrays, keep = kept()
    found = packet(films(Film), key="k", keep=keep)
    assert [one["url"] for one in found["viewports"]] == ["/media/1", "/media/2", "/media/3", "/media/4"]
    assert found["viewports"][3]["mask"]["url"] == "/media/5" and found["viewports"][3]["frames"] == 8
    assert [one["length"] for one in found["viewports"]] == [array.nbytes for array in arrays[:4]]
    assert len(json.dumps(found)) < 8000 and found["viewports"][2]["window"] is None
    assert set(found["presets"]) == {"cxr", "dermoscopy", "cardiac"}


@pytest.mark.fault(64)
def test_a_blinded_packet_holds_no_word_and_differs_in_addresses_only():
    _, keep = kept()
    found = packet(secrets(Film), key="k", blinded=True, keep=keep)
    assert not any(word in json.dumps(found) for word in (*WORDS, "REAL", "SYNTHETIC", "public"))
    first, second = (
        {**one, "url": "", "alt": "", "mask": one["mask"] | {"url": ""}} for one in found["viewports"]
    )
    assert first == second and found["credits"] == []


def test_a_closed_licence_keeps_a_film_at_home_in_public(monkeypatch):
    arrays, keep = kept()
    shown = [
        Film(np.zeros((4, 4), np.uint8), "REAL", public=False),
        Film(np.ones((4, 4), np.uint8), "PHANTOM"),
    ]
    assert "withheld" not in packet(shown, key="k", keep=keep)["viewports"][0]
    monkeypatch.setenv("LAB_PUBLIC", "1")
    arrays.clear()
    found = packet(shown, key="k", keep=keep)["viewports"]
    assert found[0]["withheld"] is True and "url" not in found[0] and len(arrays) == 1
    assert arrays[0].max() == 1


@pytest.mark.fault(60)
@pytest.mark.parametrize(
    "film",
    [
        Film(np.zeros((4, 4)), "REAL"),
        Film(np.zeros((4, 4), np.uint8), "real"),
        Film(np.zeros((4, 4), np.uint8), "REAL", tone="loud"),
        Film(np.zeros((0, 4), np.uint8), "REAL"),
        Film(np.zeros((4, 4, 4), np.uint8), "REAL"),
        Film(np.zeros((4, 4), np.uint8), "REAL", frames=np.zeros((2, 4, 5), np.uint8)),
        Film(np.zeros((4, 4), np.uint8), "REAL", frames=np.zeros((2, 4, 4), np.uint16)),
        Film(np.zeros((4, 4), np.uint8), "REAL", mask=np.zeros((4, 5), np.uint8)),
        Film(np.zeros((4, 4), np.uint8), "REAL", mask=np.zeros((4, 4), bool)),
    ],
    ids=lambda film: f"{film.samples.dtype}{film.samples.shape}{film.tag}",
)
def test_a_film_that_cannot_be_shown_truly_is_refused(film):
    with pytest.raises(InputError):
        packet([film], key="k", keep=lambda array, place: "")


@pytest.mark.fault(60)
def test_windows_that_are_not_numbers_give_way():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for window in [(math.nan, 1.0), (1.0, math.inf), (1.0, 0.0), (1.0, -5.0)]:
        found = packet([Film(ramp, "REAL", window=window)], key="k", keep=lambda array, place: "")
        window = found["viewports"][0]["window"]
        assert window["width"] == pytest.approx(0.99 * 65535, rel=1e-3)


@pytest.mark.fault(60)
def test_regions_are_believed_only_where_they_make_sense():
    shown = [Film(np.zeros((100, 50), np.uint8), "REAL")]
    good = {"film": 0, "frame": 0, "x": 40, "y": -5, "width": 20, "height": 15}
    read = read_regions({"token": "t", "regions": [good]}, shown, "t")
    assert read == (Region(0, 0, 40.0, 0.0, 10.0, 10.0),)  # cut to the film
    odd = [
        None,
        "x" * 25_000_000,
        {"token": "other", "regions": [good]},
        {"token": "t", "regions": "x" * 25_000_000},
        {
            "token": "t",
            "regions": [None, 3, {}, {**good, "film": 1}, {**good, "frame": 2}, {**good, "film": True}],
        },
        {"token": "t", "regions": [{**good, "x": math.nan}, {**good, "width": "9"}, {**good, "x": 90}]},
    ]
    assert all(read_regions(value, shown, "t") == () for value in odd)
    assert len(read_regions({"token": "t", "regions": [good] * 500}, shown, "t")) == MAX_REGIONS


def test_addresses_depend_on_every_byte(monkeypatch):
    """The server's media store looks at three parts of a large file; two films that differ elsewhere are two."""
    from streamlit import runtime
    from streamlit.runtime.media_file_manager import MediaFileManager
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

    from lab.ui import viewer_store

    class Server:
        media_file_mgr = MediaFileManager(MemoryMediaFileStorage("/media"))

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", Server)
    film = np.zeros((2500, 2000), np.uint16)
    other = film.copy()
    other[700, 700] = 1
    first, second = viewer_store.address(film, "a"), viewer_store.address(other, "b")
    assert first != second and first == viewer_store.address(film.copy(), "c") and first.startswith("/media/")
    swapped = film.reshape(2000, 2500)
    assert viewer_store.address(swapped, "d") != first
    held = Server.media_file_mgr.read_file(second.rsplit("/", 1)[1])
    assert np.array_equal(np.frombuffer(held.content, "<u2").reshape(2500, 2000), other)


# ---------------------------------------------------------------- hanging
def blobs(seed: int, size: int = 120) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    places = rng.uniform(0.2, 0.8, (12, 2))
    field = sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 0.006) for u, v in places)
    return np.clip(field / field.max() * 3000 + 400, 0, 4095).astype(np.uint16)


@pytest.mark.parametrize(
    "variant",
    [Variant(False, 1.0, 0.0, (0, 0)), Variant(True, 1.0, 3.0, (1, -1)), Variant(False, 1.08, -3.0, (0, 2))],
)
def test_the_difference_registers_before_it_subtracts(variant):
    sample = blobs(1)
    copy = warp(sample.astype(float), variant, sample.shape)
    reference = (copy * 0.8 + 200).astype(np.uint16)  # another window alone must not show
    found = registered_difference(sample, reference)
    assert found.variant == variant and found.correlation > 0.99
    inside = found.image[15:-15, 15:-15].astype(int)
    assert np.abs(inside - 128).mean() < 2
    reference[60:70, 60:70] += 900
    changed = registered_difference(sample, reference).image[60:70, 60:70]
    assert changed.mean() < 90  # the reference is brighter there
    assert np.abs(registered_difference(sample, blobs(2)).image.astype(int) - 128).mean() > 20


def test_a_difference_of_another_size_depth_and_colour_is_drawn_on_the_reference():
    colour = np.repeat((blobs(1, 200) // 16).astype(np.uint8)[:, :, None], 3, axis=2)
    found = registered_difference(colour, blobs(1, 120))
    assert found.image.shape == (120, 120) and found.correlation > 0.98
    flat = registered_difference(np.zeros((50, 60), np.uint8), blobs(1))
    assert flat.image.shape == (120, 120) and math.isfinite(flat.correlation)


@pytest.mark.row("C13")
def test_the_audit_hangs_sample_training_held_out_and_difference():
    sample, nearest = Film(blobs(1), "SYNTHETIC"), Film(blobs(1), "REAL", public=False)
    hung = audit(sample, nearest, Film(blobs(2), "REAL"))
    assert [film.tag for film in hung] == ["SYNTHETIC", "REAL", "REAL", "SYNTHETIC"]
    assert "difference after registration" in hung[3].caption and not hung[3].public
    assert len(hung) == arrangement("audit").most and np.abs(hung[3].samples.astype(int) - 128).max() <= 1
    assert not difference_film(sample, nearest).public
    with pytest.raises(InputError):
        arrangement("poster")
    assert {"grid", "pair", "audit", "one-and-five", "two-by-two"} <= set(LAYOUTS)


def test_stages_start_with_what_was_asked_for_and_never_repeat():
    hung, tools = stages("one-and-five", 4, False, 7)
    assert [(one.layout, one.films, one.columns) for one in hung] == [
        ("one-and-five", 7, 5),
        ("pair", 2, 2),
        ("grid", 7, 4),
    ]
    assert tools == "full" and hung[0].lead and not hung[1].lead
    gallery, tools = stages(None, 2, False, 6)
    assert [one.layout for one in gallery] == [
        "",
        "first-large",
    ] and tools == "few"  # two in a row as asked for
    assert len(stages(None, 4, False, 1)[0]) == len(stages("pair", 4, False, 2)[0]) == 1
    for count in range(1, 20):
        for name in (*LAYOUTS, None):
            if name is None or count <= (LAYOUTS[name].most or count):
                found = stages(name, 4, False, count)[0]
                assert all(1 <= one.films <= count and one.narrow <= one.columns for one in found)
                assert len({(one.columns, one.lead, one.films) for one in found}) == len(found)
    with pytest.raises(InputError):
        stages("pair", 4, False, 3)


def card(**words: str) -> DatasetCard:
    told = {"attribution": "Kermany et al.", "licence": "CC BY 4.0", "title": "Paediatric films", **words}
    return DatasetCard(
        "films",
        told["title"],
        "chest radiograph",
        "real",
        told["licence"],
        True,
        told["attribution"],
        "",
        "",
        None,
        (),
    )


def test_licences_that_ask_for_a_name_get_one():
    assert credit(card()) == "Kermany et al., CC BY 4.0"
    assert credit(card(), "CC-BY-NC-SA 3.0") == "Kermany et al., CC-BY-NC-SA 3.0"  # of this very film
    assert credit(card(attribution="")) == "Paediatric films, CC BY 4.0"
    assert (
        credit(card(licence="CC0 1.0")) == credit(card(licence="procedural")) == credit(card(), "MIT") == ""
    )
    long = credit(card(attribution="A" * 900))
    assert len(long) == MAX_CREDIT and long.endswith("…, CC BY 4.0")


def test_a_credit_is_sent_once_and_not_for_a_film_kept_at_home(monkeypatch):
    made = np.zeros((4, 4), np.uint8)
    shown = [
        Film(made, "REAL", credit="A"),
        Film(made, "REAL", credit="A"),
        Film(made, "REAL", credit="B", public=False),
    ]
    assert packet(shown, key="k", keep=kept()[1])["credits"] == ["A", "B"]
    monkeypatch.setenv("LAB_PUBLIC", "1")
    assert packet(shown, key="k", keep=kept()[1])["credits"] == ["A"]


def test_the_presets_of_every_modality_stand_on_four_keys():
    assert all(len(each) == 4 and each[0].spread == 1 and each[0].level == 0 for each in PRESETS.values())
    words = ("chest radiograph", "dermoscopy", "cardiac MRI", "")
    assert [modality_of(word) for word in words] == ["cxr", "dermoscopy", "cardiac", "cxr"]


def test_the_script_is_made_of_all_files_and_each_stays_small():
    assert {path.name for path in ASSETS.glob("*.js")} == {*SCRIPTS, LOADER}
    assert (ASSETS / LOADER).stat().st_size < 2500  # it travels with every change of the data
    for path in ASSETS.glob("*.js"):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 250, path.name
        assert (
            "innerHTML" not in text
            and "eval(" not in text
            and "http:" not in text.replace("http://www.w3.org/2000/svg", "")
        )
