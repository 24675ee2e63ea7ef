"""Trained layers in another framework, with their weights, and old checkpoints brought to what they meant.

>>> import numpy as np
>>> kernel(np.zeros((3, 3, 64, 128)), "keras Conv2DTranspose(64, 3, strides=2, padding='same')", "torch").shape
(128, 64, 4, 4)
"""

from .kernels import kernel
from .layers import layer
from .migration import Change, changes, migrated

__all__ = ["Change", "changes", "kernel", "layer", "migrated"]
