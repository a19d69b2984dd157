"""All that is to be said of a prompt before it is asked, the most important first; nothing here refuses anything."""

from __future__ import annotations

from lab.generators.card import GeneratorCard
from lab.prompts.contradictions import contradictions
from lab.prompts.identifying import identifying
from lab.prompts.remark import Remark
from lab.prompts.rules import marks, negation, sides, unseen
from lab.prompts.tokens import TokenCount, cut_words


def lint(prompt: str, card: GeneratorCard, counted: TokenCount | None = None) -> tuple[Remark, ...]:
    """The remarks about a prompt, warnings before hints.

    Args:
        prompt: as it stands in the box; an empty one has no remarks.
        card: the generator that will be asked.
        counted: its tokens (`lab.prompts.tokens.count`); None where they are not known.
    """
    if not prompt.strip():
        return ()
    found = identifying(prompt)
    found += cut_words(prompt, counted) if counted is not None else []
    for rule in (marks, unseen, sides, negation):
        found += rule(prompt, card)
    found += contradictions(prompt) if card.modality == "chest radiograph" else []
    return tuple(sorted(found, key=lambda remark: remark.severity != "warning"))
