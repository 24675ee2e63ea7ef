"""The layers that recipes are built of; importing this imports Keras."""

from ..keras import Conv2D, Conv2DTranspose, UpSampling2D

__all__ = ["Conv2D", "Conv2DTranspose", "UpSampling2D"]
