"""The worked examples that people learn this subject from, to the number; and what is true where one of them errs."""

import math
from itertools import product

import numpy as np
import pytest

import tconv
from tconv.geometry import (
    Axis,
    Extent,
    Spec,
    coarse_sizes,
    cost,
    fine_sizes,
    overlap,
    problem_from_coarse,
    problem_from_fine,
)
from tconv.methods import METHODS, convolution_matrix, gather, scatter
from tconv.methods.gather import stuffed

IMAGE = np.array([[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]])
KERNEL = np.array([[1, 4, 1], [1, 4, 3], [3, 3, 1]])
SMALL = np.array([[1, 2], [3, 4]])


def up(x, kernel, **setting):
    """A transposed convolution of one map under one kernel: two matrices in, one out."""
    x, kernel = np.asarray(x)[None, ..., None], np.asarray(kernel)[..., None, None]
    return tconv.conv_transpose(x, kernel, **setting)[0, ..., 0]


def down(x, kernel, **setting):
    """A convolution of one map under one kernel: two matrices in, one out."""
    x, kernel = np.asarray(x)[None, ..., None], np.asarray(kernel)[..., None, None]
    return tconv.conv(x, kernel, **setting)[0, ..., 0]


def stamps(x, kernel, stride=1):
    """What each input cell contributes by itself: one intermediate result for each."""
    for cell in np.ndindex(x.shape):
        alone = np.zeros_like(x)
        alone[cell] = x[cell]
        yield up(alone, kernel, stride=stride)


def test_row_1_a_convolution_sums_nine_products_for_each_value():
    assert down(IMAGE, KERNEL).tolist() == [[122, 148], [126, 134]]
    assert (IMAGE[:3, :3] * KERNEL).sum() == 122


def test_row_2_every_input_value_stamps_the_whole_kernel_and_overlaps_are_summed():
    x = np.array([[2, 1], [4, 4]])
    want = np.zeros((4, 4), int)
    for i, j in np.ndindex(2, 2):
        want[i:i + 3, j:j + 3] += x[i, j] * KERNEL
    assert up(x, KERNEL).tolist() == want.tolist()
    assert want.tolist() == [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]]


def test_row_2_the_shape_of_the_convs_input_comes_back_but_not_its_values():
    back = up(down(IMAGE, KERNEL), KERNEL)
    assert back.shape == IMAGE.shape
    assert not (back == IMAGE).any()


def test_row_3_a_convolution_is_a_matrix_with_padded_rows():
    matrix = convolution_matrix(KERNEL, problem_from_fine(Spec.of(kernel=(3, 3)), (4, 4)))
    assert matrix.tolist() == [
        [1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0, 0],
        [0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0],
        [0, 0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1],
    ]
    assert (matrix @ IMAGE.reshape(16, 1)).reshape(2, 2).tolist() == [[122, 148], [126, 134]]


def test_row_4_its_transpose_is_the_other_layer_one_input_to_nine_outputs():
    matrix = convolution_matrix(KERNEL, problem_from_fine(Spec.of(kernel=(3, 3)), (4, 4)))
    assert matrix.T.shape == (16, 4)
    assert (matrix.T != 0).sum(axis=0).tolist() == [9, 9, 9, 9]
    assert (matrix.T @ SMALL.reshape(4, 1)).reshape(4, 4).tolist() == up(SMALL, KERNEL).tolist()


def test_row_5_a_smaller_matrix():
    matrix = convolution_matrix(np.array([[1, 2], [2, 1]]), problem_from_fine(Spec.of(kernel=(2, 2)), (3, 3)))
    assert matrix.shape == (4, 9)
    assert matrix[0].tolist() == [1, 2, 0, 2, 1, 0, 0, 0, 0]
    vector = np.arange(9).reshape(9, 1)
    assert (matrix @ vector).ravel().tolist() == down(vector.reshape(3, 3), [[1, 2], [2, 1]]).ravel().tolist()
    assert (matrix.T @ SMALL.reshape(4, 1)).ravel().tolist() == up(SMALL, [[1, 2], [2, 1]]).ravel().tolist()


@pytest.mark.parametrize("way", [scatter, gather])
def test_row_6_distributing_and_collecting_give_the_same_complete_output(way):
    problem = problem_from_coarse(Spec.of(kernel=(3, 3)), (4, 4))
    got = way(np.ones((1, 4, 4, 1), int), np.ones((3, 3, 1, 1), int), problem)[0, ..., 0]
    edge = [1, 2, 3, 3, 2, 1]
    assert got.tolist() == np.outer(edge, edge).tolist()


