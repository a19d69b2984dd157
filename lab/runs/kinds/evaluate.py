"""Measuring a synthetic set against a real one: features, verdicts, then one metric after another."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.evaluate_groups import findings, group_titles, in_group
from lab.runs.kinds.providers import Sets, provided
from lab.runs.kinds.reference import near_copies, open_reference, verdicts
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.metrics.inputs import MetricInput

_CODE = (
    "lab.data.preprocess", "lab.runs.kinds.set_checks",
    "lab.metrics", "lab.features", "lab.neighbours", "lab.runs.kinds.reference", "lab.runs.kinds.text_image",
    "lab.runs.captions", "lab.data.labels", "lab.runs.kinds.evaluate_groups", "lab.runs.kinds.providers",
)  # fmt: skip


SEARCH = "Searching copies among {}"


@run_kind("evaluate", lane="device", priority="batch", modules=_CODE, title="Measure a set")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Compute the chosen metrics; each finished metric is a part."""
    from lab.metrics.evaluate import evaluate

    names: list[str] = spec.settings["metrics"]
    warnings = yield from _warnings(spec, ctx)
    plan = _plan(spec, names)
    results = [json.loads(kept) for key in plan if (kept := ctx.part(key))]
    if len(results) < len(plan):
        waiting = list(dict.fromkeys(name for key, (_, name) in plan.items() if ctx.part(key) is None))
        given, warning, sides = yield from _inputs(spec, ctx, waiting)
        keys = {pair: key for key, pair in plan.items()}
        stage = "Computing metrics"
        for title in dict.fromkeys(title for title, _ in keys):
            todo = [name for name in waiting if ctx.part(keys[title, name]) is None]
            yield ctx.progress(stage, len(results), len(plan))
            if not todo:
                continue
            part = in_group(given, title, sides.real, sides.synthetic, sides.held_out)
            for result in evaluate(todo, part, spec.settings["seed"]):
                record = result.to_json()
                record["note"] = " ".join(filter(None, (warning, record["note"])))
                if result.per_image is not None:
                    record["per_image"] = _scores(ctx, result.per_image)
                ctx.save_part(keys[title, result.metric], json.dumps(record).encode())
                results.append(record)
                yield ctx.progress(stage, len(results), len(plan), message=json.dumps(result.metric))
    order = list(plan.values())
    results.sort(key=lambda record: order.index((record["group"], record["metric"])))
    return {"results": results, "warnings": warnings, "provenance": _provenance(spec)}


