"""Making the phantom pack: render, embed, calibrate, gather. What is finished is never made twice.

Everything is made in the workspace; only whole files reach the pack, its description last. Features alone can be
added to a pack that is there (`add_features`): its calibrations and its map are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.atomic import read_array, write_array, write_bytes, write_json
from lab.config import settings
from lab.data.card import read_card
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.phantom_families import CXR, PhantomFamily, get_family
from lab.data.phantom_features import (
    CAPTIONS,
    as_stored,
    captions,
    extractors,
    further,
    image_extractors,
    row_digests,
)
from lab.data.phantom_pack import CALIBRATIONS, MAPS, PACK, REMAKE, PhantomPack, misfit, read_pack
from lab.errors import NotComputable, StoreError
from lab.provenance import code_digest, digest_bytes, digest_json
from lab.runs.pack_films import OnStage, rendered

if TYPE_CHECKING:
    from lab.features.extractor import FeatureKey
    from lab.features.store import FeatureStore
    from lab.neighbours.calibration import Calibration
    from lab.neighbours.memo import Memo

# Blocks of another version of this code are not mixed with its own.
NUMERIC = ("lab.neighbours", "lab.features")
# Stored figures lie beside what they were measured on; they are no part of the pack.
GATES = "gates"


def pack_phantoms(
    target: Path,
    id: str,
    patients: int,
    films_per_patient: int,
    seed: int,
    on_stage: OnStage,
    family: PhantomFamily = CXR,
) -> PhantomPack:
    """Make the pack of a phantom set anew from the code as it is, in `target`.

    Args:
        target: folder of the pack; files that are no longer part of it are removed.
        on_stage: called with what is being done, how much of it is done, and how much there is.

    Raises:
        DatasetError, ImageError, StoreError: what was finished is kept in the workspace.
    """
    asked = {"patients": patients, "films_per_patient": films_per_patient, "seed": seed}
    earlier = read_pack(target)
    dataset = rendered(id, asked, earlier, on_stage, family)
    names = [*_keys(family)]
    _embed(dataset, names, on_stage)
    _pack_features(dataset, names, on_stage)
    packed = {name: _packed(name) for name in names}
    if earlier is None or misfit(earlier):
        # Worth having before the calibration, which takes longest.
        _write(dataset, asked, packed, [], target, family)
    found = _mapped(dataset, on_stage)
    found += [_calibrated(dataset, vae, on_stage) for vae in _autoencoders(id)]
    on_stage("Writing the pack", 0, 1)
    pack = _write(dataset, asked, packed, found, target, family)
    on_stage("Writing the pack", 1, 1)
    return pack


def add_features(target: Path, id: str, on_stage: OnStage) -> PhantomPack:
    """Add to a pack the features it lacks; everything else of it is kept as it is.

    Raises:
        StoreError: when there is no pack that fits, or it is of other films than the renderer makes now.
        DatasetError, ImageError: what was finished is kept in the workspace.
    """
    pack = read_pack(target)
    if pack is None or misfit(pack):
        raise StoreError(
            f"There is no phantom pack that features can be added to; nothing was made; make it anew: {REMAKE}"
        )
    family = get_family(pack.family)
    lacking = [name for name, key in _keys(family).items() if pack.features.get(name) != key.digest]
    if not lacking:
        return pack
    dataset = rendered(id, dict(pack.asked), pack, on_stage, family)
    _embed(dataset, lacking, on_stage)
    _pack_features(dataset, lacking, on_stage)
    files = {name: _packed(name) if name in lacking else target / f"{name}.npz" for name in _keys(family)}
    kept = [folder for room in (CALIBRATIONS, MAPS) for folder in sorted((target / room).glob("*"))]
    return _write(dataset, dict(pack.asked), files, kept, target, family)


def _keys(family: PhantomFamily) -> dict[str, FeatureKey]:
    """What computes each feature file of the pack; those of further extractors for the radiographs alone.

    The text-image model reads radiographs only, and a second extractor in two packs more would not pay for its size.
    """
    return {**extractors(), **(further() if family is CXR else {})}


def _write(
    dataset: Dataset,
    asked: dict[str, int],
    packed: dict[str, Path],
    finished: list[Path],
    target: Path,
    family: PhantomFamily,
) -> PhantomPack:
    files = _gather(dataset, packed, finished, target)
    digests = {name: key.digest for name, key in _keys(family).items()}
    pack = PhantomPack(target, asked, family.digest, dataset.card.digest, digests, files, family.id)
    write_json(target / PACK, pack.as_json())
    _remove_others(target, {PACK, *files})
    if reason := misfit(pack):
        raise StoreError(f"The new phantom pack cannot be used: {reason}; it was kept; make it again.")
    return pack


def _embed(dataset: Dataset, names: list[str], on_stage: OnStage) -> None:
    from lab.features.store import FeatureStore, extract
    from lab.features.text_image_store import text_vectors
    from lab.features.text_image_unopened import UnopenedModel

    store = FeatureStore(settings().features)
    found = {**extractors(), **image_extractors()}
    for name, extractor in found.items():
        if name in names:
            for done, total in extract(extractor, dataset.subset(), store):
                on_stage(f"Embedding: {name}", done, total)
    words = further().get(CAPTIONS)
    if CAPTIONS in names and words and store.missing(words, row_digests(CAPTIONS, dataset.manifest)):
        on_stage(f"Embedding: {CAPTIONS}", 0, 1)
        text_vectors(UnopenedModel(), captions(dataset.manifest), store)
        on_stage(f"Embedding: {CAPTIONS}", 1, 1)


def _pack_features(dataset: Dataset, names: list[str], on_stage: OnStage) -> None:
    """Round the features as the pack keeps them: a calibration must be of the very rows it will judge by."""
    from lab.features.packed import pack, unpack
    from lab.features.store import FeatureStore

    exact, rounded = FeatureStore(settings().features), _packed_store()
    keys: dict[str, FeatureKey] = {**extractors(), **further()}
    for done, (name, key) in enumerate(keys.items()):
        if name not in names:
            continue
        on_stage("Packing features", done, len(keys))
        digests = row_digests(name, dataset.manifest)
        if not _packed(name).is_file() or rounded.missing(key, digests):
            data = pack(exact.matrix(key, digests))
            rounded.put(key, digests, as_stored(name, unpack(data)))
            write_bytes(_packed(name), data)


def _packed(name: str) -> Path:
    return settings().workspace / "packed" / f"{name}.npz"


def _packed_store() -> FeatureStore:
    from lab.features.store import FeatureStore

    return FeatureStore(settings().workspace / "packed" / "features")


def _autoencoders(id: str) -> list[tuple[str, Any]]:
    """Digest of the weights and card of every autoencoder to calibrate with: none, then the generator's own."""
    from lab.generators.cards import autoencoder_card
    from lab.generators.load import autoencoder_digest

    card = autoencoder_card(id)
    return [("none", None)] if card is None else [("none", None), (autoencoder_digest(card), card)]


