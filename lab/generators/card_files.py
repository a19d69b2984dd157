"""Card files as people write them: YAML or JSON, read strictly, so that a slip is named and not guessed at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.errors import GeneratorError
from lab.generators.card import MAX_CARD_BYTES, GeneratorCard, card_from_json

YAML = (".yaml", ".yml")
_ALWAYS = (
    "id",
    "title",
    "family",
    "conditioning",
    "modality",
    "loader",
    "size",
    "steps",
    "guidance",
    "dtype",
)
SUFFIXES = (".json", *YAML)


def read_card_file(path: Path) -> GeneratorCard:
    """One card from a YAML or a JSON file.

    Raises:
        GeneratorError: when the file is missing, too large, not of its kind, or not a card; names line and column,
            or the field.
    """
    path = Path(path).expanduser()
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise _refused("the file is larger than 1 MB")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused("the file is missing or is not text") from error
    return card_from_json(parsed(text, path.suffix.lower()), root=path.resolve().parent)


def parsed(text: str, suffix: str = ".yaml") -> Any:
    """The values of a card's text.

    Raises:
        GeneratorError: when it is not of its kind, names something twice, or is nested beyond reason.
    """
    if suffix not in SUFFIXES:
        raise _refused("its name ends in neither .yaml nor .json")
    try:
        return _yaml(text) if suffix in YAML else json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise _refused(f"line {error.lineno}, column {error.colno} is not JSON") from error
    except RecursionError as error:
        raise _refused("it is nested too deeply") from error


def yaml_text(card: GeneratorCard) -> str:
    """A card as YAML that `read_card_file` reads back: what differs from the defaults, and the main facts."""
    import yaml

    defaults = GeneratorCard("x", "x").to_json()
    told = {
        name: value for name, value in card.to_json().items() if name in _ALWAYS or value != defaults[name]
    }
    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110))


def _yaml(text: str) -> Any:
    import yaml

    class Strict(yaml.SafeLoader):
        """Plain values only: nothing shared by reference, no key twice."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            # A few lines of references to references unfold to gigabytes; a card has no need of one.
            if self.check_event(yaml.events.AliasEvent):
                raise yaml.composer.ComposerError(
                    None, None, "a reference is used", self.peek_event().start_mark
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value]
            if len(set(map(str, keys))) < len(keys):
                raise yaml.constructor.ConstructorError(None, None, "a name stands twice", node.start_mark)
            return super().construct_mapping(node, deep)

    # Dates, and words such as no and on, are text here: a licence may be "no" and a citation a year.
    Strict.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag.rpartition(":")[2] in ("int", "float", "null")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Strict.add_implicit_resolver("tag:yaml.org,2002:bool", _booleans(), list("tTfF"))
    try:
        return yaml.load(text, Loader=Strict)  # noqa: S506  a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its text"
        problem = str(getattr(error, "problem", None) or "it cannot be read")[:80]
        raise _refused(f"{where} is not plain YAML ({problem})") from error
    except ValueError as error:
        raise _refused("a number in it cannot be read") from error


def _booleans() -> Any:
    import re

    return re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _refused("a name stands twice in it")
    return values


def _refused(reason: str) -> GeneratorError:
    return GeneratorError(
        f"This generator card was not taken because {reason}; other generators are kept; correct the card."
    )
