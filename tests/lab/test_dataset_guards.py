"""Guards before a number is computed, and the editing of a dataset: division, licence, real films among samples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lab.data.editing import divide_anew, set_terms
from lab.data.guards.real_files import real_files, told
from lab.data.images import encode_png
from lab.data.splits import SPLITS, check_splits, split_by_patient
from lab.data.store import add_folder, open_dataset
from lab.data.stratified import split_stratified, split_table
from lab.errors import DatasetError, InputError
from lab.metrics.guards import InputSizes, check
from lab.metrics.registry import all_specs

LABELS = ["common"] * 300 + ["rare"] * 20 + ["rarest"] * 10


def films(folder: Path, count: int = 40, patients: int = 20) -> Path:
    """Small films of patients with two films each and three labels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    rows = ["image,patient_id,label"]
    for number in range(count):
        (folder / f"f{number}.png").write_bytes(encode_png(rng.integers(0, 255, (24, 24), dtype=np.uint8)))
        patient = number % patients
        rows.append(f"f{number}.png,p{patient},{'abb'[patient % 3]}")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    return folder


@pytest.mark.row("SG-02")
def test_a_stratified_division_is_by_patient_seeded_and_gives_every_label_its_share() -> None:
    patients = [f"p{number}" for number in range(330)]
    first = split_stratified(patients, LABELS, seed=3)
    check_splits(patients, [first[patient] for patient in patients])
    backwards = split_stratified(patients[::-1], LABELS[::-1], seed=3)
    assert backwards == first and split_stratified(patients, LABELS, seed=4) != first
    for label, count in Counter(LABELS).items():
        found = Counter(first[p] for p, own in zip(patients, LABELS, strict=True) if own == label)
        for split, share in zip(SPLITS, (0.6, 0.3, 0.1), strict=True):
            assert abs(found[split] - share * count) <= 1, (label, split)
    plain = split_by_patient(patients, seed=3)
    worst = max(
        abs(
            sum(plain[p] == split for p, own in zip(patients, LABELS, strict=True) if own == "rarest")
            - share * 10
        )
        for split, share in zip(SPLITS, (0.6, 0.3, 0.1), strict=True)
    )
    assert worst > 1, "this seed shows why stratifying matters"


@pytest.mark.row("SG-02")
def test_two_pictures_of_one_lesion_never_part_whatever_their_labels() -> None:
    patients = [f"lesion{number // 3}" for number in range(300)]
    labels = ["nv" if number % 2 else "mel" for number in range(300)]
    divided = split_stratified(patients, labels)
    assert set(divided) == set(patients) and len(divided) == 100
    with pytest.raises(InputError, match="one length"):
        split_stratified(patients, labels[:-1])


@pytest.mark.row("SG-01")
def test_shares_are_computed_and_sum_to_a_hundred(workspace: Path, tmp_path: Path) -> None:
    table = split_table(add_folder(films(tmp_path / "films"), "d").dataset.manifest)
    assert table["share"].sum() == pytest.approx(100.0)
    for _, row in table.iterrows():
        assert row["share"] == pytest.approx(100 * row["images"] / 40)
        assert row["images"] == sum(row[split] for split in SPLITS)
    assert table["patients"].sum() == 20


@pytest.mark.fault(34)
def test_dividing_anew_keeps_patients_and_named_pairs_together(workspace: Path, tmp_path: Path) -> None:
    before = add_folder(films(tmp_path / "films"), "d").dataset
    rows = before.manifest
    parted = next(
        (a, b)
        for a, s in zip(rows["image_id"], rows["split"], strict=True)
        for b, t in zip(rows["image_id"], rows["split"], strict=True)
        if s != t
    )
    for seed in range(6):
        after = divide_anew("d", (0.5, 0.4, 0.1), seed, together=[parted]).manifest.set_index("image_id")
        assert after.loc[parted[0], "split"] == after.loc[parted[1], "split"]
        check_splits(list(after["patient_id"]), list(after["split"]))
    card = open_dataset("d").card
    assert card.digest != before.card.digest and sum(card.splits.values()) == 40
    assert sum("Divided by patient" in note for note in card.notes) == 1
    assert divide_anew("d", (0.5, 0.4, 0.1), 5, together=[parted]).card.digest == card.digest