def test_row_6_collecting_slides_the_kernel_turned_by_half_a_turn_which_is_no_matrix_transpose():
    ringed = np.pad(IMAGE, 2)
    assert down(ringed, np.rot90(KERNEL, 2)).tolist() == up(IMAGE, KERNEL).tolist()
    assert down(ringed, KERNEL.T).tolist() != up(IMAGE, KERNEL).tolist()


def test_row_7_padding_crops_the_complete_output():
    ones = np.ones((4, 4), int)
    assert up(ones, np.ones((3, 3), int), crop=2).tolist() == [[9, 9], [9, 9]]
    assert up(IMAGE, KERNEL, crop=2).tolist() == up(IMAGE, KERNEL)[2:-2, 2:-2].tolist()
    assert up(IMAGE, KERNEL, crop=2).tolist() == down(IMAGE, np.rot90(KERNEL, 2)).tolist()  # kernel - 1 - padding = 0


def test_row_8_a_stride_spreads_the_inputs_apart():
    line = [1, 1, 2, 1, 2, 1, 2, 1, 1]
    assert up(np.ones((4, 4), int), np.ones((3, 3), int), stride=2).tolist() == np.outer(line, line).tolist()
    spread = np.zeros((7, 7), int)
    spread[::2, ::2] = IMAGE
    assert up(IMAGE, KERNEL, stride=2).tolist() == up(spread, KERNEL).tolist()


def test_row_9_each_input_channel_has_a_kernel_of_its_own_and_they_are_summed():
    x, kernel = np.arange(32).reshape(1, 4, 4, 2), np.arange(54).reshape(3, 3, 3, 2)  # (kh, kw, out, in)
    got = tconv.conv_transpose(x, kernel)
    for out in range(3):
        want = up(x[0, ..., 0], kernel[..., out, 0]) + up(x[0, ..., 1], kernel[..., out, 1])
        assert got[0, ..., out].tolist() == want.tolist()


