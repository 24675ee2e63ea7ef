"""Trained models that packages carry: every number beside one that was worked out by hand from the model's own paper,
code or file: sizes by the relation, multiply-adds as (pairs along an axis)^rank * channels in * channels out."""

import numpy as np
import pytest

from tconv.models import inspect, read
from tests.models import data

SQUARE = (2, 2)


def facts(layer):
    axes = layer.spec.axes
    return (layer.input, layer.output, layer.channels, (axes[0].kernel, axes[0].stride, axes[0].crop),
            layer.multiply_adds, layer.executed["columns"], layer.overlap[0])


def test_the_face_generator_is_right_to_the_last_number():
    """Along an axis a 4-tap kernel with stride 2 and crop 1 meets 4 n - 2 pairs: of n cells the outer two lose one."""
    found = read(data.face_generator(), shape=(1, 100, 1, 1))
    assert [layer.where for layer in found.layers] == ["main.0", "main.3", "main.6", "main.9", "main.12"]
    even = (4, 2, (1, 1))
    assert [facts(layer) for layer in found.layers] == [
        ((1, 1), (4, 4), (100, 512), (4, 1, (0, 0)), 16 * 100 * 512, 16 * 100 * 512, (4,)),
        ((4, 4), (8, 8), (512, 256), even, 14**2 * 512 * 256, 16**2 * 512 * 256, SQUARE),
        ((8, 8), (16, 16), (256, 128), even, 30**2 * 256 * 128, 32**2 * 256 * 128, SQUARE),
        ((16, 16), (32, 32), (128, 64), even, 62**2 * 128 * 64, 64**2 * 128 * 64, SQUARE),
        ((32, 32), (64, 64), (64, 3), even, 126**2 * 64 * 3, 128**2 * 64 * 3, SQUARE),
    ]
    assert sum(layer.multiply_adds for layer in found.layers) == 90_538_752
    assert [layer.executed["stuffed"] for layer in found.layers][-1] == 64**2 * 16 * 64 * 3  # what is often reported
    assert [layer.parameters for layer in found.layers] == [819_200, 2_097_152, 524_288, 131_072, 3_072]
    assert found.parameters == 3_574_784 + 4 * (512 + 256 + 128 + 64)  # kernels; two parameters, two statistics a norm
    assert [layer.activation for layer in found.layers] == ["relu"] * 4 + ["tanh"]
    assert [layer.norm.where for layer in found.layers[:-1]] == ["main.1", "main.4", "main.7", "main.10"]
    assert found.layers[-1].norm is None
    assert [layer.bytes for layer in found.layers][-1] == 4 * (32 * 32 * 64 + 64 * 64 * 3 + 3_072)


def test_the_face_generators_kernels_are_its_own():
    module = data.face_generator()
    for layer in read(module).layers:
        weight = module.get_parameter(layer.weight).detach().numpy()
        assert layer.weight == f"{layer.where}.weight"
        assert (layer.kernel == weight.transpose(2, 3, 1, 0)).all()


def test_the_face_generator_is_read_alike_from_a_module_a_program_and_a_file(tmp_path):
    torch = pytest.importorskip("torch")
    module = data.face_generator()
    program = torch.export.export(module, (torch.zeros(1, 100, 1, 1),))
    torch.export.save(program, tmp_path / "face.pt2")
    kinds = [read(module, shape=(1, 100, 1, 1)), read(program), read(tmp_path / "face.pt2")]
    for other in kinds[1:]:
        for a, b in zip(kinds[0].layers, other.layers, strict=True):
            assert (a.where, a.parts, *facts(a)) == (b.where, b.parts, *facts(b))
            assert (a.kernel == b.kernel).all()
            if a.norm is not None:
                assert (a.norm.scale == b.norm.scale).all()
                assert (a.norm.shift == b.norm.shift).all()


def test_the_face_generators_norms_are_what_the_module_computes():
    torch = pytest.importorskip("torch")
    module = data.face_generator()
    x = torch.randn(2, 512, 3, 3, generator=torch.Generator().manual_seed(0))
    norm = read(module).layers[0].norm
    want = module.main[1](x).detach().numpy()
    have = x.numpy() * norm.scale[:, None, None] + norm.shift[:, None, None]
    np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


def test_the_face_generator_prints_patterns_and_repair_is_named():
    found = inspect(data.face_generator(), shape=(1, 100, 1, 1))
    assert [layer.ripple > 0.3 for layer in found.layers] == [False, True, True, True, True]
    risks = [finding for finding in found.findings if finding.level == "risk"]
    assert {finding.kind for finding in risks} == {"gains"}
    assert all("tconv repair" in finding.cures[0].says for finding in risks)
    assert list(found.seen.values()) == [((5, 6), (5, 6))]


