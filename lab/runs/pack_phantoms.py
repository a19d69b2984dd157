"""Making the phantom pack: render, embed, calibrate, gather. What is finished is never made twice.

Everything is made in the workspace; only whole files reach the pack, its description last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.atomic import read_array, write_array, write_bytes, write_json
from lab.config import settings
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.phantom_films import renderer_digest
from lab.data.phantom_pack import CALIBRATIONS, MAPS, PACK, PhantomPack, extractors, misfit, read_pack
from lab.errors import NotComputable, NotFoundError, StoreError
from lab.provenance import code_digest, digest_bytes, digest_json

if TYPE_CHECKING:
    from lab.features.store import FeatureStore
    from lab.neighbours.calibration import Calibration
    from lab.neighbours.memo import Memo

OnStage = Callable[[str, int, int], None]
# Blocks of another version of this code are not mixed with its own.
NUMERIC = ("lab.neighbours", "lab.features")


def pack_phantoms(
    target: Path, id: str, patients: int, films_per_patient: int, seed: int, on_stage: OnStage
) -> PhantomPack:
    """Make the pack of a phantom set anew from the code as it is, in `target`.

    Args:
        target: folder of the pack; files that are no longer part of it are removed.
        on_stage: called with what is being done, how much of it is done, and how much there is.

    Raises:
        DatasetError, ImageError, StoreError: what was finished is kept in the workspace.
    """
    dataset = _rendered(id, patients, films_per_patient, seed, on_stage)
    _embed(dataset, on_stage)
    _pack_features(dataset, on_stage)
    asked = {"patients": patients, "films_per_patient": films_per_patient, "seed": seed}
    earlier = read_pack(target)
    if earlier is None or misfit(earlier):
        _write(dataset, asked, [], target)  # worth having before the calibration, which takes longest
    found = _mapped(dataset, on_stage)
    found += [_calibrated(dataset, vae, on_stage) for vae in _autoencoders(id)]
    on_stage("Writing the pack", 0, 1)
    pack = _write(dataset, asked, found, target)
    on_stage("Writing the pack", 1, 1)
    return pack


def _write(dataset: Dataset, asked: dict[str, int], finished: list[Path], target: Path) -> PhantomPack:
    files = _gather(dataset, finished, target)
    digests = {name: extractor.digest for name, extractor in extractors().items()}
    pack = PhantomPack(target, asked, renderer_digest(), dataset.card.digest, digests, files)
    write_json(target / PACK, pack.as_json())
    _remove_others(target, {PACK, *files})
    if reason := misfit(pack):
        raise StoreError(f"The new phantom pack cannot be used: {reason}; it was kept; make it again.")
    return pack


def _rendered(id: str, patients: int, films: int, seed: int, on_stage: OnStage) -> Dataset:
    from lab.data.phantom_dataset import render_phantom
    from lab.data.store import open_dataset, remove_dataset

    note = settings().workspace / "rendered.json"
    asked = [id, patients, films, seed, renderer_digest()]
    try:
        dataset = open_dataset(id)
        if note.is_file() and json.loads(note.read_bytes()) == asked:
            return dataset
        remove_dataset(id)
    except NotFoundError:
        pass
    report = render_phantom(
        id, patients, films, seed, lambda done, total: on_stage("Rendering radiographs", done, total), 1
    )
    write_json(note, asked)
    return report.dataset


def _embed(dataset: Dataset, on_stage: OnStage) -> None:
    from lab.features.store import FeatureStore, extract

    for name, extractor in extractors().items():
        for done, total in extract(extractor, dataset.subset(), FeatureStore(settings().features)):
            on_stage(f"Embedding: {name}", done, total)


def _pack_features(dataset: Dataset, on_stage: OnStage) -> None:
    """Round the features as the pack keeps them: a calibration must be of the very rows it will judge by."""
    from lab.data.phantom_pack import as_stored
    from lab.features.packed import pack, unpack
    from lab.features.store import FeatureStore

    digests, exact, rounded = dataset.subset().digests(), FeatureStore(settings().features), _packed_store()
    for done, (name, extractor) in enumerate(extractors().items()):
        on_stage("Packing features", done, len(extractors()))
        if not _packed(name).is_file() or rounded.missing(extractor, digests):
            data = pack(exact.matrix(extractor, digests))
            rounded.put(extractor, digests, as_stored(name, unpack(data)))
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


def _gather(dataset: Dataset, finished: list[Path], target: Path) -> dict[str, str]:
    """Write the files of the pack, those that have changed only; returns each name with its digest."""
    files = {}
    for name, data in _contents(dataset, finished):
        path = target / name
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
        files[name] = digest_bytes(data)
    return files


def _contents(dataset: Dataset, finished: list[Path]) -> Iterator[tuple[str, bytes]]:
    for name in (CARD, MANIFEST):
        yield name, (dataset.folder / name).read_bytes()
    for name in extractors():
        yield f"{name}.npz", _packed(name).read_bytes()
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
        elif path.relative_to(target).as_posix() not in names:
            path.unlink()
