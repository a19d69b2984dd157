"""Finished privacy tests, written as a worker would: a protocol with its measurement, a network, planted copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from lab.runs.store import RunStore
from lab.ui.state import MetricsKey, QueryKey
from lab.ui.state import PrivacyKey as Key
from tests.builders.runs import fail

VIEW = "Privacy tests"

SEEDS = (639, 25, 275)
SCORES = {
    "re-identification": (0.9, 0.2, 0.7, 0.1, 0.3, 0.2),
    "pixel-distance": (10.0, 60.0, 30.0, 90.0, 70.0, 80.0),
}
"""Two prompts with three seeds each, prompt after prompt."""
CONTROL = {"re-identification": [0.4, 0.6], "pixel-distance": [50.0, 55.0]}
VERIFICATION = {
    "auc": 0.91, "low": 0.88, "high": 0.94, "equal_error": 0.15, "threshold": 0.35, "missed": 0.16, "taken": 0.14,
    "patients": 120, "same_pairs": 240, "other_pairs": 240,
    "histogram": {"same": [1] * 10 + [23] * 10, "other": [23] * 10 + [1] * 10},
    "roc": {"false_positive": [0.0, 0.1, 1.0], "true_positive": [0.0, 0.8, 1.0]},
}  # fmt: skip


def protocol(dataset: str, builders: Any) -> tuple[Any, Any]:
    """A finished protocol run and the finished measurement of its samples.

    Args:
        dataset: an imported dataset with captions, its features not yet there.
        builders: of tests/pages/conftest.py.
    """
    from lab.runs import requests
    from lab.runs.identity_requests import METRICS

    builders.finish(requests.embed_run(dataset), {"extracted": 40, "stored": 0})
    run = made(dataset, builders)
    spec = requests.evaluate_run(dataset, "set-p", METRICS)
    results = [measured(name) for name in SCORES]
    absent = builders.metric("latent-distance", 0.0) | {
        "value": None,
        "low": None,
        "high": None,
        "note": "Too few.",
    }
    return run, builders.finish(spec, {"results": [*results, absent]})


def made(dataset: str, builders: Any) -> Any:
    """A finished protocol run of two prompts with three seeds."""
    from lab.data.resolve import resolve
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.runs.identity_requests import protocol_run

    train = resolve(f"{dataset}:train")
    sources = [train.ids()[1], train.ids()[4]]
    rng = np.random.default_rng(5)
    writer = SampleSetWriter("set-p", "small", parent=dataset)
    writer.append(
        NewSample(
            at, rng.integers(0, 256, (48, 48), dtype=np.uint8), {"seed": SEEDS[at % 3], "source": sources[at // 3]},
            "An effusion.",
        )
        for at in range(6)
    )  # fmt: skip
    writer.finalise()
    spec = protocol_run("small", dataset, 2, SEEDS)
    result = {
        "sample_set": "set-p", "generator": "small", "dataset": dataset, "prompts": 2, "seeds": list(SEEDS),
        "images": 6, "unfit_prompts": 0, "pace": {"images": 6, "seconds": 3.0}, "bytes": 30_000,
    }  # fmt: skip
    return builders.finish(spec, result)


def measured(name: str) -> dict[str, Any]:
    """One metric of the protocol as its run stores it, scores kept as an artifact."""
    from lab.runs.artifacts import write_artifact

    values = np.array(SCORES[name])
    stream = io.BytesIO()
    np.save(stream, values)
    high = name == "re-identification"
    extreme = [values[:3].max(), values[3:].max()] if high else [values[:3].min(), values[3:].min()]
    told: dict[str, Any] = {
        "prompts": 2, "per_prompt": {"source": [1, 4], "mean": [0.6, 0.2], "max" if high else "min": extreme},
        "histogram": {"samples": extreme, "held_out": CONTROL[name], "x_title": name},
    }  # fmt: skip
    told |= (
        {
            "verification": {
                key: value for key, value in VERIFICATION.items() if key not in ("histogram", "roc")
            }
        }
        if high
        else {}
    )
    return {
        "metric": name, "title": {"re-identification": "Re-identification score"}.get(name, "Pixel distance"),
        "value": float(values.mean()), "low": None, "high": None, "n_real": 24, "n_synthetic": 6, "n_held_out": 8,
        "dimension": 128, "extractor": "x", "split": "train", "group": "all", "seed": 0,
        "control": float(np.mean(CONTROL[name])), "control_low": None, "control_high": None,
        "floor": 0.65 if high else 40.0, "floor_low": None, "floor_high": None,
        "floor_n": 8, "note": "", "details": told, "per_image": write_artifact(stream.getvalue(), ".npy"),
    }  # fmt: skip


def network(dataset: str, **changed: Any) -> dict[str, Any]:
    """The card of a network trained on a dataset, as plain JSON."""
    card = {
        "dataset": dataset, "question": "patient", "size": 64, "widths": [8, 8, 8, 8], "trunk": "small",
        "origin": "trained here", "licence": "CC0", "verification": VERIFICATION,
        "training": {"steps": 50, "seconds": 40, "images": 24, "patients": 12, "judged_images": 16, "flips": False},
        "notes": "Trained on training patients of this dataset.",
    }  # fmt: skip
    return card | changed


def planted(dataset: str) -> dict[str, Any]:
    """The result of a run on planted copies: one detector that finds exact copies alone, and one without a number."""
    from lab.data.images import encode_png
    from lab.data.resolve import resolve
    from lab.runs.artifacts import write_artifact

    def share(kind: str, hits: int, n: int = 10) -> dict[str, Any]:
        from lab.leakage.roc import clopper_pearson

        low, high = clopper_pearson(hits, n)
        return {"kind": kind, "value": hits / n, "hits": hits, "n": n, "low": low, "high": high}

    train = resolve(f"{dataset}:train")
    picture = write_artifact(encode_png(train.image(train.ids()[0])), ".png")
    kinds = ("exact", "flipped", "noised")
    able = {
        "metric": "nndr", "title": "Nearest-neighbour distance ratio", "rule": {"below": 0.5}, "note": "",
        "level": 0.05,
        "found": [share(kind, hits) for kind, hits in zip(kinds, (10, 3, 9), strict=True)],
        "false_alarms": share("held-out", 4),
        "matched": [share(kind, hits) for kind, hits in zip(kinds, (10, 1, 0), strict=True)],
        "matched_alarms": share("held-out", 0),
    }  # fmt: skip
    mute = {"metric": "copy-detection", "title": "Copy detection", "rule": {}, "note": "There is no copy embedding.",
            "found": [], "false_alarms": None, "matched": [], "matched_alarms": None, "level": 0.05}  # fmt: skip
    return {
        "dataset": dataset, "extractor": "efficientnet-lite0", "copies": 10, "honest": 10, "training": 24,
        "detectors": [able, mute], "table": [],
        "examples": [{"kind": kind, "source": train.ids()[0], "artifact": picture} for kind in kinds],
    }  # fmt: skip


def words(app) -> str:
    """Everything written on the page."""
    parts = [*app.markdown, *app.caption, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def open_panel(visit, kind: str):
    app = visit("home")
    app.session_state[MetricsKey.VIEW] = VIEW
    app.session_state[Key.PANEL] = kind
    app = app.switch_page("../../pages/metrics.py").run()
    assert not app.exception
    return app


def address(app) -> str:
    """The run that the address names."""
    named = app.query_params[QueryKey.RUN]
    return named if isinstance(named, str) else named[0]


def runs(kind: str):
    return RunStore.open().list(kinds=(kind,))


def failed(spec, sentence: str):
    """A run of a spec that ended with a sentence."""
    return fail(spec, sentence)


def ready(dataset, builders) -> None:
    from lab.runs.requests import embed_run

    builders.finish(embed_run(dataset), {"extracted": 40, "stored": 0})
