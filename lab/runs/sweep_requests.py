"""A sweep of sampling settings: one launch, a group of samples for each setting, each group measured alike.

Every group is asked for the same prompts and seeds, so groups differ by their setting alone. The runs are the ordinary
ones: a group's generations are queued at once, its evaluation as soon as its samples are there (an evaluation names
them by content). All follows from the sweep's definition, so a sweep asked for again goes on where it stopped.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.errors import InputError
from lab.prompts.names import readable, vendor_name
from lab.runs.dependencies import EXTRACTOR, checked_seed
from lab.runs.metric_requests import evaluate_run
from lab.runs.requests import generate_run
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.generators.card import GeneratorCard
    from lab.generators.request import GenerationRequest

MOST_GROUPS, MOST_SETS, A_RUN = 64, 64, 64


@dataclass(frozen=True)
class Setting:
    """How one group is sampled.

    Args:
        generator: the checkpoint.
        steps, guidance: denoising steps and guidance scale.
        numbers: the generator's own numbers by name, such as (("psi", 0.7),).
        label, vendor: class and vendor, "" where none is asked for.
    """

    generator: str
    steps: int
    guidance: float
    numbers: tuple[tuple[str, float], ...] = ()
    label: str = ""
    vendor: str = ""

    @property
    def name(self) -> str:
        """Words for charts."""
        return ", ".join([self.generator, *self.parts().values()])

    def parts(self) -> dict[str, str]:
        """What is set besides the generator, as words by name; a part that is not asked for is left out."""
        found = {"steps": f"{self.steps} steps", "guidance": f"guidance {self.guidance:g}"}
        found |= {name: f"{name} {value:g}" for name, value in self.numbers}
        told = (("class", readable(self.label)), ("vendor", vendor_name(self.vendor)))
        return found | {name: words for name, words in told if words}


def short_names(settings: Sequence[Setting]) -> list[str]:
    """A name for each setting of what differs between them alone, for narrow axes."""
    told = [{"generator": one.generator, **one.parts()} for one in settings]
    keys = list(dict.fromkeys(key for parts in told for key in parts))
    varied = [key for key in keys if len({parts.get(key) for parts in told}) > 1]
    return [", ".join(parts[key] for key in varied if key in parts) or parts["generator"] for parts in told]


@dataclass(frozen=True)
class Sweep:
    """What is swept, and with what each group is measured; made by `sweep`.

    Args:
        settings: one a group.
        prompts: the same for every group.
        samples: of each prompt in each group; seeds are `seed`, `seed` + 1, ...
        real: "ID" or "ID:SPLIT".
        metrics: names.
        extractor: of the features.
        seed: first seed of the samples; of the evaluation too.
        copies: "refuse" or "measure", as in an evaluation.
        mask: PNG bytes in base64 that every sample is drawn over, "" for none.
    """

    settings: tuple[Setting, ...]
    prompts: tuple[str, ...]
    samples: int
    real: str
    metrics: tuple[str, ...]
    extractor: str = EXTRACTOR
    seed: int = 0
    copies: str = "measure"
    mask: str = ""

    @property
    def id(self) -> str:
        """Opaque id, the same for the same sweep."""
        from lab.provenance import digest_json

        # What is not asked for is left out, so that a sweep keeps its id when settings are added here.
        told = {name: value for name, value in asdict(self).items() if name != "mask" or value}
        told["settings"] = [
            {
                name: value
                for name, value in one.items()
                if value or name not in ("numbers", "label", "vendor")
            }
            for one in told["settings"]
        ]
        return digest_json(told)[:16]


def sweep(
    generators: Sequence[str],
    prompts: Sequence[str],
    samples: int,
    real: str,
    metrics: Sequence[str],
    steps: Sequence[int] = (),
    guidances: Sequence[float] = (),
    extractor: str = EXTRACTOR,
    seed: int = 0,
    numbers: Mapping[str, Sequence[float]] | None = None,
    classes: Sequence[str] = (),
    vendors: Sequence[str] = (),
    mask: str = "",
) -> Sweep:
    """Every combination of checkpoint, steps, guidance, numbers of its own, class and vendor; a card's own value where
    none is named.

    Args:
        generators: ids, the checkpoints.
        prompts: of each group; none is needed where no generator reads text.
        samples: of each prompt in each group.
        real, metrics, extractor, seed: as in `Sweep`.
        steps, guidances: values to sweep.
        numbers: values by the name of a card's own number, such as {"psi": (0.5, 0.7, 1.0)}.
        classes, vendors: values to sweep.
        mask: PNG bytes in base64 for generators that need one.

    Raises:
        InputError: for no prompt, more than 64 groups or 64 runs a group, or a value outside a generator's range.
        NotFoundError: for an unknown generator or metric.
    """
    from lab.generators.cards import get_card
    from lab.metrics.registry import get_metric

    for name in metrics:
        get_metric(name)
    cards = [get_card(name) for name in dict.fromkeys(generators)]
    settings = [
        Setting(card.id, int(count), float(scale), chosen, label, vendor)
        for card in cards
        for count, scale, label, vendor in itertools.product(
            steps or (card.steps,), guidances or (card.guidance,), classes or ("",), vendors or ("",)
        )
        for chosen in _combinations(numbers or {})
    ]
    silent = all(card.conditioning != "text" for card in cards)
    asked = tuple(dict.fromkeys(prompts)) or (("",) if silent else ())
    if not asked or not metrics or not 1 <= len(settings) <= MOST_GROUPS or samples < 1:
        raise InputError(
            f"A sweep takes 1 to {MOST_GROUPS} settings, a prompt, a metric and a sample; nothing was started; "
            "choose again."
        )
    made = Sweep(
        tuple(dict.fromkeys(settings)), asked, samples, real, tuple(dict.fromkeys(metrics)), extractor,
        checked_seed(seed), mask=mask,
    )  # fmt: skip
    if len(asked) * -(-samples // A_RUN) > MOST_SETS:
        raise InputError(
            f"A group may hold {MOST_SETS} runs of {A_RUN} samples; nothing was started; ask for fewer prompts or "
            "samples."
        )
    generate_specs(made)
    return made


def _combinations(numbers: Mapping[str, Sequence[float]]) -> list[tuple[tuple[str, float], ...]]:
    """Every combination of the values of a generator's own numbers; one empty one for none."""
    own = [[(name, float(value)) for value in values] for name, values in sorted(numbers.items()) if values]
    return list(itertools.product(*own))