def test_a_phantom_set_keeps_its_division(workspace: Path, tmp_path: Path) -> None:
    add_folder(films(tmp_path / "films"), "d", origin="phantom")
    with pytest.raises(DatasetError, match="is fixed"):
        divide_anew("d")


def test_terms_decide_what_may_be_shown(workspace: Path, tmp_path: Path) -> None:
    before = add_folder(films(tmp_path / "films"), "d", licence="CC BY-NC 4.0").dataset
    assert not before.card.public
    with pytest.raises(InputError, match="does not allow"):
        set_terms("d", public=True)
    assert open_dataset("d").card == before.card, "nothing was changed"
    after = set_terms("d", licence="CC BY 4.0", attribution="A. Author", title="Films").card
    assert after.public and (after.licence, after.attribution, after.title) == (
        "CC BY 4.0",
        "A. Author",
        "Films",
    )
    assert after.digest == before.card.digest, "pictures and division are the same"
    assert not set_terms("d", public=False).card.public
    assert not set_terms("d", title="Other").card.public, "withheld stays withheld"
    with pytest.raises(InputError, match="needs a title"):
        set_terms("d", title=" ")


@pytest.mark.fault(34)
def test_real_films_of_any_dataset_in_a_synthetic_set_are_found_and_block_the_run(
    workspace: Path, tmp_path: Path
) -> None:
    from lab.data.resolve import resolve
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    add_folder(films(tmp_path / "reference"), "reference")
    other = films(tmp_path / "other", 30, 15)
    rng = np.random.default_rng(9)
    for number in range(30):
        (other / f"f{number}.png").write_bytes(encode_png(rng.integers(0, 255, (24, 24), dtype=np.uint8)))
    add_folder(other, "other")
    made = tmp_path / "made"
    made.mkdir()
    for number in range(20):
        (made / f"s{number}.png").write_bytes(encode_png(rng.integers(0, 255, (24, 24), dtype=np.uint8)))
    for number in (3, 4):
        (made / f"s{number}.png").write_bytes((other / f"f{number}.png").read_bytes())
    images = resolve(made)
    found = real_files(images)
    assert len(found) == 2 and {one.dataset for one in found} == {"other"}
    films_there = set(open_dataset("other").manifest["image_id"])
    assert {one.film for one in found} <= films_there
    run = run_inline(evaluate_run("reference", str(made), ["kernel-distance"]))
    assert run.state == "failed" and "2 of the 20 images" in str(run.error)
    assert all(one.image in str(run.error) for one in found), "with the list"
    assert str(tmp_path) not in str(run.error) and "s3" not in str(run.error)
    assert real_files(resolve("reference:held-out")) == [] and told([], 3) == ""


def test_without_a_calibration_only_the_near_copy_share_is_left_out(workspace: Path, tmp_path: Path) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    add_folder(films(tmp_path / "reference", 120, 60), "reference")
    run = run_inline(
        evaluate_run(
            "reference", "reference:held-out", ["kernel-distance", "near-copy-share"], copies="measure"
        )
    )
    assert run.state == "done" and run.result is not None, run.error
    found = {one["metric"]: one for one in run.result["results"]}
    assert found["near-copy-share"]["value"] is None and "calibrated" in found["near-copy-share"]["note"]
    assert found["kernel-distance"]["value"] is not None


