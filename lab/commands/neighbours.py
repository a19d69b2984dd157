"""`neighbours`, `audit`, `spaces` and `retrieve`: what the Neighbours page starts, by the same runs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption
from lab.commands.output import emit, run_to_end
from lab.errors import InputError
from lab.neighbours.nearest_real import closest_first
from lab.runs.artifacts import read_artifact, write_artifact
from lab.runs.dependencies import dataset_name, file_bytes
from lab.runs.neighbour_requests import audit_run, retrieve_run, spaces_run
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import neighbours_run

SHOWN = 5
ImageArgument = Annotated[Path, typer.Argument(metavar="IMAGE", help="An image file.")]


def neighbours(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    dataset: DatasetOption,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many neighbours to list.")] = 5,
    extractor: ExtractorOption = EXTRACTOR,
    as_json: AsJson = False,
) -> None:
    """List the nearest images of a dataset, with distances and the near-copy verdict."""
    prepare_dataset(dataset, extractor, run_to_end, upto="calibrate")
    found = run_to_end(neighbours_run(images, dataset, k, extractor))
    result = {"run": found["run"], "dataset": found["dataset"], "images": []}
    lines = []
    for path, item in zip(images, found["images"], strict=True):
        shown = _neighbour_facts(path, item)
        result["images"].append(shown)
        lines.append(
            f"{path.name}: {shown['verdict']}, p {shown['p']:.4f} of {shown['n_reference']} distances"
        )
        lines += [
            f"    {near['image']}  {near['patient_id']}  {near['split']}  {near['distance']:.4f}"
            for near in shown["neighbours"]
        ]
    emit(result, as_json, lines)


def _neighbour_facts(path: Path, item: dict[str, Any]) -> dict[str, Any]:
    """One image of a neighbours run in the shell's spelling."""
    verdict = item["verdict"]
    shown = {
        "image": str(path),
        "verdict": verdict["label"],
        "p": verdict["p"],
        "n_reference": verdict["n_reference"],
        "identical": item["identical"],
        "off_map": item["off_map"],
        "detectors": {d.pop("name"): d for d in map(dict, verdict["detectors"])},
    }
    near = [{"image": match.pop("image_id"), **match} for match in map(dict, item["neighbours"])]
    held_out = item["held_out"]
    shown["held_out"] = None if held_out is None else {"image": held_out.pop("image_id"), **held_out}
    return {**shown, "neighbours": near}


def audit(
    samples: Annotated[str, typer.Argument(metavar="SET", help="A sample set, or ID:SPLIT of a dataset.")],
    dataset: DatasetOption,
    extractor: ExtractorOption = EXTRACTOR,
    closest: Annotated[int, typer.Option("--closest", min=0, help="How many pairs to list.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Put every image of a set beside its nearest training image: verdicts, distance ratios, copy sets, masks."""
    prepare_dataset(dataset, extractor, run_to_end, upto="calibrate")
    result = run_to_end(audit_run(samples, dataset, extractor))
    table = closest_first(pd.read_parquet(io.BytesIO(read_artifact(result["table"]))))
    pairs = [_plain(row) for row in table.to_dict("records")]
    told = {**result, "pairs": pairs}
    emit(told, as_json, [*_summary(result), *(_pair(one) for one in pairs[:closest])])


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A row as JSON can hold it: numbers that are missing become null."""
    return {str(name): None if value is None or value != value else value for name, value in row.items()}


def _summary(result: dict[str, Any]) -> list[str]:
    n, copies, sets = result["n"], result["labels"].get("near-copy", 0), result["sets"]
    masks, lpips = result["masks"], result["lpips"]
    lines = [
        f"{copies} of {n} images are near-copies of one of {result['n_train']} training images",
        f"copy set {sets['copy']}, real set {sets['real']}, non-real set {sets['non-real']}; distance ratio below "
        f"0.6: {result['flagged']}, median {result['nndr_median']:.3f}",
    ]
    if masks["compared"]:
        lines.append(f"masks of {masks['compared']} pairs compared, Dice above 0.99: {masks['flagged']}")
    if lpips["compared"]:
        lines.append(f"LPIPS of {lpips['compared']} pairs measured, below 0.05: {lpips['flagged']}")
    return lines


def _pair(row: dict[str, Any]) -> str:
    p = "-" if row["p"] is None else f"{row['p']:.4f}"
    dice = "" if row["mask_dice"] is None else f"  mask Dice {row['mask_dice']:.3f}"
    lpips = "" if row["lpips"] is None else f"  LPIPS {row['lpips']:.3f}"
    return (
        f"    {row['image_id']}  {row['label']:9s}  p {p}  {row['set']:8s}  ratio {row['nndr']:.3f}  "
        f"beside {row['first']}{dice}{lpips}"
    )


def spaces(
    image: ImageArgument,
    dataset: DatasetOption,
    extractor: Annotated[
        list[str] | None,
        typer.Option("--extractor", help="A feature space beside pixels and structure; may be given often."),
    ] = None,
    lpips: Annotated[bool, typer.Option("--lpips", help="Measure LPIPS of the nearest as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rank the training images around one image in several spaces, and say how far the spaces agree."""
    name = dataset_name(dataset)
    prepare_dataset(name, EXTRACTOR, run_to_end, upto="calibrate")
    data = file_bytes(image)
    found = run_to_end(neighbours_run([data], name, SHOWN))["images"][0]["neighbours"]
    shown = [match["image_id"] for match in found]
    result = run_to_end(spaces_run(data, name, shown, extractor or [EXTRACTOR], lpips))
    lines = [f"{one['name']}: {' '.join(one['nearest'][:SHOWN])}" for one in result["spaces"]]
    lines += [
        f"{one['first']} and {one['second']}: rank correlation "
        f"{'-' if one['spearman'] is None else format(one['spearman'], '.2f')}, {one['overlap']} of "
        f"{result['top']} nearest shared"
        for one in result["agreement"]
    ]
    emit(result, as_json, lines)


def retrieve(
    dataset: DatasetOption,
    words: Annotated[str, typer.Option("--words", help="What a film should show; or")] = "",
    image: Annotated[Path | None, typer.Option("--image", help="an image, for captions that fit.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many to list.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Find training images for some words, or captions of training images for an image."""
    if bool(words.strip()) == (image is not None):
        raise InputError("A search takes either words or an image; nothing was started; give one of them.")
    digest = "" if image is None else write_artifact(file_bytes(image), ".image")
    result = run_to_end(retrieve_run(dataset_name(dataset), words=words, image=digest, k=k))
    lines = [f"{one['cosine']:.3f}  {one['image_id']}  {one['caption']}" for one in result["found"]]
    emit(result, as_json, [*([result["note"]] if result["note"] else []), *lines])
