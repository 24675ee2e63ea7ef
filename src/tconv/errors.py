"""What can go wrong, each as a sentence with a cure."""

__all__ = ["DataError", "MissingExtra", "RankError", "SettingError", "ShapeError", "SizeError", "TconvError",
           "UnsupportedError"]


class TconvError(ValueError):
    """Whatever a caller asked for that cannot be; the message says where, what came, and what would fit."""


class SettingError(TconvError):
    """A kernel, stride, dilation, crop or group count that no layer can have."""


class ShapeError(TconvError):
    """Arrays, or an output size, that do not fit the setting or one another."""


class SizeError(TconvError):
    """A problem that would need more memory than this machine has."""


class UnsupportedError(TconvError):
    """A setting that exists, but that this framework cannot express; the message names what does."""


class DataError(TconvError):
    """A file or folder that is not what it should be: missing, truncated, of another kind or shape."""


class RankError(TconvError):
    """Processes that were to work together and do not: one never came, is gone, or is about to do something else."""


class MissingExtra(ImportError):
    """An optional package that is not installed; the message gives the pip line."""

    def __init__(self, where: str, package: str, extra: str):
        super().__init__(
            f"{where}: needs the package {package!r}, which is not installed; pip install 'tconv[{extra}]'")
