"""The canonical operations on tensors: equal to the oracle, differentiable to any order, however TensorFlow runs."""

import numpy as np
import pytest

from tconv.errors import ShapeError
from tconv.geometry import Problem, Spec, problem_from_coarse
from tests import oracle

tf = pytest.importorskip("tensorflow")
operations = pytest.importorskip("tconv.tensorflow.operations")


def draw(seed: int) -> tuple[Problem, np.ndarray, np.ndarray, np.ndarray]:
    """A problem of any kind, and small integers for its coarse array, kernel and fine array."""
    r = np.random.default_rng(seed)
    while True:
        rank, groups = int(r.integers(1, 4)), int(r.choice([1, 1, 2, 3]))
        kernel, stride, dilation = (tuple(map(int, r.integers(1, top, rank))) for top in (3 if rank == 3 else 5, 4, 4))
        crop = tuple(tuple(map(int, pair)) for pair in r.integers(-2, 4, (rank, 2)))
        coarse = tuple(map(int, r.integers(int(r.random() > 0.1), 4 if rank == 3 else 6, rank)))
        spec = Spec.of(kernel, stride=stride, dilation=dilation, crop=crop, groups=groups)
        try:
            problem = problem_from_coarse(spec, coarse)
        except ShapeError:
            continue
        shapes = (2, *coarse, 2 * groups), (*kernel, 2, 2 * groups), (2, *problem.fine, 2 * groups)
        return problem, *(r.integers(-4, 5, shape).astype(np.float32) for shape in shapes)


def truth(problem, x, w, y):
    """What the three contractions give, by the oracle."""
    setting = {"stride": problem.stride, "dilation": problem.dilation, "lo": problem.lo, "groups": problem.groups}
    return (oracle.conv_transpose(x, w, fine=problem.fine, **setting).astype(np.float32),
            oracle.conv(y, w, coarse=problem.coarse, **setting).astype(np.float32),
            oracle.kernel_gradient(y, x, kernel=problem.kernel, **setting).astype(np.float32))


def equals_the_truth(seed):
    problem, *arrays = draw(seed)
    fine, coarse, kernel = truth(problem, *arrays)
    x, w, y = map(tf.constant, arrays)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, w, y])
        up, down = operations.conv_transpose(x, w, problem), operations.conv(y, w, problem)
        up_by_y, down_by_x = tf.reduce_sum(up * arrays[2]), tf.reduce_sum(down * arrays[0])
    np.testing.assert_array_equal(up, fine, err_msg=str(problem))
    np.testing.assert_array_equal(down, coarse, err_msg=str(problem))
    for got, want in zip((*tape.gradient(up_by_y, [x, w]), *tape.gradient(down_by_x, [y, w])),
                         (coarse, kernel, fine, kernel), strict=True):
        np.testing.assert_array_equal(got, want, err_msg=str(problem))


@pytest.mark.parametrize("seed", range(100))
def test_values_and_gradients_equal_the_oracle(seed):
    equals_the_truth(seed)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(100, 2000))
def test_values_and_gradients_equal_the_oracle_on_a_long_grid(seed):
    equals_the_truth(seed)


KINDS = {
    "named": Spec.of((3, 3), stride=2, crop=((0, 1), (0, 1))),
    "cropped": Spec.of((4, 3), stride=2, crop=((2, -1), (1, 1))),
    "dilated": Spec.of((3, 2), dilation=(2, 3)),
    "dilated with strides": Spec.of((3, 2), stride=(2, 3), dilation=(3, 2), crop=((1, 0), (0, 2))),
    "grouped": Spec.of((3, 3), stride=2, groups=2),
}


@pytest.fixture(params=KINDS, ids=lambda name: name.replace(" ", "-"))
def case(request):
    r = np.random.default_rng(7)
    spec = KINDS[request.param]
    problem = problem_from_coarse(spec, (4, 3))
    shapes = (2, 4, 3, 4), (*problem.kernel, 4 // spec.groups, 4), (2, *problem.fine, 4)
    return problem, *(r.integers(-3, 4, shape).astype(np.float32) for shape in shapes)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_graphs_with_an_unknown_batch_and_xla_give_the_same_values_and_gradients(case, xla):
    problem, x, w, y = case
    signature = [tf.TensorSpec((None, *x.shape[1:])), tf.TensorSpec(w.shape), tf.TensorSpec((None, *y.shape[1:]))]

    @tf.function(input_signature=signature, jit_compile=xla)
    def step(x, w, y):
        up, down = operations.conv_transpose(x, w, problem), operations.conv(y, w, problem)
        return up, down, tf.gradients(tf.reduce_sum(up * y), w)[0], tf.gradients(tf.reduce_sum(down * x), w)[0]

    fine, coarse, kernel = truth(*case)
    for got, want in zip(step(x, w, y), (fine, coarse, kernel, kernel), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_graph_keeps_the_spatial_sizes_that_are_known(case):
    problem, x, w, _ = case
    graph = tf.function(lambda x: operations.conv_transpose(x, w, problem))
    concrete = graph.get_concrete_function(tf.TensorSpec((None, *x.shape[1:])))
    assert concrete.output_shapes.as_list() == [None, *problem.fine, 4]


def test_second_derivatives_are_exact(case):
    """The loss `sum(up ** 2) / 2` is quadratic in x: its Hessian times v is the layer, then its transpose, on v."""
    problem, x, w, _ = case
    v = tf.constant(np.random.default_rng(1).integers(-2, 3, x.shape).astype(np.float32))
    x, w = tf.constant(x), tf.constant(w)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(operations.conv_transpose(x, w, problem) ** 2) / 2
        product = tf.reduce_sum(inner.gradient(loss, x) * v)
    want = operations.conv(operations.conv_transpose(v, w, problem), w, problem)
    np.testing.assert_array_equal(outer.gradient(product, x), want)


def test_the_mixed_second_derivative_is_exact(case):
    """Along v in x, the kernel's gradient of a linear loss is the kernel gradient at v."""
    problem, x, w, y = case
    x, w = tf.constant(x), tf.constant(w)
    v = np.random.default_rng(2).integers(-2, 3, x.shape).astype(np.float32)
    with tf.GradientTape() as outer:
        outer.watch(w)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(operations.conv_transpose(x, w, problem) * y)
        product = tf.reduce_sum(inner.gradient(loss, x) * v)
    np.testing.assert_array_equal(outer.gradient(product, w), truth(problem, v, w.numpy(), y)[2])


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_other_dtypes_pass_through(case, dtype):
    problem, x, w, y = case
    fine, coarse, _ = truth(*case)
    x, w, y = (tf.cast(array, dtype) for array in (x, w, y))
    for got, want in ((operations.conv_transpose(x, w, problem), fine), (operations.conv(y, w, problem), coarse)):
        assert got.dtype == dtype
        np.testing.assert_array_equal(tf.cast(got, "float32"), want)


def test_a_saved_model_computes_the_same(case, tmp_path):
    problem, x, w, _ = case
    module = tf.Module()
    module.w = tf.Variable(w)
    module.up = tf.function(lambda x: operations.conv_transpose(x, module.w, problem),
                            input_signature=[tf.TensorSpec((None, *x.shape[1:]))])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(loaded.up(x), truth(*case)[0])


def test_an_array_of_another_size_is_refused(case):
    problem, x, w, _ = case
    with pytest.raises(ShapeError, match="the coarse array has shape"):
        operations.conv_transpose(tf.constant(x[:, 1:]), tf.constant(w), problem)
