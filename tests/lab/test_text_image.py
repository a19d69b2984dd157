"""The text-image model: the folder open_clip opens, training that resumes, captions wrong in one word, the gate."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from lab.errors import InputError, NotComputable, NotFoundError, WeightsError
from lab.features.text_image import open_text_image
from lab.features.text_image_alignment import aligned, reference_of
from lab.generators.training import clip_data, clip_fit, clip_probes, clip_words
from lab.generators.training.clip import ClipRecipe, train
from lab.generators.training.clip_export import export
from lab.generators.training.driven import Clock
from tests.builders.training import finished

TOY = ClipRecipe(
    "toy-clip", "Toy", patients=12, held_out=4, size=32, width=8, blocks=(1, 1, 1, 1), text_width=32, text_layers=1,
    dimension=16, steps=4, batch=4,
)  # fmt: skip
TEXTS = ["Small left pleural effusion.", "No acute finding.", "zebra stripes, large right pneumothorax"]
ONE_SENTENCE = re.compile(r"^[^.]+(\.\w[^.]*)*\.$")


class StopAfter(Clock):
    """A clock that is out of time after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(0.0)
        object.__setattr__(self, "left", steps)

    def out_of_time(self) -> bool:
        object.__setattr__(self, "left", self.left - 1)
        return self.left < 0


