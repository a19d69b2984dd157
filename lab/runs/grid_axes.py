"""The axes of a grid: what changes from cell to cell, and the words of a prompt put in place of others."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.errors import InputError
from lab.prompts.names import readable, vendor_name

if TYPE_CHECKING:
    from lab.generators.card import GeneratorCard
    from lab.generators.request import GenerationRequest

MOST_VALUES = 8
TITLES = {
    "word": "Prompt word",
    "seed": "Seed",
    "guidance": "Guidance scale",
    "steps": "Steps",
    "generator": "Generator",
    "class": "Class",
    "vendor": "Vendor",
    "mask": "Mask",
    "knob": "Setting of its own",
}
_NUMBERS = {"seed": int, "steps": int, "guidance": float, "knob": float}
_SUBJECT = ("word", "knob")
_LABEL = 60


@dataclass(frozen=True)
class Axis:
    """One axis; made by `axis`.

    Attributes:
        kind: a key of `TITLES`.
        values: 1 to 8 different ones: text, whole numbers, numbers, or masks as PNG bytes in base64.
        subject: for "word" the words of the prompt that are replaced, for "knob" its name; else "".
        labels: what stands beside each row or column, as many as values; the codes themselves for classes.
    """

    kind: str
    values: tuple[str | int | float, ...]
    subject: str = ""
    labels: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Words for the axis as a whole."""
        if self.kind == "knob":
            words = self.subject.replace("_", " ")
            return words[:1].upper() + words[1:]
        return f"{TITLES[self.kind]}: {self.subject}" if self.subject else TITLES[self.kind]

    @property
    def shown(self) -> tuple[str, ...]:
        """The labels as a person reads them: a class or vendor by its name."""
        name = {"class": readable, "vendor": vendor_name}.get(self.kind)
        return self.labels if name is None else tuple(map(name, self.labels))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `axis_from_json` reads it."""
        return {
            "kind": self.kind,
            "values": list(self.values),
            "subject": self.subject,
            "labels": list(self.labels),
        }


def axis(kind: str, values: Sequence[Any], subject: str = "", labels: Sequence[str] = ()) -> Axis:
    """A checked axis.

    Raises:
        InputError: for an unknown kind, no value or more than 8, the same value twice, or a missing subject.
    """
    if kind not in TITLES:
        raise _refused(f"A grid has no axis of that kind; there are {', '.join(TITLES)}")
    try:
        taken = tuple(_value(kind, value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(f"A value of the axis {TITLES[kind].lower()} is no number") from error
    if not 1 <= len(taken) <= MOST_VALUES or len(set(taken)) < len(taken):
        raise _refused(f"The axis {TITLES[kind].lower()} takes 1 to {MOST_VALUES} different values")
    words = " ".join(str(subject).split())
    if kind in _SUBJECT and not words:
        raise _refused(
            "Choose the words that change" if kind == "word" else "Choose the setting that changes"
        )
    told = (
        tuple(str(label)[:_LABEL] for label in labels)
        if labels
        else tuple(_label(kind, one) for one in taken)
    )
    if kind == "mask" and not labels:
        told = tuple(f"mask {number}" for number in range(1, len(taken) + 1))
    if len(told) != len(taken):
        raise _refused("An axis needs one label for each value")
    return Axis(kind, taken, words if kind in _SUBJECT else "", told)


def axis_from_json(values: Mapping[str, Any] | None) -> Axis | None:
    """The axis that `Axis.to_json` wrote; None for none."""
    if values is None:
        return None
    return axis(values["kind"], values["values"], values.get("subject", ""), values.get("labels", ()))


def _value(kind: str, value: Any) -> str | int | float:
    if kind in _NUMBERS:
        number = float(value)
        if isinstance(value, bool) or number != number or (_NUMBERS[kind] is int and number != int(number)):
            raise ValueError
        return int(value) if _NUMBERS[kind] is int else number
    return " ".join(str(value).split())


def _label(kind: str, value: str | int | float) -> str:
    if kind == "word" and not value:
        return "(left out)"
    return f"{value:g}" if isinstance(value, float) else str(value)[:_LABEL]


def replaced(prompt: str, words: Mapping[str, str]) -> str:
    """The prompt with words put in place of others, all in one pass, so that no replacement is replaced again.

    Args:
        prompt: any text.
        words: phrase to its alternative; each is looked for as whole words, in any case, wherever it stands. An
            empty alternative leaves the phrase out. A capital at its beginning is kept.

    Raises:
        InputError: when a phrase does not stand in the prompt.
    """
    phrases = sorted(words, key=len, reverse=True)
    for phrase in phrases:
        if not re.search(_pattern(phrase), prompt, re.IGNORECASE):
            raise _refused(f"The words “{phrase[:40]}” do not stand in the prompt")
    known = {phrase.lower(): alternative for phrase, alternative in words.items()}

    def put(found: re.Match[str]) -> str:
        new = known[" ".join(found.group().lower().split())]
        return new[:1].upper() + new[1:] if found.group()[:1].isupper() else new

    text = re.sub("|".join(_pattern(phrase) for phrase in phrases), put, prompt, flags=re.IGNORECASE)
    text = re.sub(r"\s+([.,;:])", r"\1", " ".join(text.split()))
    text = re.sub(r"^[,;:.\s]+", "", text)
    return text[:1].upper() + text[1:] if prompt[:1].isupper() else text


def _pattern(phrase: str) -> str:
    """The phrase as whole words, with any blanks between them."""
    inner = r"\s+".join(re.escape(word) for word in phrase.split())
    return rf"(?<!\w){inner}(?!\w)"


def applied(
    request: GenerationRequest,
    changes: Sequence[tuple[Axis, str | int | float]],
    card: GeneratorCard,
    base: GeneratorCard,
) -> GenerationRequest:
    """The request of one cell, not yet checked against its card.

    Args:
        request: what all cells share.
        changes: one value of each axis.
        card: of the cell's generator.
        base: of the shared request's generator; what stands at its default goes to the other one's default.

    Raises:
        InputError: when the words to be replaced do not stand in the prompt, or a mask cannot be read.
    """
    if card.id != base.id:
        request = _moved(request, card, base)
    words = {one.subject: str(value) for one, value in changes if one.kind == "word"}
    if words:
        request = replace(request, prompt=replaced(request.prompt, words))
    for one, value in changes:
        request = _one_applied(request, one, value)
    return request


def _moved(request: GenerationRequest, card: GeneratorCard, base: GeneratorCard) -> GenerationRequest:
    """For another generator: what was left at a default becomes its own default, what was chosen stays."""
    condition = replace(request.condition, numbers=())
    if card.classes != base.classes or card.vendors != base.vendors or card.structures != base.structures:
        from lab.generators.condition import NONE

        condition = NONE
    return replace(
        request,
        generator=card.id,
        steps=card.steps if request.steps == base.steps else request.steps,
        guidance=card.guidance if request.guidance == base.guidance else request.guidance,
        size=request.size if request.size in card.allowed_sizes else card.size,
        condition=condition,
    )


def _one_applied(request: GenerationRequest, one: Axis, value: str | int | float) -> GenerationRequest:
    condition = request.condition
    if one.kind == "seed":
        return replace(request, seeds=(int(value),))
    if one.kind == "steps":
        return replace(request, steps=int(value))
    if one.kind == "guidance":
        return replace(request, guidance=float(value))
    if one.kind == "class":
        return replace(request, condition=replace(condition, label=str(value)))
    if one.kind == "vendor":
        return replace(request, condition=replace(condition, vendor=str(value)))
    if one.kind == "mask":
        return replace(request, condition=replace(condition, mask=_mask(str(value))))
    if one.kind == "knob":
        numbers = {**dict(condition.numbers), one.subject: float(value)}
        return replace(request, condition=replace(condition, numbers=tuple(sorted(numbers.items()))))
    return request


def _mask(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise _refused("A mask of this grid cannot be read; choose it again") from error


def _refused(what: str) -> InputError:
    return InputError(f"{what}; nothing was started.")
