"""A generator card: everything the lab knows about a generator, as data in one JSON file."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import GeneratorError

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_CONDITIONING = ("text", "class", "mask", "vendor", "none")
_ACCESS = ("open", "gated", "credentialed")
# A part that lies in a repository of its own: hf://OWNER/NAME@COMMIT, a folder of it behind another slash.
ON_HUB = "hf://"
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*\Z")
_DTYPES = ("float32", "float16", "bfloat16")
MAX_CARD_BYTES = 1_000_000


@dataclass(frozen=True)
class Knob:
    """A number that only this generator has, such as the truncation psi of a GAN.

    Attributes:
        name: in recipes and in `Condition.numbers`.
        title, help: on the screen.
        low, high, default: valid range and what is taken where nobody chose; low 0, high 1 and step 1 is a switch.
        step: of the slider.
    """

    name: str
    title: str
    low: float
    high: float
    default: float
    step: float = 0.05
    help: str = ""


@dataclass(frozen=True)
class GeneratorCard:
    """What a generator is, where its weights lie and how it is asked.

    Attributes:
        id: lower-case name, used in commands and in the store.
        title: name on the screen.
        family: diffusion, flow matching, GAN, VAE or autoregressive.
        conditioning: text, class, mask, vendor or none.
        modality: such as "chest radiograph".
        hub_id: repository on the hub, with `revision` its full commit; empty for a local folder.
        folder: model folder, absolute or relative to the card's own folder.
        parts: components that several generators share, such as {"vae": "../cxr-base/vae"}: name in
            `model_index.json` to folder, absolute or relative to the card's own folder.
        base, base_revision, lora: hub id (with its full commit) or folder of the base model, and the LoRA file laid
            over it: a path, or its name in the folder of this card's own repository.
        pipeline: class of diffusers; needed where a folder has no `model_index.json`, because it is put together
            from parts.
        scheduler_settings: over the scheduler's own configuration.
        loader: which loader of `lab.generators.load` reads the folder.
        size: default image side in pixels; `sizes` are the sides it may be asked for (empty: only `size`).
        steps, guidance, scheduler, dtype: defaults; an empty scheduler means the folder's own.
        colour: "grey" or "rgb".
        options: further keyword arguments for the pipeline's call, such as guidance_rescale.
        over_trained: trained on purpose to give its training images back, to show what a leak is.
        local_only: never to be passed on; refused among the embedded generators.
        vocabulary: words the text encoder was trained on; empty for an open vocabulary.
        captions: the only captions it was trained on; empty where any sentence of its vocabulary will do.
        examples: prompts to start from.
        classes, vendors: what a class- or vendor-conditioned generator may be asked for.
        structures: what the numbers 1, 2, ... of a mask stand for.
        knobs: numbers of its own that a request may set.
        token_limit: tokens that its text encoder reads, marks left out; 0 asks the tokenizer.
        flipped: trained with mirrored films, so that left and right in a prompt mean little.
        published: somebody else's model whose card ships with this program; it may still lack its hub id or commit.
        access: open, gated (accept terms on the hub) or credentialed (apply to the data's owner); `gate` is the route.
        parameters: such as "0.86 B"; download_gb: about what a download brings, 0 where unknown.
        measured: figures about quality and training, as plain JSON.
        root: folder of the card file; not part of the JSON.
    """

    id: str
    title: str
    family: str = "diffusion"
    conditioning: str = "text"
    modality: str = ""
    hub_id: str = ""
    revision: str = ""
    folder: str = ""
    parts: dict[str, str] = field(default_factory=dict, hash=False)
    base: str = ""
    base_revision: str = ""
    lora: str = ""
    pipeline: str = ""
    scheduler_settings: dict[str, Any] = field(default_factory=dict, hash=False)
    loader: str = "diffusers"
    size: int = 512
    sizes: tuple[int, ...] = ()
    steps: int = 50
    guidance: float = 7.5
    scheduler: str = ""
    dtype: str = "float32"
    colour: str = "grey"
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    licence: str = ""
    gate: str = ""
    citation: str = ""
    training_dataset: str = ""
    phantom_trained: bool = False
    over_trained: bool = False
    local_only: bool = False
    vocabulary: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    knobs: tuple[Knob, ...] = ()
    token_limit: int = 0
    flipped: bool = False
    published: bool = False
    access: str = "open"
    parameters: str = ""
    download_gb: float = 0.0
    notes: str = ""
    measured: dict[str, Any] = field(default_factory=dict, hash=False)
    root: Path | None = field(default=None, compare=False)

    @property
    def allowed_sizes(self) -> tuple[int, ...]:
        """Image sides in pixels that a request may ask for."""
        return self.sizes or (self.size,)

    @property
    def path(self) -> Path | None:
        """Absolute model folder, or None when the model lives on the hub."""
        if not self.folder:
            return None
        return self._placed(self.folder)

    @property
    def part_folders(self) -> dict[str, Path]:
        """Folders of the components that lie outside the model folder, by component."""
        return {
            name: self._placed(folder)
            for name, folder in sorted(self.parts.items())
            if not folder.startswith(ON_HUB)
        }

    def _placed(self, folder: str) -> Path:
        given = Path(folder).expanduser()
        return given if given.is_absolute() or self.root is None else self.root / given

    def to_json(self) -> dict[str, Any]:
        """The card as plain JSON, without `root`."""
        values = dataclasses.asdict(dataclasses.replace(self, root=None))
        del values["root"]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


_FIELDS = {f.name: f for f in dataclasses.fields(GeneratorCard) if f.name != "root"}
_LISTS = ("sizes", "vocabulary", "captions", "examples", "classes", "vendors", "structures")


def card_from_json(values: Any, root: Path | None = None) -> GeneratorCard:
    """Build a checked card from parsed JSON.

    Raises:
        GeneratorError: names the first field that is missing, unknown or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise _refused("it is not a JSON object")
    unknown = sorted(set(map(str, values)) - set(_FIELDS))
    if unknown:
        raise _refused(f"the field {unknown[0][:40]!r} is not known")
    if "id" not in values or "title" not in values:
        raise _refused("the fields 'id' and 'title' are needed")
    ready = {name: _field_value(name, value) for name, value in values.items()}
    card = GeneratorCard(**ready, root=root)
    _check(card)
    return card


def read_card(path: Path) -> GeneratorCard:
    """Read one card file.

    Raises:
        GeneratorError: when the file is missing, too large, not JSON, or not a card.
    """
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise _refused("the file is larger than 1 MB")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _refused("the file is missing or is not JSON") from error
    return card_from_json(values, root=path.resolve().parent)


def _knobs(values: Any) -> tuple[Knob, ...]:
    try:
        knobs = tuple(Knob(**value) for value in values)
        numbers = [(k.low, k.default, k.high, k.step) for k in knobs]
        if not all(low <= start <= high and step > 0 for low, start, high, step in numbers):
            raise ValueError
        if not all(isinstance(k.name, str) and k.name and isinstance(k.title, str) for k in knobs):
            raise ValueError
    except (TypeError, ValueError) as error:
        raise _refused("a knob needs a name, a title, and low <= default <= high") from error
    return knobs


def _field_value(name: str, value: Any) -> Any:
    if name == "knobs":
        return _knobs(value)
    default = _FIELDS[name].default
    if name in _LISTS:
        kind: type = int if name == "sizes" else str
        if not isinstance(value, list) or not all(
            isinstance(v, kind) and not isinstance(v, bool) for v in value
        ):
            raise _refused(f"the field {name!r} must be a list")
        return tuple(value)
    if name == "parts" and not (
        isinstance(value, dict) and all(isinstance(v, str) and v for v in value.values())
    ):
        raise _refused("the field 'parts' must give a folder for each component")
    if name in ("options", "measured", "parts", "scheduler_settings"):
        wanted: tuple[type, ...] = (dict,)
    elif isinstance(default, bool):
        wanted = (bool,)
    elif isinstance(default, float):
        wanted = (int, float)
    else:
        wanted = (int,) if isinstance(default, int) else (str,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise _refused(f"the field {name!r} is not of the right kind")
    return value


def _check_places(card: GeneratorCard) -> None:
    """Where the weights lie: exactly one place, on the hub pinned to a commit.

    A published card may leave a place or a commit open, for its user to fill in; a branch name it may not give.
    """
    if bool(card.folder) == bool(card.hub_id) and not card.base and not card.published:
        raise _refused("it needs either a folder or a hub id")
    base = card.base if _REPOSITORY.match(card.base) else ""
    for place, commit in ((card.hub_id, card.revision), (base, card.base_revision)):
        left_open = card.published and not commit
        if place and not left_open and not _COMMIT.match(commit):
            raise _refused("a hub id needs the full 40-digit commit as its revision, not a branch name")
    if card.access not in _ACCESS:
        raise _refused(f"the access must be one of {', '.join(_ACCESS)}")


def _check(card: GeneratorCard) -> None:
    if not _ID.match(card.id):
        raise _refused("the id must be 1 to 64 lower-case letters, digits, dots or dashes")
    if not card.title.strip():
        raise _refused("the title is empty")
    _check_places(card)
    if card.conditioning not in _CONDITIONING:
        raise _refused(f"the conditioning must be one of {', '.join(_CONDITIONING)}")
    if card.dtype not in _DTYPES:
        raise _refused(f"the dtype must be one of {', '.join(_DTYPES)}")
    if card.colour not in ("grey", "rgb"):
        raise _refused("the colour must be grey or rgb")
    if (
        any(not 16 <= size <= 2048 or size % 8 for size in card.allowed_sizes)
        or card.size not in card.allowed_sizes
    ):
        raise _refused("sizes must be multiples of 8 from 16 to 2048 and hold the default size")
    if card.over_trained and not (card.phantom_trained or card.local_only):
        raise _refused(
            "over-trained generators of real films must be local_only, since they give patients away"
        )
    if not 1 <= card.steps <= 1000:
        raise _refused("steps must be 1 to 1000")
    if not (math.isfinite(card.guidance) and 0 <= card.guidance <= 30):
        raise _refused("guidance must be 0 to 30")


def _refused(reason: str) -> GeneratorError:
    return GeneratorError(
        f"This generator card was not taken because {reason}; other generators are kept; correct the card."
    )