def _calibrated(dataset: Dataset, vae: tuple[str, Any], on_stage: OnStage) -> Path:
    """Folder of the calibration with that autoencoder, in the workspace; all share the blocks that need none."""
    from lab.generators.load import load as load_generator
    from lab.neighbours.calibrate import CANARIES, calibrate, calibration_digest
    from lab.neighbours.calibration import load
    from lab.runs.kinds.calibrate import round_trip

    weights, card = vae
    place = settings().workspace / CALIBRATIONS
    train, held_out = dataset.subset("train"), dataset.subset("held-out")
    extractor = extractors()["features"]
    digests = [
        calibration_digest(train, held_out, extractor, CANARIES, 0, name) for name in ("none", weights)
    ]
    code = digest_json([digests[0], code_digest(NUMERIC)])[:24]
    if load(place / code, digests[1]) is not None:
        return place / code / digests[1]
    steps = calibrate(
        train,
        held_out,
        extractor,
        _packed_store(),
        vae=None if card is None else round_trip(load_generator(card), card.size),
        vae_digest=weights,
        memo=_memo(settings().workspace / "blocks" / code),
    )
    return _told(steps, on_stage).save(place / code)


def _mapped(dataset: Dataset, on_stage: OnStage) -> list[Path]:
    """Folder of the map of the training films, fitted on the rows as the pack keeps them; none of a few films."""
    from lab.projection.fit import fit
    from lab.projection.stored import map_key, read_map, write_map

    place, seed = settings().workspace / MAPS, 0
    train = _packed_store().matrix(extractors()["features"], dataset.subset("train").digests())
    on_stage("Fitting the map", 0, 1)
    if read_map(place, train, seed) is None:
        try:
            write_map(place, train, seed, fit(train, seed))
        except NotComputable:
            return []
    on_stage("Fitting the map", 1, 1)
    return [place / map_key(train, seed)]


def _told(steps: Any, on_stage: OnStage) -> Calibration:
    try:
        while True:
            on_stage(*next(steps))
    except StopIteration as end:
        return end.value


def _memo(folder: Path) -> Memo:
    from lab.neighbours.memo import Memo

    def path(key: str) -> Path:
        return folder / f"{digest_json(key)[:24]}.npy"

    def kept(key: str) -> Any:
        return read_array(path(key), mmap=False) if path(key).is_file() else None

    return Memo(kept, lambda key, block: write_array(path(key), block))


def _gather(dataset: Dataset, packed: dict[str, Path], finished: list[Path], target: Path) -> dict[str, str]:
    """Write the files of the pack, those that have changed only; returns each name with its digest."""
    files = {}
    # The card of the same films stays as it is: the date in it is that of the set.
    same = (target / CARD).is_file() and read_card(target / CARD).digest == dataset.card.digest
    card = ((target if same else dataset.folder) / CARD).read_bytes()
    for name, data in _contents(dataset, card, packed, finished):
        path = target / name
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
        files[name] = digest_bytes(data)
    return files


def _contents(
    dataset: Dataset, card: bytes, packed: dict[str, Path], finished: list[Path]
) -> Iterator[tuple[str, bytes]]:
    yield CARD, card
    yield MANIFEST, (dataset.folder / MANIFEST).read_bytes()
    for name, path in packed.items():
        yield f"{name}.npz", path.read_bytes()
    for folder in finished:
        room = MAPS if (folder / "map.json").is_file() else CALIBRATIONS
        for path in sorted(folder.iterdir()):
            yield f"{room}/{folder.name}/{path.name}", path.read_bytes()


def _remove_others(target: Path, names: set[str]) -> None:
    """Remove files that are no part of the pack any more, and folders that are empty then."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.parent.name != GATES and path.relative_to(target).as_posix() not in names:
            path.unlink()
