"""What an evaluation gives its metrics: features, verdicts, captions, tables, and what else they ask for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.evaluate_groups import findings
from lab.runs.kinds.providers import Sets, provided
from lab.runs.kinds.reference import near_copies, open_reference, rows_of, verdicts
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.metrics.inputs import MetricInput

SEARCH = "Searching copies among {}"


def gathered(
    spec: RunSpec, ctx: RunContext, names: Sequence[str]
) -> Generator[Progress, None, tuple[MetricInput, Sets]]:
    """Everything the metrics are given, and the sets it comes from; a part that is absent leaves its reason."""
    from lab.data.resolve import resolve
    from lab.metrics.inputs import MetricInput
    from lab.metrics.registry import get_metric

    chosen = spec.settings
    extractor = resident_extractor(ctx, chosen["extractor"])
    real, synthetic = resolve(chosen["real"]), resolve(chosen["synthetic"])
    held_out = _control(chosen["real"], chosen["synthetic"])
    features = []
    for images in (real, synthetic, held_out):
        features.append(
            (yield from matrix(ctx, extractor, images)) if images is not None and images.ids() else None
        )
    judged: dict[str, Any] = {}
    # Without a calibration the share says itself that it cannot be told; all other metrics go on.
    if "near-copy-share" in names and held_out is not None and spec.inputs["calibration"] != "none":
        judged = yield from _judged(ctx, spec, extractor, (real, synthetic, held_out))
    sides = Sets(chosen["real"], real, synthetic, held_out, extractor, chosen)
    needs = {need for name in names for need in get_metric(name).spec.asks}
    more = yield from provided(ctx, sides, needs)
    pairs = yield from _pairs(ctx, sides, names)
    given = MetricInput(
        real=features[0],  # type: ignore[arg-type]
        synthetic=features[1],  # type: ignore[arg-type]
        held_out=features[2],
        **judged,
        **pairs,
        **more,
        **tables(sides),
        **findings(real, synthetic, held_out),
        options=chosen.get("options", {}),
        extractor=extractor.id,
        split=chosen["real"].partition(":")[2] or "train",
    )
    return given, sides


def tables(sides: Sets) -> dict[str, Any]:
    """Patients, labels and digests of each side, as fields of a `MetricInput`."""
    import numpy as np

    real, synthetic, held_out = sides.real, sides.synthetic, sides.held_out
    known = sorted(set(filter(None, real.labels())))
    is_dataset = synthetic.tag != "SYNTHETIC"
    return {
        "real_patients": real.patients(),
        "synthetic_groups": synthetic.patients() if is_dataset else None,
        "held_out_patients": None if held_out is None else held_out.patients(),
        "real_labels": np.asarray(real.labels(), dtype=str) if known else None,
        "synthetic_labels": _prompted(synthetic, known) if known else None,
        "held_out_labels": np.asarray(held_out.labels(), dtype=str)
        if held_out is not None and known
        else None,
        "real_digests": tuple(real.digests()),
        # Without digests the guard against real images among the samples stays silent: a person asked for that.
        "synthetic_digests": () if sides.settings["copies"] == "measure" else tuple(synthetic.digests()),
        "held_out_digests": () if is_dataset or held_out is None else tuple(held_out.digests()),
    }


def _judged(
    ctx: RunContext, spec: RunSpec, extractor: FeatureExtractor, sides: tuple[ImageSet, ImageSet, ImageSet]
) -> Generator[Progress, None, dict[str, Any]]:
    """Which samples and which held-out images the calibrated verdict calls near-copies, and of what."""
    real, synthetic, held_out = sides
    name = spec.settings["real"].split(":")[0]
    reference = yield from open_reference(ctx, name, extractor, spec.inputs["calibration"])
    near = yield from verdicts(ctx, reference, synthetic, extractor, SEARCH.format("samples"))
    control = yield from verdicts(ctx, reference, held_out, extractor, SEARCH.format("held-out images"))
    flagged = {"near_copy": near_copies(near), "control_near_copy": near_copies(control)}
    return flagged | {"near_copy_of": rows_of(near, real)}


def _pairs(ctx: RunContext, sides: Sets, names: Sequence[str]) -> Generator[Progress, None, dict[str, Any]]:
    """Samples and held-out films beside their captions, where a metric asks for them; else why there are none."""
    from lab.errors import GeneratorError, NotFoundError
    from lab.metrics.registry import get_metric
    from lab.runs.captions import why_no_pairs
    from lab.runs.kinds.text_image import HELD_OUT_FILMS, pairs_of

    held_out, model = sides.held_out, str(sides.settings.get("text_image", ""))
    if held_out is None or not any("captions" in get_metric(name).spec.needs for name in names):
        return {}
    if reason := why_no_pairs(sides.reference, sides.synthetic, model):
        return {"no_pairs": reason}
    try:
        made = yield from pairs_of(ctx, sides.synthetic, name=model)
        films = yield from pairs_of(ctx, held_out, HELD_OUT_FILMS, model)
    except (GeneratorError, NotFoundError) as error:  # the model: damaged, or removed meanwhile
        return {"no_pairs": str(error)}
    return {"synthetic_pairs": made, "held_out_pairs": films}


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
