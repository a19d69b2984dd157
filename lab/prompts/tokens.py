"""How many tokens a prompt has for a generator, and which of its words no encoder will read."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.prompts import PromptReading, read_prompt
from lab.generators.tokenizer_files import kind
from lab.prompts.remark import Remark, Span

# Tokens a word of medical English in CLIP's vocabulary; a sign or a digit is one more each. A test measures it.
TOKENS_A_WORD = 1.55
_WORD = re.compile(r"[^\W\d_]+")
_SIGN = re.compile(r"\d|[^\w\s]")


@dataclass(frozen=True)
class TokenCount:
    """Tokens of a prompt for the encoder that reads the fewest.

    Attributes:
        tokens: without start and end marks.
        limit: how many are read.
        dropped: the words at the end that are not.
        encoder: such as "CLIP"; "" where it is not known.
        about: estimated, because no tokenizer of the generator is here.
    """

    tokens: int
    limit: int
    dropped: tuple[str, ...] = ()
    encoder: str = ""
    about: bool = False

    @property
    def words(self) -> str:
        """The count as shown under the box."""
        who = f" ({self.encoder})" if self.encoder else ""
        return f"{'about ' if self.about else ''}{self.tokens} of {self.limit} tokens{who}"


def count(prompt: str, card: GeneratorCard, folder: Path | None) -> TokenCount | None:
    """The count for the smallest encoder, exact where its tokenizer is here; None where no limit is known.

    Args:
        prompt: the text.
        card: whose `token_limit`, if any, bounds every encoder.
        folder: the generator's model folder, or None.
    """
    found: list[TokenCount] = []
    for place in tokenizers(card, folder):
        reading = _read(place, prompt, card.token_limit)
        if reading is not None:
            found.append(TokenCount(reading.tokens, reading.limit, reading.dropped, kind(place)))
    if found:
        return min(found, key=lambda one: one.limit - one.tokens)
    return estimate(prompt, card.token_limit) if card.token_limit else None


def tokenizers(card: GeneratorCard, folder: Path | None) -> list[Path]:
    """The tokenizer folders of a generator that are on this machine, its own and those it shares."""
    own = sorted(folder.glob("tokenizer*")) if folder is not None and folder.is_dir() else []
    shared = [place for name, place in card.part_folders.items() if name.startswith("tokenizer")]
    return [place for place in (*own, *shared) if place.is_dir()]


def model_place(card: GeneratorCard) -> Path | None:
    """The generator's folder on this machine, or None."""
    from lab.generators.load import model_folder

    with suppress(LabError):
        return model_folder(card)
    return None


def estimate(prompt: str, limit: int) -> TokenCount:
    """A count from the number of words and signs alone."""
    cost = [_cost(word) for word in prompt.split()]
    total = math.ceil(sum(cost))
    if total <= limit:
        return TokenCount(total, limit, about=True)
    used, kept = 0.0, 0
    for one in cost:
        used += one
        kept += used <= limit
    return TokenCount(total, limit, tuple(prompt.split()[kept:]), about=True)


def cut_words(prompt: str, counted: TokenCount) -> list[Remark]:
    """The remark about words that will be cut; none where the whole prompt is read."""
    if not counted.dropped:
        return []
    start = [hit.start() for hit in re.finditer(r"\S+", prompt)][-len(counted.dropped)]
    span: Span = (start, len(prompt.rstrip()))
    who = f"the {counted.encoder} text encoder" if counted.encoder else "this generator"
    words = " ".join(counted.dropped)
    shown = words if len(words) <= 240 else words[:240].rsplit(" ", 1)[0] + " …"
    many = len(counted.dropped)
    cut = "about the last" if counted.about else "the last"
    number = f"{'about ' if counted.about else ''}{counted.tokens}"
    text = (
        f"The prompt has {number} tokens and {who} reads {counted.limit}, so "
        f"{cut} {many} {'word' if many == 1 else 'words'} will be cut: {shown}"
    )
    return [Remark("warning", "cut words", text, (span,))]


def _read(place: Path, prompt: str, limit: int) -> PromptReading | None:
    reading = read_prompt(place, prompt)
    if reading is None or not limit or reading.limit <= limit:
        return reading
    return read_prompt(place, prompt, limit)


def _cost(word: str) -> float:
    return TOKENS_A_WORD * len(_WORD.findall(word)) + len(_SIGN.findall(word))
