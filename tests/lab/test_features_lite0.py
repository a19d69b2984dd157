"""EfficientNet-Lite0: padding, folding, published behaviour, preprocessing, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import ImageError, NotFoundError, WeightsError
from lab.features.extractor import FlippedExtractor
from lab.features.extractors import get_extractor
from lab.features.families.efficientnet_lite import STAGES, LiteNetwork, _convolve, same_padding
from lab.features.loaded import LoadedExtractor
from lab.features.places import find
from lab.features.records import get_record
from lab.provenance import digest_file

torch = pytest.importorskip("torch")

# mean, norm and the three largest of the features of the pattern below, as first measured on a CPU
REGRESSION = (0.124438, 17.2153, [3.7171, 3.8273, 5.5427])


@pytest.fixture(scope="module")
def extractor() -> LoadedExtractor:
    return LoadedExtractor(get_record("efficientnet-lite0"))


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return torch.load(find(get_record("efficientnet-lite0")).only, weights_only=True)


def _pattern(height: int = 200, width: int = 260) -> np.ndarray:
    v, u = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return ((np.sin(u / 9.0) + np.cos(v / 13.0 + u / 40.0)) * 60 + 128).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        (224, 3, 2, (0, 1)),
        (7, 3, 2, (1, 1)),
        (56, 5, 2, (1, 2)),
        (14, 5, 1, (2, 2)),
        (8, 1, 1, (0, 0)),
        (5, 5, 2, (2, 2)),
    ],
)
def test_same_padding_puts_the_odd_pixel_after(size, kernel, stride, expected) -> None:
    assert same_padding(size, kernel, stride) == expected


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(8, 3, 2), (7, 3, 2), (10, 5, 2), (6, 3, 1), (9, 5, 2)]
)
def test_convolution_equals_a_plain_numpy_one(side, kernel, stride) -> None:
    rng = np.random.default_rng(0)
    image, weight = rng.normal(size=(side, side)), rng.normal(size=(kernel, kernel))
    out = -(-side // stride)
    before = max((out - 1) * stride + kernel - side, 0) // 2
    expected = np.zeros((out, out))
    for row in range(out):
        for column in range(out):
            for i in range(kernel):
                for j in range(kernel):
                    y, x = row * stride + i - before, column * stride + j - before
                    if 0 <= y < side and 0 <= x < side:
                        expected[row, column] += weight[i, j] * image[y, x]
    tensor, kernel_tensor = torch.from_numpy(image)[None, None], torch.from_numpy(weight)[None, None]
    ours = _convolve(tensor, (kernel_tensor, torch.zeros(1, dtype=torch.float64)), stride)[0, 0].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_folded_network_equals_one_with_batch_norms(state) -> None:
    """An independent forward pass that applies every batch norm by itself, at an odd size."""
    from torch.nn.functional import batch_norm, conv2d, pad, relu6

    def step(x, conv, norm, stride=1, groups=1):
        weight = state[f"{conv}.weight"]
        vertical, horizontal = (same_padding(size, weight.shape[2], stride) for size in x.shape[2:])
        x = conv2d(pad(x, (*horizontal, *vertical)), weight, None, stride, 0, 1, groups)
        parts = (state[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return batch_norm(x, *parts, training=False, eps=1e-3)

    batch = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 75, 62)).astype(np.float32))
    x, number = relu6(step(batch, "_conv_stem", "_bn0", 2)), 0
    for repeat, _, stride, expansion, _, _ in STAGES:
        for turn in range(repeat):
            name, y = f"_blocks.{number}.", x
            if expansion > 1:
                y = relu6(step(y, name + "_expand_conv", name + "_bn0"))
            y = relu6(
                step(y, name + "_depthwise_conv", name + "_bn1", stride if turn == 0 else 1, y.shape[1])
            )
            y = step(y, name + "_project_conv", name + "_bn2")
            x = y + x if turn else y
            number += 1
    expected = relu6(step(x, "_conv_head", "_bn1")).mean((2, 3))
    ours = LiteNetwork(state, "cpu").pooled(batch)
    assert torch.allclose(ours, expected, atol=2e-4)


def test_weights_are_the_pinned_ones() -> None:
    record = get_record("efficientnet-lite0")
    assert digest_file(find(record).only) == next(iter(record.weights.values()))


def test_features_of_a_pattern_stay_what_they_were(extractor) -> None:
    features = extractor.embed([_pattern()])
    assert features.shape == (1, 1280) and features.dtype == np.float32
    assert features.mean() == pytest.approx(REGRESSION[0], abs=1e-4)
    assert np.linalg.norm(features) == pytest.approx(REGRESSION[1], abs=2e-3)
    assert np.sort(features[0])[-3:] == pytest.approx(REGRESSION[2], abs=1e-3)


def test_grey_and_repeated_rgb_are_equal_and_batches_do_not_matter(extractor) -> None:
    film = _pattern()
    others = [
        _pattern(120, 90),
        np.full((50, 50), 7, np.uint8),
        _pattern(300, 64),
        np.zeros((1, 1), np.uint8),
    ]
    alone = extractor.embed([film])
    together = extractor.embed([*others, film, np.repeat(film[:, :, None], 3, axis=2)])
    np.testing.assert_allclose(together[4], alone[0], atol=2e-5)
    np.testing.assert_allclose(together[5], alone[0], atol=2e-5)
    assert np.isfinite(together).all()


def test_sixteen_bits_are_stretched(extractor) -> None:
    film = np.tile(np.arange(256, dtype=np.uint8), (200, 1))
    twelve_bits = film.astype(np.uint16) * 16 + 100
    np.testing.assert_allclose(extractor.embed([twelve_bits]), extractor.embed([film]), atol=2e-4)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4,), np.uint8),
    ],
)
def test_other_pictures_are_refused(extractor, image) -> None:
    with pytest.raises(ImageError, match="not computed"):
        extractor.embed([image])


def test_damaged_weights_are_refused(state) -> None:
    missing = {key: value for key, value in state.items() if key != "_fc.bias"}
    with pytest.raises(WeightsError):
        LiteNetwork(missing, "cpu")
    with pytest.raises(WeightsError):
        LiteNetwork({**state, "extra.weight": torch.zeros(1)}, "cpu")
    with pytest.raises(WeightsError):
        LiteNetwork({**state, "_conv_head.weight": torch.zeros(1, 1, 1, 1)}, "cpu")


def test_the_digest_is_what_stored_features_were_kept_under() -> None:
    """Features, calibrations and the shipped pack are stored under these: a change makes them all worthless."""
    pooled, blocks = get_extractor(), get_extractor("efficientnet-lite0.blocks")
    assert (pooled.dimension, blocks.dimension) == (1280, 320)
    assert pooled.digest.startswith("6f5d5f28067ab0ce") and blocks.digest.startswith("eac7bd8d1f8ae681")
    assert FlippedExtractor(pooled).digest not in (pooled.digest, blocks.digest)
    assert pooled.digest == get_extractor("efficientnet-lite0").digest
    with pytest.raises(NotFoundError, match="efficientnet-lite0"):
        get_extractor("nothing")


def test_mirrored_features_are_those_of_the_mirrored_film(extractor) -> None:
    film = _pattern()
    mirrored = FlippedExtractor(extractor).embed([film])
    np.testing.assert_allclose(mirrored, extractor.embed([film[:, ::-1].copy()]), atol=1e-6)
