"""A generation run behind a quality gate: what breaks a rule is made anew with a known seed, and nothing is hidden."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.gate_readers import Readers, open_readers
from lab.runs.kinds.making import made
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.generators.contract import Generator as LoadedGenerator
    from lab.generators.request import GenerationRequest
    from lab.quality_gate.gate import Gate

STAGE = "Quality gate"


@dataclass
class Attempts:
    """What was made for each place of the run so far, newest last, as plain JSON."""

    places: int
    log: list[dict[str, Any]] = field(default_factory=list)

    def add(self, place: int, attempt: int, record: dict[str, Any], told: dict[str, Any]) -> None:
        """Note one attempt."""
        self.log.append(
            {"place": place, "attempt": attempt, **record, "seed": record["recipe"]["seed"], **told}
        )

    def of(self, place: int) -> dict[str, Any]:
        """The attempt that stands for a place: the one that passed, else the last."""
        mine = [one for one in self.log if one["place"] == place]
        return next((one for one in mine if one["passed"] is not False), mine[-1])

    def failing(self) -> list[int]:
        """Places without an attempt that passes."""
        return [place for place in range(self.places) if self.of(place)["passed"] is False]


def gated(
    ctx: RunContext, spec: RunSpec, generator: LoadedGenerator, request: GenerationRequest
) -> Generator[Progress, None, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Make each sample until it passes, at most `retries` times more.

    Returns:
        One record {artifact, recipe, gate} for each seed asked for: the attempt that passed, else the last one,
        marked; and the log with every attempt, the rejected ones among them.
    """
    from lab.quality_gate.gate import gate_from_json, seed_of

    gate = gate_from_json(spec.settings["gate"])
    readers = yield from open_readers(ctx, spec, gate, request.prompt)
    tried, asked = Attempts(len(request.seeds)), list(range(len(request.seeds)))
    for attempt in range(gate.retries + 1):
        seeds = tuple(seed_of(request.seeds[place], attempt) for place in asked)
        part = replace(request, seeds=seeds)
        stage = "Denoising" if attempt == 0 else f"Trying again, {attempt} of {gate.retries}"
        records = yield from made(ctx, generator, part, stage, key=f"attempt-{attempt}-" if attempt else "")
        request = replace(request, micro_batch=records[-1]["recipe"].get("micro_batch", request.micro_batch))
        judged = _judged(ctx, gate, readers, records)
        for place, record, told in zip(asked, records, judged, strict=True):
            tried.add(place, attempt, record, told)
        asked = tried.failing()
        yield ctx.progress(STAGE, tried.places - len(asked), tried.places)
        if not asked:
            break
    return _kept(tried), _summary(gate, readers, tried)


def _judged(
    ctx: RunContext, gate: Gate, readers: Readers, records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """{passed, outcomes} of each sample."""
    from lab.data.images import decode
    from lab.quality_gate.rules import judge, passes

    images = [decode(ctx.read_artifact(one["artifact"], ".png")).array for one in records]
    seen = readers.read(images)
    told = []
    for row in range(len(images)):
        mine = {subject: values[row] for subject, values in seen.items()}
        outcomes = judge(gate.rules, readers.wanted, mine, readers.unasked)
        told.append({"passed": passes(outcomes), "outcomes": [one.to_json() for one in outcomes]})
    return told


def _kept(tried: Attempts) -> list[dict[str, Any]]:
    kept = []
    for place in range(tried.places):
        one = tried.of(place)
        gate = {name: one[name] for name in ("passed", "outcomes", "attempt")}
        kept.append({"artifact": one["artifact"], "recipe": one["recipe"], "gate": gate})
    return kept


def _summary(gate: Gate, readers: Readers, tried: Attempts) -> dict[str, Any]:
    passed = sum(one["passed"] is True for one in tried.log)
    first = [one for one in tried.log if one["attempt"] == 0]
    return {
        **gate.to_json(),
        "wanted": readers.wanted,
        "readers": readers.about,
        "made": len(tried.log),
        "passed": passed,
        "rejected": sum(one["passed"] is False for one in tried.log),
        "unpassed": len(tried.failing()),
        "pass_rate": passed / len(tried.log),
        "first_pass_rate": sum(one["passed"] is True for one in first) / len(first),
        "retried": len(tried.log) - len(first),
        "log": [{k: v for k, v in one.items() if k != "recipe"} for one in tried.log],
    }