def test_row_9_pytorch_lays_kernels_out_in_out_kh_kw_for_the_transposed_layer_and_out_in_for_the_plain_one():
    torch = pytest.importorskip("torch")
    scattering, gathering = torch.nn.ConvTranspose2d(2, 3, 5, bias=False), torch.nn.Conv2d(2, 3, 5, bias=False)
    assert tuple(scattering.weight.shape) == (2, 3, 5, 5)
    assert tuple(gathering.weight.shape) == (3, 2, 5, 5)
    x, kernel = np.arange(72.0).reshape(1, 6, 6, 2), np.arange(150.0).reshape(5, 5, 3, 2)
    first = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    got = torch.nn.functional.conv_transpose2d(first, torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
    assert np.array_equal(np.moveaxis(got.numpy(), 1, -1), tconv.conv_transpose(x, kernel))
    kernel = np.arange(150.0).reshape(5, 5, 2, 3)
    got = torch.nn.functional.conv2d(first, torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
    assert np.array_equal(np.moveaxis(got.numpy(), 1, -1), tconv.conv(x, kernel))


def test_row_9_keras_lays_kernels_out_kh_kw_out_in_for_the_transposed_layer_and_kh_kw_in_out_for_the_plain_one():
    keras = pytest.importorskip("keras")
    x = np.arange(72.0, dtype=np.float32).reshape(1, 6, 6, 2)
    for kind, ours, shape in ((keras.layers.Conv2DTranspose, tconv.conv_transpose, (5, 5, 3, 2)),
                              (keras.layers.Conv2D, tconv.conv, (5, 5, 2, 3))):
        layer = kind(3, 5, use_bias=False)
        layer.build((None, 6, 6, 2))
        assert tuple(layer.kernel.shape) == shape
        kernel = np.arange(150.0, dtype=np.float32).reshape(shape)
        layer.kernel.assign(kernel)
        assert np.array_equal(keras.ops.convert_to_numpy(layer(x)), ours(x, kernel))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_row_10_the_formula(stride):
    want = np.zeros((3 * stride + 3, 3 * stride + 3), int)
    for i, j, a, b in product(range(4), range(4), range(3), range(3)):
        want[stride * i + a, stride * j + b] += IMAGE[i, j] * KERNEL[a, b]
    assert up(IMAGE, KERNEL, stride=stride).tolist() == want.tolist()
    gathered = [[sum(IMAGE[i + m, j + n] * KERNEL[m, n] for m in range(3) for n in range(3)) for j in range(2)]
                for i in range(2)]
    assert down(IMAGE, KERNEL).tolist() == gathered


def test_row_11_it_is_the_gradient_of_a_convolution_by_jax():
    jax = pytest.importorskip("jax")

    def weighted(image):
        kernel = KERNEL.astype(np.float32)[None, None]
        gathered = jax.lax.conv(image.reshape(1, 1, 4, 4), kernel, (1, 1), "VALID")
        return (gathered * SMALL).sum()

    assert np.array_equal(jax.grad(weighted)(IMAGE.astype(np.float32)), up(SMALL, KERNEL))


def test_row_11_it_is_the_gradient_of_a_convolution_by_pytorch():
    torch = pytest.importorskip("torch")
    image = torch.tensor(IMAGE[None, None].astype(float), requires_grad=True)
    gathered = torch.nn.functional.conv2d(image, torch.tensor(KERNEL[None, None].astype(float)))
    gathered.backward(torch.tensor(SMALL[None, None].astype(float)))
    assert np.array_equal(image.grad[0, 0], up(SMALL, KERNEL))


def test_row_12_it_is_not_the_inverse_though_a_fitted_kernel_comes_nearer():
    gathered = down(IMAGE, KERNEL).astype(float)
    taps = np.stack([up(gathered, tap.reshape(3, 3)).ravel() for tap in np.eye(9)], axis=1)
    fitted = np.linalg.lstsq(taps, IMAGE.ravel(), rcond=None)[0].reshape(3, 3)
    same, best = (np.abs(up(gathered, kernel) - IMAGE).max() for kernel in (KERNEL, fitted))
    assert 1 < best < same / 100


@pytest.mark.parametrize(("size", "kernel"), [((2, 2), (2, 2)), ((2, 3), (3, 2)), ((4, 4), (3, 3))])
def test_row_13_there_is_one_intermediate_result_for_each_input_cell(size, kernel):
    x, taps = np.arange(1, math.prod(size) + 1).reshape(size), np.arange(1, math.prod(kernel) + 1).reshape(kernel)
    parts = list(stamps(x, taps))
    assert len(parts) == x.size
    assert {part.shape for part in parts} == {(size[0] + kernel[0] - 1, size[1] + kernel[1] - 1)}
    assert sum(parts).tolist() == up(x, taps).tolist()


def test_row_14_stride_2_under_a_2x2_kernel_lays_the_stamps_side_by_side():
    parts = list(stamps(SMALL, SMALL, stride=2))
    assert {part.shape for part in parts} == {(4, 4)}
    assert sum(parts).tolist() == [[1, 2, 2, 4], [3, 4, 6, 8], [3, 6, 4, 8], [9, 12, 12, 16]]
    assert up(SMALL, SMALL, stride=2).tolist() == np.kron(SMALL, SMALL).tolist()


def test_row_15_a_convolution_of_6x6_with_padding_1_kernel_2_stride_2_gives_4x4():
    x = np.arange(36).reshape(6, 6)
    assert np.pad(x, 1).shape == (8, 8)
    got = down(x, np.ones((2, 2), int), stride=2, crop=1)
    assert got.shape == (4, 4)
    assert got.tolist() == np.pad(x, 1).reshape(4, 2, 4, 2).sum(axis=(1, 3)).tolist()


@pytest.mark.parametrize(("padding", "grid", "output"), [(0, 7, 6), (1, 5, 4)])
def test_rows_16_and_17_the_stuffed_grid_is_ringed_and_padding_takes_a_ring_away(padding, grid, output):
    x = np.arange(1, 10).reshape(3, 3)
    spread = np.zeros((5, 5), int)
    spread[::2, ::2] = x
    problem = problem_from_coarse(Spec.of(kernel=(2, 2), stride=2, crop=padding), (3, 3))
    ringed = stuffed(x[None, ..., None], problem)[0, ..., 0]
    assert ringed.tolist() == np.pad(spread, 1 - padding).tolist()
    assert ringed.shape == (grid, grid)
    got = up(x, SMALL, stride=2, crop=padding)
    assert got.shape == (output, output)
    assert got.tolist() == np.kron(x, SMALL)[padding:6 - padding, padding:6 - padding].tolist()


def test_row_21_a_single_tap_at_stride_2_spreads_the_input_and_has_2_parameters():
    spread = [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    assert up(SMALL, [[1]], stride=2, output_size=4, bias=[0]).tolist() == spread
    assert up(SMALL, [[1]], stride=2).tolist() == [[1, 0, 2], [0, 0, 0], [3, 0, 4]]
    assert up(SMALL, [[1]]).tolist() == SMALL.tolist()
    problem = problem_from_coarse(Spec.of(kernel=(1, 1), stride=2), (2, 2))
    assert cost(problem, Extent(1, 1, 1), bias=True).parameters == 2


def test_row_21_keras_makes_4x4_of_it():
    keras = pytest.importorskip("keras")
    layer = keras.layers.Conv2DTranspose(1, 1, strides=2, kernel_initializer="ones")
    got = keras.ops.convert_to_numpy(layer(SMALL.reshape(1, 2, 2, 1).astype(np.float32)))[0, ..., 0]
    assert layer.count_params() == 2
    assert np.array_equal(got, up(SMALL, [[1]], stride=2, output_size=4))


def test_row_21_pytorch_makes_3x3_of_it_unless_output_padding_is_1():
    torch = pytest.importorskip("torch")
    x, kernel = torch.tensor(SMALL[None, None].astype(float)), torch.ones(1, 1, 1, 1, dtype=torch.float64)
    for output_padding, size in ((0, 3), (1, 4)):
        got = torch.nn.functional.conv_transpose2d(x, kernel, stride=2, output_padding=output_padding)
        assert np.array_equal(got[0, 0], up(SMALL, [[1]], stride=2, output_size=size))


@pytest.mark.parametrize(("size", "same", "without"), [(5, 10, 11), (2, 4, 5)])
def test_row_22_same_at_stride_2_doubles_exactly(size, same, without):
    x = np.arange(1, size * size + 1).reshape(size, size)
    whole = up(x, KERNEL, stride=2)
    assert whole.shape == (without, without)
    got = up(x, KERNEL, stride=2, crop=((0, 1), (0, 1)))
    assert got.shape == (same, same)
    assert got.tolist() == whole[:same, :same].tolist()


def test_row_25_useful_multiply_adds_of_the_two_generators_and_the_overlap():
    transposed = problem_from_coarse(Spec.of(kernel=(3, 3), stride=2, crop=((0, 1), (0, 1))), (5, 5))
    resized = problem_from_fine(Spec.of(kernel=(3, 3), crop=1), (10, 10))
    assert transposed.fine == resized.coarse == (10, 10)
    assert cost(transposed, Extent(1, 128, 1)).multiply_adds == 25_088
    assert cost(resized, Extent(1, 1, 128)).multiply_adds == 100_352
    assert cost(transposed, Extent(1, 128, 1), bias=True).parameters == 1_153
    assert [a * b for a in overlap(Axis(3, 2)) for b in overlap(Axis(3, 2))] == [4, 2, 2, 1]


# What is often said, and what is true.


def test_a_2x2_kernel_makes_3x3_of_2x2_and_4x4_only_at_stride_2():
    kernel = [[0, 1], [1, 0]]
    assert up(SMALL, kernel).tolist() == [[0, 0 + 1, 2], [1, 2 + 3, 4], [3, 4, 0]] == [[0, 1, 2], [1, 5, 4], [3, 4, 0]]
    assert up(SMALL, kernel, stride=2).tolist() == [[0, 1, 0, 2], [1, 0, 2, 0], [0, 3, 0, 4], [3, 0, 4, 0]]


@pytest.mark.parametrize(("size", "grid", "output"), [(3, 5, 4), (5, 7, 6)])
def test_a_2x2_kernel_at_stride_1_reads_a_ringed_grid_one_larger_than_its_output(size, grid, output):
    problem = problem_from_coarse(Spec.of(kernel=(2, 2)), (size, size))
    x = np.arange(size * size).reshape(1, size, size, 1)
    assert stuffed(x, problem)[0, ..., 0].tolist() == np.pad(x[0, ..., 0], 1).tolist()
    assert stuffed(x, problem).shape == (1, grid, grid, 1)
    assert problem.fine == (output, output)


def test_padding_crops_a_transposed_convolution_and_never_expands_it():
    x = np.arange(1, 10).reshape(3, 3)
    assert up(x, SMALL, stride=2).shape == (6, 6)
    assert up(x, SMALL, stride=2, crop=1).tolist() == up(x, SMALL, stride=2)[1:-1, 1:-1].tolist()
    sizes = [Axis(5, 2, crop=crop).fine(6) for crop in range(5)]
    assert sizes == [15, 13, 11, 9, 7]


@pytest.mark.parametrize("n", range(1, 8))
def test_stride_2_enlarges_the_intermediate_results_by_n_minus_1(n):
    x = np.ones((n, n), int)
    plain, strided = (next(stamps(x, SMALL, stride)).shape for stride in (1, 2))
    assert strided == (plain[0] + n - 1, plain[1] + n - 1)


def test_the_code_of_the_autoencoder_holds_more_numbers_than_its_image():
    sizes = [28]
    for _ in range(3):
        sizes.append(Axis(3).coarse(sizes[-1]))
    assert sizes == [28, 26, 24, 22]
    assert sizes[-1] ** 2 * 8 == 3_872 > 28 * 28 == 784
    assert tconv.conv(np.ones((1, 28, 28, 32)), np.ones((3, 3, 32, 1)), crop=1).shape == (1, 28, 28, 1)


def test_a_size_of_2_3_doubles_the_rows_and_triples_the_columns():
    got = up(SMALL, np.ones((2, 3), int), stride=(2, 3))
    assert got.tolist() == [[1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4], [3, 3, 3, 4, 4, 4]]
    assert got.tolist() == np.repeat(np.repeat(SMALL, 2, axis=0), 3, axis=1).tolist()


def test_the_stuffed_grid_is_read_with_stride_1():
    spread = np.array([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]])
    assert down(spread, [[1]]).tolist() == up(SMALL, [[1]], stride=2, output_size=4).tolist()
    assert down(spread, [[1]], stride=2).tolist() == SMALL.tolist()  # a stride of 2 undoes the stuffing


def test_upsampling_128_maps_makes_128_maps():
    x = np.arange(5 * 5 * 128).reshape(1, 5, 5, 128)
    got = tconv.conv_transpose(x, np.ones((2, 2, 1, 128), int), stride=2, groups=128)
    assert got.shape == (1, 10, 10, 128)
    assert np.array_equal(got, x.repeat(2, axis=1).repeat(2, axis=2))


def test_no_kernel_restores_every_input_since_the_matrix_has_rank_4():
    matrix = convolution_matrix(KERNEL, problem_from_fine(Spec.of(kernel=(3, 3)), (4, 4)))
    assert np.linalg.matrix_rank(matrix) == 4 < 16
    unseen = np.linalg.svd(matrix)[2][-1].reshape(4, 4)  # a direction that the convolution maps to nothing
    assert np.abs(unseen).max() > 0.1
    assert np.allclose(down(IMAGE + unseen, KERNEL), down(IMAGE, KERNEL), rtol=0, atol=1e-10)


def test_with_a_stride_several_input_sizes_give_one_and_output_size_tells_them_apart():
    axis = Axis(kernel=3, stride=2)
    assert fine_sizes(axis, 2) == (5, 6)
    assert {size: down(np.ones((size, size)), np.ones((3, 3)), stride=2).shape for size in (5, 6)} == {
        5: (2, 2), 6: (2, 2)}
    assert coarse_sizes(axis, 5) == (2,)
    assert coarse_sizes(axis, 6) == ()
    assert up(SMALL, KERNEL, stride=2).shape == (5, 5)
    wider = up(SMALL, KERNEL, stride=2, output_size=6)
    assert wider.tolist() == np.pad(up(SMALL, KERNEL, stride=2), (0, 1)).tolist()


def test_an_ideal_discriminator_is_at_chance_when_the_generator_is_ideal():
    real = fake = np.array([0.1, 0.2, 0.3, 0.4])  # the generator's distribution has become that of the data
    guesses = np.linspace(0.01, 0.99, 99)
    reward = np.log(guesses)[:, None] * real + np.log1p(-guesses)[:, None] * fake
    assert np.allclose(guesses[reward.argmax(axis=0)], 0.5)


def test_fixed_kernels_upsample_without_training():
    assert up(SMALL, np.ones((2, 2), int), stride=2).tolist() == SMALL.repeat(2, axis=0).repeat(2, axis=1).tolist()
    ramp = up([[0], [4], [8], [12]], [[1], [3], [3], [1]], stride=(2, 1), crop=((1, 1), 0))
    assert ramp.ravel()[1:-1].tolist() == [4, 12, 20, 28, 36, 44]  # bilinear: 16 times 0.25, 0.75, 1.25, ...


def test_every_method_tells_the_same_examples():
    pytest.importorskip("scipy")
    for method in METHODS:
        assert up(SMALL, [[0, 1], [1, 0]], method=method).tolist() == [[0, 1, 2], [1, 5, 4], [3, 4, 0]]
        assert up(SMALL, KERNEL, stride=2, method=method).tolist() == up(SMALL, KERNEL, stride=2).tolist()