@pytest.mark.row("X-03")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_synthetic": 600, "n_real": 600, "dimension": 1280}, "Fewer than 2560 images"),
        ({"n_synthetic": 499}, "499 images on one side"),
        ({"real_patients": 49}, "49 real patients"),
        ({"unknown_patients": 7}, "7 real images name no patient"),
        ({"duplicate_reals": 4}, "4 pairs of real images are one picture"),
    ],
)
def test_what_is_said_before_launch(changes: dict[str, int], words: str) -> None:
    plain = {
        "n_real": 6000, "n_synthetic": 6000, "n_held_out": 600, "dimension": 64, "real_patients": 500,
        "held_out_patients": 60,
    }  # fmt: skip
    specs = [spec for spec in all_specs() if "labels" not in spec.needs and "captions" not in spec.needs]
    assert not any(words in finding.sentence for finding in check(specs, InputSizes(**plain)))
    found = check(specs, InputSizes(**{**plain, **changes}))
    assert any(words in finding.sentence for finding in found)


@pytest.mark.fault(33)
def test_black_and_equal_pictures_and_bad_rows_are_named() -> None:
    from lab.metrics.guards import inspect
    from lab.metrics.inputs import MetricInput

    rng = np.random.default_rng(0)
    real = rng.normal(size=(60, 6))
    given = {"real": real, "real_patients": np.arange(60).astype(str), "synthetic": rng.normal(size=(40, 6))}

    def sentences(**changes: np.ndarray) -> list[tuple[str, str]]:
        return [(one.level, one.sentence) for one in inspect(MetricInput(**{**given, **changes}))]

    assert sentences() == []
    bad = given["synthetic"].copy()
    bad[3, 2], bad[17, 0] = np.nan, np.inf
    [(level, words)] = sentences(synthetic=bad)
    assert level == "stop" and "3, 17" in words
    [(level, words)] = sentences(synthetic=np.ones((40, 6)))
    assert level == "warn" and "one image repeated, or blank" in words
    constant = given["synthetic"].copy()
    constant[:, 4] = 1.0
    [(level, words)] = sentences(synthetic=constant)
    assert level == "warn" and "1 of 6 features are constant" in words
    twice = given["synthetic"].copy()
    twice[9] = twice[2]
    [(level, words)] = sentences(synthetic=twice)
    assert level == "warn" and "rows 9" in words


@pytest.mark.fault(35, 36)
def test_a_metric_run_says_when_sets_were_stored_differently_or_inverted(
    workspace: Path, tmp_path: Path, test_data: Path
) -> None:
    import io

    import pandas as pd
    from PIL import Image

    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    source = test_data / "cxr_kermany"
    table = pd.read_csv(source / "metadata.csv", dtype=str).drop_duplicates("patient_id").head(140)
    real = tmp_path / "real"
    real.mkdir()
    for name in table["image"][:90]:
        (real / Path(name).name).write_bytes((source / name).read_bytes())
    rows = ["image,patient_id,split,view"]
    kept = [
        (Path(name).name, patient) for name, patient in zip(table["image"], table["patient_id"], strict=True)
    ]
    rows += [
        f"{name},{patient},{'train' if n < 60 else 'val'},AP" for n, (name, patient) in enumerate(kept[:90])
    ]
    (real / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(real, "real")
    alike, inverted = tmp_path / "alike", tmp_path / "inverted"
    for folder in (alike, inverted):
        folder.mkdir()
    for name in table["image"][90:]:
        picture = Image.open(source / name).convert("L")
        stream = io.BytesIO()
        picture.point(lambda value: min(value + 1, 255)).save(stream, "JPEG", quality=92)
        (alike / Path(name).name).write_bytes(stream.getvalue())
        small = np.asarray(picture)[::2, ::2]
        (inverted / f"{Path(name).stem}.png").write_bytes(encode_png(np.ascontiguousarray(255 - small)))

    def warned(folder: Path) -> list[str]:
        run = run_inline(evaluate_run("real", str(folder), ["kernel-distance"]))
        assert run.state == "done" and run.result is not None, run.error
        return list(run.result["warnings"])

    assert warned(alike) == []
    found = " ".join(warned(inverted))
    assert "inverted" in found and "Synthetic images: " in found
    assert "finest detail" in found or "format" in found.lower() or "JPEG" in found
