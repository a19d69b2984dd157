"""A chest radiograph's prompt from choices, in the phrasing that its generator was trained on.

A generator with a vocabulary of its own is asked in the phantoms' captions ("Large right pleural effusion."), any
other in the style of impressions ("Large right-sided pleural effusion.") under RoentGen-v2's line about the patient:
"<age> year old <RACE> <male|female>. <impression>".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.prompts.terms import AGE_WORDS, NORMAL, Term, size_word, term_of


@dataclass(frozen=True)
class Phrase:
    """One finding or device: its title, one of `SIZES`, and one of its places; None where not chosen."""

    title: str
    size: str | None = None
    where: str | None = None


@dataclass(frozen=True)
class ChestChoice:
    """What was chosen for a chest radiograph; every part may be left out.

    Attributes:
        findings, devices: in the order they are said.
        absent: titles of findings that are denied.
        no_devices: says that there are no tubes, lines or pacemakers.
        view: "PA", "AP" or "Lateral".
        age: years.
        sex: "Female" or "Male".
        race: as RoentGen-v2 was told it.
        free: words of one's own, put last.
    """

    findings: tuple[Phrase, ...] = ()
    devices: tuple[Phrase, ...] = ()
    absent: tuple[str, ...] = ()
    no_devices: bool = False
    view: str | None = None
    age: int | None = None
    sex: str | None = None
    race: str | None = None
    free: str = ""


def compose(choice: ChestChoice, vocabulary: Sequence[str] = ()) -> str:
    """The prompt in sentences, each with a capital and a full stop; "" where nothing was chosen.

    Args:
        choice: what to say.
        vocabulary: words the generator was trained on; empty for an open one.
    """
    closed = bool(vocabulary)
    parts = [person(choice, closed), _view(choice.view)]
    ill = [phrase for phrase in choice.findings if phrase.title != NORMAL.title]
    for phrase in ill or choice.findings[:1]:
        parts += say(phrase, closed)
    for phrase in choice.devices:
        parts += say(phrase, closed)
    parts += _denied([title for title in choice.absent if title not in {p.title for p in ill}], closed)
    if choice.no_devices and not choice.devices:
        parts.append("no support devices")
    return sentences([*parts, choice.free])


def person(choice: ChestChoice, closed: bool) -> str:
    """The line about the patient; blank fields drop out, and with them the words that belong to them."""
    if closed:
        sex = {"Female": "woman", "Male": "man"}.get(choice.sex or "", "")
        years = next(w for w, below in AGE_WORDS if choice.age < below) if choice.age is not None else ""
        return f"{years} {sex or 'patient'}" if years else sex
    years = "" if choice.age is None else f"{choice.age} year old"
    # The case of the data RoentGen-v2 was trained on; its text encoder reads both alike.
    race, sex = (choice.race or "").upper(), (choice.sex or "").lower()
    if (years or race) and not sex:
        sex = "patient"
    return " ".join(part for part in (years, race, sex) if part)


def say(phrase: Phrase, closed: bool) -> list[str]:
    """One finding in words without a full stop; two where both sides need a sentence each."""
    term, where = term_of(phrase.title), (phrase.where or "").lower()
    size = size_word(term, phrase.size)
    if where == "both sides":
        if not closed:
            return [_joined(size, "bilateral", term.plural or term.words)]
        return [_sided(term, size, side, closed) for side in ("right", "left")]
    if term.place == "lobe" and where:
        told = _joined(size, term.words, f"in the {where}") if closed else _joined(size, where, term.words)
        return [told]
    return [_sided(term, size, where, closed)]


def _sided(term: Term, size: str, side: str, closed: bool) -> str:
    after = term.after if closed else ""
    return _joined(size, side if closed or not side else f"{side}-sided", term.words, after)


def _view(view: str | None) -> str:
    return f"{view if view != 'Lateral' else 'lateral'} view" if view else ""


def _denied(titles: list[str], closed: bool) -> list[str]:
    words = [term_of(title).absent for title in titles if term_of(title).absent]
    if closed:
        return words
    plain = [text.removeprefix("no ") for text in words if text.startswith("no ")]
    joined = [f"no {', '.join(plain[:-1])} or {plain[-1]}"] if len(plain) > 1 else [f"no {t}" for t in plain]
    return joined + [text for text in words if not text.startswith("no ")]


def sentences(parts: Sequence[str]) -> str:
    """Parts as sentences: blank ones drop out, each gets a capital and ends with one mark."""
    said = [" ".join(part.split()) for part in parts]
    ended = [part if part.endswith((".", "!", "?")) else f"{part}." for part in said if part]
    return " ".join(part[0].upper() + part[1:] for part in ended)


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)
