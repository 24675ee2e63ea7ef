"""Resizing, by value against the articles' examples, its own laws, and every framework that has it."""

import itertools

import numpy as np
import pytest

from tconv.errors import SettingError, ShapeError, UnsupportedError
from tconv.resize import CONVENTIONS, INTERPOLATIONS, matrix, resize, stencil

ARTICLE = np.array([[1, 2], [3, 4]]).reshape(1, 2, 2, 1)
TOLERANCE = {"nearest": 0, "bilinear": 2e-6, "bicubic": 1e-5, "lanczos3": 1e-5, "lanczos5": 1e-5}


def whole_numbers(shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


def test_nearest_by_two_repeats_rows_and_columns():
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert resize(ARTICLE, factor=2)[0, :, :, 0].tolist() == expected


def test_a_factor_of_two_and_three_doubles_the_rows_and_triples_the_columns():
    expected = [[1, 1, 1, 2, 2, 2]] * 2 + [[3, 3, 3, 4, 4, 4]] * 2
    assert resize(ARTICLE, factor=(2, 3))[0, :, :, 0].tolist() == expected


def test_bilinear_by_two_gives_the_published_numbers():
    expected = [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]
    assert resize(ARTICLE, factor=2, interpolation="bilinear")[0, :, :, 0].tolist() == expected


def test_aligned_corners_keep_the_corners_and_space_the_rest_evenly():
    line = resize(np.array([[[0.0], [3.0]]]), size=4, interpolation="bilinear", convention="torch_corners")
    np.testing.assert_allclose(line.ravel(), [0, 1, 2, 3], atol=1e-12)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_weights_add_up_to_one(interpolation, convention):
    for coarse, fine in itertools.product((1, 2, 5), (1, 3, 8)):
        total = stencil(coarse, fine, interpolation, convention).weight.sum(-1)
        if not (interpolation.startswith("lanczos") and CONVENTIONS[convention].clamps):
            np.testing.assert_allclose(total, 1, atol=1e-12)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_resize_is_its_matrix_along_each_axis(interpolation):
    x = whole_numbers((2, 3, 4, 2)).astype(np.float64)
    rows, columns = matrix(3, 7, interpolation), matrix(4, 9, interpolation)
    expected = np.einsum("ab,cd,nbde->nace", rows, columns, x)
    np.testing.assert_allclose(resize(x, size=(7, 9), interpolation=interpolation), expected, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_every_rank_resizes_axis_by_axis(rank, interpolation):
    x = whole_numbers((1, *range(2, 2 + rank), 2)).astype(np.float64)
    step = x
    for axis in range(rank):
        step = resize(step, factor=[3 if i == axis else 1 for i in range(rank)], interpolation=interpolation)
    np.testing.assert_allclose(resize(x, factor=3, interpolation=interpolation), step, atol=1e-12)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_factor_of_one_changes_nothing(interpolation):
    x = whole_numbers((1, 4, 1))
    assert np.array_equal(resize(x, factor=1, interpolation=interpolation), x)


def test_nearest_keeps_whole_numbers_whole_and_others_become_floating():
    x = np.arange(3, dtype=np.uint8).reshape(1, 3, 1)
    assert resize(x, factor=2).dtype == np.uint8
    assert resize(x, factor=2, interpolation="bilinear").dtype == np.float64
    assert resize(x.astype(np.float16), factor=2, interpolation="bilinear").dtype == np.float16


SIZES = [((3, 5), (6, 10)), ((3, 5), (9, 5)), ((4, 7), (5, 17)), ((8, 9), (3, 4)), ((1, 6), (4, 1))]
ALIGNED = [("nearest", False), *itertools.product(("bilinear", "bicubic"), (False, True))]


@pytest.mark.parametrize(("interpolation", "corners"), [("nearest-exact", False), *ALIGNED])
def test_it_equals_pytorch_by_size(interpolation, corners):
    torch = pytest.importorskip("torch")
    exact = interpolation == "nearest-exact"
    convention = "keras" if exact else "torch_corners" if corners else "torch"
    for coarse, fine in SIZES:
        x = whole_numbers((2, *coarse, 3))
        options = {} if interpolation.startswith("nearest") else {"align_corners": corners}
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(x).permute(0, 3, 1, 2), size=fine, mode=interpolation, **options)
        theirs = theirs.permute(0, 2, 3, 1).numpy()
        kind = "nearest" if exact else interpolation
        np.testing.assert_allclose(resize(x, size=fine, interpolation=kind, convention=convention), theirs,
                                   atol=9 * TOLERANCE[kind], rtol=0)


@pytest.mark.parametrize("factor", [2, 3, 1.5, 2.7, 0.6])
@pytest.mark.parametrize(("interpolation", "corners"), ALIGNED)
def test_it_equals_pytorch_by_real_factor(factor, interpolation, corners):
    torch = pytest.importorskip("torch")
    x = whole_numbers((1, 5, 7, 2))
    options = {} if interpolation == "nearest" else {"align_corners": corners}
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(x).permute(0, 3, 1, 2), scale_factor=factor, mode=interpolation, **options)
    ours = resize(x, factor=factor, interpolation=interpolation, convention="torch_corners" if corners else "torch")
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1).numpy(), atol=9 * TOLERANCE[interpolation], rtol=0)