NEVER = Clock(float("inf"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Films of a toy recipe and the checkpoint of an uninterrupted training."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("place")
    for _ in clip_data.prepare(TOY, folder):
        pass
    assert finished(clip_fit.train(TOY, folder, NEVER)) is True
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(place, tmp_path_factory):
    """The exported toy model."""
    target = tmp_path_factory.mktemp("assets") / "toy-clip"
    assert export(TOY, place, target) == target / "card.json"
    return target


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((32, 32), (64, 48), (40, 40, 3))]


@pytest.mark.row("C6")
def test_open_clip_itself_opens_the_folder_and_gives_the_same_vectors(folder, images):
    import open_clip
    import torch
    from PIL import Image

    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    with torch.no_grad():
        stack = torch.stack([preprocess(Image.fromarray(image).convert("RGB")) for image in images])
        seen = model.encode_image(stack, normalize=True).numpy()
        read = model.encode_text(tokenizer(TEXTS), normalize=True).numpy()
    ours = open_text_image(folder)
    vectors, words = ours.embed_images(images), ours.embed_texts(TEXTS)
    assert vectors.dtype == np.float32 and vectors.shape == (3, TOY.dimension) == words.shape
    np.testing.assert_allclose(vectors, seen, atol=1e-5)
    np.testing.assert_allclose(words, read, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(ours.scores(images, TEXTS), (seen * read).sum(axis=1), atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_the_exported_weights_are_the_trained_ones(place, folder, images):
    """Float16 on disk costs little; a loader that lost the variances of the batches would be far off."""
    import torch

    tokenizer, model, _ = clip_fit.trained(TOY, place)
    grey = torch.from_numpy(np.stack([images[0]])).float()[:, None] / 127.5 - 1
    with torch.no_grad():
        expected = model.encode_image(grey.expand(-1, 3, -1, -1), normalize=True).numpy()
    np.testing.assert_allclose(open_text_image(folder).embed_images(images[:1]), expected, atol=5e-3)
    assert sum(file.stat().st_size for file in folder.glob("*.safetensors")) < 10e6


def test_preprocessing_comes_from_the_folder(folder, images, tmp_path):
    import json

    other = shutil.copytree(folder, tmp_path / "other")
    config = json.loads((other / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["mean"] = [0.1, 0.1, 0.1]
    (other / "open_clip_config.json").write_text(json.dumps(config))
    before, after = (open_text_image(where).embed_images(images) for where in (folder, other))
    assert np.abs(before - after).max() > 1e-3


def test_the_whole_model_opens_without_a_network(folder, monkeypatch):
    import socket

    def refused(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert open_text_image(folder).embed_texts(["No acute finding."]).shape == (1, TOY.dimension)


def test_interrupted_and_resumed_training_gives_the_same_bits(place, tmp_path):
    from safetensors.torch import load_file

    again = shutil.copytree(place, tmp_path / "again")
    (again / "clip.safetensors").unlink()
    assert finished(clip_fit.train(TOY, again, StopAfter(2))) is False
    half = load_file(again / "clip.safetensors")
    assert finished(clip_fit.train(TOY, again, NEVER)) is True
    first, second = load_file(place / "clip.safetensors"), load_file(again / "clip.safetensors")
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name].numpy(), second[name].numpy()) for name in first)
    assert any(not np.array_equal(first[name].numpy(), half[name].numpy()) for name in half)
    one, two = (clip_fit.trained(TOY, where)[1].state_dict() for where in (place, again))
    assert all(np.array_equal(one[name].numpy(), two[name].numpy()) for name in one)


def test_a_training_out_of_time_goes_on_with_resume(workspace, monkeypatch):
    recipe = ClipRecipe(**{**{name: getattr(TOY, name) for name in TOY.__dataclass_fields__}, "patients": 8})
    assert finished(train(recipe, minutes=1e-6)) is None
    card = finished(train(recipe, resume=True))
    assert card == workspace / "extractors" / "toy-clip" / "card.json"
    assert open_text_image(card.parent).card["training"]["steps"] == TOY.steps
    with pytest.raises(InputError):
        finished(train(recipe, minutes=-1))


def test_one_command_trains_exports_and_knows_whose_numbers_are_whose(
    workspace, monkeypatch, capsys, tmp_path
):
    import signal

    from lab.generators.training import clip
    from lab.generators.training.__main__ import main

    monkeypatch.setattr(clip, "PHANTOM_CLIP", TOY)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["toy-clip", "--patients", "8", "--held-out", "2", "--steps", "2"]) == 0
        assert (workspace / "extractors" / "toy-clip" / "card.json").is_file()
        again = ["toy-clip", "--patients", "8", "--held-out", "2", "--steps", "2"]
        assert main([*again, "--export", str(tmp_path / "out")]) == 0
        assert "out/card.json" in capsys.readouterr().out
        assert main(["toy-clip", "--vae-steps", "3"]) == 1 and main(["phantom-cxr", "--patients", "3"]) == 1
        assert capsys.readouterr().err.count("nothing was started") == 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_card_holds_figures_vocabulary_and_licence(folder):
    card = open_text_image(folder).card
    assert card["licence"] == "Apache-2.0" and "effusion" in card["vocabulary"]
    assert set(card["measured"]) == {"image-to-text", "text-to-image", "side", "size", "present", "absent"}
    assert card["training"]["loss_curve"] == [] or len(card["training"]["loss_curve"][0]) == 2
    assert card["training"]["films"] >= 2 * card["training"]["patients"]
    assert card["reference"]["films"] == 4
    for name in ("matched", "mismatched"):
        values = card["reference"][name]
        assert len(values) == 101 and values == sorted(values)


def test_unknown_and_unread_words_are_told(folder):
    model = open_text_image(folder)
    assert model.reading("Small left pleural effusion.").sentence == ""
    assert model.reading("small zebra effusion").unknown == ("zebra",)
    long = model.reading("left effusion " * 20)
    assert long.dropped and set(long.dropped) <= {"left", "effusion"}
    assert model.reading("zebra").known == 0 and model.reading("small zebra effusion").known == 2


def test_alignment_ranks_a_cosine_among_held_out_pairs(folder):
    model = open_text_image(folder)
    seen, read = model.embed_images([np.full((32, 32), 90, np.uint8)]), model.embed_texts(TEXTS[:2])
    cosine = float(model.scores([np.full((32, 32), 90, np.uint8)], TEXTS[:1])[0])
    side = {"side": {"share": 0.9, "n": 40}}
    spread = {"matched": [cosine - 0.1, cosine + 0.3], "mismatched": [-1.0, cosine - 0.01], "films": 50}
    reference = reference_of({"reference": spread, "measured": side})
    assert (reference.films, reference.sides, reference.sides_films) == (50, 0.9, 40)
    (found,) = aligned(seen, read[0], reference, read[1], "a note")
    assert found.cosine == pytest.approx(cosine, abs=1e-6) and found.note == "a note"
    assert found.matched == pytest.approx(0.25, abs=1e-4) and found.mismatched == 1.0
    assert found.swapped == pytest.approx(float(seen[0] @ read[1]), abs=1e-6)
    assert found.to_json()["side_as_asked"] is (found.cosine > found.swapped)
    assert aligned(seen, read[0], reference)[0].to_json()["side_as_asked"] is None


def test_a_reference_that_cannot_tell_captions_or_sides_apart_is_not_used():
    blind = {"matched": [0.0, 1.0], "mismatched": [0.0, 1.0]}
    for card in ({}, {"reference": {}}, {"reference": blind}):
        with pytest.raises(NotComputable) as caught:
            reference_of(card)
        assert ONE_SENTENCE.match(str(caught.value))
    apart = {"matched": [0.5, 1.0], "mismatched": [-1.0, 0.0]}
    assert reference_of({"reference": apart}).tells_apart == 1.0
    for share in (None, 0.6):
        guess = reference_of({"reference": apart, "measured": {"side": {"share": share, "n": 30}}})
        row = np.ones((1, 4))
        assert not guess.knows_sides and aligned(row, row[0], guess, -row[0])[0].swapped is None


def test_vectors_are_computed_once_and_captions_kept_by_digest(folder, images, tmp_path, monkeypatch):
    from lab.features.store import FeatureStore, extract
    from lab.features.text_image import TextImageModel
    from lab.features.text_image_store import ImageTower, TextTower, text_vectors
    from tests.builders.memory_set import MemorySet

    model, films = open_text_image(folder), MemorySet("films", images)
    tower = ImageTower(model)
    assert len({tower.digest, TextTower(model).digest, model.digest}) == 3
    for _ in extract(tower, films, FeatureStore(tmp_path)):
        pass
    texts = text_vectors(model, [*TEXTS, TEXTS[0]], FeatureStore(tmp_path))
    np.testing.assert_allclose(texts, model.embed_texts([*TEXTS, TEXTS[0]]), atol=1e-6)
    assert not any(
        word in file.read_text() for file in tmp_path.rglob("*.json") for word in ("effusion", "zebra")
    )
    for tower_call in ("embed_images", "embed_texts"):
        monkeypatch.setattr(TextImageModel, tower_call, lambda *_: pytest.fail("computed again"))
    store = FeatureStore(tmp_path)
    assert [done for done, _ in extract(ImageTower(model), films, store)] == [3]
    np.testing.assert_array_equal(text_vectors(model, TEXTS, store), texts[:3])


def _cut(folder):
    file = folder / "open_clip_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _other_width(folder):
    file = folder / "open_clip_config.json"
    file.write_text(
        file.read_text()
        .replace('"embed_dim": 16', '"embed_dim": 24')
        .replace('"embed_dim":16', '"embed_dim":24')
    )


def _remote_code(folder):
    file = folder / "open_clip_config.json"
    file.write_text(
        file.read_text().replace(
            '"text_cfg":', '"tokenizer_kwargs": {"trust_remote_code": true}, "text_cfg":'
        )
    )


DAMAGES = {
    "no configuration": lambda folder: (folder / "open_clip_config.json").unlink(),
    "configuration cut": lambda folder: (folder / "open_clip_config.json").write_text("{"),
    "configuration a list": lambda folder: (folder / "open_clip_config.json").write_text("[]"),
    "no towers": lambda folder: (folder / "open_clip_config.json").write_text(
        '{"model_cfg": {}, "preprocess_cfg": {}}'
    ),
    "no weights": lambda folder: (folder / "open_clip_model.safetensors").unlink(),
    "weights cut": _cut,
    "weights of another model": _other_width,
    "pickled weights beside": lambda folder: (folder / "open_clip_pytorch_model.bin").write_bytes(
        b"\x80\x04."
    ),
    "no tokenizer settings": lambda folder: (folder / "tokenizer_config.json").unlink(),
    "tokenizer cut": lambda folder: (folder / "tokenizer.json").write_text("{"),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "own code": lambda folder: (folder / "modeling.py").write_text("print(1)"),
    "remote code": _remote_code,
    "card cut": lambda folder: (folder / "card.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_in_one_sentence(damage, folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    DAMAGES[damage](broken)
    with pytest.raises(WeightsError) as caught:
        open_text_image(broken)
    assert ONE_SENTENCE.match(str(caught.value)) and str(tmp_path) not in str(caught.value)
    assert str(caught.value).count(";") == 2, caught.value


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFoundError):
        open_text_image(tmp_path / "none")


def _records(count):
    """Records of drawn films without pixels."""
    from lab.data.phantoms.draws import draw_findings

    rng = np.random.default_rng(5)
    for number in range(count):
        view = ("AP", "PA", "LATERAL")[number % 3]
        yield {
            "findings": [asdict(finding) for finding in draw_findings(rng, view)],
            "view": view, "sex": "FM"[number % 2], "age": 20 + number % 70, "patient_id": f"p{number:04d}",
        }  # fmt: skip


def _words(text):
    return re.findall(r"[a-z-]+", text.lower())


def test_exchanged_sides_differ_in_the_side_alone():
    rng = random.Random(0)
    seen = 0
    for record in _records(300):
        text = clip_words.fresh_caption(record, rng)
        swapped = clip_words.swapped_sides(text)
        if not swapped:
            assert not set(_words(text)) & {"right", "left"}
            continue
        seen += 1
        changed = [(a, b) for a, b in zip(_words(text), _words(swapped), strict=True) if a != b]
        assert changed and set(changed) <= {("right", "left"), ("left", "right"), ("middle", "upper")}
        assert "left middle" not in swapped.lower()
    assert seen > 100


def test_other_sizes_differ_in_one_size_word_alone():
    rng = random.Random(1)
    seen = 0
    for record in _records(200):
        text = clip_words.spoken([clip_words.fresh_caption(record, rng)], rng)[0]
        for other in clip_words.other_sizes(text):
            seen += 1
            left = re.findall(r"\S+", text.lower().replace("moderately sized", "moderate"))
            right = re.findall(r"\S+", other.lower().replace("moderately sized", "moderate"))
            changed = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
            assert len(changed) == 1
            before, after = (clip_words.RANKS[word.strip(".,")] for word in changed[0])
            assert before != after
    assert seen > 100


def test_hard_negatives_and_false_statements_are_not_true_of_their_film():
    rng = random.Random(2)
    for record in _records(300):
        text = clip_words.fresh_caption(record, rng)
        assert clip_words.hard_negative(record, text, rng) != text
        true, false = clip_words.statements(record, rng)
        shown = {finding["label"] for finding in record["findings"]}
        for label, noun in clip_words.NOUNS.items():
            if true == noun:
                assert label in shown
            if false == noun:
                assert label not in shown
        assert true != false
        right, wrong = clip_words.spoken((true, false), rng)
        assert right != wrong


def test_a_finding_is_stated_about_as_often_as_it_is_denied():
    rng = random.Random(6)
    true = []
    for record in _records(1000):
        findings = [asdict(f) for f in clip_data.counterfactual(record, rng) if f.label != "no finding"]
        true += [clip_words.statements(one, rng)[0] for one in (record, {**record, "findings": findings})]
    named = sum(text in clip_words.NOUNS.values() for text in true)
    denied = sum(text.startswith(("no ", "without ")) for text in true)
    assert 0.7 < named / denied < 1.4


def test_a_denied_finding_is_gone_from_the_caption():
    record = {
        "findings": [{"label": "effusion", "side": "left", "size": "small", "lobe": ""}],
        "view": "PA", "sex": "F", "age": 50,
    }  # fmt: skip
    texts = {clip_words.denied(record, random.Random(seed)) for seed in range(40)}
    assert all("left" not in text for text in texts)
    assert any("No pleural effusion." in text for text in texts)
    well = {**record, "findings": []}
    assert all("No acute finding" not in clip_words.denied(well, random.Random(seed)) for seed in range(20))


def test_a_caption_fits_its_film_and_not_its_counterfactual():
    rng = random.Random(4)
    rejected = 0
    for record in _records(200):
        said = clip_words.claims(clip_words.fresh_caption(record, rng), record)
        assert clip_words.fits(said, record)
        twin = [asdict(f) for f in clip_data.counterfactual(record, rng) if f.label != "no finding"]
        assert twin != record["findings"]
        rejected += not clip_words.fits(said, {**record, "findings": twin})
    assert rejected > 150


def test_retrieval_counts_ties_against_the_model():
    eye = np.eye(30, dtype=np.float32)
    assert all(hits.all() for hits in clip_probes.retrieval(eye, eye).values())
    blind = np.ones((30, 30), np.float32)
    assert not any(hits.any() for hits in clip_probes.retrieval(blind, blind).values())
    shifted = clip_probes.retrieval(eye, np.roll(eye, 1, axis=0), within=1)
    assert not shifted["image-to-text"].any()


def test_the_gate_tells_every_figure_with_interval_and_chance(folder):
    from lab.gates.text_image import measure

    report = measure("toy-clip", lambda *_: None, folder=folder, films=6)
    assert [figure.limit for figure in report.figures] == [None, None, 0.85, None, 0.8, 0.8]
    for figure in report.figures:
        assert figure.n and figure.low <= figure.value <= figure.high
        assert "blind guess" in figure.note
    assert report.inputs["weights"] == open_text_image(folder).digest
