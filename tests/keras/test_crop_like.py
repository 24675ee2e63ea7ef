"""A decoder's map cut to the size of its encoder's."""

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from tconv.keras import CropLike, layers

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize("sizes", [(5,), (5, 7), (3, 4, 5)])
def test_the_first_cells_of_each_axis_stay(sizes):
    whole = DRAW.random((2, *(size + 1 for size in sizes), 3)).astype("float32")
    like = np.zeros((2, *sizes, 8), "float32")
    kept = np.asarray(CropLike()([whole, like]))
    assert (kept == whole[(slice(None), *(slice(size) for size in sizes))]).all()


def test_sizes_may_be_open_and_the_channels_are_the_first_one_s():
    ends = keras.Input((None, None, 3)), keras.Input((None, 9, 8))
    cut = CropLike()(list(ends))
    assert cut.shape == (None, None, 9, 3)
    model = keras.Model(ends, cut)
    assert model.predict_on_batch([np.ones((1, 6, 10, 3)), np.ones((1, 5, 9, 8))]).shape == (1, 5, 9, 3)


def test_it_is_saved_and_loaded_like_any_layer(tmp_path):
    ends = keras.Input((None, None, 2)), keras.Input((None, None, 2))
    keras.Model(ends, layers.CropLike()(list(ends))).save(tmp_path / "cut.keras")
    loaded = keras.saving.load_model(tmp_path / "cut.keras")
    assert loaded.predict_on_batch([np.ones((1, 4, 4, 2)), np.ones((1, 3, 4, 2))]).shape == (1, 3, 4, 2)