@pytest.mark.parametrize(("rank", "mode"), [(1, "linear"), (3, "trilinear")])
@pytest.mark.parametrize("corners", [False, True])
def test_bilinear_is_pytorchs_linear_and_trilinear(rank, mode, corners):
    torch = pytest.importorskip("torch")
    x = whole_numbers((2, *range(3, 3 + rank), 2))
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(np.moveaxis(x, -1, 1).copy()), scale_factor=2, mode=mode, align_corners=corners).numpy()
    ours = resize(x, factor=2, interpolation="bilinear", convention="torch_corners" if corners else "torch")
    np.testing.assert_allclose(np.moveaxis(ours, -1, 1), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("ours", "theirs"), [("bilinear", "linear"), ("bicubic", "cubic"), ("lanczos3", "lanczos3"),
                                              ("lanczos5", "lanczos5"), ("nearest", "nearest")])
def test_it_equals_jax(ours, theirs):
    jax = pytest.importorskip("jax")
    for coarse, fine in SIZES:
        x = whole_numbers((2, *coarse, 3))
        expected = jax.image.resize(x, (2, *fine, 3), theirs, antialias=False)
        np.testing.assert_allclose(resize(x, size=fine, interpolation=ours), expected, atol=9 * TOLERANCE[ours], rtol=0)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_it_equals_tensorflow(interpolation):
    tensorflow = pytest.importorskip("tensorflow")
    for coarse, fine in SIZES:
        x = whole_numbers((2, *coarse, 3))
        expected = tensorflow.image.resize(x, fine, interpolation).numpy()
        ours = resize(x, size=fine, interpolation=interpolation, convention="tensorflow")
        np.testing.assert_allclose(ours, expected, atol=9 * TOLERANCE[interpolation], rtol=0)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_it_equals_keras(interpolation):
    keras = pytest.importorskip("keras")
    convention = keras.backend.backend().replace("jax", "keras")
    x = whole_numbers((2, 3, 4, 2))
    layer = keras.layers.UpSampling2D((2, 3), interpolation=interpolation, data_format="channels_last")
    ours = resize(x, factor=(2, 3), interpolation=interpolation,
                  convention="keras" if interpolation == "nearest" else convention)
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(layer(x)), atol=9 * TOLERANCE[interpolation], rtol=0)
    theirs = keras.ops.image.resize(x, (5, 7), interpolation=interpolation, data_format="channels_last")
    if interpolation != "nearest":
        np.testing.assert_allclose(resize(x, size=(5, 7), interpolation=interpolation, convention=convention),
                                   keras.ops.convert_to_numpy(theirs), atol=9 * TOLERANCE[interpolation], rtol=0)


@pytest.mark.parametrize(("arguments", "error", "says"), [
    ({"factor": 0}, SettingError, "factor is 0, but has to be a number > 0"),
    ({"factor": True}, SettingError, "factor is True"),
    ({"factor": float("nan")}, SettingError, "factor is nan"),
    ({"factor": "2"}, SettingError, "factor is '2'"),
    ({"factor": (2, 2, 2)}, SettingError, "3 values for 2 axes"),
    ({"factor": 0.1}, SettingError, r"factor \(0.1, 0.1\) leaves \(0, 0\)"),
    ({"size": 0}, SettingError, "size is 0, but has to be a whole number >= 1"),
    ({}, SettingError, "give one of the two"),
    ({"factor": 2, "size": 4}, SettingError, "give one of the two"),
    ({"factor": 2, "interpolation": "cubic"}, SettingError, "interpolation is 'cubic'.*bicubic"),
    ({"factor": 2, "convention": "caffe"}, SettingError, "convention is 'caffe'"),
    ({"factor": 2, "convention": "torch_corners"}, UnsupportedError, "convention='torch'"),
])
def test_what_cannot_be_is_said_in_a_sentence(arguments, error, says):
    with pytest.raises(error, match=says):
        resize(ARTICLE, **arguments)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 0, 1)])
def test_an_array_without_samples_is_refused(shape):
    with pytest.raises(ShapeError, match="x has shape"):
        resize(np.zeros(shape), factor=2)
