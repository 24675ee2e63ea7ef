"""Compilers keep the engine in their graphs; models that are exported hold PyTorch's own operations alone."""

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tconv.torch as tt  # noqa: E402
from tconv import engine  # noqa: E402
from tconv.geometry import Spec, problem_from_coarse  # noqa: E402
from tests.strategies import integers  # noqa: E402

OPERATORS = [getattr(torch.ops.tconv, name).default for name in ("conv_transpose", "conv", "kernel_gradient")]


def drawn(seed, *shape):
    return torch.tensor(integers(seed, shape, most=4), dtype=torch.float32)


def network():
    """An hourglass with every kind of padding."""
    torch.manual_seed(0)
    return nn.Sequential(
        tt.Conv2d(2, 4, 3, 2, "same"), nn.ReLU(True), tt.Conv2d(4, 4, 3, padding=((0, 1), (1, 2)), groups=2),
        tt.ConvTranspose2d(4, 3, 3, 2, "same"), tt.ConvTranspose2d(3, 2, 4, 2, 1, bias=False),
        tt.ConvTranspose2d(2, 1, 3, 1, ((-1, 1), (0, 2))),
    )


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()


@pytest.mark.parametrize(("backend", "memory"), [
    ("aot_eager", torch.contiguous_format),
    ("aot_eager", torch.channels_last),
    ("inductor", torch.channels_last),
    pytest.param("inductor", torch.contiguous_format, marks=pytest.mark.verify),
])
def test_a_full_graph_gives_the_same_values_and_gradients(backend, memory):
    net, x = network().to(memory_format=memory), drawn(0, 2, 2, 8, 8).contiguous(memory_format=memory).requires_grad_()
    try:
        got = torch.compile(net, fullgraph=True, backend=backend)(x)
        grads = torch.autograd.grad(got.square().sum(), [x, *net.parameters()])
    except torch._inductor.exc.InvalidCxxCompiler:
        pytest.skip("no C++ compiler for inductor")
    want = net(x)
    assert got.stride() == want.stride()
    assert torch.allclose(got, want, atol=1e-5)
    for here, there in zip(grads, torch.autograd.grad(want.square().sum(), [x, *net.parameters()])):
        assert torch.allclose(here, there, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not engine.available(), reason="without the compiled part")
def test_a_compiled_graph_holds_the_engines_operators():
    seen = []

    def backend(graph, inputs):
        seen.append(graph.code)
        return graph.forward

    torch.compile(tt.conv_transpose2d, fullgraph=True, backend=backend)(drawn(0, 1, 2, 4, 4), drawn(1, 2, 3, 3, 3))
    assert "torch.ops.tconv.conv_transpose" in seen[0]


def test_new_sizes_do_not_compile_anew_each_time():
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    w = drawn(1, 2, 2, 3, 3)
    compiled = torch.compile(lambda x: tt.conv2d(tt.conv_transpose2d(x, w, None, 2, 1, 1), w, None, 3, 2),
                             fullgraph=True, backend=counter)
    for size in range(4, 16):
        x = drawn(size, size, 2, size, size + 1)
        assert torch.equal(compiled(x), F.conv2d(F.conv_transpose2d(x, w, None, 2, 1, 1), w, None, 3, 2))
    assert counter.frame_count <= 3


def test_double_precision_compiles_too():
    net, x = network().double(), drawn(0, 2, 2, 8, 8).double()
    assert torch.allclose(torch.compile(net, fullgraph=True, backend="aot_eager")(x), net(x))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_operators_are_what_pytorch_expects_of_them(operator, dtype):
    p = problem_from_coarse(Spec.of(kernel=(3, 2), stride=(2, 1), crop=((0, 1), (-1, 2)), groups=2), (3, 4))
    shapes = (2, 4, *p.coarse), (2, 6, *p.fine), (4, 3, *p.kernel)
    x, y, w = (drawn(seed, *shape).to(dtype) for seed, shape in enumerate(shapes))
    arrays, size = {"conv_transpose": ((x, w, drawn(3, 6).to(dtype)), p.fine), "conv": ((y, w, None), p.coarse),
                    "kernel_gradient": ((y, x, None), p.kernel)}[operator._schema.name.removeprefix("tconv::")]
    for last in (False, True):
        first = arrays[0].contiguous(memory_format=torch.channels_last) if last else arrays[0]
        torch.library.opcheck(operator, (first, *arrays[1:], p.stride, p.dilation, p.lo, size, p.groups))


@pytest.mark.parametrize("strict", [False, True])
def test_exported_programs_hold_pytorchs_operations_alone(strict):
    net, x = network(), drawn(0, 2, 2, 8, 8)
    program = torch.export.export(net, (x,), strict=strict)
    assert not any("tconv" in str(node.target) for node in program.graph.nodes)
    assert torch.allclose(program.module()(x), net(x), atol=1e-5)


def test_exported_programs_keep_sizes_free():
    net = nn.Sequential(tt.Conv2d(2, 3, 3, 2, 1), tt.ConvTranspose2d(3, 2, 4, 2, 1))
    free = {0: torch.export.Dim("n"), 2: torch.export.Dim("h", min=4), 3: torch.export.Dim("w", min=4)}
    program = torch.export.export(net, (drawn(0, 2, 2, 8, 8),), dynamic_shapes=({**free},))
    x = drawn(1, 3, 2, 11, 6)
    assert torch.allclose(program.module()(x), net(x), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_traced_programs_hold_pytorchs_operations_alone():
    net, x = network(), drawn(0, 2, 2, 8, 8)
    traced = torch.jit.trace(net, (x,))
    assert "aten::_convolution" in str(traced.inlined_graph)
    assert "tconv" not in str(traced.code)
    assert torch.allclose(traced(x), net(x), atol=1e-5)


def test_fx_keeps_each_call_whole():
    net, x = network(), drawn(0, 2, 2, 8, 8)
    graph = torch.fx.symbolic_trace(net)
    assert sum(node.op == "call_function" for node in graph.graph.nodes) == 5
    assert torch.equal(graph(x), net(x))


@pytest.mark.filterwarnings("ignore")
def test_an_onnx_model_gives_the_same_in_onnx_runtime(tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    net, x = network().eval(), drawn(0, 2, 2, 8, 8)
    path = str(tmp_path / "network.onnx")
    torch.onnx.export(net, (x,), path, dynamo=True, verbose=False)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got, = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert torch.allclose(torch.from_numpy(got), net(x), atol=1e-5)