def generate_specs(asked: Sweep) -> dict[Setting, list[RunSpec]]:
    """The generations of each group: one for each prompt and each 64 seeds.

    A generator's weights are hashed once and not for each of its groups.

    Raises:
        InputError: for a value outside the generator's range.
        GeneratorError: when the generator is not on this machine.
    """
    from lab.generators.cards import get_card

    cards = {name: get_card(name) for name in dict.fromkeys(one.generator for one in asked.settings)}
    first: dict[str, RunSpec] = {}
    plan: dict[Setting, list[RunSpec]] = {}
    for setting in asked.settings:
        requests = _requests(asked, setting, cards[setting.generator])
        if setting.generator not in first:
            first[setting.generator] = generate_run(requests[0], None, asked.extractor)
        plan[setting] = [_like(first[setting.generator], request) for request in requests]
    return plan


def _requests(asked: Sweep, setting: Setting, card: GeneratorCard) -> list[GenerationRequest]:
    from lab.generators.condition import condition_from_json
    from lab.generators.request import MAX_SEED, request_for

    told = {
        "label": setting.label,
        "vendor": setting.vendor,
        "mask": asked.mask,
        "numbers": dict(setting.numbers),
    }
    condition = condition_from_json(told)
    return [
        request_for(
            card, prompt, min(A_RUN, asked.samples - start), (asked.seed + start) % (MAX_SEED + 1),
            steps=setting.steps, guidance=setting.guidance, condition=condition,
        )
        for prompt in asked.prompts
        for start in range(0, asked.samples, A_RUN)
    ]  # fmt: skip


def _like(spec: RunSpec, request: GenerationRequest) -> RunSpec:
    """The run that `generate_run` gives for another request to the same generator."""
    asked = asdict(request)
    kept = {name: value for name, value in spec.settings.items() if name != "condition"}
    changed = {name: asked[name] for name in kept if name in asked}
    if request.condition:
        changed["condition"] = request.condition.to_json()
    label = f"{len(request.seeds)} images with {request.generator}"
    return replace(spec, settings={**kept, **changed, "seeds": list(request.seeds)}, label=label)


def evaluate_spec(asked: Sweep, samples: str) -> RunSpec:
    """The evaluation of a group whose samples are there.

    Raises:
        NotFoundError: when they are not.
    """
    copies: Any = asked.copies
    return evaluate_run(asked.real, samples, asked.metrics, asked.extractor, asked.seed, copies)
