"""The phantom pack: it fits the code, it is taken in without rendering, its films come when asked for."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from lab.data import phantom_dataset, phantom_families, phantom_films, phantom_pack
from lab.data.images import decode
from lab.data.phantom_dataset import add_phantom, phantom_split
from lab.data.phantom_features import FURTHER, extractors, further, image_extractors
from lab.data.phantom_films import recipe_of, supply_all
from lab.data.phantom_pack import FOLDER, REMAKE, find_pack, misfit, read_pack
from lab.data.phantoms.make import label_mask, png_bytes
from lab.data.phantoms.render import render
from lab.data.store import remove_dataset
from lab.errors import ImageError
from lab.features.extractors import DEFAULT
from lab.features.packed import TOLERANCE, pack, unpack
from lab.features.store import FeatureStore
from lab.features.unit import unit
from lab.neighbours.calibrate import CANARIES, calibration_digest
from lab.neighbours.calibration import load
from lab.neighbours.neighbours import find
from lab.neighbours.reference import Queries, new_queries, reference_set, stored_queries
from lab.projection.stored import read_map
from lab.runs import pack_phantoms as builder
from lab.runs.inline import run_inline
from lab.runs.prepare import films_run, next_step
from lab.runs.requests import PHANTOM, calibrate_run, embed_run

pytest_plugins = ["tests.builders.phantom_packs"]
pytestmark = pytest.mark.usefixtures("workspace")


def test_the_pack_fits_the_installed_code() -> None:
    found = read_pack(FOLDER / PHANTOM)
    again = f"the phantom pack must be made anew and committed, with: {REMAKE}"
    assert found is not None, f"There is no phantom pack that can be read; {again}"
    assert not misfit(found), f"The phantom pack does not fit: {misfit(found)}; {again}"
    told = {name: key.digest for name, key in {**extractors(), **further()}.items()}
    assert len(told) == 7 and found.features == told, (
        f"The phantom pack lacks features; add them with: {REMAKE} --features-only"
    )
    size = sum(path.stat().st_size for path in found.folder.rglob("*") if path.is_file())
    assert size < 32_000_000 and not any(path.suffix == ".png" for path in found.folder.rglob("*"))


def test_the_pack_is_calibrated_for_the_embedded_generator(there) -> None:
    """With and without the generator's autoencoder: neither first start has to calibrate."""
    train, held_out = there.subset("train"), there.subset("held-out")
    for weights, _ in builder._autoencoders(PHANTOM):
        digest = calibration_digest(train, held_out, extractors()["features"], CANARIES, 0, weights)
        found = load(there.folder.parents[1] / "calibrations", digest)
        assert found is not None, f"the phantom pack lacks a calibration; make it anew with: {REMAKE}"
        assert found.n_reference == len(train.ids()) and len(found.canaries) == 7 + (weights != "none")


def test_the_map_of_the_pack_is_that_of_its_features(there) -> None:
    workspace, train = there.folder.parents[1], there.subset("train").digests()
    rows = FeatureStore(workspace / "features").matrix(extractors()["features"], train)
    stored = read_map(workspace / "maps", rows, 0)
    assert stored is not None, f"the phantom pack lacks its map; make it anew with: {REMAKE}"
    assert stored.coordinates.shape == (len(train), 2) and np.ptp(stored.coordinates, axis=0).min() > 1


def test_a_first_start_renders_and_extracts_nothing(installed, there) -> None:
    assert installed[1] < 10, "the install takes about a second on a quiet machine"
    card, rows = there.card, there.manifest
    assert (card.id, card.tag, len(rows), card.patients, card.public) == (
        PHANTOM,
        "PHANTOM",
        3000,
        1000,
        True,
    )
    assert (rows["split"] == [phantom_split(patient) for patient in rows["patient_id"]]).all()
    for extractor in (DEFAULT, *FURTHER):
        extracted = run_inline(embed_run(PHANTOM, extractor)).result
        assert extracted is not None and (extracted["extracted"], extracted["stored"]) == (0, 3000), extractor
    start = time.monotonic()
    calibrated = run_inline(calibrate_run(PHANTOM))
    assert calibrated.state == "done" and calibrated.result["n_reference"] == card.splits["train"]
    assert time.monotonic() - start < 10
    assert not list((there.folder / "images").glob("*.png")), "nothing was rendered"


