"""The worked examples that people learn this subject from, as explanations: rows 1 to 17, to the number."""

import numpy as np
import pytest

from tconv.explain import render
from tconv.geometry import Spec

IMAGE = [[4, 5, 8, 7], [1, 8, 8, 8], [3, 6, 6, 4], [6, 5, 7, 8]]
KERNEL = [[1, 4, 1], [1, 4, 3], [3, 3, 1]]
ONES = np.ones((4, 4), int), np.ones((3, 3), int)
THREE, TWO = Spec.of(kernel=(3, 3)), Spec.of(kernel=(2, 2))


def down(spec, x, kernel):
    return spec.explain(x, kernel, transposed=False)


def test_row_1_a_value_of_a_convolution_is_a_sum_of_nine_products():
    told = down(THREE, IMAGE, KERNEL)
    assert told.result[..., 0].tolist() == [[122, 148], [126, 134]]
    cell = told.cell((0, 0))
    assert [term.product for term in cell.terms] == [4, 20, 8, 1, 32, 24, 9, 18, 6]
    assert not any(term.added for term in cell.terms)
    assert "4×1 + 5×4 + 8×1 + 1×1 + 8×4 + 8×3 + 3×3 + 6×3 + 6×1 = 122" in render(told, "cell", cell=(0, 0)).replace(
        "\n", " ")


def test_row_2_every_input_stamps_the_whole_kernel_and_the_shape_comes_back_without_the_values():
    told = THREE.explain([[2, 1], [4, 4]], KERNEL)
    assert told.result[..., 0].tolist() == [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]]
    assert [stamp.patch[..., 0].tolist() for stamp in told.distribute.steps] == [
        (np.array(KERNEL) * value).tolist() for value in (2, 1, 4, 4)]
    back = THREE.explain(down(THREE, IMAGE, KERNEL).result, KERNEL)
    assert back.result.shape == (4, 4, 1)
    assert not (back.result[..., 0] == IMAGE).any()


def test_rows_3_and_4_the_matrix_is_4_by_16_and_its_transpose_the_other_layer_s():
    one, other = down(THREE, IMAGE, KERNEL).matrix, THREE.explain([[2, 1], [4, 4]], KERNEL).matrix
    assert one.array.shape == (4, 16)
    assert one.array[0].tolist() == [1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0, 0]
    assert one.result.tolist() == [122, 148, 126, 134]
    assert other.array.tolist() == one.array.T.tolist()
    assert (other.taps >= 0).sum(axis=0).tolist() == [9, 9, 9, 9]


def test_row_5_a_smaller_matrix():
    told = down(TWO, np.arange(9).reshape(3, 3), [[1, 2], [2, 1]])
    assert told.matrix.array.shape == (4, 9)
    assert told.matrix.array[0].tolist() == [1, 2, 0, 2, 1, 0, 0, 0, 0]
    assert told.matrix.vector.tolist() == list(range(9))
    assert TWO.explain([[1, 1], [1, 1]], [[1, 2], [2, 1]]).matrix.array.shape == (9, 4)


def test_row_6_distributing_and_collecting_agree():
    told = THREE.explain(*ONES)
    ramp = [1, 2, 3, 3, 2, 1]
    assert told.distribute.after()[..., 0].tolist() == np.outer(ramp, ramp).tolist()
    view = told.collect
    assert view.grid.shape[:2] == (8, 8)
    assert view.real[2:6, 2:6].all()
    assert view.real.sum() == 16
    turned = THREE.explain(ONES[0], KERNEL).collect.kernel[..., 0, 0]
    assert turned.tolist() == [row[::-1] for row in KERNEL[::-1]]
    assert turned.tolist() != np.transpose(KERNEL).tolist()


def test_row_7_padding_crops_the_complete_output_and_is_none_at_all_for_the_collector():
    told = Spec.of(kernel=(3, 3), crop=2).explain(*ONES)
    assert told.result[..., 0].tolist() == [[9, 9], [9, 9]]
    assert told.distribute.canvas == (6, 6)
    assert told.distribute.kept == ((2, 2), (2, 2))
    assert told.collect.grid.shape[:2] == (4, 4)
    assert told.collect.real.all()


def test_row_8_a_stride_puts_empty_rows_between_the_inputs_and_makes_a_checkerboard():
    told = Spec.of(kernel=(3, 3), stride=2).explain(*ONES)
    row = [1, 1, 2, 1, 2, 1, 2, 1, 1]
    assert told.result[..., 0].tolist() == np.outer(row, row).tolist()
    assert told.collect.stride == (1, 1)
    inside = told.collect.real[2:9, 2:9]
    assert inside[::2, ::2].all()
    assert not inside[1::2].any()
    assert not inside[:, 1::2].any()
    assert told.overlap.counts.tolist() == told.result[..., 0].tolist()
    assert not told.overlap.even


