"""What a composer offers for one generator: its kind, its words, examples, and a prompt drawn by chance."""

from __future__ import annotations

import random
from typing import Literal

from lab.generators.card import GeneratorCard
from lab.prompts import chest, heart, skin
from lab.prompts.chest import ChestChoice, Phrase
from lab.prompts.heart import HeartChoice
from lab.prompts.skin import SkinChoice
from lab.prompts.terms import DEVICES, FINDINGS, NORMAL, SIZES, Term, known, places_of

Kind = Literal["captions", "chest", "skin", "heart", "free", "none"]
EXAMPLES = (
    "Large right-sided pleural effusion. Cardiomegaly.",
    "Left-sided pleural effusion and pacemaker.",
    "Right-sided pleural effusion and right upper lobe pneumonia.",
    "Small left-sided pneumothorax.",
    "No acute finding.",
)
# Words that people add to a finding, offered as chips where the generator knows them.
CHIPS = (
    "portable", "erect", "on the right", "on the left", "in the right upper lobe", "in the left lower lobe", "trace",
    "massive", "perihilar", "interstitial", "enlarged heart", "clear lungs", "normal heart size", "in place",
)  # fmt: skip


def kind_of(card: GeneratorCard) -> Kind:
    """Which composer suits a generator; "none" where it takes no words at all."""
    if card.conditioning != "text":
        return "none"
    if card.captions or card.over_trained:
        return "captions"
    named = {"chest radiograph": "chest", "dermoscopy": "skin", "cardiac MRI": "heart"}
    kind: Kind = named.get(card.modality, "free")  # type: ignore[assignment]
    return kind


def findings_for(card: GeneratorCard) -> tuple[Term, ...]:
    """The findings a generator knows the word for."""
    return known(FINDINGS, card.vocabulary)


def devices_for(card: GeneratorCard) -> tuple[Term, ...]:
    """The devices a generator knows the word for."""
    return known(DEVICES, card.vocabulary)


def chips_for(card: GeneratorCard) -> tuple[str, ...]:
    """Words to add to a chest prompt, those that the generator knows."""
    return skin.known_words(CHIPS, card.vocabulary)


def examples_for(card: GeneratorCard) -> tuple[str, ...]:
    """Prompts to start from: the card's own, else those of its kind."""
    if card.examples or kind_of(card) == "captions":
        return card.examples or card.captions
    return {
        "chest": EXAMPLES,
        "skin": (skin.compose(SkinChoice("Melanoma", "back", age=62, sex="Male", structures=("streaks",))),),
        "heart": (heart.compose(HeartChoice("Mid", "End of contraction", "Dilated", ejection=28)),),
    }.get(kind_of(card), ())


def surprise(card: GeneratorCard, draw: random.Random) -> str:
    """A prompt drawn by chance from what the generator knows; "" where it takes no words."""
    kind = kind_of(card)
    if kind == "captions":
        return draw.choice(examples_for(card))
    if kind == "chest":
        return chest.compose(_chest(card, draw), card.vocabulary)
    if kind == "skin":
        return skin.compose(_skin(card, draw))
    if kind == "heart":
        disease, phase = draw.choice(list(heart.DISEASES)), draw.choice(list(heart.PHASES))
        return heart.compose(HeartChoice(draw.choice(heart.SLICES), phase, disease))
    return draw.choice(card.examples) if card.examples else ""


def _chest(card: GeneratorCard, draw: random.Random) -> ChestChoice:
    terms = [term for term in findings_for(card) if term != NORMAL]
    chosen = draw.sample(terms, min(len(terms), draw.choice((1, 1, 2))))
    devices = list(devices_for(card))
    extra = draw.sample(devices, 1) if devices and draw.random() < 0.25 else []
    return ChestChoice(tuple(_phrase(t, draw) for t in chosen), tuple(_phrase(t, draw) for t in extra))


def _phrase(term: Term, draw: random.Random) -> Phrase:
    where = [place for place in places_of(term) if place != "Both sides"]
    return Phrase(
        term.title, draw.choice(SIZES) if term.grade else None, draw.choice(where) if where else None
    )


def _skin(card: GeneratorCard, draw: random.Random) -> SkinChoice:
    structures = skin.known_words(skin.STRUCTURES, card.vocabulary)
    return SkinChoice(
        draw.choice(list(skin.CLASSES)),
        draw.choice(skin.SITES),
        symmetry=draw.choice(skin.SYMMETRY),
        age=draw.randint(25, 85),
        sex=draw.choice(("Female", "Male")),
        structures=tuple(draw.sample(structures, min(2, len(structures)))),
    )
