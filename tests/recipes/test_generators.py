"""The articles' two generators: equal in size, a factor of four apart in work."""

import pytest

pytest.importorskip("keras")

from tconv.recipes import NETWORKS, transposed_generator, upsampling_generator, use_backend
from tconv.report import layer_facts

BACKEND = use_backend()


def summary(model):
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines)


@pytest.mark.parametrize("generator", [upsampling_generator, transposed_generator])
def test_a_generator_makes_10_by_10_images_with_324353_parameters(generator):
    model = generator(BACKEND)
    assert model.layers[0].count_params() == 323_200
    assert model.layers[-1].count_params() == 1_153
    assert model.output_shape == (None, 10, 10, 1)
    assert "Total params: 324,353" in summary(model)


def test_the_shapes_on_the_way_are_the_article_s():
    assert [layer.output.shape[1:] for layer in upsampling_generator(BACKEND).layers] == [
        (3200,), (5, 5, 128), (10, 10, 128), (10, 10, 1)]
    assert [layer.output.shape[1:] for layer in transposed_generator(BACKEND).layers] == [
        (3200,), (5, 5, 128), (10, 10, 1)]


def test_the_transposed_layer_needs_a_quarter_of_the_multiply_adds_and_overlaps_unevenly():
    resized = layer_facts(upsampling_generator(BACKEND), batch=1)[-1]
    transposed = layer_facts(transposed_generator(BACKEND), batch=1)[-1]
    assert (resized.multiply_adds, transposed.multiply_adds) == (100_352, 25_088)
    assert transposed.geometry.overlap == ((2, 1), (2, 1))
    assert transposed.geometry.crop == ((0, 1), (0, 1))


def test_the_table_holds_every_network_by_the_name_that_one_types():
    assert list(NETWORKS) == ["autoencoder", "generator-upsampling", "generator-transposed"]
    assert all(callable(builder) for builder in NETWORKS.values())