def test_row_9_channels_are_summed_by_input_and_kept_apart_by_output():
    x, kernel = np.array([[1, 2], [3, 4]]), np.array([[[1, 10], [2, 20]], [[3, 30], [4, 40]]])  # (K, out, in)
    told = Spec.of(kernel=(2,), stride=2).explain(x, kernel)
    assert told.result.tolist() == [[21, 42], [63, 84], [43, 86], [129, 172]]
    cell = told.cell((1,), channel=1)
    assert [(term.channel, term.product) for term in cell.real] == [(0, 4), (1, 80)]


def test_row_10_the_formula_holds_cell_by_cell_in_both_directions():
    x, kernel = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])
    y = np.zeros((4, 4), int)
    for i, j, a, b in np.ndindex(2, 2, 2, 2):
        y[2 * i + a, 2 * j + b] += x[i, j] * kernel[a, b]
    assert Spec.of(kernel=(2, 2), stride=2).explain(x, kernel).result[..., 0].tolist() == y.tolist()
    image, taps = np.array(IMAGE), np.array(KERNEL)
    for i, j in np.ndindex(2, 2):
        assert down(THREE, IMAGE, KERNEL).cell((i, j)).value == (image[i:i + 3, j:j + 3] * taps).sum()


def test_row_11_it_is_the_gradient_of_a_convolution_by_its_input():
    told = down(THREE, IMAGE, KERNEL)
    upstream = np.array([[2, 1], [4, 4]])
    gradient = told.input_gradient(upstream)
    assert gradient.transposed
    for index in np.ndindex(4, 4):
        moved = np.array(IMAGE)
        moved[index] += 1
        change = down(THREE, moved, KERNEL).result[..., 0] - told.result[..., 0]
        assert gradient.result[(*index, 0)] == (change * upstream).sum()


def test_row_12_it_is_not_the_inverse():
    assert np.linalg.matrix_rank(down(THREE, IMAGE, KERNEL).matrix.array) == 4 < 16


@pytest.mark.parametrize(("kernel", "size"), [((3, 3), (2, 2)), ((2, 4), (3, 5))])
def test_row_13_with_stride_1_each_of_the_intermediate_results_is_n_plus_k_minus_1(kernel, size):
    view = Spec.of(kernel=kernel).explain(np.ones(size, int)).distribute
    assert len(view.steps) == size[0] * size[1]
    assert view.canvas == (size[0] + kernel[0] - 1, size[1] + kernel[1] - 1)


def test_row_14_a_stride_of_two_lays_four_stamps_on_4_by_4_without_overlap():
    view = Spec.of(kernel=(2, 2), stride=2).explain([[1, 2], [3, 4]], [[1, 1], [1, 1]]).distribute
    assert view.canvas == (4, 4)
    assert [stamp.pieces[0].place for stamp in view.steps] == [(0, 0), (0, 2), (2, 0), (2, 2)]
    places = [piece.place for stamp in view.steps for piece in stamp.pieces]
    assert len(places) == len(set(places)) == 16


def test_row_15_a_convolution_with_padding_sees_8_by_8_and_gives_4_by_4():
    told = down(Spec.of(kernel=(2, 2), stride=2, crop=1), np.ones((6, 6), int), np.ones((2, 2), int))
    assert told.result.shape == (4, 4, 1)
    assert told.collect.grid.shape[:2] == (8, 8)
    assert told.result[..., 0].tolist() == np.outer([1, 2, 2, 1], [1, 2, 2, 1]).tolist()


@pytest.mark.parametrize(("crop", "ringed", "fine"), [(0, 7, 6), (1, 5, 4)])
def test_rows_16_and_17_the_stuffed_grid_is_5_by_5_and_padding_takes_its_ring(crop, ringed, fine):
    told = Spec.of(kernel=(2, 2), stride=2, crop=crop).explain(np.ones((3, 3), int))
    assert told.collect.grid.shape[:2] == (ringed, ringed)
    rows = np.flatnonzero(told.collect.real.any(axis=1))
    assert rows[-1] - rows[0] + 1 == 5
    assert told.result.shape == (fine, fine, 1)


def test_the_published_4_by_4_is_the_result_of_neither_stride():
    x, kernel = [[1, 2], [3, 4]], [[0, 1], [1, 0]]
    assert TWO.explain(x, kernel).result[..., 0].tolist() == [[0, 1, 2], [1, 5, 4], [3, 4, 0]]
    assert Spec.of(kernel=(2, 2), stride=2).explain(x, kernel).result[..., 0].tolist() == [
        [0, 1, 0, 2], [1, 0, 2, 0], [0, 3, 0, 4], [3, 0, 4, 0]]