def _plan(spec: RunSpec, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Key of each part to the group and the metric it holds, in the order in which they are computed."""
    from lab.data.resolve import resolve

    titles = group_titles(resolve(spec.settings["real"]), spec.settings.get("by", ""))
    return {f"metric-{number}-{name}": (title, name) for number, title in enumerate(titles) for name in names}


def _warnings(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, list[str]]:
    """What is said about the two sets as a whole; kept as a part, so a resumed run does not look again."""
    from lab.data.resolve import resolve
    from lab.data.store import open_dataset
    from lab.runs.kinds.set_checks import stored_alike

    kept = ctx.part("warnings")
    if kept is not None:
        return list(json.loads(kept))
    real, synthetic = resolve(spec.settings["real"]), resolve(spec.settings["synthetic"])
    modality = open_dataset(spec.settings["real"].split(":")[0]).card.modality
    found = yield from stored_alike(ctx, real, synthetic, modality)
    ctx.save_part("warnings", json.dumps(found).encode())
    return found


def _inputs(
    spec: RunSpec, ctx: RunContext, names: Sequence[str]
) -> Generator[Progress, None, tuple[MetricInput, str, Sets]]:
    """Everything the metrics are given, a sentence about training images among the samples, if any, and the sets."""
    import numpy as np

    from lab.data.resolve import resolve
    from lab.metrics.inputs import MetricInput
    from lab.metrics.registry import get_metric

    chosen = spec.settings
    extractor = resident_extractor(ctx, chosen["extractor"])
    real, synthetic = resolve(chosen["real"]), resolve(chosen["synthetic"])
    warning = _copies(real, synthetic, refuse=chosen["copies"] != "measure")
    held_out = _control(chosen["real"], chosen["synthetic"])
    features = []
    for images in (real, synthetic, held_out):
        features.append(
            (yield from matrix(ctx, extractor, images)) if images is not None and images.ids() else None
        )
    judged: dict[str, Any] = {}
    if "near-copy-share" in names and held_out is not None:
        judged = yield from _judged(ctx, spec, extractor, synthetic, held_out)
    sides = Sets(chosen["real"], real, synthetic, held_out, extractor, chosen)
    needs = {need for name in names for need in get_metric(name).spec.needs}
    more = yield from provided(ctx, sides, needs)
    pairs = yield from _pairs(ctx, chosen["real"], synthetic, held_out, names)
    known = sorted(set(filter(None, real.labels())))
    is_dataset = synthetic.tag != "SYNTHETIC"
    given = MetricInput(
        real=features[0],  # type: ignore[arg-type]
        real_patients=real.patients(),
        synthetic=features[1],  # type: ignore[arg-type]
        synthetic_groups=synthetic.patients() if is_dataset else None,
        held_out=features[2],
        held_out_patients=held_out.patients() if held_out is not None else None,
        real_labels=np.asarray(real.labels(), dtype=str) if known else None,
        synthetic_labels=_prompted(synthetic, known) if known else None,
        held_out_labels=np.asarray(held_out.labels(), dtype=str) if known and held_out is not None else None,
        **judged,
        **pairs,
        **more,
        **findings(real, synthetic, held_out),
        options=chosen.get("options", {}),
        real_digests=tuple(real.digests()),
        # Without digests the guard against real images among the samples stays silent: a person asked for that.
        synthetic_digests=() if chosen["copies"] == "measure" else tuple(synthetic.digests()),
        held_out_digests=() if is_dataset or held_out is None else tuple(held_out.digests()),
        extractor=extractor.id,
        split=chosen["real"].partition(":")[2] or "train",
    )
    return given, warning, sides


def _judged(
    ctx: RunContext, spec: RunSpec, extractor: FeatureExtractor, synthetic: ImageSet, held_out: ImageSet
) -> Generator[Progress, None, dict[str, Any]]:
    """Which samples and which held-out images the calibrated verdict calls near-copies."""
    name = spec.settings["real"].split(":")[0]
    reference = yield from open_reference(ctx, name, extractor, spec.inputs["calibration"])
    near = yield from verdicts(ctx, reference, synthetic, extractor, SEARCH.format("samples"))
    control = yield from verdicts(ctx, reference, held_out, extractor, SEARCH.format("held-out images"))
    return {"near_copy": near_copies(near), "control_near_copy": near_copies(control)}


def _pairs(
    ctx: RunContext, real: str, synthetic: ImageSet, held_out: ImageSet | None, names: Sequence[str]
) -> Generator[Progress, None, dict[str, Any]]:
    """Samples and held-out films beside their captions, where a metric asks for them; else why there are none."""
    from lab.errors import GeneratorError, NotFoundError
    from lab.metrics.registry import get_metric
    from lab.runs.captions import why_no_pairs
    from lab.runs.kinds.text_image import HELD_OUT_FILMS, pairs_of

    if held_out is None or not any("captions" in get_metric(name).spec.needs for name in names):
        return {}
    if reason := why_no_pairs(real, synthetic):
        return {"no_pairs": reason}
    try:
        made = yield from pairs_of(ctx, synthetic)
        films = yield from pairs_of(ctx, held_out, HELD_OUT_FILMS)
    except (GeneratorError, NotFoundError) as error:  # the model: damaged, or removed meanwhile
        return {"no_pairs": str(error)}
    return {"synthetic_pairs": made, "held_out_pairs": films}


def _copies(real: ImageSet, synthetic: ImageSet, refuse: bool) -> str:
    """A sentence about real films among the samples; with `refuse` they end the run, with the list.

    Raises:
        DatasetError: when a set that claims to be synthetic holds real films and nobody asked to go on.
    """
    from lab.data.guards.real_files import real_files, told
    from lab.data.imageset import shared_digests
    from lab.errors import DatasetError

    found, total = real_files(synthetic), len(synthetic.ids())
    if found and refuse:
        raise DatasetError(told(found, total))
    count = len(shared_digests(synthetic, real)) if synthetic.tag == "SYNTHETIC" else 0
    parts = (
        [f"{count} of the {total} synthetic images are images of the real set, byte for byte."]
        if count
        else []
    )
    others = len({one.image for one in found}) - count
    if others > 0:
        parts.append(f"{others} are films of other real sets that lie here, byte for byte.")
    return " ".join(parts)


def _control(real: str, synthetic: str) -> ImageSet | None:
    """The images that serve as control: held-out, or test where held-out itself is being measured."""
    from lab.data.resolve import resolve

    name = real.split(":")[0]
    split = "test" if synthetic == f"{name}:held-out" else "held-out"
    images = resolve(f"{name}:{split}")
    return images if images.ids() and real != f"{name}:{split}" else None


def _prompted(images: ImageSet, known: Sequence[str]) -> NDArray[np.str_] | None:
    """Label of each image: its own, else the one its prompt asks for; None when no image has any."""
    import numpy as np

    from lab.data.labels import prompted_label

    captions = images.frame()["caption"].astype(str)
    labels = [
        own if own else prompted_label(caption, known)
        for own, caption in zip(images.labels(), captions, strict=True)
    ]
    return np.asarray(labels, dtype=str) if any(labels) else None


def _scores(ctx: RunContext, values: Any) -> str:
    import io

    import numpy as np

    stream = io.BytesIO()
    np.save(stream, np.asarray(values, dtype=np.float64), allow_pickle=False)
    return ctx.artifact(stream.getvalue(), ".npy")


def _provenance(spec: RunSpec) -> dict[str, Any]:
    from lab.provenance import versions

    return {"digest": spec.digest, "settings": spec.settings, "inputs": spec.inputs, "versions": versions()}
