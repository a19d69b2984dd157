"""What the linter says of the prompt in the box: tokens, remarks, and the words they are about, marked."""

from __future__ import annotations

import html

import streamlit as st

from lab.generators.card import GeneratorCard
from lab.prompts.linter import lint
from lab.prompts.remark import Remark
from lab.prompts.tokens import TokenCount, count, model_place
from lab.ui.frame import plain

TOKENS_HELP = (
    "A text encoder reads a prompt in tokens, about as long as a syllable or a word, and "
    "cuts what is beyond its limit."
)
_ICONS = {"warning": ":orange[:material/warning:]", "hint": ":material/info:"}


def counted(card: GeneratorCard, prompt: str) -> TokenCount | None:
    """Tokens of the prompt for this generator, None where they are not known here."""
    return count(prompt, card, model_place(card))


def remarks_of(card: GeneratorCard, prompt: str, tokens: TokenCount | None) -> None:
    """Draw the remarks under the box; nothing for a prompt without any."""
    found = lint(prompt, card, tokens)
    if not found:
        return
    st.html(marked(prompt, found))
    for remark in found:
        st.caption(f"{_ICONS[remark.severity]} {plain(remark.text)}")


def marked(prompt: str, remarks: tuple[Remark, ...]) -> str:
    """The prompt as HTML with the words that remarks are about underlined, those that are cut struck out.

    Returns "" where no remark is about single words.
    """
    kinds = [""] * len(prompt)
    order = {"doppel-hint": 1, "doppel-warn": 2, "doppel-cut": 3}
    for remark in remarks:
        kind = "doppel-cut" if remark.rule == "cut words" else f"doppel-{remark.severity[:4]}"
        for start, end in remark.spans:
            for at in range(start, min(end, len(prompt))):
                if order[kind] > order.get(kinds[at], 0):
                    kinds[at] = kind
    if not any(kinds):
        return ""
    parts, start = [], 0
    for at in range(1, len(prompt) + 1):
        if at == len(prompt) or kinds[at] != kinds[start]:
            text = html.escape(prompt[start:at])
            parts.append(f'<mark class="{kinds[start]}">{text}</mark>' if kinds[start] else text)
            start = at
    return f'<p class="doppel-marked">{"".join(parts)}</p>'
