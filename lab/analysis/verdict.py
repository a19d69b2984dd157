"""A one-page verdict: fidelity, utility and privacy side by side, each against its own control; no blended score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.analysis.goals import goal_ends
from lab.metrics.result import MetricResult
from lab.metrics.spec import Axis, MetricSpec

INSIDE, BETTER, WORSE, OPEN = (
    "Like real images",
    "Better than real images",
    "Worse than real images",
    "Not told",
)
UNSEEN = "Copies not measured"
SEES_COPIES = "near-copy-share"
"""The one number whose detectors are calibrated on real images and tried on planted copies before they are believed."""
HEADLINES: Mapping[str, tuple[str, ...]] = {
    "fidelity": ("kernel-distance", "frechet-distance", "precision", "density"),
    "utility": ("utility-tstr", "utility-augmentation", "utility-trts"),
    "alignment": ("label-agreement", "finding-auroc", "clip-score"),
    "privacy": ("closer-to-training", "near-copy-share", "authpct"),
}
_QUESTIONS = {
    "fidelity": "Does it look real?",
    "utility": "Is it useful?",
    "alignment": "Does it show what was asked for?",
    "privacy": "Is it private?",
}


@dataclass(frozen=True)
class AxisVerdict:
    """One column of the page.

    Args:
        axis: the question; "alignment" stands in for "utility" where no utility was measured.
        question: in words.
        metric, title: what answers it; "" where nothing was measured.
        result: the number with interval, control and floor; None where nothing was measured.
        null_line: value that honest data would score; the control's value where it is not one number for every set.
        word: `INSIDE`, `BETTER`, `WORSE` or `OPEN`; of privacy also `UNSEEN`.
        sentence: the word with its reason.
    """

    axis: Axis
    question: str
    metric: str
    title: str
    result: MetricResult | None
    null_line: float | None
    word: str
    sentence: str

    @property
    def tone(self) -> str:
        """ "good", "bad" or "open", for the colour of the page."""
        return {INSIDE: "good", BETTER: "good", WORSE: "bad"}.get(self.word, "open")


def verdict(results: Sequence[MetricResult], specs: Mapping[str, MetricSpec]) -> list[AxisVerdict]:
    """Fidelity, utility (or alignment) and privacy, in that order; a question without a number says so.

    The rule: the interval of the samples against that of held-out images put in their place. Where the two overlap the
    samples are like real images; where they do not, they are better or worse by the metric's direction. Without a
    control interval the null line takes its place; without any interval nothing is said. The three are never added up.
    Privacy is the one question that a single good number cannot answer, see `judge_privacy`.

    Args:
        results: of one set, whichever metrics were computed.
        specs: of the metrics, by name, in the order of preference after the headlines.
    """
    known = {one.metric: one for one in results if one.value is not None and one.group == "all"}
    useful: Axis = (
        "utility"
        if _headline("utility", known, specs) or not _headline("alignment", known, specs)
        else "alignment"
    )
    axes: tuple[Axis, ...] = ("fidelity", useful, "privacy")
    return [_of_axis(axis, known, specs) for axis in axes]


def verdict_table(verdicts: Sequence[AxisVerdict]) -> list[dict[str, object]]:
    """A row a question, for tables, radar charts and exports."""
    return [
        {
            "question": one.question,
            "metric": one.title,
            "value": one.result.value if one.result else None,
            "low": one.result.low if one.result else None,
            "high": one.result.high if one.result else None,
            "held-out": one.result.control if one.result else None,
            "null line": one.null_line,
            "verdict": one.word,
            "reason": one.sentence,
        }
        for one in verdicts
    ]


def judge(spec: MetricSpec, result: MetricResult) -> tuple[str, str]:
    """The word and the sentence for one result."""
    if result.value is None or result.low is None or result.high is None:
        return OPEN, "There is no interval, so nothing can be told from chance."
    ours = goal_ends(spec, result.low, result.high)
    if result.control_low is not None and result.control_high is not None:
        theirs, beside = goal_ends(spec, result.control_low, result.control_high), "that of held-out images"
    elif spec.null_line is not None:
        theirs, beside = goal_ends(spec, spec.null_line, spec.null_line), "the null line"
    else:
        return OPEN, "There is no held-out control to compare with."
    if ours[0] <= theirs[1] and theirs[0] <= ours[1]:
        return INSIDE, f"Its 95 % interval overlaps {beside}."
    word = BETTER if ours[0] > theirs[1] else WORSE
    return word, f"Its 95 % interval lies on the {'better' if word == BETTER else 'worse'} side of {beside}."


def judge_privacy(
    known: Mapping[str, MetricResult], specs: Mapping[str, MetricSpec], headline: str
) -> tuple[str, str]:
    """The word and the sentence for the privacy of a set, from all of its privacy numbers.

    One number that is worse than real images decides. Without such a one the word is that of the headline, but only
    where copies would have shown: a few among many samples move no average, so without `SEES_COPIES` nothing good is
    said.

    Args:
        known: results with a value, by metric.
        specs: of the metrics, by name.
        headline: the metric whose word is meant.
    """
    judged = {name: judge(specs[name], one) for name, one in known.items() if specs[name].axis == "privacy"}
    worse = [known[name].title for name, (word, _) in judged.items() if word == WORSE]
    if judged[headline][0] == WORSE:
        return judged[headline]
    if worse:
        return WORSE, f"One number is enough: {', '.join(worse)} lies on the worse side of real images."
    if judged.get(SEES_COPIES, (OPEN, ""))[0] == OPEN:
        return UNSEEN, (
            "The near-copy share was not measured, and no other number here is sure to see a few copies among many "
            "samples: prepare the dataset for this feature extractor in Library, and measure it too."
        )
    return judged[headline]


def _headline(axis: str, known: Mapping[str, MetricResult], specs: Mapping[str, MetricSpec]) -> str:
    others = [name for name, spec in specs.items() if spec.axis == axis]
    return next((name for name in (*HEADLINES[axis], *others) if name in known and name in specs), "")


def _of_axis(axis: Axis, known: Mapping[str, MetricResult], specs: Mapping[str, MetricSpec]) -> AxisVerdict:
    name = _headline(axis, known, specs)
    if not name:
        return AxisVerdict(
            axis, _QUESTIONS[axis], "", "", None, None, OPEN, f"No measure of {axis} was computed."
        )
    result, spec = known[name], specs[name]
    word, sentence = judge_privacy(known, specs, name) if axis == "privacy" else judge(spec, result)
    line = spec.null_line if spec.null_line is not None else result.control
    return AxisVerdict(axis, _QUESTIONS[axis], name, result.title, result, line, word, sentence)
