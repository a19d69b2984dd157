"""From a prompt back to the choices that make it, so that a past prompt fills the fields it was written with.

Every reading is proved by composing it again: what does not give the very same prompt is no reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from lab.generators.card import GeneratorCard
from lab.prompts import chest
from lab.prompts.chest import ChestChoice, Phrase
from lab.prompts.heart import HeartChoice
from lab.prompts.offer import devices_for, findings_for, kind_of
from lab.prompts.read_back_pictures import read_heart, read_skin
from lab.prompts.skin import SkinChoice
from lab.prompts.terms import RACES, SEXES, SIZES, VIEWS, Term, places_of

Choice = ChestChoice | SkinChoice | HeartChoice | str
_ENDS = re.compile(r"(?<=[.!?]) ")
_AGES = (25, 55, 80)  # one of each of the three words for an age
_RACES = "|".join(race.upper() for race in RACES)
_PERSON = re.compile(rf"(?:(\d{{1,2}}) year old ?)?(?:({_RACES}) ?)?(female|male|patient)?\.", re.IGNORECASE)


def read_back(text: str, card: GeneratorCard) -> Choice | None:
    """The choices of a generator's composer that make exactly this prompt; a caption as itself; None for none.

    Words of one's own at the end belong to the choices; words of one's own alone are no reading.
    """
    kind = kind_of(card)
    if kind == "captions":
        return text if text in (card.examples if card.over_trained else card.captions) else None
    if kind == "chest":
        return _chest(text, card)
    if kind == "skin":
        return read_skin(text)
    return read_heart(text) if kind == "heart" else None


def _chest(text: str, card: GeneratorCard) -> ChestChoice | None:
    """Sentence by sentence in the order in which a chest prompt is written; the rest is the person's own words."""
    closed, left = bool(card.vocabulary), _ENDS.split(text)
    choice = ChestChoice()
    for person in _persons(left[0], closed):
        choice, left = person, left[1:]
    view = next((one for one in VIEWS if left and left[0].lower() == f"{one.lower()} view."), None)
    left = left[1:] if view else left
    findings, left = _phrases(left, findings_for(card), closed)
    devices, left = _phrases(left, devices_for(card), closed)
    absent, left = _absent(left, findings_for(card))
    none = left[:1] == ["No support devices."]
    found = replace(
        choice, findings=findings, devices=devices, absent=absent, no_devices=none, view=view,
        free=" ".join(left[1:] if none else left),
    )  # fmt: skip
    return _proved(text, found, card)


def _proved(text: str, found: ChestChoice, card: GeneratorCard) -> ChestChoice | None:
    """A reading that gives the prompt again and holds more than words of one's own."""
    if replace(found, free="") == ChestChoice():
        return None
    return found if chest.compose(found, card.vocabulary) == text else None


def _persons(sentence: str, closed: bool) -> list[ChestChoice]:
    """Whom a first sentence is about; nobody for a sentence about something else."""
    if closed:
        people = [ChestChoice(age=age, sex=sex) for age, sex in product((*_AGES, None), (*SEXES, None))]
    elif found := _PERSON.fullmatch(sentence):
        age, race, sex = found.groups()
        people = [
            ChestChoice(
                age=None if age is None else int(age), race=race.title() if race else None,
                sex=sex.title() if sex and sex.lower() != "patient" else None,
            )
        ]  # fmt: skip
    else:
        people = []
    told = ((one, chest.sentences([chest.person(one, closed)])) for one in people)
    return [one for one, words in told if words and words == sentence][:1]


def _phrases(
    sentences: list[str], terms: Sequence[Term], closed: bool
) -> tuple[tuple[Phrase, ...], list[str]]:
    """The findings or devices at the start, each once, and the sentences after them; a pair of sides before one."""
    known = {tuple(_said(phrase, closed)): phrase for term in terms for phrase in _forms(term)}
    found: list[Phrase] = []
    while sentences:
        one = next((known[key] for n in (2, 1) if (key := tuple(sentences[:n])) in known), None)
        if one is None or one.title in {phrase.title for phrase in found}:
            break
        found.append(one)
        sentences = sentences[len(_said(one, closed)) :]
    return tuple(found), sentences


def _forms(term: Term) -> list[Phrase]:
    sizes = (*SIZES, None) if term.grade else (None,)
    return [Phrase(term.title, size, where) for size, where in product(sizes, (*places_of(term), None))]


def _said(phrase: Phrase, closed: bool) -> list[str]:
    return [chest.sentences([part]) for part in chest.say(phrase, closed)]


def _absent(sentences: list[str], terms: Sequence[Term]) -> tuple[tuple[str, ...], list[str]]:
    """What is denied at the start: sentences of one each, or one with a list ("No mass, pneumonia or nodule.")."""
    known = {term.absent.lower(): term.title for term in terms if term.absent}
    titles: list[str] = []
    while sentences:
        words = sentences[0].removesuffix(".").lower()
        listed = re.split(r", | or ", words.removeprefix("no ")) if words.startswith("no ") else []
        one = [known[words]] if words in known else [known.get(f"no {item}", "") for item in listed]
        if not one or not all(one) or set(one) & set(titles):
            break
        titles += one
        sentences = sentences[1:]
    return tuple(titles), sentences