def test_the_text_detector_is_right_to_the_last_number():
    found = read(data.path("text detector"), shape=(1, 3, 736, 992))
    resizes = [(layer.input, layer.output, layer.channels, layer.scale) for layer in found.layers
               if layer.kind == "resize"]
    assert resizes == [
        ((23, 31), (46, 62), (96, 96), (2, 2)), ((46, 62), (92, 124), (96, 96), (2, 2)),
        ((92, 124), (184, 248), (96, 96), (2, 2)), ((23, 31), (184, 248), (24, 24), (8, 8)),
        ((46, 62), (184, 248), (24, 24), (4, 4)), ((92, 124), (184, 248), (24, 24), (2, 2))]
    first, last = (layer for layer in found.layers if layer.kind == "conv_transpose")
    assert facts(first) == ((184, 248), (368, 496), (24, 24), (2, 2, (0, 0)), 368 * 496 * 24 * 24, 368 * 496 * 24 * 24,
                            (1, 1))
    assert facts(last) == ((368, 496), (736, 992), (24, 1), (2, 2, (0, 0)), 736 * 992 * 24, 736 * 992 * 24, (1, 1))
    assert (first.parameters, last.parameters) == (24 * 24 * 4 + 24, 24 * 4 + 1)
    assert (first.norm.kind, first.activation, last.norm, last.activation) == ("batch", "relu", None, "sigmoid")
    assert first.bytes == 4 * (24 * (184 * 248 + 368 * 496) + 24 * 24 * 4)


def test_the_text_detector_without_sizes_says_what_is_known_and_which_to_give():
    found = inspect(data.path("text detector"))
    assert [layer.fact.scale for layer in found.layers] == [
        (2, 2), (2, 2), (2, 2), (8, 8), (4, 4), (2, 2), (2, 2), (2, 2)]
    assert [layer.fact.multiply_adds for layer in found.layers][-2:] == [None, None]
    assert found.notes == ("Sizes are open, so costs are not known; give them: --shape x=?x3x?x?",)


def test_the_vocoder_is_right_to_the_last_number():
    """k taps, stride k / 2, crop k / 4: n cells meet k n pairs, less k / 4 at both ends."""
    found = read(data.path("vocoder"), shape={"/dec/conv_pre/Conv_output_0": (1, 256, 100)})
    assert [(layer.where, *facts(layer)) for layer in found.upsampling] == [
        ("/dec/ups.0/ConvTranspose", (100,), (800,), (256, 128), (16, 8, (4, 4)), (16 * 100 - 8) * 256 * 128,
         16 * 100 * 256 * 128, (2,) * 8),
        ("/dec/ups.1/ConvTranspose", (800,), (6400,), (128, 64), (16, 8, (4, 4)), (16 * 800 - 8) * 128 * 64,
         16 * 800 * 128 * 64, (2,) * 8),
        ("/dec/ups.2/ConvTranspose", (6400,), (25600,), (64, 32), (8, 4, (2, 2)), (8 * 6400 - 4) * 64 * 32,
         8 * 6400 * 64 * 32, (2,) * 4),
    ]
    assert [layer.parameters for layer in found.upsampling] == [
        16 * 256 * 128 + 128, 16 * 128 * 64 + 64, 8 * 64 * 32 + 32]
    assert found.layer("/dec/conv_post/Conv").output == (25600,)


def test_the_vocoder_whose_length_depends_on_the_text_says_which_sizes_to_give():
    found = inspect(data.path("vocoder"), shape={"input": (1, 50), "input_lengths": (1,), "scales": (3,)})
    assert all(layer.fact.multiply_adds is None for layer in found.layers)
    assert "depend on the data" in found.notes[-1]
    assert "--shape" in found.notes[-1]


def test_the_upscalers_are_right_to_the_last_number():
    """The files say of each layer its channels, kernel, stride and padding; nothing else is taken from them."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")
    del torch
    data.path("upscaler")
    from examples import upscalers

    simple = read(upscalers.upscaler("upconv_7_photo"), shape=(1, 3, 64, 64))
    (last,) = simple.upsampling
    # Six 3-tap convolutions leave 52 of 64; with crop 3 every one of 100 cells meets two of four taps.
    assert facts(last) == ((52, 52), (100, 100), (256, 3), (4, 2, (3, 3)), 200**2 * 256 * 3, 208**2 * 256 * 3, SQUARE)
    assert last.parameters == 12_288 + 3
    assert [layer.parameters for layer in simple.layers[:6]] == [
        432 + 16, 4608 + 32, 18432 + 64, 73728 + 128, 147456 + 128, 294912 + 256]
    assert inspect(simple).seen["x"] == ((14, 14), (14, 14))
    double = read(upscalers.upscaler("cunet"), shape=(1, 3, 64, 64))
    disjoint = (2, 2, (0, 0))
    assert [facts(layer) for layer in double.upsampling] == [
        ((26, 26), (52, 52), (64, 64), disjoint, 52**2 * 64 * 64, 52**2 * 64 * 64, (1, 1)),
        ((50, 50), (96, 96), (64, 3), (4, 2, (3, 3)), 192**2 * 64 * 3, 200**2 * 64 * 3, SQUARE),
        ((17, 17), (34, 34), (128, 128), disjoint, 34**2 * 128**2, 34**2 * 128**2, (1, 1)),
        ((30, 30), (60, 60), (64, 64), disjoint, 60**2 * 64**2, 60**2 * 64**2, (1, 1)),
    ]
