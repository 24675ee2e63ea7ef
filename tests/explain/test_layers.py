"""`explain()` of layers and settings: the numbers that the layer itself gives, and a picture in a notebook."""

import numpy as np
import pytest

from tconv.errors import ShapeError, UnsupportedError
from tconv.explain import explain, numbered
from tconv.geometry import Axis, Spec, problem_from_coarse

from ..strategies import integers


def test_a_setting_explains_values_in_either_direction():
    spec = Spec.of(kernel=(2, 2), stride=2)
    up, down = spec.explain([[1, 2], [3, 4]]), spec.explain(numbered((4, 4)), transposed=False)
    assert up.result[..., 0].tolist() == [[1, 2, 2, 4], [3, 4, 6, 8], [3, 6, 4, 8], [9, 12, 12, 16]]
    assert down.result[..., 0].tolist() == [[1 + 4 + 15 + 24, 3 + 8 + 21 + 32], [9 + 2 + 12 + 20, 2 + 6 + 18 + 28]]


def test_a_setting_with_groups_makes_up_a_kernel_for_them():
    told = Spec.of(kernel=(2,), groups=2).explain(integers(0, (3, 4)))
    assert told.kernel.shape == (2, 1, 4)
    assert Spec.of(kernel=(2,), groups=2).explain(integers(0, (3, 4)), transposed=False).kernel.shape == (2, 2, 2)


def test_what_is_no_sample_of_the_setting_is_refused():
    with pytest.raises(ShapeError, match=r"x has shape \(2,\), but the setting has 2 axes"):
        Spec.of(kernel=(2, 2)).explain([1, 2])


@pytest.mark.parametrize("spec", [Spec.of(kernel=(3, 3), stride=2), Spec.of(kernel=(4,), stride=2, groups=3),
                                  Spec.of(kernel=(2, 2, 2))])
def test_a_notebook_draws_a_setting(spec):
    assert "<svg" in spec._repr_html_()


def test_a_notebook_says_a_setting_that_cannot_be_drawn_in_words():
    assert Spec((Axis(2, crop=(9, 9)),))._repr_html_().startswith("<code>Spec(")
    large = explain(np.ones((30, 30)), np.ones((3, 3)), problem=problem_from_coarse(Spec.of(kernel=(3, 3)), (30, 30)))
    assert "<svg" in large._repr_html_()


class TestTorch:
    @pytest.fixture(autouse=True)
    def _torch(self):
        self.torch = pytest.importorskip("torch", reason="pip install 'tconv[torch]'")
        import tconv.torch

        self.layers = tconv.torch

    @pytest.mark.parametrize(("name", "settings"), [
        ("ConvTranspose1d", {"kernel_size": 3, "stride": 2}),
        ("ConvTranspose2d", {"kernel_size": (3, 2), "stride": 2, "padding": 1, "output_padding": 1, "groups": 2}),
        ("ConvTranspose2d", {"kernel_size": 4, "stride": 2, "padding": "same", "bias": False}),
        ("ConvTranspose3d", {"kernel_size": 2}),
        ("Conv1d", {"kernel_size": 3, "stride": 2, "padding": "same"}),
        ("Conv2d", {"kernel_size": 3, "dilation": 2, "groups": 2}),
    ])
    def test_a_layer_explains_the_numbers_it_gives(self, name, settings):
        layer = getattr(self.layers, name)(4, 6, **settings)
        with self.torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_(self.torch.as_tensor(integers(parameter.numel(), parameter.shape)))
        rank = len(layer.kernel_size)
        x = integers(1, (4, *(6, 5, 4)[:rank]))
        wanted = layer(self.torch.as_tensor(x[None], dtype=self.torch.float32))[0].detach().numpy()
        for sample in (x, x[None], self.torch.as_tensor(x)):
            told = layer.explain(sample)
            assert np.moveaxis(told.result, -1, 0).tolist() == wanted.tolist()
        assert layer.explain().channels == (4, 6)
        assert "<svg" in layer._repr_html_()
        assert name in layer._repr_html_()

    def test_another_padding_than_zeros_is_named_with_the_cure(self):
        layer = self.layers.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
        with pytest.raises(UnsupportedError, match=r"padding_mode is 'circular'.*pad the sample yourself"):
            layer.explain()


class TestKeras:
    @pytest.fixture(autouse=True)
    def _keras(self):
        pytest.importorskip("keras", reason="pip install 'tconv[keras]'")
        from tconv.keras import layers

        self.layers = layers

    @pytest.mark.parametrize(("name", "settings"), [
        ("Conv1DTranspose", {"kernel_size": 3, "strides": 2, "padding": "same"}),
        ("Conv2DTranspose", {"kernel_size": (3, 2), "strides": 2, "output_padding": 1, "groups": 2}),
        ("Conv2DTranspose", {"kernel_size": 3, "padding": ((0, 1), 1), "use_bias": False}),
        ("Conv2DTranspose", {"kernel_size": 3, "strides": 2, "data_format": "channels_first"}),
        ("Conv1D", {"kernel_size": 3, "padding": "causal"}),
        ("Conv2D", {"kernel_size": 3, "strides": 2, "padding": "same", "groups": 2}),
    ])
    def test_a_layer_explains_the_numbers_it_gives(self, name, settings):
        layer = getattr(self.layers, name)(6, **settings, bias_initializer="ones")
        sizes = (6, 5)[:layer.rank]
        first = settings.get("data_format") == "channels_first"
        x = integers(1, (4, *sizes) if first else (*sizes, 4))
        layer.explain(x)
        layer.set_weights([integers(weight.size, weight.shape) for weight in layer.get_weights()])
        wanted = np.asarray(layer(x[None].astype("float32")))[0]
        for sample in (x, x[None]):
            told = layer.explain(sample)
            assert (np.moveaxis(told.result, -1, 0) if first else told.result).tolist() == wanted.tolist()
        assert layer.explain().channels == (4, 6)
        assert "<svg" in layer._repr_html_()

    def test_a_layer_without_a_kernel_asks_for_a_sample(self):
        with pytest.raises(ShapeError, match="has no kernel yet; give a sample"):
            self.layers.Conv2DTranspose(1, 3).explain()
