"""Keras initialisers, by what the layers that hold them give."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tconv import conv_transpose, initialize  # noqa: E402
from tconv.errors import SettingError  # noqa: E402
from tconv.keras import initializers  # noqa: E402


def draw(initializer, shape):
    return np.asarray(keras.ops.convert_to_numpy(initializer(shape)))


@pytest.mark.parametrize("order", ["DCR", "CRD"])
def test_icnr_is_the_plain_one(order):
    kernel = draw(initializers.ICNR((2, 3), keras.initializers.RandomNormal(seed=1), order), (3, 3, 4, 12))
    small = draw(keras.initializers.RandomNormal(seed=1), (3, 3, 4, 2))
    assert np.array_equal(kernel, initialize.icnr(small, (2, 3), order=order))


def test_icnr_for_transposed_layers_is_the_plain_one():
    kernel = draw(initializers.ICNRTransposed((2, 1), keras.initializers.RandomNormal(seed=1)), (4, 3, 4, 2))
    small = draw(keras.initializers.RandomNormal(seed=1), (2, 3, 4, 2))
    assert np.array_equal(kernel, initialize.icnr_transposed(small, (2, 1)))


def test_bilinear_is_the_plain_one():
    assert np.array_equal(draw(initializers.Bilinear(), (4, 4, 3, 3)), initialize.bilinear((4, 4), 3))
    assert np.array_equal(draw(initializers.Bilinear(), (4, 1, 3)), initialize.bilinear((4,), 3, groups=3))


@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_the_variance_counts_the_taps_of_a_phase(distribution):
    initializer = initializers.PhaseVarianceScaling(2, scale=2, distribution=distribution, seed=3)
    x = np.random.default_rng(0).standard_normal((4, 20, 20, 128)).astype(np.float32)
    y = conv_transpose(x, draw(initializer, (4, 4, 32, 128)), stride=2, crop=3)
    assert y.var() == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("made", [
    initializers.ICNR((2, 3), "he_normal", "CRD"), initializers.ICNRTransposed(3, "he_normal"), initializers.Bilinear(),
    initializers.PhaseVarianceScaling((2, 1), 2.0, "fan_avg", "uniform", groups=2, seed=5)])
def test_a_config_makes_the_same_initializer_again(made):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize(("make", "says"), [
    (lambda: initializers.ICNR(0), "size is 0"),
    (lambda: initializers.ICNR(2, order="RGB"), "order is 'RGB'"),
    (lambda: initializers.ICNR(2)((3, 3, 1, 6)), "6 channels"),
    (lambda: initializers.ICNRTransposed(2)((3, 3, 1, 1)), r"kernel size of \(4, 4\)"),
    (lambda: initializers.Bilinear()((4, 4, 3, 4)), "as many filters as channels"),
    (lambda: initializers.PhaseVarianceScaling(groups=0), "groups is 0"),
    (lambda: initializers.PhaseVarianceScaling(mode="fan")((3, 1, 1)), "mode is 'fan'"),
])
def test_what_cannot_be_is_said_in_a_sentence(make, says):
    with pytest.raises(SettingError, match=says):
        make()