def test_films_are_rendered_when_asked_for_and_are_those_of_the_pack(there) -> None:
    rows = there.manifest.groupby("split").head(1)
    for _, row in rows.iterrows():
        film = render(recipe_of(row))
        np.testing.assert_array_equal(there.image(row["image_id"]), film.image)
        np.testing.assert_array_equal(there.mask(row["image_id"]), label_mask(film))
        assert there.image_bytes_path(row["image_id"]).read_bytes() == png_bytes(film.image)
        assert film.record["caption"] == row["caption"] and film.record["label"] == row["label"]
    store, images = (
        FeatureStore(there.folder.parents[1] / "features"),
        list(map(there.image, rows["image_id"])),
    )
    for extractor in {**extractors(), **image_extractors()}.values():
        fresh = unit(extractor.embed(images)).astype(float)
        kept = unit(store.matrix(extractor, list(rows["digest"]))).astype(float)
        # One grey level here and there, where another CPU rounds otherwise, moves features by less than this.
        assert (((fresh - kept) ** 2).sum(axis=1) / 2).max() < TOLERANCE, extractor.id


def test_verdicts_are_those_of_features_computed_afresh(there) -> None:
    train, held_out = there.subset("train"), there.subset("held-out")
    extractor, store = extractors()["features"], FeatureStore(there.folder.parents[1] / "features")
    digest = calibration_digest(train, held_out, extractor, CANARIES, 0, "none")
    calibration = load(there.folder.parents[1] / "calibrations", digest)
    reference = reference_set(train, extractor, store, "train")
    ids = [*train.ids()[:1], *held_out.ids()[:3]]
    every = [stored_queries(images, extractor, store) for images in (train, held_out)]
    packed = Queries(
        np.concatenate([every[0].features[:, :1], every[1].features[:, :3]], axis=1),
        np.concatenate([every[0].lowres[:1], every[1].lowres[:3]]),
    )
    fresh = new_queries([there.image(image_id) for image_id in ids], extractor)
    for old, new in zip(
        find(packed, reference, None, calibration, 1),
        find(fresh, reference, None, calibration, 1),
        strict=True,
    ):
        assert (old.verdict.label, old.matches[0].image_id) == (new.verdict.label, new.matches[0].image_id)
        for one, other in zip(old.verdict.detectors, new.verdict.detectors, strict=True):
            assert one.distance == pytest.approx(other.distance, abs=TOLERANCE)
    assert (
        old.verdict is not None
        and find(fresh, reference, None, calibration, 1)[0].verdict.label == "near-copy"
    )


def test_a_set_from_a_pack_is_the_rendered_set(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = add_phantom("quick", 5, 1).dataset
    assert (
        not list((quick.folder / "images").glob("*")) and quick.folder.joinpath(phantom_films.NOTE).is_file()
    )
    assert run_inline(embed_run("quick")).result["extracted"] == 0
    shown = run_inline(calibrate_run("quick")).result
    assert not list((quick.folder / "images").glob("*")), "neither feature nor canary needed a film"
    changed = {**extractors()}
    changed["features"].digest = "another extractor"
    monkeypatch.setattr(phantom_pack, "extractors", lambda: changed)
    assert "extractor" in misfit(read_pack(tiny)) and find_pack(5, 1, 0) is None
    slow = add_phantom("slow", 5, 1, processes=1).dataset
    assert quick.card.digest == slow.card.digest and quick.manifest.equals(slow.manifest)
    assert len(list((slow.folder / "images").glob("*.png"))) == 5
    assert list(supply_all(quick.folder, quick.manifest)) == [(done, 5) for done in range(6)]
    for image_id in quick.manifest["image_id"]:
        assert quick.image_bytes_path(image_id).read_bytes() == slow.image_bytes_path(image_id).read_bytes()
    shutil.rmtree(quick.folder.parents[1] / "calibrations")
    measured = run_inline(calibrate_run("quick")).result
    assert measured is not None and shown is not None and measured["digest"] == shown["digest"]


def test_a_pack_that_does_not_fit_is_not_taken(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    monkeypatch.setattr(phantom_dataset, "render_phantom", lambda id, *rest: rendered.append(id))
    assert not misfit(read_pack(tiny)) and find_pack(5, 1, 0) is not None
    add_phantom("larger", 6, 1)
    add_phantom("seeded", 5, 1, seed=1)
    data = (tiny / "low-resolution.npz").read_bytes()
    (tiny / "low-resolution.npz").write_bytes(data[:-1] + b"?")
    assert "damaged" in misfit(read_pack(tiny))
    add_phantom("damaged", 5, 1)
    (tiny / "low-resolution.npz").write_bytes(data)
    quick = add_phantom("quick", 5, 1).dataset
    monkeypatch.setattr(phantom_families, "code_digest", lambda modules: "another renderer")
    assert "renderer" in misfit(read_pack(tiny))
    add_phantom("newer", 5, 1)
    first, second = quick.manifest["image_id"][:2]
    assert quick.image(first).shape == (256, 256), (
        "a renderer that was changed and gives the same film is fine"
    )
    quick.manifest.loc[1, "digest"] = "0" * 64
    with pytest.raises(ImageError, match="has changed.*lab prepare"):
        quick.image(second)
    assert not quick.folder.joinpath(quick.manifest["path"][1]).exists()
    assert rendered == ["larger", "seeded", "damaged", "newer"]
    remove_dataset("quick")


def test_films_can_be_rendered_ahead(tiny: Path) -> None:
    quick = add_phantom("quick", 5, 1).dataset
    quick.image(quick.manifest["image_id"][0])
    run = run_inline(films_run("quick"))
    assert run.result == {"dataset": "quick", "images": 5, "rendered": 4}
    assert len(list((quick.folder / "images").glob("*.png"))) == 5
    assert len(list((quick.folder / "masks").glob("*.png"))) == 5


def test_a_removed_phantom_set_can_be_made_again() -> None:
    """A done run of the same digest must not be served for a set that is no longer there."""
    if find_pack(1000, 3, 0) is None:
        pytest.skip("there is no pack that fits, and rendering takes minutes")
    first = next_step()
    assert first.kind == "phantom" and run_inline(first).state == "done"
    assert next_step().kind == "embed"
    remove_dataset(PHANTOM)
    again = next_step()
    assert again.kind == "phantom" and again.digest != first.digest
    assert run_inline(again).state == "done" and next_step().kind != "phantom"


def test_a_film_that_rounds_otherwise_here_is_taken_and_held_to_its_own_digest(tiny: Path) -> None:
    quick = add_phantom("quick", 5, 1).dataset
    image_id = quick.manifest["image_id"][0]
    quick.manifest.loc[0, "digest"] = "0" * 64  # as it was on a machine of another kind
    pixels = quick.image(image_id)
    path = quick.image_bytes_path(image_id)
    assert quick.image(image_id).shape == (256, 256) and decode(path.read_bytes()).array.dtype == np.uint8
    path.write_bytes(png_bytes(255 - pixels))
    with pytest.raises(ImageError, match="changed"):
        quick.image(image_id)
    path.unlink()
    np.testing.assert_array_equal(quick.image(image_id), pixels)


def test_packed_rows_are_rounded_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    matrix = np.abs(rng.normal(0, 1, (40, 320))).astype(np.float32)
    back = unpack(pack(matrix))
    np.testing.assert_array_equal(back, matrix.astype(np.float16).astype(np.float32))
    exact, rounded = unit(matrix).astype(float), unit(back).astype(float)
    assert np.abs(exact @ exact.T - exact @ rounded.T).max() < TOLERANCE
